"""Where the studies of a batch come from and where their results go."""

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QGridLayout, QLineEdit, QPushButton

from ui.widgets.card import Card, styled_label

_ROOT, _OUTPUT = "Folder with the studies", "Folder for the results"


class BatchFolders(Card):
    """A card with the two folders: chosen in a dialog, pasted, or those of the last time.

    Signals
    -------
    chosen(Path, Path | None)
        Folder with the studies, folder for the results; ``None`` where none was chosen.
    """

    chosen = Signal(object, object)

    def __init__(self) -> None:
        super().__init__()
        self._root = _path_field(_ROOT)
        self._output = _path_field(_OUTPUT)
        self._shown = ("", "")
        self._wanted_output: Path | None = None
        self._last: tuple[Path, Path | None] | None = None
        self._untried: tuple[Path, Path | None] | None = None
        self._buttons = (QPushButton("Choose …"), QPushButton("Choose …"))
        self._buttons[0].clicked.connect(self.ask_root)
        self._buttons[1].clicked.connect(self._ask_output)
        self._root.editingFinished.connect(self._take_root)
        self._output.editingFinished.connect(self._take_output)
        self._again = QPushButton("As last time")
        self._again.clicked.connect(self._use_last)
        grid = QGridLayout()
        fields = (("Studies in", self._root), ("Results to", self._output))
        for row, (text, field) in enumerate(fields):
            self._buttons[row].setAccessibleName(f"Choose {field.accessibleName().lower()}")
            grid.addWidget(styled_label(text), row, 0)
            grid.addWidget(field, row, 1)
            grid.addWidget(self._buttons[row], row, 2)
        grid.addWidget(self._again, 0, 3)
        self.body.addLayout(grid)
        self._offer_last()

    @property
    def root(self) -> Path | None:
        """Folder with the studies, if one is shown."""
        return Path(self._shown[0]) if self._shown[0] else None

    @property
    def output(self) -> Path | None:
        """Folder for the results, if one is shown."""
        return Path(self._shown[1]) if self._shown[1] else None

    @property
    def last(self) -> tuple[str, str]:
        """What to `remember` until the next time; empty where there is nothing."""
        if self._last is None:
            return "", ""
        root, output = self._last
        return str(root), "" if output is None else str(output)

    def remember(self, root: str, output: str) -> None:
        """Offer the folders of the last time, or forget them where there is none.

        Parameters
        ----------
        output
            Empty where the user chose none.
        """
        self._last = (Path(root), Path(output) if output else None) if root else None
        self._untried = None
        self._offer_last()

    def show_folders(self, root: str, output: str) -> None:
        """Show both."""
        self._shown = (root, output)
        self._root.setText(root)
        self._output.setText(output)
        self._offer_last()

    def ask_root(self) -> None:
        """Ask for the folder with the studies."""
        start = str(self.root or self.last[0])
        folder = QFileDialog.getExistingDirectory(self, _ROOT, start)
        if folder:
            self.use_root(Path(folder))

    def use_root(self, root: Path) -> None:
        """Report a folder with studies."""
        self._untried = (root, self._wanted_output)
        self.chosen.emit(root, self._wanted_output)

    def keep(self) -> None:
        """Have those that were chosen for the next time: they are good, a mistyped one is not."""
        if self._untried is not None:
            self._last, self._untried = self._untried, None

    def report_again(self) -> None:
        """Report the folders that are shown, if both are."""
        if self.root is not None and self.output is not None:
            self.chosen.emit(self.root, self.output)

    def set_choosable(self, choosable: bool) -> None:
        """Let the user choose other folders, or not."""
        for button in (*self._buttons, self._again):
            button.setEnabled(choosable)
        for field in (self._root, self._output):
            field.setReadOnly(not choosable)

    def _ask_output(self) -> None:
        start = self._shown[1] or str(self._wanted_output or self.last[1])
        folder = QFileDialog.getExistingDirectory(self, _OUTPUT, start)
        if folder:
            self._use_output(Path(folder))

    def _use_output(self, output: Path) -> None:
        self._wanted_output = output
        self._shown = (self._shown[0], str(output))
        self._output.setText(str(output))
        if self.root is not None:
            self._untried = (self.root, output)
        self.report_again()

    def _use_last(self) -> None:
        if self._last is not None:
            root, self._wanted_output = self._last
            self.use_root(root)

    def _take_root(self) -> None:
        """Take a folder that was pasted."""
        path = _pasted(self._root, self._shown[0])
        if path is not None:
            self.use_root(path)

    def _take_output(self) -> None:
        path = _pasted(self._output, self._shown[1])
        if path is not None:
            self._use_output(path)

    def _offer_last(self) -> None:
        is_offered = self._last is not None and self.root is None
        self._again.setVisible(is_offered)
        if self._last is not None:
            root, output = self._last
            self._again.setToolTip("\n".join(map(str, (root, output) if output else (root,))))


def _pasted(field: QLineEdit, shown: str) -> Path | None:
    """Return the folder that was written into a field; what is none goes back to what was shown."""
    text = field.text().strip().strip('"')
    path = Path(text).expanduser()
    if field.isReadOnly() or not path.is_absolute():
        field.setText(shown)
        return None
    return path if str(path) != shown else None


def _path_field(name: str) -> QLineEdit:
    field = QLineEdit()
    field.setAccessibleName(name)
    field.setPlaceholderText(name)
    return field

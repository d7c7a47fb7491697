"""Where the studies of a batch come from and where their results go."""

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QGridLayout, QLineEdit, QPushButton, QWidget

from ui.widgets.card import Card, styled_label


class BatchFolders(Card):
    """A card with the two folders.

    Signals
    -------
    chosen(Path, Path | None)
        Folder with the studies, folder for the results; ``None`` where none was chosen.
    """

    chosen = Signal(object, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._root = _path_field("Folder with the studies")
        self._output = _path_field("Folder for the results")
        self._wanted_output: Path | None = None
        self._buttons = (QPushButton("Choose …"), QPushButton("Choose …"))
        self._buttons[0].clicked.connect(self.ask_root)
        self._buttons[1].clicked.connect(self._ask_output)
        grid = QGridLayout()
        fields = (("Studies in", self._root), ("Results to", self._output))
        for row, (text, field) in enumerate(fields):
            grid.addWidget(styled_label(text), row, 0)
            grid.addWidget(field, row, 1)
            grid.addWidget(self._buttons[row], row, 2)
        self.body.addLayout(grid)

    @property
    def root(self) -> Path | None:
        """Folder with the studies, if one is shown."""
        return Path(self._root.text()) if self._root.text() else None

    @property
    def output(self) -> Path | None:
        """Folder for the results, if one is shown."""
        return Path(self._output.text()) if self._output.text() else None

    def show_folders(self, root: str, output: str) -> None:
        """Show both."""
        self._root.setText(root)
        self._output.setText(output)

    def ask_root(self) -> None:
        """Ask for the folder with the studies."""
        folder = QFileDialog.getExistingDirectory(self, "Folder with the studies")
        if folder:
            self.use_root(Path(folder))

    def use_root(self, root: Path) -> None:
        """Report a folder with studies."""
        self.chosen.emit(root, self._wanted_output)

    def report_again(self) -> None:
        """Report the folders that are shown, if both are."""
        if self.root is not None and self.output is not None:
            self.chosen.emit(self.root, self.output)

    def set_choosable(self, choosable: bool) -> None:
        """Let the user choose other folders, or not."""
        for button in self._buttons:
            button.setEnabled(choosable)

    def _ask_output(self) -> None:
        folder = QFileDialog.getExistingDirectory(
            self, "Folder for the results", self._output.text()
        )
        if folder:
            self._wanted_output = Path(folder)
            self._output.setText(str(self._wanted_output))
            self.report_again()


def _path_field(name: str) -> QLineEdit:
    field = QLineEdit()
    field.setReadOnly(True)
    field.setAccessibleName(name)
    field.setPlaceholderText(name)
    return field

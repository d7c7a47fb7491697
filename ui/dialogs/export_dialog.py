"""Where results go and in which formats."""

from collections.abc import Sequence as Many
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ui.widgets.card import Card, styled_label


@dataclass(frozen=True, slots=True)
class FormatChoice:
    """A format the user can tick: its key, a title, and why it cannot be chosen (or empty)."""

    key: str
    title: str
    chosen: bool = True
    unavailable_because: str = ""


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """What the user chose."""

    folder: Path
    formats: tuple[str, ...]
    anonymise: bool


class ExportDialog(QDialog):
    """Asks for a folder, the formats, and whether names are left out."""

    def __init__(
        self, formats: Many[FormatChoice], folder: Path, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export results")
        self.setMinimumWidth(520)
        self._folder = QLineEdit(str(folder))
        self._folder.setAccessibleName("Folder for the results")
        browse = QPushButton("Browse …")
        browse.clicked.connect(self._browse)
        where = Card("Folder")
        row = QHBoxLayout()
        row.addWidget(self._folder, 1)
        row.addWidget(browse)
        where.body.addLayout(row)
        where.body.addWidget(styled_label("A sub-folder named after the study is made.", "muted"))
        what = Card("Files")
        self._boxes: dict[str, QCheckBox] = {}
        for one in formats:
            box = QCheckBox(one.title)
            box.setChecked(one.chosen and not one.unavailable_because)
            box.setEnabled(not one.unavailable_because)
            box.setToolTip(one.unavailable_because)
            box.toggled.connect(self._check)
            what.body.addWidget(box)
            if one.unavailable_because:
                what.body.addWidget(styled_label(one.unavailable_because, "muted", wrap=True))
            self._boxes[one.key] = box
        self._anonymise = QCheckBox("Leave out the patient's name, identifier and dates")
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        save = self._buttons.addButton("Export", QDialogButtonBox.ButtonRole.AcceptRole)
        save.setProperty("kind", "primary")
        save.setDefault(True)
        self._save = save
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        self._folder.textChanged.connect(self._check)
        layout = QVBoxLayout(self)
        for widget in (where, what, self._anonymise, self._buttons):
            layout.addWidget(widget)

    def choice(self) -> ExportChoice:
        """Return what is ticked now."""
        formats = tuple(key for key, box in self._boxes.items() if box.isChecked())
        return ExportChoice(Path(self._folder.text()), formats, self._anonymise.isChecked())

    def _browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(
            self, "Folder for the results", self._folder.text()
        )
        if folder:
            self._folder.setText(folder)

    def _check(self) -> None:
        complete = bool(self._folder.text().strip()) and bool(self.choice().formats)
        self._save.setEnabled(complete)

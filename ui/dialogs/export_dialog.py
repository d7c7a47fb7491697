"""Where results go and in which formats."""

from collections.abc import Sequence as Many
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtWidgets import (
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
from ui.widgets.export_ticks import ExportTicks, FormatChoice

_WITHOUT_LABELS = (
    "None of these files holds the labels you corrected. Tick NIfTI or DICOM SEG to keep them."
)
_NOTHING_TICKED = "Export waits for a tick at one of the files."
_SUB_FOLDER = "A sub-folder named after the study is made."
_WHOLE_PATH = "Give the whole path of a folder, or choose it with Browse."


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """What the user chose.

    Parameters
    ----------
    to_remember
        The formats to tick next time, see `ExportTicks`.
    """

    folder: Path
    formats: tuple[str, ...]
    anonymise: bool
    to_remember: tuple[str, ...]


class ExportDialog(QDialog):
    """Asks for a folder, the formats, and whether names are left out.

    Parameters
    ----------
    is_corrected
        Whether a person corrected the labels, which then have to be among the files.
    """

    def __init__(
        self,
        formats: Many[FormatChoice],
        folder: Path,
        parent: QWidget | None = None,
        *,
        anonymise: bool = False,
        is_corrected: bool = False,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export results")
        self.setMinimumWidth(520)
        self._folder = QLineEdit(str(folder.absolute()))
        self._folder.setAccessibleName("Folder for the results")
        browse = QPushButton("Browse …")
        browse.clicked.connect(self._browse)
        where = Card("Folder")
        row = QHBoxLayout()
        row.addWidget(self._folder, 1)
        row.addWidget(browse)
        where.body.addLayout(row)
        self._where = styled_label(_SUB_FOLDER, "muted")
        where.body.addWidget(self._where)
        self._ticks = ExportTicks(formats, anonymise=anonymise)
        self._is_corrected = is_corrected
        self._note = styled_label("", "notice", wrap=True)
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        save = self._buttons.addButton("Export", QDialogButtonBox.ButtonRole.AcceptRole)
        save.setProperty("kind", "primary")
        self._save = save
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        self._folder.textChanged.connect(self._check)
        self._ticks.changed.connect(self._check)
        layout = QVBoxLayout(self)
        for widget in (where, self._ticks, self._note, self._buttons):
            layout.addWidget(widget)
        save.setDefault(True)  # outside the dialog it would not be what Return presses
        self._check()

    def choice(self) -> ExportChoice:
        """Return what is ticked now."""
        ticks = self._ticks
        return ExportChoice(
            self._chosen_folder or Path(), ticks.formats, ticks.anonymise, ticks.to_remember
        )

    def _browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(
            self, "Folder for the results", self._folder.text()
        )
        if folder:
            self._folder.setText(folder)

    @property
    def _chosen_folder(self) -> Path | None:
        """The folder that was typed; ``None`` where nobody could say which one that is."""
        try:
            folder = Path(self._folder.text().strip()).expanduser()
        except RuntimeError:  # the home of somebody unknown
            return None
        return folder if folder.is_absolute() else None

    def _check(self) -> None:
        ticks, has_folder = self._ticks, self._chosen_folder is not None
        self._where.setText(_SUB_FOLDER if has_folder else _WHOLE_PATH)
        self._save.setEnabled(has_folder and bool(ticks.formats))
        note = _NOTHING_TICKED if not ticks.formats else ""
        if self._is_corrected and not ticks.holds_labels:
            note = _WITHOUT_LABELS
        self._note.setText(note)
        self._note.setVisible(bool(note))

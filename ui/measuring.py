"""Wires what measures in the window: rulers, lesions, and what is copied or saved of both."""

from pathlib import Path

from PySide6.QtCore import QBuffer
from PySide6.QtGui import QGuiApplication, QImage, QImageWriter
from PySide6.QtWidgets import QFileDialog

from desktop_app.domain.study import Sequence
from desktop_app.errors import OutputError
from desktop_app.io.atomic import atomic_path
from desktop_app.services.export.report import DISCLAIMER
from desktop_app.services.session import Session
from ui.main_window import MainWindow
from ui.presenters.copied_text import copied_text
from ui.presenters.diameter_presenter import DiameterPresenter, Measured
from ui.presenters.lesion_presenter import LesionPresenter
from ui.viewers.pictures import PictureTaker, View, picture_of
from ui.viewers.sequence_views import SequenceView
from ui.viewers.volume_view import VolumeView

_TOLD_MS = 4000
_NO_VIEW = "There is no picture to {}: open a study first."


class Measuring:
    """Connects the tools that measure with the window and its presenters."""

    def __init__(self, window: MainWindow, session: Session, diameters: DiameterPresenter) -> None:
        self._window = window
        self._page = window.study_page
        self._session = session
        self._diameters = diameters
        self._folder = ""
        views = self._page.views
        self._pictures = PictureTaker(
            (*views.slice_views.values(), *views.sequence_views.values(), views.volume_view),
            window,
        )
        self.lesions = LesionPresenter(self._page.regions, session)
        diameters.on_measured = self._show_measured
        self._page.regions.target_chosen.connect(self.lesions.choose)
        self._page.regions.copy_requested.connect(self.copy_findings)
        menus = window.menus
        menus.copy_findings.triggered.connect(self.copy_findings)
        menus.copy_picture.triggered.connect(self.copy_picture)
        menus.save_picture.triggered.connect(self.ask_picture)
        self._connect_rulers()

    def _connect_rulers(self) -> None:
        """One tool in hand at a time: a ruler puts the brush away, and the brush the ruler."""
        rulers, bar, menus = self._page.views.rulers, self._page.viewer_bar, self._window.menus
        bar.ruler.toggled.connect(rulers.set_active)
        menus.ruler.triggered.connect(rulers.set_active)
        menus.remove_rulers.triggered.connect(rulers.clear)
        menus.remove_rulers.setEnabled(False)
        rulers.changed.connect(lambda: menus.remove_rulers.setEnabled(bool(rulers.rulers)))
        for shown in (bar.ruler, menus.ruler):
            rulers.activated.connect(shown.setChecked)
        rulers.activated.connect(self._put_brush_away)
        for corrects in (self._page.tools_requested, menus.correct.triggered):
            corrects.connect(self._put_ruler_away)

    def _put_brush_away(self, is_measuring: bool) -> None:
        if is_measuring:
            self._page.tools_requested.emit(False)

    def _put_ruler_away(self, is_correcting: bool) -> None:
        if is_correcting:
            self._page.views.rulers.set_active(False)

    def _show_measured(self, measured: Measured | None) -> None:
        self.lesions.show(measured and measured.lesions)
        if measured is not None:
            lesions = (one.diameters for one in measured.lesions)
            pairs = [(one.long_ends, one.short_ends) for one in measured.diameters.values()]
            pairs += [(one.long_ends, one.short_ends) for one in lesions]
            self._page.views.set_diameters(pairs)

    def copy_findings(self) -> None:
        """Put volumes, diameters and the sum of the targets onto the clipboard."""
        result = self._session.result
        if result is None:
            self._tell("There is nothing to copy: no tumour is segmented yet.")
            return
        measured = self._diameters.measured
        text = copied_text(result, measured and measured.diameters, self.lesions.targets)
        QGuiApplication.clipboard().setText(text)
        self._tell("Volumes and diameters copied.")

    def copy_picture(self) -> None:
        """Put a picture of the view that had the focus last onto the clipboard."""
        view = self._view()
        if view is None:
            self._tell(_NO_VIEW.format("copy"))
            return
        QGuiApplication.clipboard().setImage(self._picture(view))
        self._tell(f"Picture copied: {view.accessibleName()}.")

    def ask_picture(self) -> None:
        """Ask where to save a picture of that view, and save it."""
        view = self._view()
        if view is None:
            self._tell(_NO_VIEW.format("save"))
            return
        picture = self._picture(view)  # as it is now, whatever happens meanwhile
        name = str(Path(self._folder) / _file_name(view, self._sequence_of(view)))
        chosen, _ = QFileDialog.getSaveFileName(
            self._window, "Save the picture", name, "PNG (*.png)"
        )
        if not chosen:
            return
        path = Path(chosen) if Path(chosen).suffix else Path(f"{chosen}.png")
        self._folder = str(path.parent)
        try:
            save_picture(picture, path)
        except OutputError as error:
            self._window.show_error(error)
        else:
            self._tell(f"Picture saved: {path.name}.")

    def _view(self) -> View | None:
        if not self._page.isVisible():
            return None
        return self._pictures.view(otherwise=self._page.views.first_view)

    def _picture(self, view: View) -> QImage:
        sequence = self._sequence_of(view)
        parts = (DISCLAIMER, "Gliascope", sequence.value if sequence else "")
        return picture_of(view, "  ·  ".join(part for part in parts if part))

    def _sequence_of(self, view: View) -> Sequence | None:
        """Return what a slice shows; ``None`` where that is no sequence, or no slice."""
        if isinstance(view, SequenceView):
            return view.sequence
        return None if isinstance(view, VolumeView) else self._page.viewer_bar.sequence

    def _tell(self, text: str) -> None:
        self._window.statusBar().showMessage(text, _TOLD_MS)


def save_picture(picture: QImage, path: Path) -> None:
    """Write a picture as PNG, which appears under its name once it is whole.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, b"png").write(picture)
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.data().data())


def _file_name(view: View, sequence: Sequence | None) -> str:
    """Return a name that tells the view and not the patient: ``axial-t1c.png``."""
    shown = "3d" if isinstance(view, VolumeView) else view.plane.title
    return "-".join([shown, *([sequence.value] if sequence else [])]).lower() + ".png"

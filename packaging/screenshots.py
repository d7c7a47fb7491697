"""Takes the pictures of the README from the real window on the sample study.

Run by ``python3 packaging/dev.py screenshots``. Every step is the user's: a button is clicked, the
window is grabbed from the screen as it stands. The longest pauses of the GUI thread while the study
is prepared, segmented and painted on are printed, and the seconds from Segment to the result.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from earlier_visit import write_earlier_visit
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QMessageBox

from desktop_app import composition
from desktop_app.domain.segmentation import Region
from model.synthetic import Sequence, write_sample_study
from ui.app import WindowApp
from ui.application import make_application
from ui.dialogs.compare_dialog import CompareDialog
from ui.dialogs.follow_up_dialog import FollowUpDialog
from ui.dialogs.preflight_dialog import PreflightDialog
from ui.theme import ThemeName
from ui.viewers.planes import Plane
from ui.viewers.visit_views import VisitOverlay

if TYPE_CHECKING:
    from PySide6.QtGui import QPixmap

_TIMEOUT_SECONDS = 180.0
_TICK_MS = 5
_WIDTH, _HEIGHT = 1440, 900


class _Pulse:
    """Measures how long the GUI thread goes without turning its event loop."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.longest_ms = 0.0
        self._timer = QTimer()
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def _beat(self) -> None:
        now = time.perf_counter()
        self.longest_ms = max(self.longest_ms, 1000 * (now - self._last) - _TICK_MS)
        self._last = now

    def skip(self) -> None:
        """Leave out what lies between the last beat and now: the taking of a picture."""
        self._last = time.perf_counter()


def main() -> int:
    """Take all pictures; returns 0, or 1 where the window did not get that far."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("docs/images"))
    output: Path = parser.parse_args().output
    output.mkdir(parents=True, exist_ok=True)
    application = make_application(["gliascope"])
    with (
        tempfile.TemporaryDirectory() as user_data,
        composition.build(user_data=Path(user_data)) as services,
    ):
        app = WindowApp(application, services)
        app.window.resize(_WIDTH, _HEIGHT)
        app.set_theme(ThemeName.LIGHT)
        app.start([])
        _settle(application)
        _save(application, app, output / "start.png")
        _study(application, app, output)
        _follow_up(application, app, output, Path(user_data))
        _batch(application, app, output, Path(user_data))
        app.window.has_unsaved = lambda: False
        app.window.close()
    return 0


def _study(application: QApplication, app: WindowApp, output: Path) -> None:
    page = app.window.study_page
    session = app.services.session
    app.window.sample_requested.emit()
    _wait(application, lambda: session.loaded is not None, "the sample study to open")
    pulse = _Pulse()
    _settle(application)
    _wait(application, lambda: not app.study.preflight.busy, "the images to be prepared")
    print(f"Longest pause of the window while preparing: {pulse.longest_ms:.0f} ms")
    _save_both(application, app, output / "before")
    _preflight(application, app, output)
    pulse = _Pulse()
    asked = time.perf_counter()
    page.segment_requested.emit()
    _wait(application, lambda: page.job_bar.fraction > 0.3 or session.result is not None, "work")
    _save(application, app, output / "during.png")
    pulse.skip()
    _wait(application, lambda: session.result is not None, "the segmentation")
    seconds = time.perf_counter() - asked
    print(f"From Segment to the result: {seconds:.1f} s, a picture of the window included")
    print(f"Longest pause of the window while segmenting: {pulse.longest_ms:.0f} ms")
    _settle(application, seconds=3.0)
    _save_both(application, app, output / "after")
    _sequences(application, app, output)
    _correct(application, app, output)


def _sequences(application: QApplication, app: WindowApp, output: Path) -> None:
    """Show all sequences in one plane, take the picture, show the three planes again."""
    app.set_theme(ThemeName.DARK)
    button = app.window.study_page.viewer_bar.four
    button.click()
    _settle(application)
    _save(application, app, output / "sequences.png")
    button.click()
    _settle(application)


def _correct(application: QApplication, app: WindowApp, output: Path) -> None:
    """Paint a stroke with the brush, take the picture with the brush in sight, undo."""
    app.set_theme(ThemeName.DARK)
    app.window.menus.correct.trigger()
    _settle(application)
    views = app.window.study_page.views
    axial = views.slice_views[Plane.AXIAL]
    centre = axial.position_of(views.cursor_lps_mm)
    if centre is None:
        sys.exit("There is no slice to paint on.")
    start = centre.toPoint() + QPoint(10, 30)
    pulse = _Pulse()
    QTest.mousePress(axial, Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, 30):
        QTest.mouseMove(axial, start + QPoint(step, step // 2))
        application.processEvents()
    QTest.mouseRelease(axial, Qt.MouseButton.LeftButton, pos=start + QPoint(29, 14))
    _settle(application)
    print(f"Longest pause of the window while painting: {pulse.longest_ms:.0f} ms")
    _save(application, app, output / "correct.png")
    app.window.menus.undo.trigger()
    _limits(application, app, output)
    app.window.menus.correct.trigger()


def _limits(application: QApplication, app: WindowApp, output: Path) -> None:
    """Draw the whole tumour wider by the network's certainty, take the picture, undo."""
    page = app.window.study_page
    page.correction_bar.limits.trigger()
    _settle(application)
    pulse = _Pulse()
    slider = page.limits_bar.sliders[Region.WT]
    slider.setSliderDown(True)
    for value in range(slider.value(), 91, 5):
        slider.setSliderPosition(value)
        _settle(application, seconds=0.1)
    slider.setSliderDown(False)
    _settle(application, seconds=2.0)
    print(f"Longest pause of the window while a limit is moved: {pulse.longest_ms:.0f} ms")
    _save(application, app, output / "limits.png")
    app.window.menus.undo.trigger()
    page.correction_bar.limits.trigger()


def _follow_up(application: QApplication, app: WindowApp, output: Path, folder: Path) -> None:
    """Compare with an earlier visit, which is segmented first, and take the map of change."""
    app.set_theme(ThemeName.DARK)
    app.comparing.presenter.look_in(write_earlier_visit(folder / "earlier-visit"))
    _wait(application, lambda: app.comparing.choice is not None, "the earlier study to be found")
    if app.comparing.choice is not None:
        app.comparing.choice.compare.click()
    _wait(application, lambda: app.comparing.shown is not None, "the comparison")
    if app.comparing.shown is not None:
        app.comparing.shown.overlays[VisitOverlay.CHANGE].click()
    _save_dialog(application, app, FollowUpDialog, output / "follow-up.png")


def _preflight(application: QApplication, app: WindowApp, output: Path) -> None:
    panel = app.window.study_page.sequences
    panel.checks_button.click()
    _save_dialog(application, app, PreflightDialog, output / "checks.png")
    panel.compare_button.click()
    _save_dialog(application, app, CompareDialog, output / "compare.png")


def _save_dialog(
    application: QApplication, app: WindowApp, kind: type[QDialog], path: Path
) -> None:
    _settle(application)
    dialog = app.window.findChild(kind)
    if dialog is None or not dialog.grab().save(str(path)):
        sys.exit(f"The picture could not be taken: {path}")
    print(path)
    dialog.close()
    _settle(application)


def _batch(application: QApplication, app: WindowApp, output: Path, folder: Path) -> None:
    root = folder / "studies"
    shutil.copytree(next(folder.glob("sample-study-*")) / "dicom", root / "patient-01")
    for number, seed in ((2, 8), (3, 9)):
        study = write_sample_study(folder / f"made-{seed}", seed, coarseness=2.0)
        shutil.move(study.dicom_folder, root / f"patient-{number:02}")
        alone = study.series_folders[Sequence.T2].name
    # The last patient keeps one series only: a study that cannot be segmented.
    for series in (root / "patient-03").iterdir():
        if series.name != alone:
            shutil.rmtree(series)
    app.window.batch_page.folders_chosen.emit(root, folder / "results")
    app.window.show_batch_page()
    _wait(application, lambda: not app.batch.running, "the studies to be listed")
    app.batch.start()
    _wait(application, lambda: not app.batch.running, "the batch")
    _settle(application)
    _save(application, app, output / "batch.png")


def _save_both(application: QApplication, app: WindowApp, stem: Path) -> None:
    for theme in (ThemeName.DARK, ThemeName.LIGHT):
        app.set_theme(theme)
        _settle(application)
        _save(application, app, stem.with_name(f"{stem.name}-{theme.value}.png"))


def _save(application: QApplication, app: WindowApp, path: Path) -> None:
    application.processEvents()
    window = app.window
    on_screen = application.platformName() == "xcb"
    picture: QPixmap = window.screen().grabWindow(window.winId()) if on_screen else window.grab()
    if not picture.save(str(path)):
        sys.exit(f"The picture could not be written: {path}")
    print(path)


def _settle(application: QApplication, seconds: float = 0.7) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        application.processEvents()
        time.sleep(0.005)


def _wait(application: QApplication, condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + _TIMEOUT_SECONDS
    while not condition():
        application.processEvents()
        time.sleep(0.002)
        box = application.activeModalWidget()
        if isinstance(box, QMessageBox):
            sys.exit(f"While waiting for {what}: {box.text()} {box.informativeText()}")
        if time.monotonic() > end:
            sys.exit(f"Waited {_TIMEOUT_SECONDS:.0f} s for {what} in vain.")


if __name__ == "__main__":
    sys.exit(main())

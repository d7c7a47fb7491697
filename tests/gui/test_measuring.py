"""Ruler, lesions, and what is copied and saved, in the window with its presenters."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QFileDialog,
    QLabel,
    QMessageBox,
    QPushButton,
    QScrollArea,
    QToolButton,
)
from pytestqt.qtbot import QtBot

from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.errors import OutputError
from desktop_app.jobs.runner import JobRunner
from desktop_app.paths import assets_dir
from desktop_app.services.session import Session
from tests.lesion_cases import LESIONS
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_study
from tests.viewer_cases import drag
from ui import measuring
from ui.icons import Icons
from ui.main_window import MainWindow
from ui.measuring import Measuring, save_picture
from ui.presenters.diameter_presenter import DiameterPresenter, Measured
from ui.presenters.rows import findings_of, header_of
from ui.theme import LIGHT, apply_theme
from ui.viewers.pictures import picture_of
from ui.viewers.planes import Plane
from ui.views.diameter_view import DiameterRow
from ui.views.lesion_view import LesionListing, LesionRow
from ui.widgets.lesion_table import LesionTable
from ui.widgets.place_link import PlaceLink

NAME = "Secret^Patient.nii.gz"


class Scene:
    """The window with a result; jobs are measured by hand."""

    def __init__(self, qtbot: QtBot, runner: JobRunner) -> None:
        self.window = MainWindow(Icons(assets_dir() / "icons"))
        qtbot.addWidget(self.window)
        self.session = Session()
        self.diameters = DiameterPresenter(self.window, self.session, runner, lambda call: None)
        self.measuring = Measuring(self.window, self.session, self.diameters)
        self.page = self.window.study_page
        self.views = self.page.views
        self.session.open_study(make_study())
        self.window.show_study(header_of(make_study()), ())
        image = Volume(np.full(GEOMETRY.shape_kji, 7, np.float32), GEOMETRY, source=NAME)
        self.window.show_image(image, reference=image)
        self.page.viewer_bar.show_sequences(tuple(Sequence), Sequence.T1C)
        self.window.show()
        qtbot.waitExposed(self.window)

    def accept(self) -> None:
        """Take in a result with the lesions of the cases."""
        labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
        labels[1:3, 1:4, 1:4] = 3
        result = make_result(make_study(), labels)
        self.session.accept_result(result, self.session.generation)
        self.window.show_findings(findings_of(result))
        self.diameters.measured = Measured({}, LESIONS)
        self.diameters.on_measured(self.diameters.measured)

    @property
    def copied(self) -> str:
        return QGuiApplication.clipboard().text()

    def room_px(self) -> int:
        """Return how wide the column is beside its scroll bar."""
        regions = self.page.regions
        (area,) = (one for one in self.page.findChildren(QScrollArea) if one.isAncestorOf(regions))
        return area.width() - area.verticalScrollBar().sizeHint().width()

    def lesion_ticks(self) -> list[QCheckBox]:
        boxes = self.page.regions.findChildren(QCheckBox)
        return [one for one in boxes if one.accessibleName().startswith("Lesion")]


@pytest.fixture
def scene(qtbot: QtBot) -> Iterator[Scene]:
    runner = JobRunner()
    QGuiApplication.clipboard().clear()
    yield Scene(qtbot, runner)
    runner.close()


def fold_out(scene: Scene, count: int = 5) -> None:
    (fold,) = [
        one
        for one in scene.page.regions.findChildren(QToolButton)
        if one.text().startswith("Enhancing lesions")
    ]
    assert fold.text() == f"Enhancing lesions: {count}"
    fold.click()


def test_lesions_are_folded_away_and_out(scene: Scene) -> None:
    scene.accept()
    assert not any(one.isVisible() for one in scene.lesion_ticks())
    fold_out(scene)
    assert [one.isVisible() for one in scene.lesion_ticks()] == [True] * 5
    assert [one.isEnabled() for one in scene.lesion_ticks()] == [True, True, False, True, True]


def test_the_widest_volumes_fit_into_the_column(scene: Scene) -> None:
    scene.accept()
    findings = findings_of(make_result(make_study(), np.ones(GEOMETRY.shape_kji, np.uint8)))
    rows = tuple(
        replace(row, volume_cm3=188.88, range_text="100–288", range_title="90 % range")
        for row in findings.rows
    )
    regions = scene.page.regions
    regions.show_findings(replace(findings, rows=rows))
    assert scene.room_px() >= regions.minimumSizeHint().width()


def test_the_widest_lesions_fit_into_the_column(scene: Scene) -> None:
    note, place = "Product 4563 mm².", (0.0, 0.0, 0.0)
    text = "117.5 × 39.5 mm, sagittal slice 512"
    rows = tuple(
        LesionRow(number, "128.51", text, "too small", note, place, False, True)
        for number in range(1, 11)
    )
    regions = scene.page.regions
    scene.accept()
    regions.show_diameters((DiameterRow(text * 3, note, ((place,) * 2,) * 2, place),))
    regions.show_lesions(LesionListing(rows, "Sum of products of 1 target lesion: 1816 mm²."))
    fold_out(scene, len(rows))
    assert scene.room_px() >= regions.minimumSizeHint().width()
    links = [one for one in regions.findChildren(PlaceLink) if one.isVisibleTo(regions)]
    assert len(links) == 11
    for link in links:
        assert link.text() in link.toolTip()
        assert link.shown_text.startswith("117.5 × 39.5 mm")


def test_what_is_out_of_date_is_not_in_full_ink(scene: Scene, qapp: QApplication) -> None:
    apply_theme(qapp, LIGHT, assets_dir() / "styles" / "gliascope.qss")
    scene.accept()
    fold_out(scene)
    table = scene.page.regions.findChild(LesionTable)
    labels = table.findChildren(QLabel)
    before = [one.palette().windowText().color().name() for one in labels]
    scene.page.regions.show_lesions(None)
    after = [one.palette().windowText().color().name() for one in labels]
    assert set(before) == {LIGHT.text, LIGHT.muted}
    assert set(after) == {LIGHT.muted}
    assert "measuring" in table.findChild(QToolButton).text()


def test_ticks_add_up(scene: Scene) -> None:
    scene.accept()
    fold_out(scene)
    ticks = scene.lesion_ticks()
    for index in (0, 1):
        ticks[index].click()
    assert [one.isChecked() for one in ticks] == [True, True, False, False, False]
    labels = [one.text() for one in scene.page.regions.findChildren(QLabel)]
    assert any("975 mm²" in text for text in labels)
    ticks[3].click()
    assert not ticks[4].isEnabled()


def test_a_click_on_a_lesion_leads_there(scene: Scene) -> None:
    scene.accept()
    fold_out(scene)
    (link,) = [
        one for one in scene.page.regions.findChildren(QPushButton) if "25 × 15" in one.text()
    ]
    link.click()
    assert scene.views.cursor_lps_mm == pytest.approx(LESIONS[1].diameters.middle)


def test_lesions_are_greyed_while_they_are_measured_anew(scene: Scene) -> None:
    scene.accept()
    fold_out(scene)
    scene.diameters.on_measured(None)
    assert not any(one.isEnabled() for one in scene.lesion_ticks())
    scene.diameters.on_measured(Measured({}, ()))
    assert not any(one.isVisible() for one in scene.lesion_ticks())


def test_copy_puts_the_table_on_the_clipboard(scene: Scene) -> None:
    scene.accept()
    scene.measuring.lesions.choose(1, True)
    (button,) = [
        one for one in scene.page.regions.findChildren(QToolButton) if one.text() == "Copy"
    ]
    button.click()
    assert scene.copied.splitlines()[0].split("\t")[:2] == ["Region", "Volume (cm³)"]
    assert "600 mm²" in scene.copied
    assert scene.copied.endswith("For research use. Not a medical device.\n")


def test_the_usual_key_copies_on_the_card_alone(scene: Scene) -> None:
    scene.accept()
    scene.window.activateWindow()
    scene.views.slice_views[Plane.AXIAL].setFocus()
    QTest.keyClick(
        scene.views.slice_views[Plane.AXIAL], Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier
    )
    assert scene.copied == ""
    scene.page.regions.setFocus()
    QTest.keyClick(scene.page.regions, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert "Enhancing tumour (ET)" in scene.copied


def test_without_a_result_nothing_is_copied(scene: Scene) -> None:
    scene.window.menus.copy_findings.trigger()
    assert scene.copied == ""
    assert "nothing to copy" in scene.window.statusBar().currentMessage()


def test_without_a_view_it_is_said_what_there_is_no_picture_for(scene: Scene) -> None:
    scene.page.hide()
    menus = scene.window.menus
    for action, verb in ((menus.copy_picture, "copy"), (menus.save_picture, "save")):
        action.trigger()
        told = scene.window.statusBar().currentMessage()
        assert told == f"There is no picture to {verb}: open a study first."


def test_a_picture_of_the_view_that_had_the_focus_last(scene: Scene) -> None:
    coronal = scene.views.slice_views[Plane.CORONAL]
    coronal.setFocus()
    scene.page.regions.setFocus()
    scene.window.menus.copy_picture.trigger()
    picture = QGuiApplication.clipboard().image()
    ratio = coronal.devicePixelRatioF()
    assert picture.width() == round(coronal.width() * ratio)
    assert picture.height() > coronal.height() * ratio
    assert "Coronal" in scene.window.statusBar().currentMessage()


def test_the_research_use_line_is_burnt_in_however_small_the_view(scene: Scene) -> None:
    axial = scene.views.slice_views[Plane.AXIAL]
    for width in (600, 130):
        axial.resize(width, 300)
        shown, picture = (
            axial.picture(),
            picture_of(axial, "For research use. Not a medical device."),
        )
        assert picture.size() - shown.size() == QSize(0, picture.height() - shown.height())
        line = picture.copy(0, shown.height(), picture.width(), picture.height() - shown.height())
        written = [x for x in range(line.width()) if _bright(line, x)]
        assert min(written) < 20
        assert max(written) < line.width() - 4
        assert len(written) > 60


def _bright(line: QImage, x: int) -> bool:
    return any(line.pixelColor(x, y).lightness() > 90 for y in range(line.height()))


def test_no_name_of_a_file_is_in_the_picture(scene: Scene) -> None:
    """The caption may hold the patient's name; a picture with another one is the same."""
    axial = scene.views.slice_views[Plane.AXIAL]
    named = axial.picture()
    axial._caption = ""
    assert axial.picture() == named
    before = axial.grab().toImage()
    axial._caption = NAME
    assert axial.grab().toImage() != before


def test_the_surfaces_have_a_picture_too(scene: Scene) -> None:
    scene.views.volume_view.setFocus()
    scene.window.menus.copy_picture.trigger()
    assert not QGuiApplication.clipboard().image().isNull()
    assert "3D" in scene.window.statusBar().currentMessage()


def test_a_picture_is_saved_under_a_name_without_the_patient(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered = []

    def ask(_parent: object, _title: str, name: str, _filter: str) -> tuple[str, str]:
        offered.append(name)
        return str(tmp_path / "shown"), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
    scene.views.slice_views[Plane.AXIAL].setFocus()
    scene.window.menus.save_picture.trigger()
    assert offered == ["axial-t1c.png"]
    assert [one.name for one in tmp_path.iterdir()] == ["shown.png"]
    assert QImage(str(tmp_path / "shown.png")).width() > 100


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    with pytest.raises(OutputError):
        save_picture(QImage(4, 4, QImage.Format.Format_RGB32), in_the_way / "picture.png")
    assert in_the_way.read_text() == ""


def test_what_cannot_be_saved_is_shown_as_an_error(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(
        measuring.QFileDialog,
        "getSaveFileName",
        lambda *_: (str(tmp_path / "file" / "picture.png"), ""),
    )
    scene.window.menus.save_picture.trigger()
    (box,) = scene.window.findChildren(QMessageBox)
    assert box.icon() == QMessageBox.Icon.Warning
    box.close()


def test_the_ruler_by_button_key_and_menu(scene: Scene, qtbot: QtBot) -> None:
    rulers, button = scene.views.rulers, scene.page.viewer_bar.ruler
    QTest.keyClick(scene.views.slice_views[Plane.AXIAL], Qt.Key.Key_D)
    qtbot.waitUntil(lambda: rulers.is_active)
    assert button.isChecked()
    assert scene.window.menus.ruler.isChecked()
    scene.window.menus.ruler.trigger()
    assert not rulers.is_active
    assert not button.isChecked()
    button.click()
    assert rulers.is_active
    QTest.keyClick(scene.views.slice_views[Plane.AXIAL], Qt.Key.Key_Escape)
    assert not button.isChecked()


def test_a_window_opens_no_wider_than_it_has_to_be(qtbot: QtBot) -> None:
    window = MainWindow(Icons(assets_dir() / "icons"))
    qtbot.addWidget(window)
    window.resize(900, 760)
    window.show_study(header_of(make_study()), ())
    window.show()
    qtbot.waitExposed(window)
    assert window.width() == max(900, window.minimumSizeHint().width())
    bar = window.study_page.viewer_bar
    assert bar.overlay.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonIconOnly
    window.resize(1700, 760)
    names = Qt.ToolButtonStyle.ToolButtonTextBesideIcon
    qtbot.waitUntil(lambda: bar.overlay.toolButtonStyle() == names)


def test_all_rulers_can_be_removed(scene: Scene) -> None:
    assert not scene.window.menus.remove_rulers.isEnabled()
    scene.page.viewer_bar.ruler.click()
    axial = scene.views.slice_views[Plane.AXIAL]
    middle = QPointF(axial.width() / 2, axial.height() / 2)
    drag(axial, Qt.MouseButton.LeftButton, middle, middle + QPointF(40, 0))
    assert len(scene.views.rulers.rulers) == 1
    scene.window.menus.remove_rulers.trigger()
    assert scene.views.rulers.rulers == ()


def test_brush_and_ruler_are_not_in_hand_together(scene: Scene, qtbot: QtBot) -> None:
    bar = scene.page.viewer_bar
    with qtbot.waitSignal(scene.page.tools_requested) as asked:
        bar.ruler.click()
    assert asked.args == [False]
    scene.page.tools_requested.emit(True)
    assert not scene.views.rulers.is_active

"""Four linked views: one crosshair, one window, one set of labels."""

import gc
import weakref
from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from desktop_app.domain.segmentation import DEFAULT_LABELS
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from tests.viewer_cases import drag, labels, lesion_lps_mm, oblique_geometry, phantom
from ui.viewers import annotations
from ui.viewers.landmarks import point_of_interest
from ui.viewers.planes import Plane, position_text
from ui.viewers.quad_view import QuadView
from ui.viewers.slice_view import SliceView
from ui.viewers.window_level import auto_window

GEOMETRY = oblique_geometry()


@pytest.fixture
def quad(qtbot: QtBot) -> Iterator[QuadView]:
    view = QuadView()
    qtbot.addWidget(view)
    view.resize(700, 640)
    view.set_reference(GEOMETRY)
    view.set_image(phantom(GEOMETRY))
    with qtbot.waitExposed(view):
        view.show()
    yield view
    view.close()


def colour_at_lesion(view: SliceView) -> QColor:
    at = view.position_of(lesion_lps_mm())
    assert at is not None
    return QColor(view.grab().toImage().pixel(at.toPoint()))


def test_a_click_in_one_view_moves_all(quad: QuadView) -> None:
    moved: list[np.ndarray] = []
    quad.cursor_moved.connect(moved.append)
    axial = quad.slice_views[Plane.AXIAL]
    QTest.mouseClick(axial, Qt.MouseButton.LeftButton, pos=QPoint(150, 170))
    assert len(moved) == 1
    assert quad.cursor_lps_mm == pytest.approx(moved[0])
    for view in quad.slice_views.values():
        assert view.frame is not None
        assert view.step == view.frame.step_at(moved[0])
        crossed = view.position_of(moved[0])
        assert crossed is not None
        assert view.rect().contains(crossed.toPoint())


def test_what_an_image_serves_as_stands_before_its_name(
    quad: QuadView, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    def note(_painter: object, _at: object, text: str, _colour: object) -> None:
        written.append(text)

    monkeypatch.setattr(annotations, "draw_text", note)

    def shown() -> set[str]:
        written.clear()
        quad.slice_views[Plane.AXIAL].grab()
        return set(written)

    image = Volume(phantom(GEOMETRY).array_kji, GEOMETRY, source="t1_gd")
    quad.set_image(image, "1", Sequence.T1C)
    assert "T1c · t1_gd" in shown()
    # The same image once it was chosen for another sequence
    quad.set_image(image, "1", Sequence.T1)
    assert "T1 · t1_gd" in shown()
    quad.set_image(image)
    assert "t1_gd" in shown()
    long = Volume(image.array_kji, GEOMETRY, source="standard protocol of the head " * 3 + "t1_gd")
    quad.set_image(long, "2", Sequence.T1C)
    (title,) = (text for text in shown() if text.startswith("T1c · s"))
    assert "…" in title
    assert title.endswith("t1_gd")


def test_setting_the_cursor_tells_nobody(quad: QuadView) -> None:
    moved: list[np.ndarray] = []
    quad.cursor_moved.connect(moved.append)
    quad.set_cursor(lesion_lps_mm())
    assert not moved
    for view in quad.slice_views.values():
        assert view.frame is not None
        assert view.step == view.frame.step_at(lesion_lps_mm())


def test_first_window_is_robust_and_dragging_links_the_views(quad: QuadView) -> None:
    assert quad.window_level == pytest.approx(auto_window(phantom(GEOMETRY).array_kji))
    told: list[tuple[float, float]] = []
    quad.window_changed.connect(lambda center, width: told.append((center, width)))
    coronal = quad.slice_views[Plane.CORONAL]
    drag(coronal, Qt.MouseButton.RightButton, QPointF(100, 100), QPointF(160, 80))
    assert told[-1] == quad.window_level
    sagittal, before = quad.slice_views[Plane.SAGITTAL], quad.window_level
    sagittal_before = sagittal.grab().toImage()
    quad.set_window(before[0] * 3, before[1] * 2)
    assert len(told) == 1
    assert sagittal.grab().toImage() != sagittal_before
    quad.reset_window()
    assert quad.window_level == pytest.approx(auto_window(phantom(GEOMETRY).array_kji))


def test_each_image_keeps_the_window_it_was_given(quad: QuadView) -> None:
    first = phantom(GEOMETRY)
    second = Volume(first.array_kji * 10, GEOMETRY, source="second")
    quad.set_image(first)
    quad.set_window(123, 45)
    quad.set_image(second)
    assert quad.window_level != (123, 45)
    quad.set_image(first)
    assert quad.window_level == (123, 45)


@pytest.mark.parametrize("series_uid", ["", "dwi"])
def test_an_image_no_longer_shown_is_not_kept_for_its_window(
    quad: QuadView, series_uid: str
) -> None:
    def look() -> "weakref.ref[np.ndarray]":
        image = Volume(phantom(GEOMETRY).array_kji * 2, GEOMETRY, source="DWI")
        quad.set_image(image, series_uid)
        return weakref.ref(image.array_kji)

    first = phantom(GEOMETRY)
    voxels = look()
    quad.set_window(123, 45)
    quad.set_image(first)
    gc.collect()
    assert voxels() is None
    look()
    assert (quad.window_level == (123, 45)) == bool(series_uid)


def test_labels_show_in_all_slices_and_hide_by_value(quad: QuadView) -> None:
    quad.set_cursor(lesion_lps_mm())
    quad.set_crosshair_visible(False)
    quad.set_opacity(1.0)
    quad.set_labels(labels(GEOMETRY, 3), GEOMETRY, DEFAULT_LABELS)
    for view in quad.slice_views.values():
        assert colour_at_lesion(view).getRgb()[:3] == DEFAULT_LABELS[2].rgb
    quad.set_region_visible(3, False)
    for view in quad.slice_views.values():
        assert colour_at_lesion(view).getRgb()[:3] != DEFAULT_LABELS[2].rgb
    quad.set_region_visible(3, True)
    assert colour_at_lesion(quad.slice_views[Plane.AXIAL]).getRgb()[:3] == DEFAULT_LABELS[2].rgb
    quad.set_outline(True)
    quad.set_labels(labels(GEOMETRY, 1), GEOMETRY, DEFAULT_LABELS)
    edge_colours = {
        QColor(picture.pixel(x, y)).getRgb()[:3]
        for picture in (quad.slice_views[Plane.AXIAL].grab().toImage(),)
        for x in range(picture.width())
        for y in range(picture.height())
    }
    assert DEFAULT_LABELS[0].rgb in edge_colours
    quad.set_labels(None, None)
    assert colour_at_lesion(quad.slice_views[Plane.AXIAL]).getRgb()[:3] != DEFAULT_LABELS[0].rgb


def test_labels_of_another_shape_are_refused(quad: QuadView) -> None:
    with pytest.raises(ValueError, match="grid"):
        quad.set_labels(np.zeros((2, 2, 2), np.uint8), GEOMETRY, DEFAULT_LABELS)


def test_holding_h_takes_the_overlay_away(quad: QuadView) -> None:
    quad.set_cursor(lesion_lps_mm())
    quad.set_crosshair_visible(False)
    quad.set_opacity(1.0)
    quad.set_labels(labels(GEOMETRY, 3), GEOMETRY, DEFAULT_LABELS)
    axial, coronal = quad.slice_views[Plane.AXIAL], quad.slice_views[Plane.CORONAL]
    QTest.keyPress(axial, Qt.Key.Key_H)
    assert colour_at_lesion(coronal).getRgb()[:3] != DEFAULT_LABELS[2].rgb
    QTest.keyRelease(axial, Qt.Key.Key_H)
    assert colour_at_lesion(coronal).getRgb()[:3] == DEFAULT_LABELS[2].rgb


def test_x_hides_the_crosshair_everywhere(quad: QuadView) -> None:
    sagittal = quad.slice_views[Plane.SAGITTAL]
    before = sagittal.grab().toImage()
    QTest.keyClick(quad.slice_views[Plane.AXIAL], Qt.Key.Key_X)
    without = sagittal.grab().toImage()
    assert without != before
    QTest.keyClick(quad.slice_views[Plane.AXIAL], Qt.Key.Key_X)
    assert sagittal.grab().toImage() == before


def double_click(view: QWidget, at: QPoint) -> None:
    QTest.mouseDClick(view, Qt.MouseButton.LeftButton, pos=at)
    # QTest leaves the button down, which the next test would meet as a press in progress.
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=at)


@pytest.mark.parametrize("index", range(4))
def test_double_click_shows_one_view_alone_and_back(
    qtbot: QtBot, quad: QuadView, index: int
) -> None:
    view = quad.views[index]
    double_click(view, QPoint(90, 120))
    assert [one.isVisible() for one in quad.views] == [one is view for one in quad.views]
    qtbot.waitUntil(lambda: view.size() == quad.size())
    assert quad.focusWidget() is view  # active or not: there may be no window manager
    double_click(view, QPoint(90, 120))
    assert all(one.isVisible() for one in quad.views)
    qtbot.waitUntil(lambda: view.width() < quad.width() * 0.6)


def test_enter_maximises_escape_restores_and_tab_walks(quad: QuadView) -> None:
    coronal = quad.slice_views[Plane.CORONAL]
    coronal.setFocus()
    QTest.keyClick(coronal, Qt.Key.Key_Return)
    assert quad.maximised is coronal
    QTest.keyClick(coronal, Qt.Key.Key_Escape)
    assert quad.maximised is None
    coronal.setFocus()
    QTest.keyClick(coronal, Qt.Key.Key_Tab)
    assert quad.focusWidget() is quad.slice_views[Plane.SAGITTAL]


def test_every_view_has_a_name_for_screen_readers(quad: QuadView) -> None:
    names = [view.accessibleName() for view in quad.views]
    assert names == ["Axial view", "Coronal view", "Sagittal view", "3D view"]
    assert all(view.accessibleDescription() for view in quad.views)


def test_probe_names_place_value_and_label(quad: QuadView) -> None:
    told: list[str] = []
    quad.value_probed.connect(told.append)
    quad.set_labels(labels(GEOMETRY, 3), GEOMETRY, DEFAULT_LABELS)
    quad.set_cursor(lesion_lps_mm())
    assert told[-1] == "Crosshair L 15.0  P 30.0  I 4.0 mm   ·   900   ·   Enhancing tumour"
    axial = quad.slice_views[Plane.AXIAL]
    at = axial.position_of(lesion_lps_mm())
    assert at is not None
    QTest.mouseMove(axial, at.toPoint())
    assert told[-1].endswith("900   ·   Enhancing tumour")
    QTest.mouseMove(axial, QPoint(3, 3))
    assert told[-1].endswith("outside the image")
    quad.set_reference(None)
    QTest.mouseMove(axial, QPoint(30, 3))
    assert told[-1] == ""


def test_the_pointer_goes_on_being_told_while_slices_and_labels_change_below_it(
    quad: QuadView,
) -> None:
    told: list[str] = []
    quad.value_probed.connect(told.append)
    live = np.zeros(GEOMETRY.shape_kji, np.uint8)
    quad.set_live_labels(live, GEOMETRY)
    quad.set_cursor(lesion_lps_mm())
    axial = quad.slice_views[Plane.AXIAL]
    at = axial.position_of(lesion_lps_mm())
    assert at is not None
    QTest.mouseMove(axial, at.toPoint() + QPoint(40, 0))
    place = told[-1].split("   ·   ")[0]
    assert not place.startswith("Crosshair")
    live[...] = 3
    quad.refresh_labels()
    assert told[-1].startswith(place)
    assert told[-1].endswith("Enhancing tumour")
    QTest.keyClick(axial, Qt.Key.Key_PageUp)
    pointed = axial.pointed_lps_mm
    assert pointed is not None
    assert told[-1].startswith(position_text(pointed))
    assert not told[-1].startswith(place)  # the slice is another
    QApplication.sendEvent(axial, QEvent(QEvent.Type.Leave))
    assert told[-1].startswith("Crosshair ")


def test_go_to_labels_finds_the_largest_slice(quad: QuadView) -> None:
    volume = np.zeros(GEOMETRY.shape_kji, np.uint8)
    volume[4:9, 10:14, 10:14] = 3
    volume[6, 8:20, 8:20] = 3
    volume[2, :, :] = 2
    assert not quad.go_to_labels((3,))
    quad.set_labels(volume, GEOMETRY, DEFAULT_LABELS)
    assert quad.go_to_labels((1, 3))
    assert np.rint(GEOMETRY.to_index_kji(quad.cursor_lps_mm))[0] == 6
    assert point_of_interest(volume, GEOMETRY, (1,)) is None


def test_point_of_interest_lies_inside_a_ring() -> None:
    ring = np.zeros(GEOMETRY.shape_kji, np.uint8)
    ring[7, 10:30, 10:30] = 3
    ring[7, 13:27, 13:27] = 0
    point = point_of_interest(ring, GEOMETRY, (3,))
    assert point is not None
    k, j, i = np.rint(GEOMETRY.to_index_kji(point)).astype(int)
    assert ring[k, j, i] == 3


def test_same_reference_keeps_the_cursor_and_a_new_one_starts_in_the_middle(
    quad: QuadView,
) -> None:
    quad.set_cursor(lesion_lps_mm())
    quad.set_reference(oblique_geometry())
    assert quad.cursor_lps_mm == pytest.approx(lesion_lps_mm())
    other = oblique_geometry((10, 20, 30))
    quad.set_reference(other)
    assert quad.cursor_lps_mm == pytest.approx(other.to_patient_mm(np.array([4.0, 9.0, 14.0])))


def test_an_image_without_reference_brings_its_own(qtbot: QtBot) -> None:
    view = QuadView()
    qtbot.addWidget(view)
    view.set_image(phantom(GEOMETRY))
    frame = view.slice_views[Plane.AXIAL].frame
    assert frame is not None
    assert frame.counts == (48, 64, 20)


def test_reset_views_undoes_zoom_and_maximising(quad: QuadView) -> None:
    axial = quad.slice_views[Plane.AXIAL]
    fitted = axial.viewport
    QTest.keyClick(axial, Qt.Key.Key_Plus)
    quad.toggle_maximised(axial)
    quad.reset_views()
    assert quad.maximised is None
    quad.layout().activate()
    assert axial.viewport == fitted

"""A slice under the user's hands: picking, scrolling, windowing, zooming, colours."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.segmentation import DEFAULT_LABELS
from tests.viewer_cases import drag, labels, lesion_lps_mm, oblique_geometry, phantom
from ui.viewers import announce
from ui.viewers.annotations import scale_bar_mm
from ui.viewers.overlay import OverlayStyle
from ui.viewers.planes import Plane
from ui.viewers.reslice import ResliceSource
from ui.viewers.slice_view import SliceView
from ui.viewers.window_level import Window, auto_window

GEOMETRY = oblique_geometry()
PLANES = pytest.mark.parametrize("plane", list(Plane), ids=lambda plane: plane.title)


def shown(qtbot: QtBot, plane: Plane = Plane.AXIAL, geometry: Geometry = GEOMETRY) -> SliceView:
    view = SliceView(plane)
    qtbot.addWidget(view)
    view.resize(400, 360)
    view.show()
    view.set_reference(geometry)
    volume = phantom(geometry)
    view.set_image(ResliceSource(volume.array_kji, geometry, is_labels=False), "phantom")
    view.set_window(Window(300, 600))
    view.set_cursor(lesion_lps_mm())
    return view


def pixel(view: SliceView, at: QPointF) -> QColor:
    picture = view.grab().toImage()
    ratio = picture.devicePixelRatio()
    return QColor(picture.pixel(int(at.x() * ratio), int(at.y() * ratio)))


def wheel(view: SliceView, delta: int, at: QPointF, ctrl: bool = False) -> None:
    modifier = Qt.KeyboardModifier.ControlModifier if ctrl else Qt.KeyboardModifier.NoModifier
    event = QWheelEvent(
        at,
        view.mapToGlobal(at),
        QPoint(),
        QPoint(0, delta),
        Qt.MouseButton.NoButton,
        modifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)


@PLANES
def test_click_picks_the_place_it_shows_zoomed_and_panned(qtbot: QtBot, plane: Plane) -> None:
    view = shown(qtbot, plane)
    wheel(view, 360, QPointF(210, 170), ctrl=True)
    drag(view, Qt.MouseButton.MiddleButton, QPointF(200, 200), QPointF(188, 211))
    picked: list[np.ndarray] = []
    view.cursor_picked.connect(picked.append)
    for x, y in ((150, 120), (201, 190), (260, 215)):
        QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(x, y))
        at = view.position_of(picked[-1])
        assert at is not None
        assert (at.x(), at.y()) == pytest.approx((x, y), abs=1e-6)
        frame = view.frame
        assert frame is not None
        # The point lies on the very slice that is shown
        assert frame.to_uvw_mm(picked[-1])[2] == pytest.approx(view.step * frame.spacing_mm[2])
        assert frame.step_at(picked[-1]) == view.step


def test_picks_outside_the_slice_stay_in_its_outermost_voxels(qtbot: QtBot) -> None:
    view = shown(qtbot)
    picked: list[np.ndarray] = []
    view.cursor_picked.connect(picked.append)
    for corner in (QPoint(2, 350), QPoint(395, 60)):
        QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=corner)
        index = np.rint(GEOMETRY.to_index_kji(picked[-1]))
        assert (index >= 0).all()
        assert (index < GEOMETRY.shape_kji).all()


def test_overlay_is_painted_in_the_colours_of_the_definitions(qtbot: QtBot) -> None:
    view = shown(qtbot)
    view.set_crosshair_visible(False)
    at = view.position_of(lesion_lps_mm())
    assert at is not None
    bare = pixel(view, at)
    assert bare.red() == bare.green() == bare.blue()
    for definition in DEFAULT_LABELS:
        source = ResliceSource(labels(GEOMETRY, definition.value), GEOMETRY, is_labels=True)
        view.set_labels(source)
        view.set_overlay_style(OverlayStyle(DEFAULT_LABELS, opacity=1.0))
        assert pixel(view, at).getRgb()[:3] == definition.rgb
        view.set_overlay_style(OverlayStyle(DEFAULT_LABELS, opacity=0.4))
        mixed = [0.4 * c + 0.6 * bare.red() for c in definition.rgb]
        assert pixel(view, at).getRgb()[:3] == pytest.approx(mixed, abs=2)
        hidden = frozenset({definition.value})
        view.set_overlay_style(OverlayStyle(DEFAULT_LABELS, hidden=hidden, opacity=1.0))
        assert pixel(view, at) == bare
        view.set_overlay_style(OverlayStyle(DEFAULT_LABELS, opacity=1.0))
        view.set_overlay_peeking(True)
        assert pixel(view, at) == bare
        view.set_overlay_peeking(False)


def test_outline_leaves_the_inside_of_a_region_free(qtbot: QtBot) -> None:
    view = shown(qtbot)
    view.set_crosshair_visible(False)
    block = np.zeros(GEOMETRY.shape_kji, np.uint8)
    block[8:12, 20:40, 15:35] = 2
    view.set_labels(ResliceSource(block, GEOMETRY, is_labels=True))
    middle = GEOMETRY.to_patient_mm(np.array([10.0, 30.0, 25.0]))
    inner_edge = GEOMETRY.to_patient_mm(np.array([10.0, 30.0, 14.6]))
    view.set_cursor(middle)
    view.set_overlay_style(OverlayStyle(DEFAULT_LABELS, opacity=1.0, outline=True))
    inside, edge = view.position_of(middle), view.position_of(inner_edge)
    assert inside is not None
    assert edge is not None
    colour = pixel(view, inside)
    assert colour.red() == colour.blue()
    assert pixel(view, edge).getRgb()[:3] == DEFAULT_LABELS[1].rgb


def test_values_without_definition_stay_invisible() -> None:
    style = OverlayStyle(DEFAULT_LABELS, opacity=1.0)
    cut = np.array([[0, 3, 77]], np.uint8)
    assert style.paint(cut, 1).tolist() == [[0, 0xFFD55E00, 0]]


def test_opacity_has_a_range() -> None:
    with pytest.raises(ValueError, match="opacity"):
        replace(OverlayStyle(), opacity=1.2)


@PLANES
def test_wheel_and_keys_scroll_towards_superior_anterior_left(qtbot: QtBot, plane: Plane) -> None:
    view = shown(qtbot, plane)
    picked: list[np.ndarray] = []
    view.cursor_picked.connect(picked.append)
    start, forward = view.step, np.array(plane.forward_lps)
    wheel(view, 60, QPointF(200, 200))  # half a notch of a touchpad
    assert view.step == start
    wheel(view, 60, QPointF(200, 200))
    assert view.step == start + 1
    wheel(view, -240, QPointF(200, 200))
    assert view.step == start - 1
    assert (picked[0] - picked[1]) @ forward > 0
    QTest.keyClick(view, Qt.Key.Key_Up)
    assert view.step == start
    QTest.keyClick(view, Qt.Key.Key_Home)
    assert view.step == 0
    QTest.keyClick(view, Qt.Key.Key_PageUp)
    assert view.step == 5
    QTest.keyClick(view, Qt.Key.Key_PageDown)
    assert view.step == 0
    count = len(picked)
    QTest.keyClick(view, Qt.Key.Key_Down)
    assert len(picked) == count  # nothing below the first slice
    QTest.keyClick(view, Qt.Key.Key_End)
    assert view.frame is not None
    assert view.step == view.frame.counts[2] - 1


def test_a_screen_reader_is_told_the_slice_where_the_keyboard_is(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(
        announce,
        "QAccessible",
        SimpleNamespace(updateAccessibility=lambda e: told.append(e.message())),
    )
    view = shown(qtbot)
    places = [GEOMETRY.to_patient_mm(np.array([k, 32.0, 24.0])) for k in (10.0, 10.0, 12.0)]
    view.clearFocus()
    view.set_cursor(places[0])
    assert told == []
    view.activateWindow()
    view.setFocus()
    qtbot.waitUntil(view.hasFocus)
    for place in places[1:]:
        view.set_cursor(place)
    assert told == [f"Slice {view.frame.slice_number(view.step)} / 20"]


def test_shift_and_arrows_move_the_crosshair_by_voxels(qtbot: QtBot) -> None:
    view = shown(qtbot)
    picked: list[np.ndarray] = []
    view.cursor_picked.connect(picked.append)
    QTest.keyClick(view, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(view, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    moved = GEOMETRY.to_index_kji(picked[1]) - GEOMETRY.to_index_kji(picked[0])
    assert moved == pytest.approx((0, 1, 0), abs=1e-6)


@pytest.mark.parametrize(
    ("button", "modifiers"),
    [
        (Qt.MouseButton.RightButton, Qt.KeyboardModifier.NoModifier),
        (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier),
    ],
)
def test_window_drag_widens_to_the_right_and_brightens_upwards(
    qtbot: QtBot, button: Qt.MouseButton, modifiers: Qt.KeyboardModifier
) -> None:
    view = shown(qtbot)
    windows: list[tuple[float, float]] = []
    view.window_dragged.connect(lambda center, width: windows.append((center, width)))
    drag(view, button, QPointF(200, 200), QPointF(240, 200), modifiers)
    center, width = windows[-1]
    assert width > 600
    assert center == pytest.approx(300)
    at = view.position_of(lesion_lps_mm() - np.array([9.0, -6.0, 0.0]))
    assert at is not None
    before = pixel(view, at).red()
    drag(view, button, QPointF(200, 200), QPointF(200, 160), modifiers)
    assert windows[-1][0] < center
    assert pixel(view, at).red() > before


def test_a_drag_ends_when_its_release_was_not_seen(qtbot: QtBot) -> None:
    view = shown(qtbot)
    windows: list[tuple[float, float]] = []
    view.window_dragged.connect(lambda center, width: windows.append((center, width)))
    for kind, at, held in (
        (QEvent.Type.MouseButtonPress, 100, Qt.MouseButton.RightButton),
        (QEvent.Type.MouseMove, 120, Qt.MouseButton.RightButton),
        (QEvent.Type.MouseMove, 180, Qt.MouseButton.NoButton),
        (QEvent.Type.MouseMove, 220, Qt.MouseButton.NoButton),
    ):
        pressed = kind == QEvent.Type.MouseButtonPress
        place = QPointF(at, 100)
        event = QMouseEvent(
            kind,
            place,
            view.mapToGlobal(place),
            Qt.MouseButton.RightButton if pressed else Qt.MouseButton.NoButton,
            held,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(view, event)
    assert len(windows) == 1


def test_ctrl_wheel_zooms_about_the_pointer_and_r_resets(qtbot: QtBot) -> None:
    view = shown(qtbot)
    at = QPointF(120, 90)
    before, scale = view.point_at(at), view.viewport
    assert before is not None
    assert scale is not None
    wheel(view, 240, at, ctrl=True)
    after, zoomed = view.point_at(at), view.viewport
    assert after is not None
    assert zoomed is not None
    assert zoomed.scale > scale.scale * 1.2
    assert after == pytest.approx(before)
    QTest.keyClick(view, Qt.Key.Key_R)
    assert view.viewport == scale


def test_space_and_left_drag_pans(qtbot: QtBot) -> None:
    view = shown(qtbot)
    place = view.point_at(QPointF(200, 180))
    assert place is not None
    QTest.keyPress(view, Qt.Key.Key_Space)
    drag(view, Qt.MouseButton.LeftButton, QPointF(200, 180), QPointF(230, 150))
    QTest.keyRelease(view, Qt.Key.Key_Space)
    at = view.position_of(place)
    assert at is not None
    assert (at.x(), at.y()) == pytest.approx((230, 150))


def test_a_cursor_set_elsewhere_is_brought_into_sight(qtbot: QtBot) -> None:
    view = shown(qtbot)
    wheel(view, 1200, QPointF(60, 60), ctrl=True)
    far = GEOMETRY.to_patient_mm(np.array([10.0, 60.0, 44.0]))
    hidden = view.position_of(far)
    assert hidden is not None
    assert not view.rect().contains(hidden.toPoint())
    view.set_cursor(far)
    at = view.position_of(far)
    assert at is not None
    assert view.rect().contains(at.toPoint())


def test_zoom_survives_a_resize_and_a_fitted_slice_stays_fitted(qtbot: QtBot) -> None:
    view = shown(qtbot)
    view.resize(500, 500)
    frame, fitted = view.frame, view.viewport
    assert frame is not None
    assert fitted is not None
    left, top, right, bottom = frame.bounds_mm
    assert fitted.to_pixel(left, top)[1] >= 0
    assert fitted.to_pixel(right, bottom)[1] <= 500
    QTest.keyClick(view, Qt.Key.Key_Plus)
    zoomed = view.viewport
    view.resize(300, 320)
    assert zoomed is not None
    assert view.viewport == zoomed.resized(300, 320)


def test_an_image_on_another_grid_is_cut_with_its_own_affine(qtbot: QtBot) -> None:
    affine = np.diag([0.8, 0.9, 1.2, 1.0])
    affine[:3, 3] = lesion_lps_mm() - (35, 22, 38)
    other = Geometry((60, 50, 70), affine)
    values = np.zeros(other.shape_kji, np.int16)
    values[30:34, 20:24, 40:44] = 500
    bright = other.to_patient_mm(np.array([31.5, 21.5, 41.5]))
    view = shown(qtbot)
    view.set_crosshair_visible(False)
    view.set_image(ResliceSource(values, other, is_labels=False))
    view.set_window(Window(250, 500))
    view.set_cursor(bright)
    frame = view.frame
    assert frame is not None
    on_slice = frame.to_uvw_mm(bright)
    shown_at = view.position_of(bright)
    assert shown_at is not None
    # The reference's slice nearest to the point lies within half its spacing of it
    assert abs(on_slice[2] - view.step * frame.spacing_mm[2]) <= frame.spacing_mm[2] / 2
    assert pixel(view, shown_at).red() > 150
    assert pixel(view, shown_at + QPointF(60, 0)).red() == 0


def test_empty_view_says_so_and_survives_every_input(qtbot: QtBot) -> None:
    view = SliceView(Plane.CORONAL)
    qtbot.addWidget(view)
    view.resize(200, 200)
    view.show()
    for key in (Qt.Key.Key_Up, Qt.Key.Key_R, Qt.Key.Key_Plus, Qt.Key.Key_X):
        QTest.keyClick(view, key)
    unknown = QKeyEvent(QEvent.Type.KeyPress, 0x01FF1234, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(view, unknown)
    drag(view, Qt.MouseButton.LeftButton, QPointF(20, 20), QPointF(40, 40))
    drag(view, Qt.MouseButton.RightButton, QPointF(20, 20), QPointF(40, 40))
    wheel(view, 120, QPointF(50, 50))
    assert view.point_at(QPointF(5, 5)) is None
    view.grab()
    view.set_reference(GEOMETRY)
    view.set_reference(None)
    assert view.frame is None
    view.grab()


def test_hovering_tells_the_place_and_leaving_ends_it(qtbot: QtBot) -> None:
    view = shown(qtbot)
    places: list[np.ndarray | None] = []
    view.hovered.connect(places.append)
    QTest.mouseMove(view, QPoint(140, 150))
    last = places[-1]
    assert last is not None
    at = view.position_of(last)
    assert at is not None
    assert (at.x(), at.y()) == pytest.approx((140, 150))


@pytest.mark.parametrize("dtype", ["u1", "i2", ">i2", "u2", "i4", "f4", "f8", "?"])
def test_every_voxel_type_can_be_shown(qtbot: QtBot, dtype: str) -> None:
    view = shown(qtbot)
    view.set_crosshair_visible(False)
    values = np.ones(GEOMETRY.shape_kji).astype(dtype)
    values.setflags(write=False)
    view.set_image(ResliceSource(values, GEOMETRY, is_labels=False))
    view.set_window(Window(1, 2))
    at = view.position_of(lesion_lps_mm())
    assert at is not None
    assert pixel(view, at).red() in (127, 128)


def test_auto_window_ignores_the_outside_and_outliers() -> None:
    random = np.random.default_rng(4)
    stripped = np.zeros((30, 40, 50), np.float32)
    stripped[5:25, 10:30, 10:40] = random.uniform(200, 400, (20, 20, 30))
    stripped[10, 15, 15] = 1e6
    center, width = auto_window(stripped)
    assert center == pytest.approx(300, abs=10)
    assert width == pytest.approx(200, abs=15)
    air = np.abs(random.normal(0, 4, stripped.shape)).astype(np.float32)
    assert auto_window(np.where(stripped > 0, stripped, air)) == pytest.approx(
        (center, width), abs=15
    )


@pytest.mark.parametrize("value", [0, 7, np.nan, -3])
def test_auto_window_of_a_flat_image_has_a_width(value: float) -> None:
    center, width = auto_window(np.full((4, 4, 4), value))
    assert np.isfinite(center)
    assert width > 0


def test_window_without_width_is_refused() -> None:
    with pytest.raises(ValueError, match="no window"):
        Window(10, 0)


def test_grey_values_clip_and_infinities_have_an_end() -> None:
    values = np.array([[-np.inf, 0, 50, 100, np.inf, np.nan]])
    assert Window(50, 100).to_grey(values).tolist() == [[0, 0, 128, 255, 255, 0]]


@pytest.mark.parametrize(("scale", "expected"), [(0.5, 100), (2.0, 50), (9.0, 10), (200.0, 1)])
def test_scale_bar_is_round_and_fits(scale: float, expected: int) -> None:
    assert scale_bar_mm(scale, 110) == expected


def test_what_is_no_number_does_not_spoil_what_lies_outside_the_image() -> None:
    values = np.full(GEOMETRY.shape_kji, 7.0, np.float32)
    values[0, 0, 0] = np.nan
    assert ResliceSource(values, GEOMETRY, is_labels=False).outside == 7
    assert ResliceSource(values * np.float32(np.nan), GEOMETRY, is_labels=False).outside == 0
    assert ResliceSource(values < 0, GEOMETRY, is_labels=False).outside == 0

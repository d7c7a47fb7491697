"""Rulers: drawn, moved, chosen and removed with the mouse, and right in the patient."""

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from tests.viewer_cases import drag, oblique_geometry
from ui.viewers import style
from ui.viewers.planes import Plane
from ui.viewers.quad_view import QuadView
from ui.viewers.rulers import Ruler
from ui.viewers.slice_view import SliceView
from ui.viewers.view_pages import ViewLayout
from ui.views.sequences_view import SequenceImage

LEFT = Qt.MouseButton.LeftButton
ANISOTROPIC = Geometry((12, 60, 50), np.diag([0.9, 0.7, 5.0, 1.0]))


def shown(qtbot: QtBot, geometry: Geometry) -> QuadView:
    view = QuadView()
    qtbot.addWidget(view)
    view.resize(700, 700)
    view.set_image(Volume(np.zeros(geometry.shape_kji, np.float32), geometry))
    view.set_crosshair_visible(False)
    view.show()
    qtbot.waitExposed(view)
    return view


@pytest.fixture
def view(qtbot: QtBot) -> QuadView:
    view = shown(qtbot, ANISOTROPIC)
    view.rulers.set_active(True)
    return view


def at(view: SliceView, right_mm: float, down_mm: float) -> QPointF:
    """Return the pixel so many millimetres from the middle of the slice."""
    frame = view.frame
    assert frame is not None
    left, top, right, bottom = frame.bounds_mm
    u_mm, v_mm = (left + right) / 2 + right_mm, (top + bottom) / 2 + down_mm
    place = view.position_of(frame.to_patient_mm(u_mm, v_mm, view.step * frame.spacing_mm[2]))
    assert place is not None
    return QPointF(place.toPoint())


def measure(view: SliceView, start_mm: tuple[float, float], end_mm: tuple[float, float]) -> None:
    drag(view, LEFT, at(view, *start_mm), at(view, *end_mm))


def lengths(view: QuadView) -> list[float]:
    return [one.length_mm for one in view.rulers.rulers]


def has_ink(
    view: SliceView, place: QPointF, colour: QColor = style.RULER, picture: QImage | None = None
) -> bool:
    picture = view.grab().toImage() if picture is None else picture
    ratio = picture.devicePixelRatio()
    around = [QPointF(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)]
    pixels = [picture.pixelColor(((place + one) * ratio).toPoint()) for one in around]
    return any(one.value() > 120 and abs(one.hue() - colour.hue()) < 8 for one in pixels)


@pytest.mark.parametrize("plane", list(Plane), ids=lambda plane: plane.title)
@pytest.mark.parametrize("geometry", [ANISOTROPIC, oblique_geometry()], ids=["thick", "oblique"])
def test_lengths_are_those_in_the_patient(qtbot: QtBot, plane: Plane, geometry: Geometry) -> None:
    view = shown(qtbot, geometry)
    view.rulers.set_active(True)
    one = view.slice_views[plane]
    for start_mm, end_mm in (((-8, 0), (8, 0)), ((0, -7), (0, 7)), ((-6, -4), (6, 5))):
        measure(one, start_mm, end_mm)
        view.rulers.choose(None)
    # A pixel of the screen at either end
    tolerance_mm = 2 / one.viewport.scale if one.viewport else 0.0
    assert lengths(view) == pytest.approx([16, 14, 15], abs=tolerance_mm)
    frame = one.frame
    assert frame is not None
    for ruler in view.rulers.rulers:
        assert ruler.plane is plane
        difference = np.subtract(*ruler.ends)
        assert ruler.length_mm == pytest.approx(float(np.sqrt(difference @ difference)))
        assert difference @ frame.axes_lps[:, 2] == pytest.approx(0, abs=1e-9)
    assert view.rulers.rulers[0].text == f"{lengths(view)[0]:.1f} mm"


def test_the_crosshair_is_moved_with_the_ruler_in_hand(view: QuadView) -> None:
    axial = view.slice_views[Plane.AXIAL]
    end = at(axial, 6, 4)
    drag(axial, LEFT, at(axial, 0, 0), end, Qt.KeyboardModifier.AltModifier)
    assert not view.rulers.rulers
    assert view.cursor_lps_mm == pytest.approx(axial.point_at(end))


def test_a_ruler_is_seen_on_its_slice_alone(view: QuadView) -> None:
    axial = view.slice_views[Plane.AXIAL]
    measure(axial, (-10, 0), (10, 0))
    view.rulers.set_active(False)
    middle = at(axial, 0, 0)
    assert has_ink(axial, middle)
    axial.scroll_slices(1)
    assert not has_ink(axial, middle)
    axial.scroll_slices(-1)
    assert has_ink(axial, middle)
    # The same line lies in a coronal slice too, where nobody drew it
    ends = view.rulers.rulers[0].ends
    view.go_to(np.mean(ends, axis=0))
    coronal = view.slice_views[Plane.CORONAL]
    place = coronal.position_of(np.mean(ends, axis=0))
    assert place is not None
    assert not has_ink(coronal, place)


def test_ends_can_be_moved(view: QuadView) -> None:
    axial = view.slice_views[Plane.AXIAL]
    measure(axial, (-10, 0), (10, 0))
    measure(axial, (-10, 8), (10, 8))
    first, second = view.rulers.rulers
    drag(axial, LEFT, at(axial, 10, 0), at(axial, 3, 0))
    moved, other = view.rulers.rulers
    assert other == second
    assert moved.ends[0] == first.ends[0]
    assert moved.length_mm == pytest.approx(13, abs=0.5)
    assert view.rulers.chosen == 0


def test_a_line_begins_on_another_one_and_a_click_chooses(view: QuadView) -> None:
    axial = view.slice_views[Plane.AXIAL]
    measure(axial, (-10, 0), (10, 0))
    measure(axial, (0, 0), (0, 9))
    assert lengths(view) == pytest.approx([20, 9], abs=0.5)
    assert view.rulers.chosen == 1
    QTest.mouseClick(axial, LEFT, pos=at(axial, -5, 0).toPoint())
    assert view.rulers.chosen == 0
    assert has_ink(axial, at(axial, -5, 0), style.LETTER)
    QTest.mouseClick(axial, LEFT, pos=at(axial, -12, -12).toPoint())
    assert view.rulers.chosen is None
    assert len(view.rulers.rulers) == 2


def test_delete_removes_the_chosen_one_and_escape_leaves_the_tool(view: QuadView) -> None:
    axial = view.slice_views[Plane.AXIAL]
    measure(axial, (-10, 0), (10, 0))
    measure(axial, (-10, 8), (10, 8))
    QTest.mouseClick(axial, LEFT, pos=at(axial, 0, 0).toPoint())
    QTest.keyClick(axial, Qt.Key.Key_Delete)
    assert lengths(view) == pytest.approx([20], abs=0.5)
    QTest.keyClick(axial, Qt.Key.Key_Delete)
    assert len(view.rulers.rulers) == 1
    QTest.keyClick(axial, Qt.Key.Key_Escape)
    assert not view.rulers.is_active
    before = view.cursor_lps_mm
    measure(axial, (-6, -6), (6, 6))
    assert len(view.rulers.rulers) == 1
    assert not np.allclose(view.cursor_lps_mm, before)


def test_escape_leaves_the_tool_before_it_shows_all_views(view: QuadView) -> None:
    axial = view.slice_views[Plane.AXIAL]
    view.toggle_maximised(axial)
    QTest.keyClick(axial, Qt.Key.Key_Escape)
    assert view.maximised is axial
    QTest.keyClick(axial, Qt.Key.Key_Escape)
    assert view.maximised is None


def test_other_gestures_stay_what_they_are(view: QuadView) -> None:
    axial = view.slice_views[Plane.AXIAL]
    before = view.window_level, view.cursor_lps_mm
    shift = Qt.KeyboardModifier.ShiftModifier
    drag(axial, LEFT, at(axial, 0, 0), at(axial, 9, 5), shift)
    assert view.window_level != before[0]
    assert np.allclose(view.cursor_lps_mm, before[1])
    viewport = axial.viewport
    QTest.keyPress(axial, Qt.Key.Key_Space)
    measure(axial, (0, 0), (5, 5))
    QTest.keyRelease(axial, Qt.Key.Key_Space)
    assert axial.viewport != viewport
    assert view.rulers.rulers == ()


def test_a_double_click_with_the_ruler_does_not_enlarge_the_view(view: QuadView) -> None:
    axial = view.slice_views[Plane.AXIAL]
    QTest.mouseDClick(axial, LEFT, pos=at(axial, 0, 0).toPoint())
    assert view.maximised is None


def test_the_slice_stays_while_a_line_is_drawn(view: QuadView) -> None:
    axial = view.slice_views[Plane.AXIAL]
    step = axial.step
    QTest.mousePress(axial, LEFT, pos=at(axial, -8, 0).toPoint())
    QTest.mouseMove(axial, at(axial, 0, 0).toPoint())
    QTest.keyClick(axial, Qt.Key.Key_Up)
    assert axial.step == step
    QTest.mouseRelease(axial, LEFT, pos=at(axial, 0, 0).toPoint())
    QTest.keyClick(axial, Qt.Key.Key_Up)
    assert axial.step == step + 1


def half_drawn(view: QuadView) -> SliceView:
    """Hold a line of 16 mm that is still being drawn."""
    axial = view.slice_views[Plane.AXIAL]
    QTest.mousePress(axial, LEFT, pos=at(axial, -8, 0).toPoint())
    for right_mm in (0, 8):
        QTest.mouseMove(axial, at(axial, right_mm, 0).toPoint())
    return axial


def test_delete_waits_until_a_line_is_drawn_and_escape_lets_go_of_it(view: QuadView) -> None:
    axial = half_drawn(view)
    QTest.keyClick(axial, Qt.Key.Key_Delete)
    QTest.mouseMove(axial, at(axial, 10, 0).toPoint())
    assert lengths(view) == pytest.approx([18], abs=0.5)
    QTest.keyClick(axial, Qt.Key.Key_Escape)
    assert not view.rulers.is_active
    QTest.mouseMove(axial, at(axial, 4, 0).toPoint())
    assert lengths(view) == pytest.approx([18], abs=0.5)


@pytest.mark.parametrize(
    "take_away",
    [
        lambda view: view.set_reference(None),
        lambda view: view.set_reference(oblique_geometry()),
        lambda view: view.rulers.remove_chosen(),
    ],
    ids=["study closed", "another study", "removed"],
)
def test_a_line_that_goes_while_it_is_drawn_is_not_drawn_on(
    view: QuadView, take_away: Callable[[QuadView], None]
) -> None:
    axial = half_drawn(view)
    take_away(view)
    QTest.mouseMove(axial, axial.rect().center())
    QTest.mouseRelease(axial, LEFT, pos=axial.rect().center())
    assert view.rulers.rulers == ()


def test_a_line_is_not_begun_in_a_study_that_has_gone(view: QuadView) -> None:
    axial = view.slice_views[Plane.AXIAL]
    QTest.mousePress(axial, LEFT, pos=at(axial, -8, 0).toPoint())
    view.set_reference(None)
    QTest.mouseMove(axial, axial.rect().center())
    assert view.rulers.rulers == ()


def test_another_layout_lets_go_of_a_line(view: QuadView) -> None:
    axial = half_drawn(view)
    view.set_view_layout(ViewLayout.SEQUENCES)
    view.set_view_layout(ViewLayout.PLANES)
    QTest.mouseMove(axial, at(axial, 0, 5).toPoint())
    assert lengths(view) == pytest.approx([16], abs=0.5)


def test_a_ruler_ends_where_the_image_does(view: QuadView) -> None:
    axial = view.slice_views[Plane.AXIAL]
    measure(axial, (0, 0), (-500, 0))
    assert lengths(view) == pytest.approx([50 * 0.9 / 2], abs=0.5)


def test_rulers_go_with_the_study(view: QuadView) -> None:
    measure(view.slice_views[Plane.AXIAL], (-10, 0), (10, 0))
    view.set_image(Volume(np.ones(ANISOTROPIC.shape_kji, np.float32), ANISOTROPIC))
    view.set_reference(ANISOTROPIC)
    assert len(view.rulers.rulers) == 1
    view.set_reference(oblique_geometry())
    assert view.rulers.rulers == ()


def test_a_ruler_is_part_of_the_picture(view: QuadView) -> None:
    axial = view.slice_views[Plane.AXIAL]
    view.go_to((20.0, 20.0, 30.0))
    view.rulers.add(Ruler(Plane.AXIAL, ((10.0, 20.0, 30.0), (30.0, 20.0, 30.0))))
    view.rulers.choose(None)
    place = axial.position_of(np.array([20.0, 20.0, 30.0]))
    assert place is not None
    assert has_ink(axial, place, picture=axial.picture())
    view.rulers.clear()
    assert not has_ink(axial, place, picture=axial.picture())


def test_a_ruler_lies_over_every_sequence_of_its_plane(view: QuadView) -> None:
    image = Volume(np.zeros(ANISOTROPIC.shape_kji, np.float32), ANISOTROPIC)
    view.set_sequence_images({one: SequenceImage(image, one.value) for one in Sequence})
    view.set_view_layout(ViewLayout.SEQUENCES)
    t1, flair = view.sequence_views[Sequence.T1], view.sequence_views[Sequence.FLAIR]
    measure(t1, (-10, 0), (10, 0))
    view.rulers.choose(None)
    assert lengths(view) == pytest.approx([20], abs=0.5)
    assert has_ink(flair, at(flair, 0, 0))
    view.set_view_layout(ViewLayout.PLANES)
    axial = view.slice_views[Plane.AXIAL]
    assert has_ink(axial, at(axial, 0, 0))

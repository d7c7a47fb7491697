"""The sequences beside each other: one plane, one place, one zoom, a window each."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop_app.domain.correction import PaintOver, Tool, ToolSettings
from desktop_app.domain.segmentation import DEFAULT_LABELS
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from tests.viewer_cases import drag, labels, lesion_lps_mm, oblique_geometry, phantom
from ui.viewers.planes import Plane
from ui.viewers.quad_view import QuadView
from ui.viewers.sequence_views import SequenceView
from ui.viewers.view_pages import ViewLayout
from ui.views.sequences_view import SequenceImage

GEOMETRY = oblique_geometry()
MISSING = "No series of this study is chosen for T2."


def images(scale: float = 1.0) -> dict[Sequence, SequenceImage]:
    """T1, T1c and FLAIR of one study, each with intensities of its own; no T2."""
    made = {}
    for number, sequence in enumerate((Sequence.T1, Sequence.T1C, Sequence.FLAIR), start=1):
        volume = Volume(
            phantom(GEOMETRY).array_kji * np.float32(number * scale), GEOMETRY, source="made"
        )
        made[sequence] = SequenceImage(volume, f"uid {sequence}")
    return made | {Sequence.T2: SequenceImage(None, "", MISSING)}


@pytest.fixture
def quad(qtbot: QtBot) -> Iterator[QuadView]:
    view = QuadView()
    qtbot.addWidget(view)
    view.resize(700, 640)
    view.set_reference(GEOMETRY)
    made = images()
    view.set_image(made[Sequence.T1C].volume, "uid T1c")
    view.set_sequence_images(made)
    with qtbot.waitExposed(view):
        view.show()
    view.set_view_layout(ViewLayout.SEQUENCES)
    yield view
    view.close()


def sights(quad: QuadView) -> list[tuple[float, float, float]]:
    """Scale and centre of every view that has an image."""
    ports = [view.viewport for view in shown(quad)]
    return [(one.scale, one.centre_u_mm, one.centre_v_mm) for one in ports if one is not None]


def shown(quad: QuadView) -> list[SequenceView]:
    return [view for view in quad.sequence_views.values() if view.image is not None]


def test_every_sequence_has_a_view_and_a_missing_one_says_why(quad: QuadView) -> None:
    assert [view.isVisible() for view in quad.slice_views.values()] == [False] * 3
    assert not quad.volume_view.isVisible()
    assert all(view.isVisible() for view in quad.sequence_views.values())
    assert [view.sequence for view in shown(quad)] == [Sequence.T1, Sequence.T1C, Sequence.FLAIR]
    empty = quad.sequence_views[Sequence.T2]
    assert empty.note == MISSING
    assert empty.frame is None
    assert [view.accessibleName() for view in quad.views] == [
        "T1 view",
        "T1c view",
        "T2 view",
        "FLAIR view",
    ]


def test_they_scroll_and_point_together(quad: QuadView) -> None:
    flair = quad.sequence_views[Sequence.FLAIR]
    before = flair.step
    QTest.keyClick(flair, Qt.Key.Key_Up)
    assert {view.step for view in shown(quad)} == {before + 1}
    QTest.mouseClick(flair, Qt.MouseButton.LeftButton, pos=QPoint(150, 170))
    places = {tuple(np.round(view._cursor_lps, 6)) for view in shown(quad)}
    assert places == {tuple(np.round(quad.cursor_lps_mm, 6))}


def test_they_zoom_and_pan_together(quad: QuadView) -> None:
    t1c = quad.sequence_views[Sequence.T1C]
    QTest.keyClick(t1c, Qt.Key.Key_Plus)
    drag(t1c, Qt.MouseButton.MiddleButton, QPointF(100, 100), QPointF(120, 90))
    assert t1c.viewport is not None
    for sight in sights(quad):
        assert sight == pytest.approx(sights(quad)[1])
    QTest.keyClick(quad.sequence_views[Sequence.T1], Qt.Key.Key_R)
    scales = [scale for scale, *_ in sights(quad)]
    assert max(scales) < t1c.viewport.scale * 1.05
    assert t1c.viewport.scale == pytest.approx(scales[0], rel=0.02)


def test_they_stay_together_where_the_cursor_leaves_the_sight(quad: QuadView) -> None:
    t1c = quad.sequence_views[Sequence.T1C]
    for _ in range(14):
        QTest.keyClick(t1c, Qt.Key.Key_Plus)
    for _ in range(25):
        QTest.keyClick(t1c, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
        assert sights(quad) == [pytest.approx(sights(quad)[0])] * 3


def test_each_has_a_window_of_its_own(quad: QuadView) -> None:
    flair, t1 = quad.sequence_views[Sequence.FLAIR], quad.sequence_views[Sequence.T1]
    assert flair.image is not None
    before = t1._renderer.window
    drag(flair, Qt.MouseButton.RightButton, QPointF(100, 100), QPointF(200, 60))
    window = quad.sequence_windows()[Sequence.FLAIR]
    assert window != flair.image.auto_window
    assert flair._renderer.window == window
    assert t1._renderer.window == before
    quad.reset_window()
    assert quad.sequence_windows()[Sequence.FLAIR] == flair.image.auto_window


def test_a_window_is_that_of_the_series_in_both_layouts(quad: QuadView) -> None:
    t1c = quad.sequence_views[Sequence.T1C]
    drag(t1c, Qt.MouseButton.RightButton, QPointF(100, 100), QPointF(200, 60))
    window = quad.sequence_windows()[Sequence.T1C]
    assert quad.window_level == (window.center, window.width)
    quad.set_window(123, 45)
    assert quad.sequence_windows()[Sequence.T1C].width == 45


def test_windows_outlive_registration(quad: QuadView) -> None:
    """Segmenting replaces every image by one that lies elsewhere, with the same intensities."""
    flair = quad.sequence_views[Sequence.FLAIR]
    drag(flair, Qt.MouseButton.RightButton, QPointF(100, 100), QPointF(200, 60))
    window = quad.sequence_windows()[Sequence.FLAIR]
    moved = images()
    quad.set_reference(oblique_geometry((20, 64, 40)))  # another image carries the labels
    quad.set_sequence_images(moved)
    assert quad.sequence_windows()[Sequence.FLAIR] == window
    quad.set_image(moved[Sequence.FLAIR].volume, "uid FLAIR")
    assert quad.window_level == (window.center, window.width)
    quad.set_reference(None)  # another study
    quad.set_image(images()[Sequence.FLAIR].volume, "uid FLAIR")
    assert quad.window_level != (window.center, window.width)


def test_labels_and_outlines_show_in_all_of_them(quad: QuadView) -> None:
    quad.set_cursor(lesion_lps_mm())
    quad.set_crosshair_visible(False)
    quad.set_opacity(1.0)
    quad.set_labels(labels(GEOMETRY, 3), GEOMETRY, DEFAULT_LABELS)
    for view in shown(quad):
        at = view.position_of(lesion_lps_mm())
        assert at is not None
        colour = view.grab().toImage().pixelColor(at.toPoint())
        assert colour.getRgb()[:3] == DEFAULT_LABELS[2].rgb


def test_a_stroke_tells_on_which_sequence_it_is_drawn(quad: QuadView) -> None:
    strokes: list[tuple[np.ndarray, bool]] = []
    quad.stroke_began.connect(lambda _, normal, erases: strokes.append((normal, erases)))
    quad.set_tool(ToolSettings(Tool.BRUSH, 3, 4.0, False, PaintOver.EVERYTHING))
    flair = quad.sequence_views[Sequence.FLAIR]
    drag(flair, Qt.MouseButton.LeftButton, QPointF(150, 150), QPointF(160, 150))
    assert quad.drawn_on is Sequence.FLAIR
    assert flair.frame is not None
    assert strokes[0][0] == pytest.approx(flair.frame.axes_lps[:, 2])
    quad.set_view_layout(ViewLayout.PLANES)
    axial = quad.slice_views[Plane.AXIAL]
    drag(axial, Qt.MouseButton.LeftButton, QPointF(150, 150), QPointF(160, 150))
    assert quad.drawn_on is None


@pytest.mark.parametrize(
    "rearrange",
    [
        lambda quad: quad.set_view_layout(ViewLayout.PLANES),
        lambda quad: quad.set_sequence_plane(Plane.CORONAL),
        lambda quad: quad.toggle_maximised(quad.sequence_views[Sequence.T1]),
        lambda quad: quad.show_all(),
    ],
    ids=["layout", "plane", "maximised", "all"],
)
def test_a_stroke_ends_where_its_view_is_taken_away(
    quad: QuadView, rearrange: Callable[[QuadView], None]
) -> None:
    told: list[str] = []
    quad.stroke_began.connect(lambda *_: told.append("began"))
    quad.stroke_moved.connect(lambda _: told.append("moved"))
    quad.stroke_ended.connect(lambda: told.append("ended"))
    quad.set_tool(ToolSettings(Tool.BRUSH, 3, 4.0, False, PaintOver.EVERYTHING))
    flair, left = quad.sequence_views[Sequence.FLAIR], Qt.MouseButton.LeftButton
    QTest.mousePress(flair, left, pos=QPoint(150, 150))
    QTest.mouseMove(flair, QPoint(160, 150))
    rearrange(quad)
    assert told == ["began", "moved", "ended"]
    QTest.mouseMove(flair, QPoint(170, 150))
    QTest.mouseRelease(flair, left, pos=QPoint(170, 150))
    assert told == ["began", "moved", "ended"]


def test_the_plane_changes_in_all_and_keeps_the_place(quad: QuadView) -> None:
    quad.set_cursor(lesion_lps_mm())
    quad.set_sequence_plane(Plane.SAGITTAL)
    for view in shown(quad):
        assert view.plane is Plane.SAGITTAL
        assert view.frame is not None
        assert view.step == view.frame.step_at(lesion_lps_mm())
    # Also where an image comes later
    quad.set_sequence_images({**images(), Sequence.T2: images()[Sequence.T1]})
    assert quad.sequence_views[Sequence.T2].frame is not None
    assert quad.sequence_views[Sequence.T2].plane is Plane.SAGITTAL


def test_switching_back_keeps_everything(quad: QuadView) -> None:
    quad.set_view_layout(ViewLayout.PLANES)
    coronal = quad.slice_views[Plane.CORONAL]
    QTest.keyClick(coronal, Qt.Key.Key_Plus)
    quad.toggle_maximised(coronal)
    quad.set_cursor(lesion_lps_mm())
    zoom, window = coronal.viewport, quad.window_level
    quad.set_view_layout(ViewLayout.SEQUENCES)
    assert quad.maximised is None
    t1 = quad.sequence_views[Sequence.T1]
    QTest.keyClick(t1, Qt.Key.Key_Minus)
    own = t1.viewport
    quad.set_view_layout(ViewLayout.PLANES)
    assert quad.maximised is coronal
    assert coronal.viewport is not None
    assert zoom is not None
    assert coronal.viewport.scale == zoom.scale
    assert quad.window_level == window
    assert quad.cursor_lps_mm == pytest.approx(lesion_lps_mm())
    quad.set_view_layout(ViewLayout.SEQUENCES)
    assert t1.viewport == own


def test_new_images_keep_zoom_and_place(quad: QuadView) -> None:
    t1 = quad.sequence_views[Sequence.T1]
    QTest.keyClick(t1, Qt.Key.Key_Plus)
    quad.set_cursor(lesion_lps_mm())
    before = t1.viewport
    quad.set_sequence_images(images(2.0))
    assert t1.viewport == before
    assert quad.cursor_lps_mm == pytest.approx(lesion_lps_mm())


def test_images_are_made_ready_only_when_they_are_to_be_seen(qtbot: QtBot) -> None:
    view = QuadView()
    qtbot.addWidget(view)
    view.set_reference(GEOMETRY)
    view.set_sequence_images(images())
    assert shown(view) == []
    view.set_view_layout(ViewLayout.SEQUENCES)
    assert len(shown(view)) == 3


def test_the_line_below_tells_every_value(quad: QuadView) -> None:
    told: list[str] = []
    quad.value_probed.connect(told.append)
    quad.set_cursor(lesion_lps_mm())
    assert told[-1].split("   ·   ")[1:] == ["T1 900", "T1c 1800", "FLAIR 2700"]


def test_one_alone_and_escape_brings_all_back(qtbot: QtBot, quad: QuadView) -> None:
    flair = quad.sequence_views[Sequence.FLAIR]
    flair.setFocus()
    QTest.keyClick(flair, Qt.Key.Key_Return)
    assert [view for view in quad.views if view.isVisible()] == [flair]
    qtbot.waitUntil(lambda: flair.size() == quad.size())
    QTest.keyClick(flair, Qt.Key.Key_Escape)
    assert all(view.isVisible() for view in quad.views)


def test_views_stay_where_they_are_while_other_images_are_read(quad: QuadView) -> None:
    t1 = quad.sequence_views[Sequence.T1]
    QTest.keyClick(t1, Qt.Key.Key_Plus)
    before = t1.viewport
    quad.set_sequence_images({sequence: SequenceImage(None) for sequence in Sequence})
    assert shown(quad) == []
    quad.set_sequence_images(images())
    assert t1.viewport == before
    assert quad.sequence_views[Sequence.T2].frame is None

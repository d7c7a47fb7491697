"""The three planes are zoomed together, and brought to the crosshair at once."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop_app.domain.study import Sequence
from desktop_app.paths import assets_dir
from tests.viewer_cases import drag, lesion_lps_mm, oblique_geometry, phantom
from ui.icons import Icons
from ui.main_window import MainWindow
from ui.viewers.planes import Plane
from ui.viewers.quad_view import QuadView
from ui.viewers.slice_view import SliceView
from ui.viewers.view_pages import ViewLayout
from ui.views.sequences_view import SequenceImage

GEOMETRY = oblique_geometry()


@pytest.fixture
def quad(qtbot: QtBot) -> QuadView:
    view = QuadView()
    qtbot.addWidget(view)
    view.resize(700, 640)
    view.set_reference(GEOMETRY)
    view.set_image(phantom(GEOMETRY))
    view.set_cursor(lesion_lps_mm())
    with qtbot.waitExposed(view):
        view.show()
    return view


def scale(view: SliceView) -> float:
    assert view.viewport is not None
    return view.viewport.scale


def crossing(view: SliceView) -> QPointF:
    at = view.position_of(lesion_lps_mm())
    assert at is not None
    return at


def middle(view: SliceView) -> tuple[float, float]:
    return view.width() / 2, view.height() / 2


def test_all_planes_are_zoomed_to_one_scale_about_the_crosshair(quad: QuadView) -> None:
    axial, coronal, sagittal = quad.slice_views.values()
    before = [crossing(view) for view in (coronal, sagittal)]
    fitted = scale(axial)
    for _ in range(3):
        QTest.keyClick(axial, Qt.Key.Key_Plus)
    assert scale(axial) > fitted
    assert scale(coronal) == scale(sagittal) == pytest.approx(scale(axial))
    for view, at in zip((coronal, sagittal), before, strict=True):
        assert (crossing(view).x(), crossing(view).y()) == pytest.approx((at.x(), at.y()))
    QTest.keyClick(coronal, Qt.Key.Key_R)
    assert scale(axial) == fitted


def test_panning_moves_one_plane_alone(quad: QuadView) -> None:
    axial, *others = quad.slice_views.values()
    before = [view.viewport for view in others]
    drag(axial, Qt.MouseButton.MiddleButton, QPointF(100, 100), QPointF(130, 120))
    assert [view.viewport for view in others] == before


def test_planes_can_be_zoomed_one_by_one(quad: QuadView) -> None:
    axial, *others = quad.slice_views.values()
    before = [view.viewport for view in others]
    quad.zoom.set_active(False)
    QTest.keyClick(axial, Qt.Key.Key_Plus)
    assert [view.viewport for view in others] == before


@pytest.mark.parametrize("layout", list(ViewLayout), ids=lambda one: one.name)
def test_the_crosshair_is_brought_into_the_middle_of_every_slice(
    quad: QuadView, layout: ViewLayout
) -> None:
    image = SequenceImage(phantom(GEOMETRY), "", "")
    quad.set_sequence_images(dict.fromkeys(Sequence, image))
    quad.set_view_layout(layout)
    views = [view for view in quad.views if isinstance(view, SliceView)]
    before = [scale(view) for view in views]
    quad.zoom.centre()
    for view in views:
        at = crossing(view)
        assert (at.x(), at.y()) == pytest.approx(middle(view))
    assert np.allclose([scale(view) for view in views], before, rtol=0.02)


def test_a_slice_that_was_centred_still_follows_the_mouse(quad: QuadView) -> None:
    axial = quad.slice_views[Plane.AXIAL]
    quad.zoom.centre()
    place = axial.point_at(QPointF(120, 130))
    QTest.mouseClick(axial, Qt.MouseButton.LeftButton, pos=QPoint(120, 130))
    assert quad.cursor_lps_mm == pytest.approx(place)


def test_both_are_in_the_menu(qtbot: QtBot) -> None:
    window = MainWindow(Icons(assets_dir() / "icons"))
    qtbot.addWidget(window)
    window._study_stack.setCurrentWidget(window.study_page)
    with qtbot.waitExposed(window):
        window.show()
    page = window.study_page
    page.views.set_reference(GEOMETRY)
    axial, coronal, _ = page.views.slice_views.values()
    window.menus.linked_zoom.setChecked(False)
    fitted = coronal.viewport
    QTest.keyClick(axial, Qt.Key.Key_Plus)
    assert coronal.viewport == fitted
    page.views.set_cursor(lesion_lps_mm())
    window.menus.centre.trigger()
    assert (crossing(axial).x(), crossing(axial).y()) == pytest.approx(middle(axial))

"""Diameters in the window: a line in the panel that leads there, two lines over the slice."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.segmentation import Region
from desktop_app.domain.volume import Volume
from ui.panels.region_panel import RegionPanel
from ui.viewers.planes import Plane
from ui.viewers.quad_view import QuadView
from ui.viewers.slice_canvas import SliceCanvas
from ui.views.diameter_view import DiameterRow
from ui.views.study_view import Findings, RegionRow

# On the slice of 30 mm, along L and along P: the first lies in one coronal slice too.
LINES = (((5.0, 20.0, 30.0), (35.0, 20.0, 30.0)), ((20.0, 10.0, 30.0), (20.0, 30.0, 30.0)))
ROW = DiameterRow("Enhancing tumour 30 × 20 mm, axial slice 11", "note", LINES, (20.0, 20.0, 30.0))
GEOMETRY = Geometry((20, 40, 40), np.diag([1.0, 1.0, 3.0, 1.0]))


def links(panel: RegionPanel) -> list[QPushButton]:
    return [one for one in panel.findChildren(QPushButton) if one.isVisible()]


def test_the_panel_leads_to_the_slice(qtbot: QtBot) -> None:
    panel = RegionPanel()
    qtbot.addWidget(panel)
    panel.show_findings(Findings((), "headline"))
    panel.show_diameters((ROW,))
    panel.show()
    (link,) = links(panel)
    assert link.text() == ROW.text
    with qtbot.waitSignal(panel.place_requested) as asked:
        link.click()
    assert asked.args == [ROW.middle]


def test_a_volume_is_read_out_with_its_region(qtbot: QtBot) -> None:
    panel = RegionPanel()
    qtbot.addWidget(panel)
    row = RegionRow(Region.ED, "Oedema", (1, 2, 3), 12.3, 2)
    panel.show_findings(Findings((row,), ""))
    (volume,) = (one for one in panel.findChildren(QLabel) if one.text() == "12.30 cm³")
    assert volume.accessibleName() == "Oedema: 12.30 cm³"


def test_the_panel_greys_what_is_out_of_date_and_then_forgets_it(qtbot: QtBot) -> None:
    panel = RegionPanel()
    qtbot.addWidget(panel)
    panel.show_findings(Findings((), "headline"))
    panel.show()
    panel.show_diameters((ROW, ROW))
    panel.show_diameters(None)
    assert [link.isEnabled() for link in links(panel)] == [False, False]
    assert [link.text() for link in links(panel)] == ["measuring …"] * 2
    panel.show_diameters((replace(ROW, text="other", middle=(1.0, 2.0, 3.0)),))
    (link,) = links(panel)
    assert link.isEnabled()
    assert link.text() == "other"
    with qtbot.waitSignal(panel.place_requested) as asked:
        link.click()
    assert asked.args == [(1.0, 2.0, 3.0)]
    panel.show_diameters(())
    assert links(panel) == []


@pytest.fixture
def view(qtbot: QtBot) -> QuadView:
    view = QuadView()
    qtbot.addWidget(view)
    view.resize(600, 600)
    view.set_image(Volume(np.zeros(GEOMETRY.shape_kji, np.float32), GEOMETRY))
    view.set_crosshair_visible(False)
    view.show()
    qtbot.waitExposed(view)
    return view


def grey_at(canvas: SliceCanvas, point_lps_mm: tuple[float, float, float]) -> int:
    at = canvas.position_of(np.array(point_lps_mm))
    assert at is not None
    picture = canvas.grab().toImage()
    ratio = picture.devicePixelRatio()
    return max(
        picture.pixelColor((QPointF(at.x() + x, at.y() + y) * ratio).toPoint()).lightness()
        for x in (-1, 0, 1)
        for y in (-1, 0, 1)
    )


def test_both_lines_are_drawn_on_their_slice_alone(view: QuadView) -> None:
    view.set_diameters([LINES])
    axial = view.slice_views[Plane.AXIAL]
    places = ((10.0, 20.0, 30.0), (20.0, 12.0, 30.0))
    for height, is_seen in ((30.0, True), (33.0, False)):
        view.go_to((20.0, 20.0, height))
        assert [grey_at(axial, place) > 100 for place in places] == [is_seen] * 2
    view.go_to((20.0, 20.0, 30.0))
    assert grey_at(view.slice_views[Plane.CORONAL], (10.0, 20.0, 30.0)) < 100


def test_lines_go_with_the_overlay_and_with_the_result(view: QuadView) -> None:
    view.set_diameters([LINES])
    view.go_to((20.0, 20.0, 30.0))
    axial, place = view.slice_views[Plane.AXIAL], (10.0, 20.0, 30.0)
    view.set_overlay_visible(False)
    assert grey_at(axial, place) < 100
    view.set_overlay_visible(True)
    assert grey_at(axial, place) > 100
    view.set_diameters([])
    assert grey_at(axial, place) < 100

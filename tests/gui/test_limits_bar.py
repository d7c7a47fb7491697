"""Sliders of the network's certainty: what they tell, and when."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSlider

from desktop_app.domain.segmentation import Region
from ui.panels.limits_bar import LimitsBar

LIMITS = {Region.WT: 0.5, Region.TC: 0.34, Region.ET: 0.6}


@pytest.fixture
def bar(qtbot):
    one = LimitsBar()
    qtbot.addWidget(one)
    one.show()
    one.show_limits(LIMITS)
    return one


@pytest.fixture
def told(bar):
    calls = []
    bar.limit_moved.connect(lambda region, limit: calls.append((region, limit)))
    bar.limit_settled.connect(lambda: calls.append("settled"))
    return calls


def sliders(bar):
    return dict(zip(LIMITS, bar.findChildren(QSlider), strict=True))


def test_the_ends_of_every_slider_say_where_a_region_grows(bar):
    ends = [one for one in bar.findChildren(QLabel) if one.text() in ("tighter", "wider")]
    for slider in sliders(bar).values():
        row = slider.parentWidget()
        around = sorted(
            (one for one in ends if one.parentWidget() is row),
            key=lambda one: abs(one.geometry().center().x() - slider.geometry().center().x()),
        )[:2]
        left, right = sorted(around, key=lambda one: one.x())
        assert (left.text(), right.text()) == ("tighter", "wider")
        assert left.geometry().right() < slider.x() < slider.geometry().right() < right.x()


def test_sliders_stand_where_regions_are_drawn_from_and_tell_nothing(bar, told, qtbot):
    assert {region: 100 - one.value() for region, one in sliders(bar).items()} == {
        Region.WT: 50,
        Region.TC: 34,
        Region.ET: 60,
    }
    qtbot.wait(50)
    assert told == []


def test_a_drag_tells_its_places_and_settles_when_let_go(bar, told, qtbot):
    slider = sliders(bar)[Region.TC]
    slider.setSliderDown(True)
    slider.setSliderPosition(70)
    qtbot.waitUntil(lambda: told == [(Region.TC, 0.3)])
    bar.show_limits(LIMITS)  # what comes back meanwhile does not pull the handle away
    assert slider.value() == 70
    slider.setSliderPosition(80)
    slider.setSliderDown(False)
    assert told == [(Region.TC, 0.3), (Region.TC, 0.2), "settled"]
    qtbot.wait(60)
    assert len(told) == 3


def test_keys_settle_once_they_rest(bar, told, qtbot):
    slider = sliders(bar)[Region.WT]
    slider.setFocus()
    for _ in range(3):
        qtbot.keyClick(slider, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: told[-1:] == ["settled"], timeout=3000)
    assert told[-2] == (Region.WT, 0.47)
    assert told.count("settled") == 1


def test_another_slider_settles_the_first(bar, told):
    sliders(bar)[Region.WT].setValue(60)
    sliders(bar)[Region.ET].setValue(60)
    assert told == [(Region.WT, 0.4), "settled"]


def test_without_the_networks_chances_nothing_can_be_moved(bar):
    bar.show_limits(None)
    assert not any(one.isVisible() for one in sliders(bar).values())


def test_what_the_network_knows_nothing_of_has_no_slider(bar):
    bar.show_limits({Region.WT: 0.5, Region.TC: 0.34})
    enabled = {region: one.isEnabled() for region, one in sliders(bar).items()}
    assert enabled == {Region.WT: True, Region.TC: True, Region.ET: False}
    assert "without T1c" in sliders(bar)[Region.ET].toolTip()
    bar.show_limits(LIMITS)
    assert sliders(bar)[Region.ET].isEnabled()

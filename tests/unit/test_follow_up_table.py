"""What a comparison says in words and tables: signs, nothing and no judgement."""

import re
from dataclasses import replace

import numpy as np
import pytest

from desktop_app.domain.change_marks import CHANGE_MARKS, Hatch, hatching
from desktop_app.domain.follow_up import Difference, FollowUp
from desktop_app.domain.measurement import Interval
from desktop_app.domain.readable import readable_change, readable_percent
from desktop_app.domain.segmentation import DEFAULT_LABELS, Region
from desktop_app.services.follow_up.page import change_in_words, interval_in_words
from desktop_app.services.follow_up.table import NOTHING, REGIONS, change_table
from tests.follow_up_cases import GRID, ball, earlier_visit, visit
from tests.follow_up_found import apart, compared


@pytest.fixture(scope="module")
def found() -> FollowUp:
    return compared()


def rows_of(found: FollowUp) -> dict[str, tuple[str, ...]]:
    return {row.title: row.cells for row in change_table(found)}


def test_the_table_has_volumes_change_and_what_the_map_shows(found: FollowUp) -> None:
    rows = rows_of(found)
    whole = {title: cells[REGIONS.index(Region.WT)] for title, cells in rows.items()}
    change = found.regions[Region.WT]
    assert float(whole["Earlier, cm³"]) == pytest.approx(change.earlier_mm3 / 1000, abs=0.006)
    assert float(whole["Now, cm³"]) == pytest.approx(change.now_mm3 / 1000, abs=0.006)
    assert whole["Change, cm³"].startswith("+")
    assert whole["Change, %"] == f"+{round(change.change_percent or 0)}"
    assert float(whole["New, cm³"]) > 0
    assert whole["ø now, mm"].count(" × ") == 1
    assert "Ranges meet" not in rows  # no range is known of either
    assert rows["ø now, mm"][REGIONS.index(Region.ED)] == NOTHING


def test_ranges_that_meet_are_told() -> None:
    found = compared()
    change = found.regions[Region.WT]
    wide = replace(
        change,
        earlier_interval=Interval(2000, 9000, 0.9, 22),
        now_interval=Interval(8000, 12000, 0.9, 22),
    )
    rows = rows_of(replace(found, regions={**found.regions, Region.WT: wide}))
    assert rows["Ranges meet"][0] == "yes"
    assert rows["90 % range"][0] == "8.0–12.0" or rows["90 % range"][0] == "8–12"
    apart_now = replace(wide, now_interval=Interval(9500, 12000, 0.9, 22))
    rows = rows_of(replace(found, regions={**found.regions, Region.WT: apart_now}))
    assert rows["Ranges meet"][0] == "no"


def test_without_a_map_its_rows_are_left_out() -> None:
    rows = rows_of(apart())
    assert "New, cm³" not in rows
    assert "1 mm off, cm³" not in rows
    assert rows["Now, cm³"][0] != NOTHING


def test_a_tumour_that_was_not_there_has_no_percent() -> None:
    found = compared(earlier=earlier_visit(0.0))
    assert rows_of(found)["Change, %"][0] == "was 0"
    assert "%" not in change_in_words(found)
    nothing = compared(visit(ball(GRID, 0.0)), earlier_visit(0.0))
    assert rows_of(nothing)["Change, %"][0] == NOTHING


def test_words_give_numbers_and_never_a_judgement(found: FollowUp) -> None:
    words = change_in_words(found)
    assert re.fullmatch(
        r"Whole tumour: [\d.]+ cm³ earlier, [\d.]+ cm³ now \(\+[\d.]+ cm³, \+\d+ %\)\.", words
    )
    assert interval_in_words(found) == "176 days"
    turned = compared(earlier=earlier_visit(date="20260905"))
    assert interval_in_words(turned) == "1 day after the current study"
    assert interval_in_words(compared(earlier=earlier_visit(date=""))) == ""


def test_every_change_has_its_sign() -> None:
    assert [readable_change(one) for one in (1200, -350, 0, 2)] == [
        "+1.20",
        "−0.35",
        "0.00",
        "+ < 0.01",
    ]
    assert [readable_percent(one) for one in (33.4, -0.4, 0.4, -50)] == [
        "+33 %",
        "0 %",
        "0 %",
        "−50 %",
    ]


def test_every_change_is_marked_by_another_colour_and_new_and_gone_by_lines_too() -> None:
    assert {one.difference for one in CHANGE_MARKS} == set(Difference) - {Difference.NONE}
    colours = {one.rgb for one in CHANGE_MARKS}
    assert len(colours) == len(CHANGE_MARKS)
    assert colours.isdisjoint({one.rgb for one in DEFAULT_LABELS})
    assert len({one.hatch for one in CHANGE_MARKS}) == len(CHANGE_MARKS)


def test_hatching_rises_falls_and_crosses() -> None:
    rising = hatching((20, 20), Hatch.RISING, 1)
    # Rows lead downwards: a line that rises goes to the right and up.
    rows, columns = np.nonzero(rising)
    assert ((rows + columns) % 5 == 0).all()
    falling = hatching((20, 20), Hatch.FALLING, 1)
    rows, columns = np.nonzero(falling)
    assert ((columns - rows) % 5 == 0).all()
    assert (hatching((20, 20), Hatch.CROSSED, 1) == (rising | falling)).all()
    assert not hatching((20, 20), Hatch.NONE, 1).any()
    assert hatching((20, 20), Hatch.RISING, 2).mean() == pytest.approx(rising.mean(), abs=0.01)

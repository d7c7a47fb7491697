"""What lies apart from all earlier tumour is told, and nothing that may hang together with it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from desktop_app.domain.geometry import Geometry
from desktop_app.services.follow_up import compare_results, follow_up_document, part_in_words
from desktop_app.services.follow_up.page import change_in_words, parts_in_words
from tests.follow_up_cases import GRID, ball, registering_finds, visit


@pytest.fixture(autouse=True)
def head_at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    registering_finds(monkeypatch)["matrix"] = np.eye(4)


def with_ball(labels: Any, radius_mm: float, centre_mm: tuple[float, ...]) -> Any:
    return np.maximum(labels, ball(GRID, radius_mm, centre_mm))


def test_a_part_apart_from_the_earlier_tumour_is_told_with_its_place() -> None:
    far, near, speck = (24.0, 25.0, 39.0), (24.0, 38.0, 21.0), (24.0, 25.0, 33.5)
    labels = ball(GRID, 9.0)
    for radius_mm, centre in ((4.0, far), (4.0, near), (1.2, speck)):
        labels = with_ball(labels, radius_mm, centre)
    earlier = visit(ball(GRID, 9.0), name="earlier")
    found = compare_results(visit(labels), earlier)
    # The near one keeps no distance, the speck is too small.
    (part,) = found.new_parts
    own = ball(GRID, 4.0, far)
    assert part.volume_mm3 == np.count_nonzero(own)
    assert part.enhancing_mm3 == np.count_nonzero(own == 3)
    assert part.place.centre_lps_mm == pytest.approx(far, abs=0.01)
    assert part.away_mm == 36.0 - 29.0
    assert part_in_words(part).startswith(f"{part.volume_mm3 / 1000:.2f} cm³ (")
    assert follow_up_document(found)["new_parts"][0]["volume_mm3"] == part.volume_mm3
    assert change_in_words(found).endswith("1 part lies apart from the earlier tumour.")
    assert parts_in_words(found) == (f"Apart from the earlier tumour: {part_in_words(part)}.",)
    many = replace(found, new_parts=(part,) * 6)
    assert "6 parts lie" in change_in_words(many)
    assert parts_in_words(many)[-1] == "Apart from the earlier tumour: 2 more."


@pytest.mark.parametrize(("slices_mm", "count"), [(6.0, 0), (1.0, 1)])
def test_a_bridge_may_lie_hidden_between_thick_earlier_slices(slices_mm: float, count: int) -> None:
    # 4 mm from voxel to voxel, less than between the thick slices.
    labels = with_ball(ball(GRID, 9.0), 4.0, (24.0, 40.0, 21.0))
    slices = Geometry((round(44 / slices_mm), 52, 48), np.diag([1.0, 1.0, slices_mm, 1.0]))
    earlier = visit(ball(slices, 9.0), slices, name="earlier")
    assert len(compare_results(visit(labels), earlier).new_parts) == count


def test_growth_and_a_first_tumour_are_no_parts_apart() -> None:
    grown = compare_results(visit(ball(GRID, 16.0)), visit(ball(GRID, 5.0), name="earlier"))
    assert grown.new_parts == ()
    first = compare_results(visit(ball(GRID, 9.0)), visit(ball(GRID, 0.0), name="earlier"))
    assert first.new_parts == ()


def test_a_part_where_the_earlier_study_saw_nothing_is_not_called_apart() -> None:
    slab = replace(GRID, shape_kji=(34, *GRID.shape_kji[1:]))
    labels = with_ball(ball(GRID, 9.0), 4.0, (24.0, 25.0, 39.0))
    earlier = visit(ball(slab, 9.0), slab, name="earlier")
    assert compare_results(visit(labels), earlier).new_parts == ()

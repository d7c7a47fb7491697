"""Polygons cover exactly the pixels they outline."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from desktop_app.io.export.contours import polygons

RING = ["#####", "#...#", "#.#.#", "#...#", "#####"]
TOUCHING_BY_CORNERS = ["##..", "##..", "..##", "..#.", ".#.."]
HOLE_OF_TWO_CORNERS = ["#####", "#.###", "##.##", "#####"]
TWO_HOLES_IN_A_ROW = ["#######", "#.#.#.#", "#######"]
NESTED = [
    "#########",
    "#.......#",
    "#.#####.#",
    "#.#...#.#",
    "#.#.#.#.#",
    "#.#...#.#",
    "#.#####.#",
    "#.......#",
    "#########",
]


def mask_of(rows: list[str]) -> NDArray[np.bool_]:
    return np.array([[letter == "#" for letter in row] for row in rows])


def area(polygon_ji: NDArray[np.float64]) -> float:
    j, i = polygon_ji.T
    return float(np.dot(i, np.roll(j, -1)) - np.dot(j, np.roll(i, -1))) / 2


def covered(polygon_ji: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Pixels whose centre lies inside by the even-odd rule, as radiotherapy systems fill."""
    inside = np.zeros(shape, dtype=bool)
    ends = np.roll(polygon_ji, -1, axis=0)
    columns = np.arange(shape[1])
    for (j0, i0), (j1, i1) in zip(polygon_ji, ends, strict=True):
        if i0 == i1:
            rows = np.arange(int(np.ceil(min(j0, j1))), int(np.floor(max(j0, j1))) + 1)
            inside[rows[:, None], columns[columns > i0]] ^= True
    return inside


def assert_exact(mask: NDArray[np.bool_]) -> None:
    total = np.zeros(mask.shape, dtype=int)
    found = polygons(mask)
    for polygon in found:
        steps = np.abs(np.roll(polygon, -1, axis=0) - polygon)
        assert (steps.min(axis=1) == 0).all()
        total += covered(polygon, mask.shape)
    np.testing.assert_array_equal(total, mask.astype(int))
    assert sum(area(polygon) for polygon in found) == mask.sum()


@pytest.mark.parametrize(
    ("rows", "pieces"),
    [
        (["#"], 1),
        (["##", "#."], 1),
        (RING, 2),
        (TOUCHING_BY_CORNERS, 3),
        (HOLE_OF_TWO_CORNERS, 1),
        (TWO_HOLES_IN_A_ROW, 1),
        (NESTED, 3),
        (["...", "..."], 0),
    ],
)
def test_shapes(rows: list[str], pieces: int) -> None:
    mask = mask_of(rows)
    assert len(polygons(mask)) == pieces
    assert_exact(mask)


def test_single_pixel_has_its_four_corners() -> None:
    (polygon,) = polygons(mask_of(["...", ".#."]))
    assert {tuple(corner) for corner in polygon.tolist()} == {
        (0.5, 0.5),
        (0.5, 1.5),
        (1.5, 1.5),
        (1.5, 0.5),
    }


@settings(max_examples=150)
@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_any_mask_is_covered_exactly(mask: NDArray[np.bool_]) -> None:
    assert_exact(mask)

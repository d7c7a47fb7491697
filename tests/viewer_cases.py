"""Small volumes whose places are known, for the tests of the views."""

from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.volume import Volume

# World box of the phantom: voxels along L, P, S, their size and the first one's centre.
COUNTS_LPS = (40, 30, 12)
SPACING_LPS = (1.0, 1.5, 4.0)
FIRST_LPS = np.array([-17.0, 21.0, -40.0])
# One voxel well off the middle: to the patient's left, front and top.
LESION_LPS_INDEX = (32, 6, 9)


def lesion_lps_mm() -> NDArray[np.float64]:
    return FIRST_LPS + np.array(LESION_LPS_INDEX) * SPACING_LPS


def all_orientations() -> list[tuple[tuple[int, int, int], tuple[int, int, int]]]:
    """Every way to store a box: which of L, P, S runs along i, j, k, and in which sense."""
    signs = list(product((1, -1), repeat=3))
    return [(order, sign) for order in permutations(range(3)) for sign in signs]


def stored_geometry(order: tuple[int, int, int], signs: tuple[int, int, int]) -> Geometry:
    affine = np.eye(4)
    corner = np.zeros(3)
    for column, (axis, sign) in enumerate(zip(order, signs, strict=True)):
        affine[:3, column] = 0.0
        affine[axis, column] = sign * SPACING_LPS[axis]
        corner[axis] = 0 if sign > 0 else COUNTS_LPS[axis] - 1
    affine[:3, 3] = FIRST_LPS + corner * SPACING_LPS
    shape_ijk = [COUNTS_LPS[axis] for axis in order]
    return Geometry((shape_ijk[2], shape_ijk[1], shape_ijk[0]), affine)


def oblique_geometry(
    shape_kji: tuple[int, int, int] = (20, 64, 48),
    spacing_ijk: tuple[float, float, float] = (1.1, 0.9, 4.0),
) -> Geometry:
    """A grid turned by 14 degrees about L and 9 about S."""
    a, b = np.radians(14), np.radians(9)
    about_l = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_s = np.array([[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = about_s @ about_l @ np.diag(spacing_ijk)
    lesion_ijk = (0.6 * shape_kji[2], 0.4 * shape_kji[1], 0.6 * shape_kji[0])
    affine[:3, 3] = lesion_lps_mm() - affine[:3, :3] @ np.rint(lesion_ijk)
    return Geometry(shape_kji, affine)


def ball_labels(geometry: Geometry, radius_mm: float, value: int) -> NDArray[np.uint8]:
    index = np.stack(np.meshgrid(*map(np.arange, geometry.shape_kji), indexing="ij"), axis=-1)
    centre = geometry.to_patient_mm((np.array(geometry.shape_kji) - 1) / 2)
    distance = np.linalg.norm(geometry.to_patient_mm(index.astype(float)) - centre, axis=-1)
    return np.where(distance <= radius_mm, value, 0).astype(np.uint8)


def oriented(order: tuple[int, ...], signs: tuple[int, ...], spacing: float = 1.0) -> Geometry:
    affine = np.eye(4)
    affine[:3, :3] = 0
    for column, (axis, sign) in enumerate(zip(order, signs, strict=True)):
        affine[axis, column] = sign * spacing
    affine[:3, 3] = (7.0, -3.0, 20.0)
    return Geometry((28, 30, 32), affine)


def phantom(geometry: Geometry) -> Volume:
    """Values that tell every place from every other: a slope along each axis, and the lesion."""
    index = np.stack(np.meshgrid(*map(np.arange, geometry.shape_kji), indexing="ij"), axis=-1)
    lps = geometry.to_patient_mm(index.astype(np.float64)) - FIRST_LPS
    values = 100 + lps @ (1.0, 2.0, 3.0)
    values[labels(geometry) > 0] = 900
    return Volume(values.astype(np.float32), geometry, source="phantom")


def labels(geometry: Geometry, value: int = 3) -> NDArray[np.uint8]:
    """Label the voxel that holds the lesion."""
    result = np.zeros(geometry.shape_kji, np.uint8)
    k, j, i = np.rint(geometry.to_index_kji(lesion_lps_mm())).astype(int)
    result[k, j, i] = value
    return result


def drag(
    widget: QWidget,
    button: Qt.MouseButton,
    start: QPointF,
    end: QPointF,
    modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    """Press, move in one step, release."""
    QTest.mousePress(widget, button, modifiers, start.toPoint())
    QTest.mouseMove(widget, end.toPoint())
    QTest.mouseRelease(widget, button, modifiers, end.toPoint())

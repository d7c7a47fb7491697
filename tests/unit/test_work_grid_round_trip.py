"""To the 1 mm grid and back to the grid of T1c, nothing moves and nothing grows."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.volume import Volume
from desktop_app.imaging.resample import resample, work_geometry

CENTRE_MM = np.array([3.3, -7.7, 11.1])
RADII_MM = np.array([18.0, 14.0, 22.0])
MAX_SHIFT_MM = 0.1
MAX_VOLUME_ERROR = 0.01


def grid(
    spacing_mm: tuple[float, float, float],
    turn_deg: tuple[float, float, float] = (0, 0, 0),
    axes: tuple[int, int, int] = (0, 1, 2),
    signs: tuple[int, int, int] = (1, 1, 1),
) -> Geometry:
    """Cover the phantom with (k, j, i) voxels of this size; i, j, k run along `axes`."""
    shape = tuple(int(np.ceil(70 / mm)) for mm in spacing_mm)
    directions = np.zeros((3, 3))
    directions[list(axes), range(3)] = signs
    directions = Rotation.from_euler("xyz", turn_deg, degrees=True).as_matrix() @ directions
    affine = np.eye(4)
    affine[:3, :3] = directions * spacing_mm[::-1]
    affine[:3, 3] = CENTRE_MM + 0.37 - affine[:3, :3] @ ((np.array(shape[::-1]) - 1) / 2)
    return Geometry(shape, affine)


GRIDS = {
    "1 mm": grid((1.0, 1.0, 1.0)),
    "0.8 mm": grid((0.8, 0.8, 0.8)),
    "1.2 mm sagittal": grid((1.2, 1.0, 1.0), axes=(1, 2, 0), signs=(1, -1, 1)),
    "5.5 mm axial": grid((5.5, 0.9, 0.9)),
    "5.5 mm coronal, flipped": grid((5.5, 0.9, 0.9), axes=(0, 2, 1), signs=(-1, -1, 1)),
    "1 mm oblique": grid((1.0, 1.0, 1.0), (20, -15, 10)),
    "5.5 mm oblique": grid((5.5, 0.9, 0.9), (20, -15, 10)),
}
every_grid = pytest.mark.parametrize("geometry", GRIDS.values(), ids=GRIDS)


def inside(points_lps_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
    distance = (points_lps_mm - CENTRE_MM) / RADII_MM
    return (distance**2).sum(axis=-1) <= 1


def share_inside(geometry: Geometry) -> NDArray[np.float32]:
    """How much of each voxel the ellipsoid fills, as a scanner would see it."""
    index = np.moveaxis(np.indices(geometry.shape_kji), 0, -1).astype(np.float64)
    total = np.zeros(geometry.shape_kji, dtype=np.float32)
    parts = [np.arange(n) / n + 0.5 / n - 0.5 for n in (5, 3, 3)]
    for offset in np.stack(np.meshgrid(*parts, indexing="ij"), axis=-1).reshape(-1, 3):
        total += inside(geometry.to_patient_mm(index + offset))
    return total / 45


def centre_and_volume(
    weights: NDArray[np.generic], geometry: Geometry
) -> tuple[NDArray[np.float64], float]:
    values = np.asarray(weights, dtype=np.float64)
    index = np.moveaxis(np.indices(values.shape), 0, -1).astype(np.float64)
    centre_kji = (index * values[..., None]).sum(axis=(0, 1, 2)) / values.sum()
    return geometry.to_patient_mm(centre_kji), float(values.sum() * geometry.voxel_volume_mm3)


TRUE_VOLUME_MM3 = float(4 / 3 * np.pi * np.prod(RADII_MM))


@every_grid
def test_image_stays_in_its_place_on_the_work_grid(geometry: Geometry) -> None:
    image = Volume(share_inside(geometry), geometry)
    on_grid = resample(image, work_geometry(geometry), antialias=True)
    centre, volume = centre_and_volume(on_grid.array_kji, on_grid.geometry)
    assert np.linalg.norm(centre - CENTRE_MM) < MAX_SHIFT_MM
    assert volume == pytest.approx(TRUE_VOLUME_MM3, rel=MAX_VOLUME_ERROR)


@every_grid
def test_labels_come_back_to_their_place(geometry: Geometry) -> None:
    """Against what the same outline is on this grid, drawn there without the detour."""
    work = work_geometry(geometry)
    probabilities = Volume(share_inside(work), work)
    labels = resample(probabilities, geometry).array_kji > 0.5
    index = np.moveaxis(np.indices(geometry.shape_kji), 0, -1).astype(np.float64)
    drawn = inside(geometry.to_patient_mm(index))
    centre, volume = centre_and_volume(labels, geometry)
    wanted_centre, wanted_volume = centre_and_volume(drawn, geometry)
    assert np.linalg.norm(centre - wanted_centre) < MAX_SHIFT_MM
    assert volume == pytest.approx(wanted_volume, rel=MAX_VOLUME_ERROR)
    assert volume == pytest.approx(TRUE_VOLUME_MM3, rel=2 * MAX_VOLUME_ERROR)


@every_grid
def test_there_and_back(geometry: Geometry) -> None:
    image = Volume(share_inside(geometry), geometry)
    there = resample(image, work_geometry(geometry), antialias=True)
    back = resample(there, geometry)
    centre, volume = centre_and_volume(back.array_kji, geometry)
    wanted_centre, wanted_volume = centre_and_volume(image.array_kji, geometry)
    assert np.linalg.norm(centre - wanted_centre) < MAX_SHIFT_MM
    assert volume == pytest.approx(wanted_volume, rel=MAX_VOLUME_ERROR)

"""Planted failures of registration, on images of real patients: each has to be noticed."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.imaging.registration import match_as_placed, register_rigid
from desktop_app.imaging.resample import resample
from desktop_app.services.opening.import_study import choose_roles, load_roles, open_path

pytestmark = pytest.mark.patients

Plant = Callable[[Volume, Path], Volume]
PATIENT, ANOTHER = "BraTS2021_00000", "BraTS2021_01659"
_COARSE_MM = 2.0


@cache
def images(data: Path, patient: str) -> dict[Sequence, Volume]:
    """T1c and FLAIR on coarser voxels, which is quicker and what registration looks at."""
    study = open_path(data / "train" / patient, use_cache=False).studies[0]
    roles = choose_roles(study)
    volumes = load_roles({s: roles[s] for s in (Sequence.T1C, Sequence.FLAIR)})
    return {sequence: coarse(volume) for sequence, volume in volumes.items()}


def coarse(volume: Volume) -> Volume:
    affine = volume.geometry.affine_lps_mm.copy()
    factor = _COARSE_MM / np.array(volume.geometry.spacing_mm)
    affine[:3, :3] *= factor[::-1]
    nk, nj, ni = (int(n / f) for n, f in zip(volume.array_kji.shape, factor, strict=True))
    return resample(volume, Geometry((nk, nj, ni), affine), antialias=True)


def of_another_patient(_flair: Volume, data: Path) -> Volume:
    return images(data, ANOTHER)[Sequence.FLAIR]


def noise(flair: Volume, _data: Path) -> Volume:
    rng = np.random.default_rng(0)
    smooth = ndimage.gaussian_filter(rng.standard_normal(flair.array_kji.shape), 2.0)
    return replace(flair, array_kji=(1000 + 5000 * smooth).astype(np.float32))


def of_another_organ(flair: Volume, _data: Path) -> Volume:
    """Two lungs, a spine and a heart in a chest, as far as ellipsoids show them."""
    k, j, i = np.meshgrid(
        *[np.linspace(-1, 1, n) for n in flair.array_kji.shape], indexing="ij", sparse=True
    )

    def body(place: tuple[float, float], radii: tuple[float, float, float]) -> np.ndarray:
        x, y = (i - place[0]) / radii[0], (j - place[1]) / radii[1]
        inside: np.ndarray = x**2 + y**2 + (k / radii[2]) ** 2 < 1
        return inside

    chest = np.where(body((0, 0), (0.95, 0.7, 3)), 300.0, 0.0)
    for side in (-0.45, 0.45):
        chest[body((side, -0.05), (0.36, 0.5, 0.9))] = 30
    chest[body((0.1, -0.2), (0.25, 0.25, 0.4))] = 420
    chest[body((0, 0.5), (0.12, 0.12, 3))] = 520
    return replace(flair, array_kji=ndimage.gaussian_filter(chest, 0.7).astype(np.float32))


def cropped_to_a_fifth(flair: Volume, _data: Path) -> Volume:
    keep = round(0.2 * flair.geometry.shape_kji[0])
    index = np.argwhere(flair.array_kji > 0)[:, 0]
    top = int(index.max()) - keep
    affine = flair.geometry.affine_lps_mm.copy()
    affine[:3, 3] = flair.geometry.to_patient_mm(np.array([top, 0, 0], dtype=float))
    array = flair.array_kji[top : top + keep]
    return Volume(array, Geometry(array.shape, affine))


def mirrored(flair: Volume, _data: Path) -> Volume:
    return replace(flair, array_kji=flair.array_kji[:, :, ::-1].copy())


PLANTS: tuple[Plant, ...] = (of_another_patient, noise, of_another_organ, cropped_to_a_fifth)


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_planted_failure_is_noticed(shared_data: Path, plant: Plant) -> None:
    own = images(shared_data, PATIENT)
    found = register_rigid(plant(own[Sequence.FLAIR], shared_data), own[Sequence.T1C])
    assert not found.ok, found.message
    assert "Could not be registered" in found.message


def test_wrong_turn_in_the_header_is_put_right_or_noticed(shared_data: Path) -> None:
    own = images(shared_data, PATIENT)
    flair, t1c = own[Sequence.FLAIR], own[Sequence.T1C]
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("z", 90, degrees=True).as_matrix()
    centre = flair.geometry.to_patient_mm((np.array(flair.geometry.shape_kji) - 1) / 2)
    turn[:3, 3] = centre - turn[:3, :3] @ centre
    turned = Geometry(flair.geometry.shape_kji, turn @ flair.geometry.affine_lps_mm)
    assert not match_as_placed(replace(flair, geometry=turned), t1c).ok
    found = register_rigid(replace(flair, geometry=turned), t1c)
    points = np.argwhere(flair.array_kji > 0)[::999].astype(float)
    apart = found.moved_geometry.to_patient_mm(points) - flair.geometry.to_patient_mm(points)
    assert not found.ok or np.linalg.norm(apart, axis=1).mean() < 2


@pytest.mark.parametrize("patient", [PATIENT, "BraTS2021_01480"])
def test_mirrored_brain_is_noticed(shared_data: Path, patient: str) -> None:
    own = images(shared_data, patient)
    found = register_rigid(mirrored(own[Sequence.FLAIR], shared_data), own[Sequence.T1C])
    assert not found.ok
    assert "mirror image" in found.message

"""However slices are turned, every voxel comes back where the header says, in DICOM and NIfTI."""

from itertools import permutations, product
from pathlib import Path

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from desktop_app.domain.volume import Volume
from desktop_app.imaging.resample import resample, work_geometry
from desktop_app.io.load import load_series
from desktop_app.io.nifti.files import read_nifti, write_nifti
from desktop_app.io.scan import scan
from tests.mr_files import write_series

SHAPE = (4, 6, 5)
SPACING = (3.0, 2.0, 1.5)
ORIGIN = np.array([-20.0, -30.0, -40.0])
# Each voxel's value is its own number, so that no two can be taken for each other.
VALUES = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE)
RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0])

Turn = NDArray[np.float64]


def axis_turns() -> list[Turn]:
    """All 48 ways to lay i, j and k along the patient's axes, mirrored ones included."""
    turns = []
    for order in permutations(range(3)):
        for signs in product((1.0, -1.0), repeat=3):
            turn = np.zeros((3, 3))
            turn[list(order), range(3)] = signs
            turns.append(turn)
    return turns


def oblique_turns(count: int) -> list[Turn]:
    rng = np.random.default_rng(7)
    turns = Rotation.random(count, rng=rng).as_matrix()
    return [turn * (1, 1, rng.choice((-1, 1))) for turn in turns]


TURNS = [*axis_turns(), *oblique_turns(16)]
NAMES = [f"turn {n}" for n in range(48)] + [f"oblique {n}" for n in range(16)]
every_turn = pytest.mark.parametrize("turn", TURNS, ids=NAMES)


def true_places(turn: Turn) -> NDArray[np.float64]:
    """(n, 3) where voxel number n lies, in L, P, S; columns of `turn` are i, j and k."""
    index_kji = np.stack(np.unravel_index(np.arange(VALUES.size), SHAPE), axis=-1)
    return ORIGIN + (index_kji * SPACING)[:, ::-1] @ turn.T


def places(volume: Volume) -> NDArray[np.float64]:
    """(n, 3) where the voxel of value n lies in a volume."""
    index_kji = np.argwhere(volume.array_kji > -1)
    order = np.argsort(volume.array_kji.ravel(), kind="stable")
    return volume.geometry.to_patient_mm(index_kji[order].astype(np.float64))


@every_turn
def test_dicom(turn: Turn, tmp_path: Path) -> None:
    # Files state two axes; the third is given by their places, in either direction.
    forwards = np.linalg.det(turn) > 0
    steps = [SPACING[0] * k * (1 if forwards else -1) for k in range(SHAPE[0])]
    orientation = tuple(round(float(v), 8) for v in turn[:, :2].T.ravel())
    write_series(
        tmp_path,
        VALUES,
        spacing_mm=SPACING,
        orientation=orientation,
        origin_lps_mm=ORIGIN,
        positions_mm=steps,
    )
    volume = load_series(scan(tmp_path).studies[0].series[0])
    # Positions are written with four decimals.
    np.testing.assert_allclose(places(volume), true_places(turn), atol=2e-4)
    assert volume.geometry.spacing_mm == pytest.approx(SPACING, abs=1e-4)
    assert volume.notes == ()


@every_turn
def test_nifti(turn: Turn, tmp_path: Path) -> None:
    affine = np.eye(4)
    affine[:3, :3] = RAS_TO_LPS @ turn * SPACING[::-1]
    affine[:3, 3] = RAS_TO_LPS @ ORIGIN
    image = nibabel.Nifti1Image(VALUES.transpose(2, 1, 0), affine)
    image.set_sform(affine, code=1)
    path = tmp_path / "turned.nii"
    nibabel.save(image, path)
    volume = read_nifti(path)
    np.testing.assert_allclose(places(volume), true_places(turn), atol=1e-4)
    assert volume.notes == ()
    again = read_nifti(write_nifti(volume, tmp_path / "again.nii.gz"))
    np.testing.assert_allclose(places(again), true_places(turn), atol=1e-4)


@pytest.mark.parametrize("turn", TURNS[:48], ids=NAMES[:48])
def test_all_turns_become_one_picture(turn: Turn, tmp_path: Path) -> None:
    """On the network's grid, no trace is left of how a file stored the head."""
    affine = np.eye(4)
    affine[:3, :3] = RAS_TO_LPS @ turn
    stored = as_stored(turn)
    # The patient's first voxel lies at the origin, wherever the file has it.
    corner = np.where((turn.sum(axis=0) < 0), np.array(stored.shape) - 1, 0)
    affine[:3, 3] = -affine[:3, :3] @ corner
    image = nibabel.Nifti1Image(stored, affine)
    image.set_sform(affine, code=1)
    nibabel.save(image, tmp_path / "turned.nii")
    volume = read_nifti(tmp_path / "turned.nii")
    on_grid = resample(volume, work_geometry(volume.geometry))
    np.testing.assert_array_equal(on_grid.array_kji, VALUES)
    np.testing.assert_allclose(on_grid.geometry.affine_lps_mm, np.eye(4), atol=1e-6)


def as_stored(turn: Turn) -> NDArray[np.int16]:
    """The patient's S, P, L array as a file with these axes stores it, in i, j, k."""
    patient_lps = VALUES.transpose(2, 1, 0)
    along = np.argmax(np.abs(turn), axis=0)
    stored = patient_lps.transpose(along)
    for axis in range(3):
        if turn[along[axis], axis] < 0:
            stored = np.flip(stored, axis)
    return np.ascontiguousarray(stored)

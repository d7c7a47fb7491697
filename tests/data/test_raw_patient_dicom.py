"""A real patient as scanned, with words removed from the headers: from DICOM to whole tumour.

The reference lies in the space of an atlas; its T1c is registered to the patient's own T1c, and its
labels are brought there, region by region, before they are compared.
"""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.imaging.registration import register_rigid
from desktop_app.imaging.resample import resample
from desktop_app.io.nifti.files import read_nifti
from desktop_app.services.opening.import_study import open_path
from desktop_app.services.opening.sequence_naming import completed
from tests.command_line import gliascope
from tests.heads import dice
from tests.patient_dicom import RAW, raw_volumes, write_raw_patient

pytestmark = pytest.mark.patients

# What is asked for; measured were 0.91, 0.79 and 0.84, against a prediction, not a truth.
LEAST_DICE = {"WT": 0.80, "TC": 0.60, "ET": 0.60}
# (values of the reference, values of our labels)
REGIONS = {"WT": ((1, 2, 4), (1, 2, 3)), "TC": ((1, 4), (1, 3)), "ET": ((4,), (3,))}


@pytest.mark.parametrize("with_agent", [True, False])
def test_the_four_are_chosen_without_a_word(
    shared_data: Path, tmp_path: Path, with_agent: bool
) -> None:
    true_of = write_raw_patient(shared_data, tmp_path, with_agent=with_agent)
    studies = open_path(tmp_path, use_cache=False).studies
    assert len(studies) == 1
    found = {role: true_of[one.series_uid] for role, one in studies[0].roles.items()}
    assert found == {sequence: sequence for sequence in Sequence}


def test_without_any_hint_nothing_is_named_wrongly(shared_data: Path, tmp_path: Path) -> None:
    true_of = write_raw_patient(shared_data, tmp_path, with_agent=False, with_timing=False)
    study = open_path(tmp_path, use_cache=False).studies[0]
    assert study.roles == {}
    found = completed(study, {})
    named, roles = found.study, found.roles
    assert len(roles) >= 3
    assert all(true_of[one.series_uid] is sequence for sequence, one in roles.items())
    assert all(proposal.by_pixels for proposal in named.roles.values())


def test_whole_tumour_agrees_with_the_reference(shared_data: Path, tmp_path: Path) -> None:
    write_raw_patient(shared_data, tmp_path / "dicom")
    run = gliascope(
        "segment",
        tmp_path / "dicom",
        *("--output", tmp_path / "out", "--export", "nifti", "--quiet"),
        timeout=900,
    )
    assert run.returncode == 0, run.stderr
    found = read_nifti(Path(run.stdout.strip()) / "segmentation.nii.gz")
    folder = shared_data / "raw" / f"{RAW}_reference"
    predicted = read_nifti(folder / "prediction_sri24.nii.gz").array_kji
    placed = _placed(shared_data, folder)
    measured = {
        name: dice(
            _on_grid(np.isin(predicted, theirs), placed, found.geometry),
            np.isin(found.array_kji, ours),
        )
        for name, (theirs, ours) in REGIONS.items()
    }
    assert all(measured[name] >= least for name, least in LEAST_DICE.items()), measured


def _placed(data: Path, folder: Path) -> Geometry:
    """Return the reference's grid, moved to where the patient lay."""
    theirs = read_nifti(folder / "t1ce_sri24_stripped.nii.gz")
    registration = register_rigid(theirs, raw_volumes(data)[Sequence.T1C])
    assert registration.ok, registration.message
    return registration.moved_geometry


def _on_grid(mask: NDArray[np.bool_], placed: Geometry, grid: Geometry) -> NDArray[np.bool_]:
    share = resample(Volume(mask.astype(np.float32), placed), grid, antialias=True)
    inside: NDArray[np.bool_] = share.array_kji > 0.5
    return inside

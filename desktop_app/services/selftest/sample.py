"""The sample study's truth, and what the same version found in it before it was packed."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.readable import readable_percent, readable_share
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import REGION_LABELS, Region
from desktop_app.domain.volume import Volume
from desktop_app.io.atomic import atomic_path
from desktop_app.io.nifti.files import read_nifti
from desktop_app.paths import sample_dir
from desktop_app.services.measuring.measure import MM3_PER_CM3, volumes_mm3
from desktop_app.services.selftest.checks import CheckFailed, Checklist, NotPossibleHere

if TYPE_CHECKING:
    from model.synthetic import SampleStudy

EXPECTED_FOLDER = "expected"
_EXPECTED_LABELS = "segmentation.nii.gz"
_EXPECTED_NUMBERS = "expected.json"
_SCHEMA = "gliascope/sample-expected/1"
# Processors differ in the order in which they add; another device and number format in more.
_SAME_DICE = 0.999
_OTHER_DEVICE_DICE = 0.98
_SAME_VOLUME = 0.002
_OTHER_DEVICE_VOLUME = 0.03


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a region may be from the truth.

    Parameters
    ----------
    dice
        Least overlap, 2 |A ∩ B| / (|A| + |B|).
    volume
        Largest difference of the volumes as a share of the true one.
    """

    dice: float
    volume: float


# The test asks whether this installation works, not how accurate the network is. A wrong axis or
# side, sequences mixed up or damaged weights leave no overlap worth the name; other devices and
# number formats change it by less than 0.01. The limits lie between: 0.11 to 0.14 below the Dice
# that the bundled weights reach on the sample study, and two to four times their errors of volume.
TOLERANCES: Mapping[Region, Tolerance] = {
    Region.WT: Tolerance(dice=0.80, volume=0.25),
    Region.TC: Tolerance(dice=0.75, volume=0.35),
    Region.ET: Tolerance(dice=0.70, volume=0.45),
}


def provide_sample(folder: Path) -> "SampleStudy":
    """Put the sample study into a new folder: the installed one, or one that is made now."""
    from model.synthetic import read_sample_study, write_sample_study

    if not sample_dir().is_dir():
        return write_sample_study(folder)
    shutil.copytree(sample_dir(), folder)
    return read_sample_study(folder)


def compare_with_truth(checklist: Checklist, result: StudyResult, truth: Volume) -> None:
    """Check that the labels lie on the right grid and come close enough to the truth.

    Parameters
    ----------
    truth
        Labels 1 NCR, 2 ED, 3 ET on the grid of the reference series.
    """
    segmentation = result.segmentation

    def grid() -> str:
        if not truth.geometry.matches(segmentation.geometry):
            raise CheckFailed("the labels are not on the grid of the T1c series")
        return "the labels are on the grid of the T1c series"

    if not checklist.attempt("grid", grid):
        return
    voxel_cm3 = segmentation.geometry.voxel_volume_mm3 / MM3_PER_CM3
    for region, tolerance in TOLERANCES.items():
        found_kji = segmentation.mask_kji(region)
        true_kji = np.isin(truth.array_kji, REGION_LABELS[region])

        def compare(
            tolerance: Tolerance = tolerance,
            overlap: float = dice(found_kji, true_kji),
            found: float = float(found_kji.sum()) * voxel_cm3,
            true: float = float(true_kji.sum()) * voxel_cm3,
        ) -> str:
            error = (found - true) / true
            text = (
                f"{found:.1f} cm³, truth {true:.1f} ({readable_percent(100 * error)}, "
                f"limit {readable_share(tolerance.volume)}), "
                f"Dice {overlap:.2f} (limit {tolerance.dice:.2f})"
            )
            if overlap < tolerance.dice or abs(error) > tolerance.volume:
                raise CheckFailed(text)
            return text

        checklist.attempt(region.value, compare)


def store_expected(result: StudyResult, labels: Path, sample: Path) -> None:
    """Keep beside a sample study what this version finds in it.

    Parameters
    ----------
    labels
        The result as NIfTI.
    sample
        Folder of the sample study.
    """
    folder = sample / EXPECTED_FOLDER
    folder.mkdir(exist_ok=True)
    shutil.copyfile(labels, folder / _EXPECTED_LABELS)
    provenance = result.segmentation.provenance
    volumes = volumes_mm3(result.measurements)
    document = {
        "schema": _SCHEMA,
        "app_version": provenance.app_version,
        "weights_sha256": provenance.weights_sha256,
        "device": provenance.device,
        "precision": provenance.precision,
        "volumes_mm3": {region.value: volume for region, volume in volumes.items()},
    }
    with atomic_path(folder / _EXPECTED_NUMBERS) as temporary:
        temporary.write_text(json.dumps(document, indent=1), "utf-8")


def compare_with_expected(result: StudyResult, sample: Path) -> str:
    """Require what was found before the program was packed, voxel by voxel and in volume.

    Parameters
    ----------
    sample
        Folder of the sample study.
    """
    folder = sample / EXPECTED_FOLDER
    if not folder.is_dir():
        raise NotPossibleHere("nothing was stored with this sample study; installed programs do")
    document = json.loads((folder / _EXPECTED_NUMBERS).read_text("utf-8"))
    provenance = result.segmentation.provenance
    if document["weights_sha256"] != provenance.weights_sha256:
        raise CheckFailed("the weights are not those the program was packed with")
    alike = (document["device"], document["precision"]) == (
        provenance.device,
        provenance.precision,
    )
    least, most = (
        (_SAME_DICE, _SAME_VOLUME) if alike else (_OTHER_DEVICE_DICE, _OTHER_DEVICE_VOLUME)
    )
    labels_kji = np.asarray(read_nifti(folder / _EXPECTED_LABELS).array_kji)
    overlap = min(
        dice(result.segmentation.mask_kji(region), np.isin(labels_kji, REGION_LABELS[region]))
        for region in Region
    )
    volumes = volumes_mm3(result.measurements)
    error = max(
        abs(volumes[Region(name)] - expected) / max(expected, 1.0)
        for name, expected in document["volumes_mm3"].items()
    )
    text = (
        f"Dice {overlap:.4f} at least (limit {least}), "
        f"volumes within {readable_share(error, 2)} (limit {readable_share(most, 1)})"
    )
    if overlap < least or error > most:
        raise CheckFailed(text)
    return text


def dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Return the overlap 2 |A ∩ B| / (|A| + |B|); 1 where both are empty (Dice 1945)."""
    total = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / total if total else 1.0

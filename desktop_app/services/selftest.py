"""Whether everything works on this computer: the sample study, from its files to its results."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import REGION_LABELS, Region
from desktop_app.domain.study import Study
from desktop_app.domain.volume import Volume
from desktop_app.errors import Cancelled, UserFacingError
from desktop_app.io.nifti import read_nifti
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import ProgressCallback
from desktop_app.services.case import CaseOptions, CaseOutcome, ExportOptions, process_study
from desktop_app.services.export import FILE_NAMES, ExportFormat, PageRenderer
from desktop_app.services.import_study import choose_roles, open_path
from desktop_app.services.measure import MM3_PER_CM3
from desktop_app.services.models import ModelStore, verify
from desktop_app.services.segment import Segmenter, SegmentOptions
from desktop_app.services.stages import Stages
from model.synthetic import SampleStudy, write_sample_study

_STAGE_SECONDS = {"sample": 8.0, "scan": 1.0, "segment": 20.0, "compare": 2.0}


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
TOLERANCES = {
    Region.WT: Tolerance(dice=0.80, volume=0.25),
    Region.TC: Tolerance(dice=0.75, volume=0.35),
    Region.ET: Tolerance(dice=0.70, volume=0.45),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried, and how it went."""

    name: str
    passed: bool
    detail: str


def run_selftest(
    models: ModelStore,
    worker: Segmenter,
    options: SegmentOptions,
    page_renderer: PageRenderer,
    *,
    progress: ProgressCallback | None = None,
    token: CancelToken | None = None,
) -> tuple[Check, ...]:
    """Make the sample study, segment and export it, and compare everything with what is known.

    Returns
    -------
    tuple of Check
        A step that fails ends the test; the steps before it are told.

    Raises
    ------
    Cancelled
        If `token` was cancelled.
    """
    checks: list[Check] = []
    with tempfile.TemporaryDirectory(prefix="gliascope-selftest-") as temporary:
        test = _SelfTest(Path(temporary), worker, options, page_renderer, token)
        try:
            checks += [_verified(models)]
            for check in test.run(Stages(_STAGE_SECONDS, progress)):
                checks.append(check)
        except Cancelled:
            raise
        except UserFacingError as error:
            checks.append(Check("run", False, " ".join(str(error).splitlines())))
    return tuple(checks)


class _SelfTest:
    """One run in a folder of its own."""

    def __init__(
        self,
        folder: Path,
        worker: Segmenter,
        options: SegmentOptions,
        page_renderer: PageRenderer,
        token: CancelToken | None,
    ) -> None:
        self._folder = folder
        self._worker = worker
        self._options = options
        self._page_renderer = page_renderer
        self._token = token

    def run(self, stages: Stages) -> Iterator[Check]:
        """Yield every check as it is made."""
        with stages.stage("sample", "Making the sample study"):
            sample = write_sample_study(self._folder / "sample")
        if self._token is not None:
            self._token.raise_if_cancelled()
        with stages.stage("scan", "Reading the sample study") as report:
            studies = open_path(sample.dicom_folder, progress=report, token=self._token).studies
        yield _roles_found(studies, sample)
        with stages.stage("segment", "Segmenting the sample study") as report:
            outcome = self._process(studies[0], report)
        provenance = outcome.result.segmentation.provenance
        seconds = provenance.seconds["inference"]
        ran_on = f"{provenance.model_id} on {provenance.device}, {provenance.precision}"
        yield Check("network", True, f"{ran_on}, {seconds:.1f} s")
        with stages.stage("compare", "Comparing with the truth"):
            yield from compare_with_truth(outcome.result, read_nifti(sample.truth_labels_path))
            yield from _written(outcome)

    def _process(self, study: Study, report: ProgressCallback) -> CaseOutcome:
        return process_study(
            study,
            choose_roles(study, {}),
            CaseOptions(self._options, ExportOptions(tuple(ExportFormat))),
            self._folder / "results",
            self._worker,
            page_renderer=self._page_renderer,
            progress=report,
            token=self._token,
        )


def _verified(models: ModelStore) -> Check:
    entries = models.entries()
    for entry in entries:
        verify(entry)
    names = ", ".join(entry.name for entry in entries)
    return Check("weights", bool(entries), f"{names or 'none found'}, as on the model card")


def _roles_found(studies: tuple[Study, ...], sample: SampleStudy) -> Check:
    proposed = {s.value: role.series_uid for s, role in studies[0].roles.items()}
    expected = {s.value: uid for s, uid in sample.series_uids.items()}
    passed = len(studies) == 1 and proposed == expected
    right = sum(proposed.get(sequence) == uid for sequence, uid in expected.items())
    return Check("sequences", passed, f"{right} of {len(expected)} found in the DICOM files")


def compare_with_truth(result: StudyResult, truth: Volume) -> Iterator[Check]:
    """Yield whether the labels lie on the right grid and come close enough to the truth.

    Parameters
    ----------
    truth
        Labels 1 NCR, 2 ED, 3 ET on the grid of the reference series.
    """
    segmentation = result.segmentation
    if not truth.geometry.matches(segmentation.geometry):
        yield Check("grid", False, "the labels are not on the grid of the T1c series")
        return
    yield Check("grid", True, "the labels are on the grid of the T1c series")
    voxel_cm3 = segmentation.geometry.voxel_volume_mm3 / MM3_PER_CM3
    for region, tolerance in TOLERANCES.items():
        found_kji = segmentation.mask_kji(region)
        true_kji = np.isin(truth.array_kji, REGION_LABELS[region])
        overlap = dice(found_kji, true_kji)
        found, true = (float(mask.sum()) * voxel_cm3 for mask in (found_kji, true_kji))
        error = (found - true) / true
        yield Check(
            region.value,
            overlap >= tolerance.dice and abs(error) <= tolerance.volume,
            f"{found:.1f} cm³, truth {true:.1f} ({error:+.0%}, limit {tolerance.volume:.0%}), "
            f"Dice {overlap:.2f} (limit {tolerance.dice:.2f})",
        )


def _written(outcome: CaseOutcome) -> Iterator[Check]:
    names = {file.name for file in outcome.files if file.is_file() and file.stat().st_size > 0}
    missing = set(FILE_NAMES.values()) - names
    detail = f"missing: {', '.join(sorted(missing))}" if missing else ", ".join(sorted(names))
    yield Check("files", not missing, detail)
    labels_kji = outcome.result.segmentation.labels_kji
    nifti = read_nifti(outcome.folder / FILE_NAMES[ExportFormat.NIFTI])
    same = np.array_equal(nifti.array_kji, labels_kji)
    yield Check("NIfTI", same, "read back voxel by voxel")
    same = np.array_equal(_seg_labels(outcome), labels_kji)
    yield Check("DICOM SEG", same, "read back voxel by voxel")


def _seg_labels(outcome: CaseOutcome) -> NDArray[np.uint8]:
    """Read the labels of the SEG back onto the grid of the segmentation."""
    from highdicom.seg import segread

    geometry = outcome.result.segmentation.geometry
    segmentation = segread(outcome.folder / FILE_NAMES[ExportFormat.SEG])
    labels_kji = np.zeros(geometry.shape_kji, np.uint8)
    functional_groups = segmentation.PerFrameFunctionalGroupsSequence
    frames = segmentation.pixel_array.reshape(-1, *geometry.shape_kji[1:])
    for frame, group in zip(frames, functional_groups, strict=True):
        position = np.array(group.PlanePositionSequence[0].ImagePositionPatient, np.float64)
        k = round(float(geometry.to_index_kji(position)[0]))
        value = int(group.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        labels_kji[k][frame > 0] = value
    return labels_kji


def dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Return the overlap 2 |A ∩ B| / (|A| + |B|); 1 where both are empty (Dice 1945)."""
    total = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / total if total else 1.0

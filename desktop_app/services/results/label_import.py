"""Labels that another program made, taken over as the result of the open study."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import desktop_app
from desktop_app.domain.axes import turned
from desktop_app.domain.geometry import Geometry
from desktop_app.domain.label_part import LabelPart
from desktop_app.domain.missing import without_contrast_first
from desktop_app.domain.provenance import UNKNOWN, Provenance
from desktop_app.domain.readable import readable_share
from desktop_app.domain.result import PreparedStudy, StudyResult
from desktop_app.domain.segmentation import REGION_LABELS, Region, Segmentation, remarks_on
from desktop_app.domain.study import Sequence, Series, Study
from desktop_app.domain.volume import Volume
from desktop_app.errors import InputError
from desktop_app.jobs.cancel import NEVER, CancelToken
from desktop_app.jobs.events import ProgressCallback, silent
from desktop_app.services.measuring.field_ends import end_remarks
from desktop_app.services.measuring.measure import measure
from desktop_app.services.opening.loaded_study import LoadedStudy, load_study
from desktop_app.services.opening.same_patient import PatientMatch, match_patients, patient_in_words
from desktop_app.services.results.label_proposal import regions_of_segments, regions_of_values
from desktop_app.services.results.reopen import Reopened
from desktop_app.services.segmenting.brain_network import BrainNetwork
from desktop_app.services.segmenting.segment import header_confidence
from desktop_app.services.segmenting.stages import Stages

# What lies further in is drawn over what lies around it, where segments overlap.
DRAWN_IN_ORDER = (Region.ED, Region.NCR, Region.ET)

_SAME_GRID_MM = 0.1
_TOLD_SHARE = 0.01
# A mask of these images hardly leaves the brain; one of other images does.
_OUTSIDE_BRAIN = 0.2
_OPENED = "Labels of another program opened"
_STAGE_SECONDS = {"import": 2.0, "preprocess": 5.0, "labels": 1.0}
_OTHER_FRAME = (
    "The labels name another frame of reference than the images: please check that they lie right."
)


@dataclass(frozen=True, slots=True, eq=False)
class ForeignLabels:
    """Labels as a file has them.

    Parameters
    ----------
    parts
        What can be taken over.
    masks_kji
        Of each part, by its number.
    notes
        What the file leaves open.
    """

    file: Path
    geometry: Geometry
    parts: tuple[LabelPart, ...]
    masks_kji: Mapping[int, NDArray[np.bool_]]
    notes: tuple[str, ...] = ()


def read_foreign(file: Path, study: Study) -> ForeignLabels:
    """Read a mask in NIfTI, or a DICOM SEG of any maker.

    Parameters
    ----------
    study
        That the labels are to be of.

    Raises
    ------
    InputError
        If the file holds no labels, is damaged, or names another patient.
    """
    from desktop_app.io.nifti.files import is_nifti_path

    found = _read_mask(file) if is_nifti_path(file) else _read_seg(file, study)
    if not any(one.volume_mm3 for one in found.parts):
        raise InputError("The labels mark nothing.", str(file), "Choose another file.")
    return found


def open_labels(
    study: Study,
    roles: Mapping[Sequence, Series],
    labels: ForeignLabels,
    regions: Mapping[int, Region],
    *,
    known: LoadedStudy | None = None,
    network: BrainNetwork | None = None,
    chosen_by_user: Collection[Sequence] = (),
    progress: ProgressCallback = silent,
    token: CancelToken = NEVER,
) -> Reopened:
    """Load and prepare the images, and lay the labels on them instead of running the network.

    Parameters
    ----------
    regions
        ET, NCR or ED by the number of a part; the others are left out.
    known
        Images that were read already.
    network
        Outlines the brain.
    chosen_by_user
        Sequences whose series the user chose, which no pixels overrule.

    Raises
    ------
    InputError
        If the labels do not lie on the images, or an image cannot be used.
    Cancelled
        If `token` was cancelled.
    """
    from desktop_app.services.segmenting.preprocess import prepare

    stages = Stages(_STAGE_SECONDS, progress)
    with stages.stage("import", "Reading the images") as report:
        loaded = load_study(roles, known=known, progress=report, token=token)
    with stages.stage("preprocess", "Preparing the images") as report:
        prepared = prepare(
            loaded.volumes,
            header_confidence=header_confidence(study, roles),
            chosen_by_user=chosen_by_user,
            network=network,
            memory=loaded.memory,
            progress=report,
            token=token,
        )
    with stages.stage("labels", "Laying the labels on the images"):
        labels_kji, notes = _laid(labels, regions, prepared)
        shows_enhancement = prepared.shows_enhancement
        warnings = (
            *remarks_on(labels_kji, is_corrected=True, shows_enhancement=shows_enhancement),
            *end_remarks(labels_kji, prepared),
            *notes,
            *prepared.warnings,
        )
    segmentation = Segmentation(
        labels_kji,
        prepared.reference.geometry,
        _provenance(labels, regions, prepared),
        warnings=without_contrast_first(warnings),
        shows_enhancement=shows_enhancement,
    )
    result = StudyResult(study, prepared.now(roles), prepared, segmentation, measure(segmentation))
    return Reopened(loaded, result)


def is_as_opened(provenance: Provenance) -> bool:
    """Whether labels are another program's, and nobody has corrected them since."""
    return bool(provenance.labels_of) and "".join(provenance.steps[-1:]).startswith(_OPENED)


def _read_mask(file: Path) -> ForeignLabels:
    from desktop_app.io.nifti.files import read_nifti
    from desktop_app.io.nifti.labels import MOST_PARTS

    mask = read_nifti(file)
    values_kji = np.asarray(mask.array_kji)
    values, counts = np.unique(values_kji, return_counts=True)
    if values.size > MOST_PARTS + 1 or not np.array_equal(values, np.rint(values)):
        raise InputError(
            "The file is an image, not labels.",
            f"{file}: {values.size} different values",
            "Choose a file with one whole number for each region.",
        )
    sizes = {int(value): int(count) for value, count in zip(values, counts, strict=True) if value}
    proposed = regions_of_values(values_kji, sizes)
    voxel_mm3 = mask.geometry.voxel_volume_mm3
    parts = (
        LabelPart(value, "", size * voxel_mm3, proposed.get(value)) for value, size in sizes.items()
    )
    masks = {value: values_kji == value for value in sizes}
    return ForeignLabels(file, mask.geometry, tuple(parts), masks, mask.notes)


def _read_seg(file: Path, study: Study) -> ForeignLabels:
    from desktop_app.io.dicom.seg_segments import read_segments

    seg = read_segments(file)
    if match_patients(study.patient, seg.patient) is PatientMatch.ANOTHER:
        raise InputError(
            "The labels are of another patient.",
            f"{file} is of {patient_in_words(seg.patient)}.",
            "Open the study that they are of, or choose another file.",
        )
    proposed = regions_of_segments((one.number, one.code, one.name) for one in seg.segments)
    voxel_mm3 = seg.geometry.voxel_volume_mm3
    parts = (
        LabelPart(
            one.number,
            one.name,
            int(one.mask_kji.sum()) * voxel_mm3,
            proposed.get(one.number),
        )
        for one in seg.segments
    )
    masks = {one.number: one.mask_kji for one in seg.segments}
    return ForeignLabels(file, seg.geometry, tuple(parts), masks)


def _laid(
    labels: ForeignLabels, regions: Mapping[int, Region], prepared: PreparedStudy
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return the labels on the grid of the reference, and what has to be said of that."""
    target = prepared.reference.geometry
    drawn_kji = np.zeros(labels.geometry.shape_kji, np.uint8)
    for region in DRAWN_IN_ORDER:
        for number, wanted in regions.items():
            if wanted is region:
                drawn_kji[labels.masks_kji[number]] = REGION_LABELS[region][0]
    marked_lps = labels.geometry.to_patient_mm(np.argwhere(drawn_kji).astype(np.float64))
    lost = 1 - _share_inside(marked_lps, target)
    series = prepared.reference_sequence.value
    if lost == 1:
        raise InputError(
            "The labels do not lie on these images.",
            f"{labels.file}: no voxel of them is inside {series}.",
            "Choose labels that were drawn on this study.",
        )
    notes = [*labels.notes]
    own, other = target.frame_of_reference_uid, labels.geometry.frame_of_reference_uid
    if own and other and own != other:
        notes.append(_OTHER_FRAME)
    if lost >= _TOLD_SHARE:
        notes.append(
            f"{readable_share(lost)} of the labels that were opened lie outside {series}: cut off."
        )
    brain_kji = prepared.brain_kji
    beside = 1 - _share_inside(marked_lps, prepared.work_geometry, brain_kji)
    if brain_kji.any() and beside >= _OUTSIDE_BRAIN:
        notes.append(
            f"{readable_share(beside)} of the labels that were opened lie outside the brain: "
            "please check that they were drawn on these images."
        )
    laid_kji, is_exact = _on_grid(drawn_kji, labels.geometry, target)
    if not is_exact:
        spacing = " × ".join(f"{mm:.2f}" for mm in reversed(labels.geometry.spacing_mm))
        notes.append(
            f"The labels came on another grid (voxels {spacing} mm): every voxel of {series} took "
            "over the nearest of theirs, so borders may be off by half a voxel."
        )
    return laid_kji, tuple(notes)


def _on_grid(
    labels_kji: NDArray[np.uint8], geometry: Geometry, target: Geometry
) -> tuple[NDArray[np.uint8], bool]:
    """Return labels on another grid, and whether every voxel came from one and the same place."""
    from desktop_app.imaging.resample import Interpolation, resample, shares_voxels

    turned_kji, grid = turned(labels_kji, geometry, target.direction_lps)
    if grid.matches(target, tolerance_mm=_SAME_GRID_MM):
        return np.ascontiguousarray(turned_kji), True
    volume = Volume(labels_kji, geometry)
    laid = resample(volume, target, interpolation=Interpolation.NEAREST)
    return np.asarray(laid.array_kji, np.uint8), shares_voxels(geometry, target)


def _share_inside(
    points_lps: NDArray[np.float64],
    geometry: Geometry,
    mask_kji: NDArray[np.bool_] | None = None,
) -> float:
    """Return which share of points lies in a grid, and there in a mask."""
    index = np.rint(geometry.to_index_kji(points_lps)).astype(np.int64)
    is_inside = np.all((index >= 0) & (index < geometry.shape_kji), axis=1)
    if mask_kji is not None:
        is_inside[is_inside] = mask_kji[tuple(index[is_inside].T)]
    return float(is_inside.mean()) if is_inside.size else 0.0


def _provenance(
    labels: ForeignLabels, regions: Mapping[int, Region], prepared: PreparedStudy
) -> Provenance:
    # Numbers only: a name is free text, which may be that of a patient.
    taken = ", ".join(
        f"{one.number} as {regions[one.number].value}"
        for one in labels.parts
        if one.number in regions
    )
    return Provenance(
        UNKNOWN,
        "",
        desktop_app.__version__,
        UNKNOWN,
        UNKNOWN,
        steps=(*prepared.steps, f"{_OPENED}: {taken}"),
        edited=True,
        labels_of=labels.file.name,
    )

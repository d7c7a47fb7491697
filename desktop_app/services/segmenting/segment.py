"""From a study and its four sequences to measured labels: the one path of window, batch, CLI."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

import desktop_app
from desktop_app.domain.chances import CHANCE_REGIONS, Chances
from desktop_app.domain.measurement import Unfamiliarity
from desktop_app.domain.missing import without_contrast_first
from desktop_app.domain.provenance import Provenance
from desktop_app.domain.result import PreparedStudy, StudyResult
from desktop_app.domain.segmentation import Region, Segmentation, remarks_on
from desktop_app.domain.study import Sequence, Series, Study
from desktop_app.errors import InputError, OutputError
from desktop_app.jobs.cancel import NEVER, CancelToken
from desktop_app.jobs.events import ProgressCallback, silent
from desktop_app.paths import weights_dir
from desktop_app.services.measuring.field_ends import end_remarks
from desktop_app.services.measuring.measure import measure
from desktop_app.services.models import WEIGHTS_SUFFIX, read_entry, require_tumour_model
from desktop_app.services.opening.loaded_study import LoadedStudy, load_study
from desktop_app.services.opening.series_memory import user_series_memory
from desktop_app.services.segmenting.brain_network import BrainFinder, bundled_network
from desktop_app.services.segmenting.stages import Stages
from model.calibration import Doubt, VolumeDoubt
from model.messages import DEFAULT_MODEL, InferenceRequest, InferenceResult
from model.postprocess import PostprocessSettings

# One image alone cannot tell oedema from tumour core, and enhancement or oedema must be visible.
MIN_SEQUENCES = 2
_TUMOUR_SHOWING = (Sequence.T1C, Sequence.FLAIR)

# Seconds on two cores for a study that is registered and stripped; the bar's shape, no promise.
_STAGE_SECONDS = {"import": 2.0, "preprocess": 5.0, "inference": 5.0, "postprocess": 1.0}


@dataclass(frozen=True, slots=True)
class SegmentOptions:
    """Which network runs, and where.

    Parameters
    ----------
    device
        ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
    precision
        ``auto``, ``fp32``, ``bf16`` or ``fp16``.
    weights_folder
        Where the network's weights and card lie; with the program by default.
    """

    device: str = "auto"
    precision: str = "auto"
    model_name: str = DEFAULT_MODEL
    weights_folder: Path | None = None

    @property
    def weights(self) -> Path:
        """The weights' file; its card lies beside it."""
        return (self.weights_folder or weights_dir()) / f"{self.model_name}{WEIGHTS_SUFFIX}"


class Segmenter(BrainFinder, Protocol):
    """What segmenting needs of the model's process."""

    def warm(self, device: str, precision: str) -> None:
        """Get ready in the background to compute there; returns at once."""

    def segment(
        self,
        request: InferenceRequest,
        *,
        progress: ProgressCallback = silent,
        token: CancelToken = NEVER,
    ) -> InferenceResult:
        """Run the network on one prepared study."""


def is_enough(present: Collection[Sequence]) -> bool:
    """Whether sub-regions can be told from these sequences."""
    return len(present) >= MIN_SEQUENCES and any(one in present for one in _TUMOUR_SHOWING)


def require_sequences(study: Study, roles: Mapping[Sequence, Series]) -> None:
    """Refuse a choice of series from which no sub-regions can be told.

    Raises
    ------
    InputError
        If fewer than two sequences are chosen, or neither T1c nor FLAIR is among them.
    """
    if is_enough(roles):
        return
    missing = [sequence.value for sequence in Sequence if sequence not in roles]
    raise InputError(
        f"The study lacks sequences that are needed: no {', '.join(missing)}.",
        f"Study {study.name} in {study.root}",
        "Add the missing series, or choose them yourself.",
    )


def segment_study(
    study: Study,
    roles: Mapping[Sequence, Series],
    options: SegmentOptions,
    worker: Segmenter,
    *,
    loaded: LoadedStudy | None = None,
    chosen_by_user: Collection[Sequence] = (),
    progress: ProgressCallback = silent,
    token: CancelToken = NEVER,
) -> StudyResult:
    """Load, prepare, segment and measure one study.

    Parameters
    ----------
    roles
        The series to use per sequence; a missing sequence is absent.
    worker
        Gets ready while the images are read.
    loaded
        Volumes read before from the same `roles`; they are then not read again.
    chosen_by_user
        Sequences whose series the user named or confirmed, which the pixels do not overrule. A
        series other than the proposed one counts among them.

    Returns
    -------
    StudyResult
        Labels on the grid of the reference series as acquired; what `remarks_on` and
        `end_remarks` say of them comes first among the warnings, but for a missing T1c. Without
        it there is no enhancing tumour, neither in labels nor in chances. Where the pixels
        corrected which series is which, its `roles` are the corrected ones.

    Raises
    ------
    SequenceDoubt
        If it stays uncertain which series is which.
    InputError
        If the series or the model's weights cannot be used.
    DeviceError
        If the device fails or runs out of memory.
    Cancelled
        If `token` was cancelled.
    """
    # Loads slowly; a window that only starts need not wait for it.
    from desktop_app.services.preflight.poor import poor_lights_meanwhile
    from desktop_app.services.segmenting.preprocess import to_reference

    require_sequences(study, roles)
    chosen = _chosen(study, roles, chosen_by_user)
    model = read_entry(options.weights, bundled=False)
    require_tumour_model(model)
    worker.warm(options.device, options.precision)
    stages = Stages(_STAGE_SECONDS, progress)
    with stages.stage("import", "Reading the images") as report:
        read = loaded or load_study(roles, progress=report, token=token)
    stages.seconds["import"] = read.seconds
    with stages.stage("preprocess", "Preparing the images") as report:
        prepared = prepare_study(
            study,
            roles,
            read,
            options,
            worker,
            chosen_by_user=chosen_by_user,
            progress=report,
            token=token,
        )
    stages.seconds["preprocess"] = prepared.seconds
    # The network runs elsewhere meanwhile.
    with poor_lights_meanwhile(
        study,
        prepared.now(roles),
        prepared.now(read.volumes),
        prepared.reference_sequence,
        memory=read.memory,
        token=token,
    ) as poor:
        with stages.stage("inference", "Segmenting") as report:
            inference = worker.segment(
                inference_request(prepared, options), progress=report, token=token
            )
        with stages.stage("postprocess", "Bringing the labels back to the scan's grid") as report:
            chances_ckji = _told_chances(inference.probabilities_ckji, prepared)
            labels_kji = to_reference(
                chances_ckji,
                prepared,
                PostprocessSettings.from_card(model.card),
                progress=report,
                token=token,
            )
    token.raise_if_cancelled()
    at_ends = end_remarks(labels_kji, prepared)
    ranges = None if inference.doubt is None else inference.doubt.volume
    too_coarse = _too_coarse(prepared, ranges)
    segmentation = Segmentation(
        labels_kji,
        prepared.reference.geometry,
        _provenance(prepared, inference, stages.seconds),
        warnings=without_contrast_first(
            (
                *remarks_on(
                    labels_kji, is_corrected=False, shows_enhancement=prepared.shows_enhancement
                ),
                *at_ends,
                *_named_by_pixels(study, roles, chosen),
                *poor.result(),
                *prepared.warnings,
                *too_coarse,
                *inference.warnings,
                *_remembered(study, {one: roles[one] for one in chosen}),
            )
        ),
        shows_enhancement=prepared.shows_enhancement,
    )
    return StudyResult(
        study,
        prepared.now(roles),
        prepared,
        segmentation,
        # What lies beyond an image, or between slices, was no error of the patients known.
        measure(segmentation, None if at_ends or too_coarse else ranges),
        _unfamiliarity(inference.doubt),
        chances=Chances.kept(chances_ckji, prepared.work_geometry),
    )


def prepare_study(
    study: Study,
    roles: Mapping[Sequence, Series],
    loaded: LoadedStudy,
    options: SegmentOptions,
    worker: BrainFinder,
    *,
    chosen_by_user: Collection[Sequence] = (),
    progress: ProgressCallback = silent,
    token: CancelToken = NEVER,
) -> PreparedStudy:
    """Register, resample and strip the images of one study, as `segment_study` does first.

    `loaded` keeps what takes long of it: done ahead, segmenting need not wait for it.

    Parameters
    ----------
    roles, loaded, chosen_by_user
        As for `segment_study`.

    Raises
    ------
    SequenceDoubt
        If it stays uncertain which series is which.
    InputError
        If an image is blank, or too few can be laid on each other.
    Cancelled
        If `token` was cancelled.
    """
    from desktop_app.services.segmenting.preprocess import prepare

    prepared = prepare(
        loaded.volumes,
        header_confidence=header_confidence(study, roles),
        chosen_by_user=_chosen(study, roles, chosen_by_user),
        network=bundled_network(worker, options.device, options.precision),
        memory=loaded.memory,
        progress=progress,
        token=token,
    )
    _require_aligned(study, prepared)
    return prepared


def header_confidence(study: Study, roles: Mapping[Sequence, Series]) -> dict[Sequence, float]:
    """Return how sure the headers are of each series that serves as what was proposed."""
    return {
        sequence: study.roles[sequence].confidence
        for sequence, series in roles.items()
        if sequence in study.roles and study.roles[sequence].series_uid == series.series_uid
    }


def _chosen(
    study: Study, roles: Mapping[Sequence, Series], chosen_by_user: Collection[Sequence]
) -> set[Sequence]:
    """Return the sequences whose series the user chose, by name or over the proposal."""
    other_than_proposed = set(roles) - set(header_confidence(study, roles))
    return {*chosen_by_user, *other_than_proposed} & set(roles)


def _named_by_pixels(
    study: Study, roles: Mapping[Sequence, Series], chosen: Collection[Sequence]
) -> tuple[str, ...]:
    """Return a sentence for every series in use that nothing but its image speaks for."""
    return tuple(
        f"{sequence}: {proposal.reason}"
        for sequence, proposal in study.roles.items()
        if proposal.by_pixels
        and sequence in roles
        and sequence not in chosen
        and proposal.series_uid == roles[sequence].series_uid
    )


def _remembered(study: Study, chosen: Mapping[Sequence, Series]) -> tuple[str, ...]:
    """Keep what the user chose for the scanner's next study; a full disk spoils no result."""
    try:
        user_series_memory().remember(study, chosen)
    except OutputError as error:
        return (f"Your choice of series could not be remembered: {error.title}",)
    return ()


def _require_aligned(study: Study, prepared: PreparedStudy) -> None:
    """Refuse to segment where registration left too little over."""
    if is_enough(prepared.volumes):
        return
    apart = ", ".join(
        sequence for sequence, found in prepared.registrations.items() if not found.ok
    )
    raise InputError(
        f"The images do not lie on each other: {apart} could not be registered to "
        f"{prepared.reference_sequence}.",
        f"Study {study.name} in {study.root}",
        "Check that all series show the same head, or choose other ones.",
    )


def _told_chances(
    probabilities_ckji: NDArray[np.float16], prepared: PreparedStudy
) -> NDArray[np.float16]:
    """Return what the network can know: what it says of enhancement without T1c is a guess."""
    if prepared.shows_enhancement:
        return probabilities_ckji
    told_ckji = probabilities_ckji.copy()
    told_ckji[CHANCE_REGIONS.index(Region.ET)] = 0
    return told_ckji


def _too_coarse(prepared: PreparedStudy, ranges: VolumeDoubt | None) -> tuple[str, ...]:
    """Say why there are no ranges where the labels lie on thicker slices than they hold for."""
    spacing_mm = prepared.reference.geometry.spacing_mm
    if ranges is None or ranges.holds_for(spacing_mm):
        return ()
    return (
        f"No ranges of volumes are given: {prepared.reference_sequence} has voxels up to "
        f"{max(spacing_mm):.1f} mm long, which adds an error that the patients they are drawn from "
        f"did not have (voxels of {ranges.voxel_mm:g} mm).",
    )


def _unfamiliarity(doubt: Doubt | None) -> Unfamiliarity | None:
    if doubt is None or doubt.unfamiliarity is None:
        return None
    return Unfamiliarity(doubt.unfamiliarity.score, doubt.unfamiliarity.reason)


def inference_request(prepared: PreparedStudy, options: SegmentOptions) -> InferenceRequest:
    """Return what the network is asked for a prepared study."""
    return InferenceRequest(
        image_ckji=prepared.image_ckji,
        present=prepared.present,
        device=options.device,
        precision=options.precision,
        model_name=options.model_name,
        weights_dir=options.weights.parent,
    )


def _provenance(
    prepared: PreparedStudy, inference: InferenceResult, seconds: Mapping[str, float]
) -> Provenance:
    return Provenance(
        model_id=inference.model_id,
        weights_sha256=inference.weights_sha256,
        app_version=desktop_app.__version__,
        device=inference.device,
        precision=inference.precision,
        steps=(*prepared.steps, f"Segmented by {inference.model_id} on {inference.device}"),
        seconds={**seconds, "total": sum(seconds.values())},
    )

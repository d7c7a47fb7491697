"""Opens a study together with the result that an earlier run wrote for it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from desktop_app.domain.missing import without_contrast_first
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region, Segmentation
from desktop_app.domain.study import RoleProposal, Sequence, Series, Study
from desktop_app.errors import InputError
from desktop_app.jobs.cancel import NEVER, CancelToken
from desktop_app.jobs.events import ProgressCallback, silent
from desktop_app.services.measuring.field_ends import end_remarks, is_end_remark
from desktop_app.services.measuring.measure import measure
from desktop_app.services.measuring.targets import TARGETS_LOST
from desktop_app.services.opening.loaded_study import LoadedStudy, load_study
from desktop_app.services.opening.nameless_series import can_name
from desktop_app.services.opening.role_origin import Assigner
from desktop_app.services.results.label_files import read_labels
from desktop_app.services.results.stored_result import (
    NUMBERS_FILE,
    SEG_DIFFERS,
    are_as_written,
    changed_outside,
    read_document,
    read_origin,
    targets_of,
    with_ranges,
)
from desktop_app.services.segmenting.brain_network import BrainNetwork
from desktop_app.services.segmenting.segment import header_confidence
from desktop_app.services.segmenting.stages import Stages

_BY_IMAGE = "Assigned from its image when it was segmented; please check."
_STAGE_SECONDS = {"import": 2.0, "preprocess": 5.0, "labels": 1.0}


@dataclass(frozen=True, slots=True, eq=False)
class EarlierChoice:
    """Which series a result was made from.

    Parameters
    ----------
    study
        With what their images had decided then among its proposals.
    overrides
        Per sequence the UID of the series that the user chose over what is proposed, or ``None``
        where it was left out.
    is_known
        Whether the result says which series it was made from.
    """

    study: Study
    overrides: Mapping[Sequence, str | None]
    is_known: bool = True


def earlier_choice(study: Study, folder: Path) -> EarlierChoice:
    """Read which series an earlier result was made from, where that is not what is proposed.

    Parameters
    ----------
    folder
        Where the results of this study were written. Where they do not say it (anonymised, damaged
        or missing), nothing is overruled.
    """
    try:
        stored = (read_document(folder / NUMBERS_FILE) or {})["sequences"]
        used = {one: stored[one.value] for one in Sequence if one.value in stored}
        uids = {one: str(said["series_uid"]) for one, said in used.items() if said["present"]}
        by_image = {one for one in uids if used[one].get("assigned_by") == Assigner.IMAGES}
    except (InputError, KeyError, TypeError, AttributeError):
        return EarlierChoice(study, {}, is_known=False)
    known = {series.series_uid for series in study.series}
    if not uids or not set(uids.values()) <= known:
        return EarlierChoice(study, {}, is_known=False)
    shown = {one: RoleProposal(uids[one], 0.0, _BY_IMAGE, by_pixels=True) for one in by_image}
    study = replace(study, roles={**study.roles, **shown})
    proposed = {one: role.series_uid for one, role in study.roles.items()}
    return EarlierChoice(
        study, {one: uids.get(one) for one in used if uids.get(one) != proposed.get(one)}
    )


@dataclass(frozen=True, slots=True, eq=False)
class Reopened:
    """A finished study as the window needs it.

    Parameters
    ----------
    loaded
        The images as they were read, by what they were given as; for another segmentation.
    is_outdated
        Whether another program changed the labels since the files beside them were written.
    """

    loaded: LoadedStudy
    result: StudyResult
    is_outdated: bool = False


def reopen_result(
    study: Study,
    roles: Mapping[Sequence, Series],
    folder: Path,
    *,
    network: BrainNetwork | None = None,
    chosen_by_user: Collection[Sequence] = (),
    progress: ProgressCallback = silent,
    token: CancelToken = NEVER,
) -> Reopened:
    """Load and prepare the images, and read the labels instead of running the network.

    Volumes are measured anew from the labels; ranges come from `NUMBERS_FILE`, where it is there.

    Parameters
    ----------
    folder
        Where the results of this study were written.
    network
        Outlines the brain, as it did for the result.
    chosen_by_user
        Sequences whose series the user chose for that result, which no pixels overrule.

    Raises
    ------
    InputError
        If the labels are missing, or anything is damaged or of another image.
    Cancelled
        If `token` was cancelled.
    """
    from desktop_app.services.segmenting.preprocess import prepare

    naming = can_name(study, roles, set(chosen_by_user) - set(roles))
    stages = Stages(({"name": 10.0} if naming else {}) | _STAGE_SECONDS, progress)
    loaded = None
    if naming:
        from desktop_app.services.opening.sequence_naming import completed

        with stages.stage("name", "Looking at images without a description") as report:
            named = completed(
                study,
                roles,
                network=network,
                chosen_by_user=chosen_by_user,
                progress=report,
                token=token,
            )
        study, roles, loaded = named.study, named.roles, named.loaded
    with stages.stage("import", "Reading the images") as report:
        loaded = loaded or load_study(roles, progress=report, token=token)
    by_image = {one for one, proposal in study.roles.items() if proposal.by_pixels}
    with stages.stage("preprocess", "Preparing the images") as report:
        # Decided when the result was made; the labels fit no other grid.
        prepared = prepare(
            loaded.volumes,
            header_confidence=header_confidence(study, roles),
            chosen_by_user={*chosen_by_user, *by_image} & set(roles),
            network=network,
            memory=loaded.memory,
            progress=report,
            token=token,
        )
    with stages.stage("labels", "Reading the result"):
        labels = read_labels(folder, prepared.reference.geometry)
        document = read_document(folder / NUMBERS_FILE)
        provenance, warnings = read_origin(folder, document, labels)
        # Labels that come without numbers do not say it.
        at_ends = end_remarks(labels.labels_kji, prepared)
    segmentation = Segmentation(
        labels.labels_kji,
        prepared.reference.geometry,
        provenance,
        shows_enhancement=prepared.shows_enhancement and not _left_open(document),
    )
    plain = measure(segmentation)
    is_as_written = are_as_written(segmentation, folder)
    ranged, unfamiliarity = with_ranges(plain, document if is_as_written else None, folder)
    lasting = (one for one in warnings if not is_end_remark(one))
    segmentation = replace(segmentation, warnings=without_contrast_first((*at_ends, *lasting)))
    if not is_as_written:
        segmentation = changed_outside(segmentation)
    elif labels.seg_differs:
        segmentation = replace(segmentation, warnings=(*segmentation.warnings, SEG_DIFFERS))
    measurements = plain if at_ends else ranged
    targets = targets_of(document, segmentation, folder)
    if targets is None:
        segmentation = replace(segmentation, warnings=(*segmentation.warnings, TARGETS_LOST))
    result = StudyResult(
        study,
        prepared.now(roles),
        prepared,
        segmentation,
        measurements,
        unfamiliarity,
        targets or (),
    )
    return Reopened(loaded, result, is_outdated=not is_as_written)


def _left_open(document: dict[str, Any] | None) -> bool:
    """Tell whether a result was made without T1c, so that it knows of no enhancing tumour."""
    regions = (document or {}).get("regions")
    enhancing = regions.get(Region.ET.value) if isinstance(regions, dict) else None
    return isinstance(enhancing, dict) and enhancing.get("volume_mm3", 0.0) is None

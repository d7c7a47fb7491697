"""From two studies of one patient to what changed between them."""

from dataclasses import replace
from pathlib import Path

from desktop_app.domain.follow_up import FollowUp
from desktop_app.domain.result import StudyResult
from desktop_app.domain.study import Study
from desktop_app.jobs.cancel import NEVER, CancelToken
from desktop_app.jobs.events import ProgressCallback, silent
from desktop_app.services.case import find_tumour
from desktop_app.services.follow_up.candidates import require_comparable
from desktop_app.services.follow_up.doubts import doubts
from desktop_app.services.follow_up.laying import laid_beside, register, sequences_to_register
from desktop_app.services.follow_up.numbers import outside_mm3, region_changes
from desktop_app.services.follow_up.parts import new_parts
from desktop_app.services.opening.import_study import LEAVE_OUT, choose_roles
from desktop_app.services.results.earlier_results import find_result
from desktop_app.services.results.reopen import earlier_choice, reopen_result
from desktop_app.services.segmenting.brain_network import bundled_network
from desktop_app.services.segmenting.segment import Segmenter, SegmentOptions
from desktop_app.services.segmenting.stages import Stages

_STUDIES_SECONDS = {"now": 12.0, "compare": 20.0}
_STAGE_SECONDS = {"earlier": 12.0, "compare": 8.0}
_COMPARE_SECONDS = {"register": 7.0, "map": 1.0}


def compare_studies(
    now: Study,
    earlier: Study,
    options: SegmentOptions,
    worker: Segmenter,
    *,
    results: Path | None = None,
    progress: ProgressCallback = silent,
    token: CancelToken = NEVER,
) -> FollowUp:
    """Compare two studies of a patient, of which nothing is open.

    Parameters
    ----------
    results
        Where results of both are looked for; without it, or without a result, a study is segmented.

    Raises
    ------
    InputError
        If the studies are of different patients, or one of them or its result cannot be used.
    DeviceError
        If the device fails or runs out of memory.
    Cancelled
        If `token` was cancelled.
    """
    require_comparable(now, earlier)
    kept = [None if results is None else find_result(one, results) for one in (now, earlier)]
    folders = [None if one is None else one.folder for one in kept]
    stages = Stages(_STUDIES_SECONDS, progress)
    with stages.stage("now", "Current study") as report:

        def tell(fraction: float, text: str) -> None:
            report(fraction, f"Current study: {text}")

        result = finished(
            now, options, worker, result_folder=folders[0], progress=tell, token=token
        )
    with stages.stage("compare", "Comparing") as report:
        return compare_with_earlier(
            result,
            earlier,
            options,
            worker,
            result_folder=folders[1],
            progress=report,
            token=token,
        )


def compare_with_earlier(
    now: StudyResult,
    earlier: Study,
    options: SegmentOptions,
    worker: Segmenter,
    *,
    result_folder: Path | None = None,
    progress: ProgressCallback = silent,
    token: CancelToken = NEVER,
) -> FollowUp:
    """Lay an earlier study of the same patient beside a finished one.

    Reads what an earlier run wrote of it, or segments it; nothing is written, and `now` stays as it
    is.

    Parameters
    ----------
    now
        The current study with its labels as they are, corrections included.
    options, worker
        Segment the earlier study, and outline its brain.
    result_folder
        Where the earlier study's results were written; without it the study is segmented.

    Raises
    ------
    InputError
        If the studies are of different patients, or the earlier one or its result cannot be used.
    DeviceError
        If the device fails or runs out of memory.
    Cancelled
        If `token` was cancelled.
    """
    require_comparable(now.study, earlier)
    stages = Stages(_STAGE_SECONDS, progress)
    with stages.stage("earlier", "Earlier study") as report:

        def tell(fraction: float, text: str) -> None:
            report(fraction, f"Earlier study: {text}")

        before = finished(
            earlier, options, worker, result_folder=result_folder, progress=tell, token=token
        )
    with stages.stage("compare", "Comparing") as report:
        found = compare_results(now, before, progress=report, token=token)
    return replace(found, result_folder=result_folder)


def finished(
    study: Study,
    options: SegmentOptions,
    worker: Segmenter,
    *,
    result_folder: Path | None = None,
    progress: ProgressCallback = silent,
    token: CancelToken = NEVER,
) -> StudyResult:
    """Read what an earlier run wrote of a study, or segment it with the proposed series.

    Raises
    ------
    InputError
        If the study or its result cannot be used.
    DeviceError
        If the device fails or runs out of memory.
    Cancelled
        If `token` was cancelled.
    """
    if result_folder is None:
        roles = choose_roles(study)
        return find_tumour(study, roles, options, worker, progress=progress, token=token)
    choice = earlier_choice(study, result_folder)
    overrides = {one: uid or LEAVE_OUT for one, uid in choice.overrides.items()}
    return reopen_result(
        choice.study,
        choose_roles(choice.study, overrides),
        result_folder,
        network=bundled_network(worker, options.device, options.precision),
        chosen_by_user=overrides,
        progress=progress,
        token=token,
    ).result


def compare_results(
    now: StudyResult,
    earlier: StudyResult,
    *,
    progress: ProgressCallback = silent,
    token: CancelToken = NEVER,
) -> FollowUp:
    """Lay two finished studies of one patient beside each other; see `compare_with_earlier`.

    Raises
    ------
    InputError
        If the studies are of different patients, or one and the same.
    Cancelled
        If `token` was cancelled.
    """
    require_comparable(now.study, earlier.study)
    stages = Stages(_COMPARE_SECONDS, progress)
    pair = sequences_to_register(now, earlier)
    with stages.stage("register", "Laying the studies on each other"):
        token.raise_if_cancelled()
        registration, motion = register(now, earlier, pair, token)
    with stages.stage("map", "Comparing the labels"):
        token.raise_if_cancelled()
        return _measured(laid_beside(now, earlier, registration, pair, motion), token)


def with_labels(found: FollowUp, now: StudyResult, *, token: CancelToken = NEVER) -> FollowUp:
    """Return a comparison with other labels of the current study, as after a correction.

    Takes about a second: the studies stay where they were laid.

    Raises
    ------
    ValueError
        If `now` is of another study, or its labels lie on another grid.
    Cancelled
        If `token` was cancelled.
    """
    same_grid = now.segmentation.geometry.matches(found.now.segmentation.geometry)
    if now.study.study_uid != found.now.study.study_uid or not same_grid:
        raise ValueError("these labels are not of the study that was compared")
    return _measured(replace(found, now=now), token)


def _measured(found: FollowUp, token: CancelToken) -> FollowUp:
    """Return a comparison with its numbers, and what is doubtful about them."""
    found = replace(found, regions=region_changes(found, token))
    found = replace(found, outside_mm3=outside_mm3(found), new_parts=new_parts(found))
    token.raise_if_cancelled()
    return replace(found, warnings=doubts(found))

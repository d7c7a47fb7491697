"""One study from its series to its folder of results, the same for one study and for many."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from desktop_app.domain.result import StudyResult
from desktop_app.domain.study import Sequence, Series, Study
from desktop_app.jobs.cancel import NEVER, CancelToken
from desktop_app.jobs.events import ProgressCallback, silent
from desktop_app.services.export.writers import PageRenderer
from desktop_app.services.opening.nameless_series import can_name
from desktop_app.services.results.output_room import require_room
from desktop_app.services.results.saved_results import ExportOptions, save_results
from desktop_app.services.segmenting.brain_network import bundled_network
from desktop_app.services.segmenting.segment import Segmenter, SegmentOptions, segment_study
from desktop_app.services.segmenting.stages import Stages

# Seconds on two cores; the bar's shape, no promise.
_STAGE_SECONDS = {"segment": 12.0, "export": 2.0}


@dataclass(frozen=True, slots=True)
class CaseOptions:
    """Everything that decides what a study's results look like."""

    segment: SegmentOptions = field(default_factory=SegmentOptions)
    export: ExportOptions = field(default_factory=ExportOptions)


@dataclass(frozen=True, slots=True, eq=False)
class CaseOutcome:
    """A finished study and the files that hold it.

    Parameters
    ----------
    notes
        As in `SavedResults`.
    """

    result: StudyResult
    folder: Path
    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()


def process_study(
    study: Study,
    roles: Mapping[Sequence, Series],
    options: CaseOptions,
    output: Path,
    worker: Segmenter,
    *,
    chosen_by_user: Collection[Sequence] = (),
    page_renderer: PageRenderer | None = None,
    progress: ProgressCallback = silent,
    token: CancelToken = NEVER,
) -> CaseOutcome:
    """Segment a study and write its results to `output`/STUDYNAME.

    See `find_tumour` and `save_results`.

    Raises
    ------
    InputError
        If the study cannot be used.
    OutputError
        If the results cannot be written; then none of them is.
    DeviceError
        If the device fails or runs out of memory.
    Cancelled
        If `token` was cancelled; nothing is written.
    """
    require_room(output)
    stages = Stages(_STAGE_SECONDS, progress)
    with stages.stage("segment", "Segmenting") as report:
        result = find_tumour(
            study,
            roles,
            options.segment,
            worker,
            chosen_by_user=chosen_by_user,
            progress=report,
            token=token,
        )
    with stages.stage("export", "Writing the results") as report:
        saved = save_results(
            result,
            output,
            options.export,
            page_renderer=page_renderer,
            progress=report,
            token=token,
        )
    return CaseOutcome(result, saved.folder, saved.files, saved.notes)


def find_tumour(
    study: Study,
    roles: Mapping[Sequence, Series],
    options: SegmentOptions,
    worker: Segmenter,
    *,
    chosen_by_user: Collection[Sequence] = (),
    progress: ProgressCallback = silent,
    token: CancelToken = NEVER,
) -> StudyResult:
    """Segment a study; writes nothing.

    Where sequences are missing and headers tell nothing of some series, their pixels are asked
    first, see `sequence_naming`.

    Raises
    ------
    InputError
        If the study cannot be used.
    DeviceError
        If the device fails or runs out of memory.
    Cancelled
        If `token` was cancelled.
    """
    # Loads slowly; a window that only starts need not wait for it.
    from desktop_app.services.opening.sequence_naming import completed

    naming = can_name(study, roles, set(chosen_by_user) - set(roles))
    stages = Stages(({"name": 10.0} if naming else {}) | {"segment": 12.0}, progress)
    loaded = None
    if naming:
        with stages.stage("name", "Looking at images without a description") as report:
            named = completed(
                study,
                roles,
                network=bundled_network(worker, options.device, options.precision),
                chosen_by_user=chosen_by_user,
                progress=report,
                token=token,
            )
        study, roles, loaded = named.study, named.roles, named.loaded
    with stages.stage("segment", "Segmenting") as report:
        return segment_study(
            study,
            roles,
            options,
            worker,
            loaded=loaded,
            chosen_by_user=chosen_by_user,
            progress=report,
            token=token,
        )

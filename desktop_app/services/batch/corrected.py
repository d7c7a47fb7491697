"""A study of a batch whose result a person exported: corrected, or segmented one at a time."""

from dataclasses import replace

from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region
from desktop_app.services.batch.records import (
    read_state,
    update_summary,
    without_identity,
    write_state,
)
from desktop_app.services.batch.state import (
    CaseState,
    CaseStatus,
    ReviewState,
    still_exported_as,
    with_result,
)
from desktop_app.services.results.saved_results import SavedResults


def note_export(
    result: StudyResult, saved: SavedResults, expected: CaseState | None = None
) -> CaseState | None:
    """Bring what is kept of a batch up to date with a result written into its folder.

    A study that failed, or was not reached yet, is done then. Where its labels are another
    network's and nobody corrected them, the next run does it again, see `known_state`. What a
    person said of other labels than these no longer counts.

    Parameters
    ----------
    expected
        What a batch that is open knows of this study, see `Batch.expected`.

    Returns
    -------
    CaseState or None
        The new state as it is kept; None where no batch knows this study there.

    Raises
    ------
    OutputError
        If state or summary cannot be written.
    """
    output, name = saved.folder.parent, saved.folder.name
    state = read_state(output, name)
    if state is None or state.status is not CaseStatus.DONE:
        # Of a study that was opened now, its files count as they are now.
        state = expected or state
    if state is None:
        return None
    if state.status is not CaseStatus.DONE:
        # What an attempt took, and why it failed, says nothing of this result.
        state = replace(state, reason="", seconds=0.0, stage="", resumed=False)
    written = [file.name for file in saved.files]
    stayed = [file for file in state.files if (saved.folder / file).is_file()]
    before = state
    state = with_result(before, result, dict.fromkeys((*written, *stayed)), saved.notes)
    if _volumes(state) != _volumes(before):
        state = replace(state, review=ReviewState.OPEN, reviewed_at="", review_reason="")
    state = replace(
        state, fraction=0.0, exported_as=still_exported_as(state, result, saved.et_label)
    )
    if not state.study_uid:
        state = without_identity(state, result.study)
    write_state(output, state)
    update_summary(output, state)
    return state


def _volumes(state: CaseState) -> dict[Region, float]:
    """Return the volumes as the summary has them."""
    return {region: round(mm3, 1) for region, mm3 in state.volumes_mm3.items()}

"""What a person says of a study's result, kept with the batch that wrote it."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from desktop_app.domain.study import Study
from desktop_app.services.batch.records import (
    read_state,
    update_summary,
    without_identity,
    write_state,
)
from desktop_app.services.batch.state import CaseState, CaseStatus, ReviewState


def note_review(
    output: Path, study: Study, review: ReviewState, reason: str = ""
) -> CaseState | None:
    """Note in state and summary that a person accepted or rejected a result.

    Parameters
    ----------
    output
        Folder of the batch's results.
    study
        Named as its folder there.
    reason
        Why it is rejected.

    Returns
    -------
    CaseState or None
        The new state as it is kept; None where there is no result of this study at the moment.

    Raises
    ------
    OutputError
        If state or summary cannot be written.
    """
    state = read_state(output, study.name)
    if state is None or state.status is not CaseStatus.DONE:
        return None
    state = replace(
        state,
        review=review,
        reviewed_at=datetime.now().astimezone().isoformat(timespec="seconds"),
        review_reason=" ".join(reason.split()) if review is ReviewState.REJECTED else "",
    )
    if not state.study_uid:
        state = without_identity(state, study)
    write_state(output, state)
    update_summary(output, state)
    return state

"""A study of a batch as a row of its table."""

from collections.abc import Sequence as Many

from desktop_app.domain.readable import readable_share, readable_volume
from desktop_app.domain.segmentation import Region
from desktop_app.services.batch import CaseState, CaseStatus, Outlook, ReviewState
from ui.views.batch_view import CaseRow, Figure, Review

_NOTHING_KNOWN = Outlook()
_WILL_FAIL = "not possible"
_STYLES = {
    CaseStatus.PENDING: "",
    CaseStatus.RUNNING: "accent",
    CaseStatus.DONE: "good",
    CaseStatus.FAILED: "poor",
}
_FOUND_UNDER = {
    ReviewState.OPEN: Review.TO_CHECK,
    ReviewState.ACCEPTED: Review.ACCEPTED,
    ReviewState.REJECTED: Review.REJECTED,
}


def row_of(case: CaseState, where: str, beforehand: Outlook = _NOTHING_KNOWN) -> CaseRow:
    """Return the row of a study.

    Parameters
    ----------
    where
        Folder of its files.
    beforehand
        What is known of it until it is worked through.
    """
    is_running = case.status is CaseStatus.RUNNING
    message = case.stage if is_running else case.reason
    will_fail = is_hopeless(case, beforehand)
    if case.status is CaseStatus.PENDING:
        message = beforehand.sentence
    return CaseRow(
        name=case.name,
        where=where,
        state=_WILL_FAIL if will_fail else _state(case),
        style=_style(case, will_fail=will_fail),
        whole_tumour=_volume(case, Region.WT),
        core=_volume(case, Region.TC),
        enhancing=_volume(case, Region.ET),
        seconds=Figure(f"{case.seconds:.0f} s", case.seconds)
        if case.is_over and case.seconds
        else Figure(),
        message=(message or " ".join(_remarks(case))).replace("\n", " "),
        reviews=_reviews(case),
        is_warned=bool(case.warnings),
    )


def is_hopeless(case: CaseState, beforehand: Outlook) -> bool:
    """Whether a study that was not worked through yet cannot be segmented."""
    return case.status is CaseStatus.PENDING and beforehand.is_refused


def _style(case: CaseState, *, will_fail: bool) -> str:
    if will_fail:
        return _STYLES[CaseStatus.FAILED]
    if case.status is CaseStatus.DONE and case.review is ReviewState.REJECTED:
        return "poor"
    return "fair" if is_to_check(case) and case.warnings else _STYLES[case.status]


def _state(case: CaseState) -> str:
    if case.status is CaseStatus.RUNNING:
        return f"{readable_share(case.fraction)}"
    text = f"{case.status.value}, corrected" if case.corrected else case.status.value
    if case.status is CaseStatus.DONE and case.review is not ReviewState.OPEN:
        text += f", {case.review.value}"
    return f"{text} (earlier)" if case.resumed else text


def _remarks(case: CaseState) -> tuple[str, ...]:
    why = (f"Rejected: {case.review_reason}.",) if case.review_reason else ()
    return (*why, *case.notes, *case.warnings)


def _volume(case: CaseState, region: Region) -> Figure:
    mm3 = case.volumes_mm3.get(region)
    return Figure() if mm3 is None else Figure(readable_volume(mm3), mm3)


def _reviews(case: CaseState) -> frozenset[Review]:
    shown = {Review.ALL}
    if case.status is CaseStatus.FAILED:
        shown.add(Review.FAILED)
    if case.status is CaseStatus.DONE:
        shown.add(Review.DONE)
        shown.add(_FOUND_UNDER[case.review])
    return frozenset(shown)


def is_to_check(case: CaseState) -> bool:
    """Whether there is a result that nobody has accepted or rejected."""
    return case.status is CaseStatus.DONE and case.review is ReviewState.OPEN


def next_to_check(cases: Many[CaseState], after: str) -> str | None:
    """Return which result to check after a study: those with warnings first, then round again."""
    ordered = sorted(cases, key=lambda case: not case.warnings)
    place = next((index for index, case in enumerate(ordered) if case.name == after), -1)
    others = (*ordered[place + 1 :], *ordered[: max(place, 0)])
    return next((case.name for case in others if is_to_check(case)), None)

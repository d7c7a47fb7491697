"""A comparison with an earlier study as it is shown, and as text."""

from desktop_app.domain.follow_up import FollowUp
from desktop_app.domain.readable import readable_date
from desktop_app.services.export.report import DISCLAIMER
from desktop_app.services.follow_up import ON_BORDERS, EarlierStudy
from desktop_app.services.follow_up.page import (
    NO_JUDGEMENT,
    change_in_words,
    interval_in_words,
    parts_in_words,
    registration_in_words,
)
from desktop_app.services.follow_up.table import REGIONS, change_table
from ui.presenters.rows import header_of
from ui.views.follow_up_view import EarlierRow, ShownFollowUp, ShownVisit, Visit


def earlier_row(one: EarlierStudy) -> EarlierRow:
    """Return what is to be known of a study before it is chosen."""
    result = "will be segmented first" if one.is_ready else "none"
    if one.result is not None:
        by_hand = ", corrected by hand" if one.result.corrected else ""
        result = f"of {one.result.written:%Y-%m-%d}{by_hand}"
    return EarlierRow(
        readable_date(one.study.date) or "not given",
        one.study.description or one.study.name,
        ", ".join(sequence.value for sequence in one.sequences) or "none",
        result,
        " ".join(one.notes),
        one.is_ready,
    )


def shown_follow_up(found: FollowUp) -> ShownFollowUp:
    """Return a comparison as it is shown."""
    now, earlier = found.now, found.earlier_labels
    grid = now.segmentation.geometry
    visits = {
        Visit.EARLIER: ShownVisit(
            _heading(Visit.EARLIER, found.earlier_date),
            found.earlier_images,
            earlier,
            grid if found.is_registered else earlier.geometry,
        ),
        Visit.NOW: ShownVisit(
            _heading(Visit.NOW, found.now_date), now.prepared.volumes, now.segmentation, grid
        ),
    }
    return ShownFollowUp(
        header_of(now.study).title,
        visits,
        found.difference_kji if found.is_registered else None,
        tuple(one for one in REGIONS if one not in found.incomparable),
        change_in_words(found),
        change_table(found),
        _remarks(found),
        found.warnings,
    )


def follow_up_text(found: FollowUp) -> str:
    """Return the numbers of a comparison as a table of text, with what has to be known of them."""
    lines = ["\t".join(("", *REGIONS))]
    lines += ["\t".join((row.title, *row.cells)) for row in change_table(found)]
    dates = (_heading(Visit.EARLIER, found.earlier_date), _heading(Visit.NOW, found.now_date))
    return "\n".join(
        (". ".join(dates) + ".", *lines, *found.warnings, *_remarks(found), DISCLAIMER)
    )


def _heading(visit: Visit, date: str) -> str:
    return f"{visit.value} · {readable_date(date) or 'date not given'}"


def _remarks(found: FollowUp) -> tuple[str, ...]:
    between = interval_in_words(found)
    # Where it failed, the doubts say so.
    laid = (registration_in_words(found), ON_BORDERS) if found.is_registered else ()
    time = (f"Between the studies: {between}.",) if between else ()
    return (*parts_in_words(found), *time, *laid, NO_JUDGEMENT)

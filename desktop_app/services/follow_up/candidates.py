"""With which studies one can be compared, and what is to be said of each before."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from desktop_app.domain.dates import DateOrder, date_order
from desktop_app.domain.study import Sequence, Study
from desktop_app.errors import InputError
from desktop_app.jobs.cancel import NEVER, CancelToken
from desktop_app.services.follow_up.doubts import about_dates, about_patients
from desktop_app.services.opening.same_patient import PatientMatch, match_patients, patient_in_words
from desktop_app.services.results.earlier_results import EarlierResult, find_result
from desktop_app.services.segmenting.segment import is_enough


@dataclass(frozen=True, slots=True, eq=False)
class EarlierStudy:
    """A study that the open one may be compared with.

    Parameters
    ----------
    order
        Whether it is the earlier one of both.
    sequences
        Those that a series is proposed for.
    result
        Its exported result; ``None`` where it has to be segmented first.
    notes
        What is to be known before, one plain sentence each; empty where nothing speaks against it.
    """

    study: Study
    order: DateOrder
    sequences: tuple[Sequence, ...]
    result: EarlierResult | None
    notes: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Whether there are labels, or images from which they can be had."""
        return self.result is not None or is_enough(self.sequences)


# What lies nearest before the open study comes first; what nobody would take for earlier, last.
_ORDERS = (DateOrder.EARLIER, DateOrder.SAME_DAY, DateOrder.UNKNOWN, DateOrder.LATER)


def earlier_studies(
    study: Study,
    studies: Iterable[Study],
    output: Path | None,
    *,
    token: CancelToken = NEVER,
) -> tuple[EarlierStudy, ...]:
    """Return the studies that may be compared with one, the latest before it first.

    Looks for results, and so reads files: not for the window's own thread.

    Parameters
    ----------
    study
        The open one.
    studies
        What was found: the study itself and those of other patients are left out, those of nobody
        knows whom are not.
    output
        Where results are; ``None`` finds none.

    Raises
    ------
    Cancelled
        If `token` was cancelled.
    """
    found = []
    for other in studies:
        token.raise_if_cancelled()
        is_another = match_patients(study.patient, other.patient) is PatientMatch.ANOTHER
        if not is_another and not is_same_study(study, other):
            found.append(_earlier(study, other, output))
    latest_first = sorted(found, key=lambda one: one.study.date, reverse=True)
    return tuple(sorted(latest_first, key=lambda one: _ORDERS.index(one.order)))


def _earlier(study: Study, other: Study, output: Path | None) -> EarlierStudy:
    return EarlierStudy(
        other,
        date_order(other.date, study.date),
        tuple(one for one in Sequence if one in other.roles),
        None if output is None else find_result(other, output),
        (*about_patients(study, other), *about_dates(study, other), *_lacks(other)),
    )


def is_same_study(one: Study, other: Study) -> bool:
    """Whether both are one examination: they share images."""
    uids = {series.series_uid for series in one.series}
    return any(series.series_uid in uids for series in other.series)


def require_comparable(now: Study, earlier: Study) -> None:
    """Refuse what cannot be compared.

    Raises
    ------
    InputError
        If both are of different patients, or one and the same study.
    """
    if match_patients(now.patient, earlier.patient) is PatientMatch.ANOTHER:
        raise InputError(
            "The studies are of different patients.",
            f"{now.name} is of {patient_in_words(now.patient)}, "
            f"{earlier.name} of {patient_in_words(earlier.patient)}.",
            "Choose a study of the same patient, or correct the headers that are wrong.",
        )
    if is_same_study(now, earlier):
        raise InputError(
            "Both are the same study.", f"Study {now.name} in {earlier.root}", "Choose another one."
        )


def _lacks(study: Study) -> Iterator[str]:
    missing = [one.value for one in Sequence if one not in study.roles]
    if missing:
        yield f"No series is proposed for {', '.join(missing)}."

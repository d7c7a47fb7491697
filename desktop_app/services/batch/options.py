"""What a batch is asked for, and what it answers."""

from dataclasses import dataclass, field
from pathlib import Path

from desktop_app.services.batch.state import CaseState, CaseStatus
from desktop_app.services.case import CaseOptions


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """How a batch waits for studies that are yet to come.

    Parameters
    ----------
    settle_seconds
        A study is taken once none of its files changed for so long. Copying over a slow network
        pauses between files for seconds; half a minute is more than those pauses and little
        beside the time a study takes.
    poll_seconds
        Time between two looks at the folder. Looked at, not told: network shares tell nobody
        what changes on them.

    Raises
    ------
    ValueError
        If a time is not positive.
    """

    settle_seconds: float = 30.0
    poll_seconds: float = 10.0

    def __post_init__(self) -> None:
        if min(self.settle_seconds, self.poll_seconds) <= 0:
            raise ValueError("the times of a watch must be positive")


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """How a batch runs.

    Parameters
    ----------
    resume
        Leave out studies whose results are there and up to date.
    """

    case: CaseOptions = field(default_factory=CaseOptions)
    resume: bool = True


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """How a batch ended.

    Parameters
    ----------
    skipped
        (path or series, reason) of everything below the root that belongs to no study.
    kept, kept_skipped
        The same as they were written: without what tells who the patients are, if so asked.
    """

    cases: tuple[CaseState, ...]
    summary: Path
    skipped: tuple[tuple[str, str], ...] = ()
    kept: tuple[CaseState, ...] = ()
    kept_skipped: tuple[tuple[str, str], ...] = ()

    @property
    def failed(self) -> tuple[CaseState, ...]:
        """The studies that could not be segmented."""
        return tuple(case for case in self.cases if case.status is CaseStatus.FAILED)

"""How long jobs take on this computer, kept for the first estimate after the next start."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from desktop_app.io.atomic import atomic_path
from desktop_app.jobs.time_left import Pace

TIMES_FILE = "times.json"

_FRACTIONS = [step / 20 for step in range(1, 21)]
_MOST_SECONDS = 7 * 24 * 3600
# These take as long as there is much to look at: the next one is another matter.
_OF_ANY_SIZE = frozenset({"batch", "earlier studies", "over time", "scan"})


def load_times(file: Path) -> dict[str, Pace]:
    """Return what is known of each kind of job; nothing where the file is missing or damaged."""
    try:
        stored: Any = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(stored, dict):
        return {}
    read = {kind: _pace(seconds) for kind, seconds in stored.items()}
    return {kind: pace for kind, pace in read.items() if pace is not None}


def keep_times(learnt: Mapping[str, Pace], file: Path) -> None:
    """Keep what was learnt, beside what is known of other kinds of jobs.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    lasting = {kind: pace for kind, pace in learnt.items() if kind not in _OF_ANY_SIZE}
    if not lasting:
        return
    times = {
        kind: [round(pace.total_seconds * pace.share(fraction), 3) for fraction in _FRACTIONS]
        for kind, pace in {**load_times(file), **lasting}.items()
    }
    with atomic_path(file) as temporary:
        temporary.write_text(json.dumps(times), "utf-8")


def _pace(stored: object) -> Pace | None:
    """Return the pace of a job that had taken so many seconds at each of `_FRACTIONS`."""
    try:
        seconds = np.array(stored, np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    rising = np.diff(seconds, prepend=0.0) if seconds.shape == (len(_FRACTIONS),) else [-1.0]
    if not (np.min(rising) >= 0 and 0 < seconds[-1] <= _MOST_SECONDS):
        return None
    return Pace(_FRACTIONS, seconds.tolist())

"""Which process writes to a file, and whether it still runs."""

import os
import platform
from typing import Any

import psutil

# Systems give a process' start to a hundredth of a second, and some move it with their clock.
_SAME_START_SECONDS = 2.0


def process_mark() -> dict[str, Any]:
    """Return what tells this process from all others, for a JSON file."""
    return {
        "computer": platform.node(),
        "number": os.getpid(),
        "started": psutil.Process().create_time(),
    }


def is_running_elsewhere(mark: Any) -> bool:
    """Whether a mark is of another process of this computer that still runs.

    Of another computer nothing can be told, and of what is no mark neither: False.
    """
    if not isinstance(mark, dict) or mark.get("computer") != platform.node():
        return False
    number, started = mark.get("number"), mark.get("started")
    if not isinstance(number, int) or not isinstance(started, float) or number == os.getpid():
        return False
    try:
        process = psutil.Process(number)
        # A number is given to another process once the first has ended.
        is_same = abs(process.create_time() - started) < _SAME_START_SECONDS
        return is_same and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError, OverflowError):
        return False

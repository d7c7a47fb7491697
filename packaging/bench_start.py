"""Time from the start of a frozen program to its window and to its network.

``dev.py bench --start FOLDER/gliascope`` starts it three times warm; with ``--cold`` each time
after its files have left the system's cache, as after the computer was switched on. As root the
whole cache is dropped; else only the program's own files, which leaves the system's libraries warm.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from desktop_app.services.rehearsal import Moment, rehearse

_DROP_CACHES = Path("/proc/sys/vm/drop_caches")
_EVERYTHING = "3\n"
# Seconds; cold there is no aim for the network.
_AIMS = {(Moment.WINDOW, False): 3.0, (Moment.READY, False): 8.0, (Moment.WINDOW, True): 8.0}


def main(arguments: list[str]) -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="dev.py bench --start", description=__doc__)
    parser.add_argument("program", type=Path, help="the frozen program")
    parser.add_argument("--cold", action="store_true", help="not from the system's cache")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    program = options.program.resolve()
    if not options.cold:
        _start(program)
    starts = []
    for _ in range(options.rounds):
        if options.cold:
            forget(program.parent)
        starts.append(_start(program))
    _print(starts, cold=options.cold)
    return 0


def forget(folder: Path) -> None:
    """Take what a folder holds out of the system's cache, so that it is read from the disk again.

    Raises
    ------
    OSError
        Where the system knows no way.
    """
    os.sync()
    if os.geteuid() == 0 and _DROP_CACHES.exists():
        _DROP_CACHES.write_text(_EVERYTHING, "ascii")
        return
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as stream:
                os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _start(program: Path) -> Mapping[Moment, float]:
    with tempfile.TemporaryDirectory() as folder:
        return rehearse(Path(folder), command=(str(program),)).seconds


def _print(starts: list[Mapping[Moment, float]], *, cold: bool) -> None:
    state = "cold" if cold else "warm"
    table = Table(title=f"start, {state}; load {os.getloadavg()[0]:.1f}")
    table.add_column("")
    for number in range(len(starts)):
        table.add_column(str(number + 1), justify="right")
    table.add_column("aim", justify="right")
    for moment in (Moment.SPLASH, Moment.WINDOW, Moment.READY):
        aim = _AIMS.get((moment, cold))
        seconds = [f"{start[moment]:.2f} s" for start in starts]
        table.add_row(moment.value, *seconds, "" if aim is None else f"≤ {aim:.0f} s")
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

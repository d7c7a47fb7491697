"""Headers of many files at a time, in further processes where that pays."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from desktop_app.domain.stopping import Check, go_on
from desktop_app.io.dicom.elements import lenient_pydicom
from desktop_app.io.dicom.header_codec import Outcome, from_plain, to_plain
from desktop_app.io.dicom.headers import NotDicom, read_header

# Measured: a process takes half a second until it reads, and two are then almost twice as fast as
# one. Threads are slower than one alone, since parsing holds Python's lock.
_TRIAL_SECONDS = 0.5
_WORTH_SECONDS = 1.5

_MAX_PROCESSES = 8
_CHUNK_FILES = 64
_WAITING_CHUNKS = 4
_POLL_SECONDS = 0.1


def read_headers(
    paths: Sequence[Path],
    *,
    check: Check = go_on,
    processes: int | None = None,
) -> Iterator[tuple[Path, Outcome]]:
    """Read the headers of files; the order is not kept.

    Parameters
    ----------
    check
        Called often; raises to stop.
    processes
        With how many to read from the first file on. By default this one begins, and as many as
        there are processors take over where it would not be done soon: a large folder, a slow
        disk.

    Yields
    ------
    tuple of Path and Outcome
        The header, or the reason why there is none.
    """
    left = iter(paths)
    if processes is None:
        processes = min(_processors(), _MAX_PROCESSES)
        limit = _TRIAL_SECONDS if processes > 1 else float("inf")
        yield from _read_here(left, len(paths), limit, check)
    if processes > 1:
        yield from _read_elsewhere(list(left), processes, check)
    else:
        yield from _read_here(left, len(paths), float("inf"), check)


def _read_here(
    left: Iterator[Path], count: int, limit_seconds: float, check: Check
) -> Iterator[tuple[Path, Outcome]]:
    """Read until the limit, and on where the rest takes no time worth a start of processes."""
    started = time.perf_counter()
    with lenient_pydicom():
        for done, path in enumerate(left, start=1):
            check()
            yield path, _outcome(path)
            seconds = time.perf_counter() - started
            if seconds > limit_seconds and seconds / done * (count - done) > _WORTH_SECONDS:
                return


def _read_elsewhere(
    paths: list[Path], processes: int, check: Check
) -> Iterator[tuple[Path, Outcome]]:
    left = {str(path): path for path in paths}
    try:
        for name, stored in _results(list(left), processes, check):
            path = left.pop(name)
            yield path, from_plain(stored, path)
    except BrokenProcessPool:
        # The system has ended a process or lets none begin, mostly for want of memory; this one
        # needs the least.
        yield from _read_here(iter(left.values()), len(left), float("inf"), check)


def _results(names: list[str], processes: int, check: Check) -> Iterator[tuple[str, list[Any]]]:
    # Spawned, never forked: this process has threads, and Qt.
    context = multiprocessing.get_context("spawn")
    try:
        pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_begin)
    except OSError as error:
        # Its locks lie in shared memory, which is small or missing in some containers.
        raise BrokenProcessPool(str(error)) from error
    chunks = (names[start : start + _CHUNK_FILES] for start in range(0, len(names), _CHUNK_FILES))
    waiting: set[Future[list[tuple[str, list[Any]]]]] = set()
    try:
        while True:
            for chunk in chunks:
                waiting.add(pool.submit(_read_chunk, chunk))
                if len(waiting) >= _WAITING_CHUNKS * processes:
                    break
            if not waiting:
                return
            done, waiting = wait(waiting, _POLL_SECONDS, FIRST_COMPLETED)
            check()
            for one in done:
                yield from one.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _begin() -> None:
    """Leave Ctrl+C to the process that asked."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _read_chunk(names: Sequence[str]) -> list[tuple[str, list[Any]]]:
    with lenient_pydicom():
        return [(name, to_plain(_outcome(Path(name)))) for name in names]


def _outcome(path: Path) -> Outcome:
    try:
        return read_header(path)
    except NotDicom as reason:
        return reason


def _processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

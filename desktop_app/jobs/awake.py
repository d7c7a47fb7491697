"""Keeps the computer from falling asleep while it works through the night."""

import ctypes
import logging
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from desktop_app.paths import environment_outside

_WHY = "Studies are being segmented"
# Of SetThreadExecutionState, winbase.h; the screen may go dark.
_ES_CONTINUOUS = 0x80000000
_ES_SYSTEM_REQUIRED = 0x00000001
_END_SECONDS = 2.0

_log = logging.getLogger(__name__)


@contextmanager
def kept_awake() -> Iterator[None]:
    """Keep the computer awake during the block, which has to end on the thread that began it.

    Closing the lid still puts a laptop to sleep. Where the system offers no way or refuses, the
    block runs all the same and the log says so. If this process is killed, the system takes back
    what it was asked for.
    """
    if sys.platform == "win32":
        with _required_by_this_thread():
            yield
    else:
        with _held_by(_command()):
            yield


def _command() -> tuple[str, ...]:
    """Return the program of the system that keeps it awake for as long as it runs.

    Each of them ends with this process: one is told whom to wait for, the other runs what reads a
    pipe from here until that breaks.
    """
    if sys.platform == "darwin":
        return ("caffeinate", "-i", "-s", "-w", str(os.getpid()))
    asks = ("--what=sleep:idle", "--who=Gliascope", f"--why={_WHY}", "--mode=block")
    return ("systemd-inhibit", *asks, "cat")


@contextmanager
def _required_by_this_thread() -> Iterator[None]:
    tell = ctypes.windll.kernel32.SetThreadExecutionState  # type: ignore[attr-defined]
    if not tell(_ES_CONTINUOUS | _ES_SYSTEM_REQUIRED):
        _tell_it_may_sleep("Windows refused")
    try:
        yield
    finally:
        tell(_ES_CONTINUOUS)


@contextmanager
def _held_by(command: tuple[str, ...]) -> Iterator[None]:
    process = _started(command)
    if process is None:
        yield
        return
    is_over = threading.Event()
    listener = threading.Thread(
        target=_listen, args=(command[0], process, is_over), name="awake", daemon=True
    )
    listener.start()
    try:
        yield
    finally:
        is_over.set()
        _end(process)
        listener.join(_END_SECONDS)


def _started(command: tuple[str, ...]) -> "subprocess.Popen[str] | None":
    program = shutil.which(command[0])
    if program is None:
        _tell_it_may_sleep(f"there is no {command[0]}")
        return None
    try:
        return subprocess.Popen(
            (program, *command[1:]),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=environment_outside(),
            # Ctrl+C is for this program, which ends in order and ends that one.
            start_new_session=True,
        )
    except OSError as error:
        _tell_it_may_sleep(f"{command[0]}: {error.strerror}")
        return None


def _listen(name: str, process: "subprocess.Popen[str]", is_over: threading.Event) -> None:
    """Tell the log if the program ends before it was meant to: it was refused."""
    said = ""
    if process.stderr is not None:
        with process.stderr:
            said = " ".join(process.stderr.read().split())
    code = process.wait()
    if not is_over.is_set():
        _tell_it_may_sleep(f"{name} ended with code {code}. {said}")


def _end(process: "subprocess.Popen[str]") -> None:
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()
    process.terminate()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _tell_it_may_sleep(why: str) -> None:
    _log.info("The computer may fall asleep during the work: %s", why)

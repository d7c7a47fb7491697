"""Ctrl+C: noted at once, acted on where it is safe."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TextIO

# A terminal that is closed, or a connection that is lost, ends the work in order, too; on Windows
# that comes as SIGBREAK.
_HANGUPS = tuple(getattr(signal, name) for name in ("SIGHUP", "SIGBREAK") if hasattr(signal, name))


class StopRequest:
    """Whether the user asked to stop, by Ctrl+C, a request to terminate, or a closed terminal.

    Python's own way, an exception out of nowhere, aborts the whole process where it strikes while
    a native library is being imported.
    """

    def __init__(self) -> None:
        self._requested = False
        self._action: Callable[[], object] | None = None
        self._handlers: dict[signal.Signals, Any] = {}
        self._shown_on: tuple[TextIO, ...] = ()

    def watch(self) -> None:
        """Take the signals over, until `release`; a hang-up not where `nohup` has it ignored."""
        # Once it is closed, a terminal no longer says that it is one.
        streams = (sys.stdout, sys.stderr)
        self._shown_on = tuple(one for one in streams if one is not None and one.isatty())
        heard = [one for one in _HANGUPS if signal.getsignal(one) is not signal.SIG_IGN]
        for number in (signal.SIGINT, signal.SIGTERM, *heard):
            self._handlers[number] = signal.signal(number, self._note)

    def release(self) -> None:
        """Give the signals back to whoever had them."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}

    @contextmanager
    def calling(self, action: Callable[[], object]) -> Iterator[None]:
        """Call `action` as soon as a stop is requested during the block, or was before."""
        self._action = action
        try:
            if self._requested:
                action()
            yield
        finally:
            self._action = None

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._requested = True
        if number in _HANGUPS:
            self._leave_terminal()
        if self._action is not None:
            self._action()

    def _leave_terminal(self) -> None:
        """Send what is still printed nowhere: a terminal that is gone refuses it."""
        for stream in self._shown_on:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)

"""Ctrl+C: noted at once, acted on where it is safe."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Whether the user asked the command to stop, by Ctrl+C or a request to terminate.

    Python's own way, an exception out of nowhere, aborts the whole process where it strikes while
    a native library is being imported.
    """

    def __init__(self) -> None:
        self._requested = False
        self._action: Callable[[], object] | None = None
        self._handlers: list[Any] = []

    def watch(self) -> None:
        """Take the signals over, until `release`."""
        self._handlers = [signal.signal(number, self._note) for number in _SIGNALS]

    def release(self) -> None:
        """Give the signals back to whoever had them."""
        for number, handler in zip(_SIGNALS, self._handlers, strict=False):
            signal.signal(number, handler)
        self._handlers = []

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
        del number, frame
        self._requested = True
        if self._action is not None:
            self._action()

"""Carries calls from job threads onto the GUI thread."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal


class GuiDispatcher(QObject):
    """Runs functions on the thread it was made on, in the order they were handed in.

    Safe to call from any thread; calls that arrive after `close` are dropped, so that a job which
    ends during shutdown touches no dead widget.
    """

    _posted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._open = True
        self._posted.connect(self._run, Qt.ConnectionType.QueuedConnection)

    def __call__(self, function: Callable[[], None]) -> None:
        """Queue a function."""
        if self._open:
            self._posted.emit(function)

    def close(self) -> None:
        """Drop what is still queued and what may come."""
        self._open = False

    def _run(self, function: Callable[[], None]) -> None:
        if self._open:
            function()

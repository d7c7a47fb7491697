"""The one way to ask work to stop."""

import threading

from desktop_app.errors import Cancelled


class CancelToken:
    """Set once by whoever wants the work to stop, looked at by the work; safe across threads."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the work to stop."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether the work was asked to stop."""
        return self._event.is_set()

    def raise_if_cancelled(self) -> None:
        """Leave the work if it was asked to stop.

        Raises
        ------
        Cancelled
            If so.
        """
        if self._event.is_set():
            raise Cancelled

    def wait(self, seconds: float) -> None:
        """Do nothing for a while.

        Raises
        ------
        Cancelled
            As soon as the work is asked to stop.
        """
        if self._event.wait(seconds):
            raise Cancelled


NEVER = CancelToken()
"""The token of work that nobody stops; not to be cancelled."""

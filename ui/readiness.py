"""Gets ready what the first study needs while its user looks around, and says so."""

from PySide6.QtCore import QTimer

from desktop_app.composition import App
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import Event, Failed, ProgressCallback
from desktop_app.jobs.runner import Lane
from desktop_app.jobs.worker import WorkerState
from desktop_app.services.ahead import load_ahead
from ui.main_window import MainWindow
from ui.presenters.failures import tell_failure
from ui.presenters.job_line import Dispatch

_SAID = {
    WorkerState.ABSENT: "",
    WorkerState.LOADING: "Loading the network …",
    WorkerState.READY: "Network loaded",
    WorkerState.BUSY: "",
}
_INTERVAL_MS = 250


class Readiness:
    """Loads the network in its process and libraries here; the status line tells of the network.

    Parameters
    ----------
    dispatch
        Queues a function onto the GUI thread.
    """

    def __init__(self, window: MainWindow, services: App, dispatch: Dispatch) -> None:
        self._window = window
        self._services = services
        self._dispatch = dispatch
        self._timer = QTimer(window)
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.timeout.connect(self.show)

    def begin(self, device: str, precision: str) -> None:
        """Load the network there, and what else the first study will need."""
        self._services.worker.warm(device, precision)
        self._timer.start()

        def work(_progress: ProgressCallback, _token: CancelToken) -> None:
            load_ahead()

        def listen(event: Event) -> None:
            if isinstance(event, Failed):
                self._dispatch(lambda: tell_failure(self._window, event))

        self._services.runner.submit(work, listen, lane=Lane.IO)

    def show(self) -> None:
        """Tell whether the network is loaded."""
        self._window.show_readiness(_SAID[self._services.worker.state])

    def stop(self) -> None:
        """Tell no more: the window closes."""
        self._timer.stop()

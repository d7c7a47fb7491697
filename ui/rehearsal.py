"""Watches the window's start for a rehearsal, and ends it."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QMessageBox

from desktop_app.services.rehearsal import Moment, Rehearsal
from ui.main_window import MainWindow

_TICK_MS = 20
# A painted window is on the screen, and its picture has what was shown last.
_SETTLE_MS = 400


class RehearsalWatch(QObject):
    """Notes the moments, takes the picture and closes the window.

    Parameters
    ----------
    is_there
        Per moment to wait for, whether it has come.
    problem
        Returns why a moment can never come; empty while it can.
    """

    def __init__(
        self,
        rehearsal: Rehearsal,
        window: MainWindow,
        is_there: dict[Moment, Callable[[], bool]],
        problem: Callable[[], str],
    ) -> None:
        super().__init__(window)
        self._rehearsal = rehearsal
        self._window = window
        self._is_there = is_there
        self._problem = problem
        window.installEventFilter(self)
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._look)
        self._timer.start()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Note when the window paints itself first."""
        if watched is self._window and event.type() == QEvent.Type.Paint:
            self._window.removeEventFilter(self)
            QTimer.singleShot(0, lambda: self._rehearsal.note(Moment.WINDOW))
        return False

    def _look(self) -> None:
        box = QApplication.activeModalWidget()
        if isinstance(box, QMessageBox):
            self._rehearsal.problem = f"{box.text()} {box.informativeText()}"
            box.close()
        else:
            self._rehearsal.problem = self._problem()
        if self._rehearsal.problem:
            self._end()
            return
        for moment, has_come in self._is_there.items():
            if has_come():
                self._rehearsal.note(moment)
        if {Moment.WINDOW, *self._is_there} <= set(self._rehearsal.moments):
            self._timer.stop()
            QTimer.singleShot(_SETTLE_MS, self._end)

    def _end(self) -> None:
        self._timer.stop()
        self._window.grab().save(str(self._rehearsal.picture))
        self._rehearsal.write()
        self._window.close()
        QApplication.quit()

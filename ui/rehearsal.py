"""Watches the window's start for a rehearsal, and ends it."""

import ctypes
import sys
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QMessageBox

from desktop_app.services.rehearsal import Moment, Rehearsal
from ui.main_window import MainWindow

_TICK_MS = 20
# A painted window is on the screen, and its picture has what was shown last.
_SETTLE_MS = 400
# What OpenGL loads in turn; why one of them cannot be loaded is told by the loader alone.
_DRIVERS = ("libGL.so.1", "libEGL.so.1", "libGLX_mesa.so.0", "libEGL_mesa.so.0")
_COLOUR = (200, 100, 50)


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
        if not self._rehearsal.problem:
            self._rehearsal.no_3d = why_no_3d()
            self._rehearsal.write()
        self._window.close()
        QApplication.quit()


def why_no_3d() -> str:
    """Draw a 3D picture, and return why that cannot be done here; empty if it can."""
    from ui.viewers.orbit_camera import OrbitCamera
    from ui.viewers.surface_scene import GraphicsUnavailableError, SurfaceScene

    try:
        scene = SurfaceScene(_COLOUR)
    except GraphicsUnavailableError:
        return _loader_says() or "there is no OpenGL 3.2"
    picture = scene.picture(OrbitCamera().fitted(np.zeros(3), 1.0), 64, 64)
    scene.finalize()
    return "" if (picture[..., :3] == _COLOUR).all() else "the picture is not what was drawn"


def _loader_says() -> str:
    for name in _DRIVERS if sys.platform == "linux" else ():
        try:
            ctypes.CDLL(name)
        except OSError as error:
            return str(error)
    return ""

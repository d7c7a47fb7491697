"""The surfaces in an off-screen VTK window, read back as pictures.

Everything here belongs to one thread: the one that makes the first picture.
"""

import ctypes.util
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import vtkmodules.vtkRenderingOpenGL2  # noqa: F401 (registers the renderer's implementation)
from numpy.typing import NDArray
from vtkmodules.vtkCommonCore import vtkLogger, vtkObject, vtkUnsignedCharArray
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkRenderingCore import (
    vtkActor,
    vtkCellPicker,
    vtkLightKit,
    vtkPolyDataMapper,
    vtkRenderer,
    vtkRenderWindow,
)

from ui.viewers.orbit_camera import VIEW_ANGLE_DEG, OrbitCamera
from ui.viewers.vtk_arrays import to_numpy

_BRAIN_RGB = (0.86, 0.84, 0.82)
_BRAIN_OPACITY = 0.3
_SAMPLES = 4
_SOFTWARE_WINDOW = "vtkOSOpenGLRenderWindow"


class GraphicsUnavailableError(Exception):
    """No 3D pictures can be drawn here: no OpenGL 3.2, not even in software."""


@dataclass(frozen=True, slots=True)
class Look:
    """How one surface is drawn: colour 0–255 and opacity 0–1."""

    rgb: tuple[int, int, int]
    opacity: float


@contextmanager
def _quiet_vtk() -> Iterator[None]:
    """Keep VTK from printing what it tries in vain while it looks for a graphics system."""
    verbosity = vtkLogger.GetCurrentVerbosityCutoff()
    shows_warnings = vtkObject.GetGlobalWarningDisplay()
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_OFF)
    vtkObject.GlobalWarningDisplayOff()
    try:
        yield
    finally:
        vtkLogger.SetStderrVerbosity(verbosity)
        vtkObject.SetGlobalWarningDisplay(shows_warnings)


def open_window() -> vtkRenderWindow:
    """Return an off-screen window.

    Raises
    ------
    GraphicsUnavailableError
        If there is no usable OpenGL.
    """
    with _quiet_vtk():
        window = vtkRenderWindow()
        # VTK falls back to OSMesa without a look whether it is there, and then crashes.
        if window.GetClassName() == _SOFTWARE_WINDOW and not ctypes.util.find_library("OSMesa"):
            raise GraphicsUnavailableError
        window.SetShowWindow(False)
        window.SetOffScreenRendering(1)
        if not window.SupportsOpenGL():
            window.Finalize()
            raise GraphicsUnavailableError
    return window


class SurfaceScene:
    """Surfaces of regions by label value, and the brain around them.

    Parameters
    ----------
    background
        Red, green, blue 0–255.

    Raises
    ------
    GraphicsUnavailableError
        If there is no usable OpenGL.
    """

    def __init__(self, background: tuple[int, int, int]) -> None:
        self._window = open_window()
        self._renderer = vtkRenderer()
        self._renderer.SetBackground(*(channel / 255 for channel in background))
        self._window.AddRenderer(self._renderer)
        lights = vtkLightKit()
        lights.AddLightsToRenderer(self._renderer)
        self._actors: dict[int, vtkActor] = {}
        self._brain: vtkActor | None = None
        self._pixels = vtkUnsignedCharArray()

    def set_surfaces(self, surfaces: dict[int, vtkPolyData], looks: dict[int, Look]) -> None:
        """Replace all surfaces of regions."""
        for actor in self._actors.values():
            self._renderer.RemoveActor(actor)
        self._actors = {value: _actor(mesh) for value, mesh in surfaces.items()}
        for value, actor in self._actors.items():
            look = looks[value]
            shine = actor.GetProperty()
            shine.SetColor(*(channel / 255 for channel in look.rgb))
            shine.SetOpacity(look.opacity)
            shine.SetSpecular(0.15)
            shine.SetSpecularPower(20)
            # A shell's inner wall would veil what lies inside it a second time
            shine.SetBackfaceCulling(look.opacity < 1)
            self._renderer.AddActor(actor)

    def set_visible(self, values: frozenset[int]) -> None:
        """Show these regions only."""
        for value, actor in self._actors.items():
            actor.SetVisibility(value in values)

    def set_brain(self, mesh: vtkPolyData | None) -> None:
        """Replace the outline of the brain."""
        if self._brain is not None:
            self._renderer.RemoveActor(self._brain)
        self._brain = None if mesh is None else _actor(mesh)
        if self._brain is not None:
            shine = self._brain.GetProperty()
            shine.SetColor(*_BRAIN_RGB)
            shine.SetOpacity(_BRAIN_OPACITY)
            # Only the far side is drawn: it gives the context and covers nothing
            shine.FrontfaceCullingOn()
            self._renderer.AddActor(self._brain)

    def picture(
        self, camera: OrbitCamera, width: int, height: int, *, fine: bool = True
    ) -> NDArray[np.uint8]:
        """Draw.

        Parameters
        ----------
        camera
            Where to look from.
        width, height
            Size in pixels.
        fine
            Smooth the edges, which takes software renderers twice as long.

        Returns
        -------
        ndarray
            (height, width, 4) red, green, blue, alpha; row 0 on top.
        """
        self._window.SetMultiSamples(_SAMPLES if fine else 0)
        self._aim(camera, width, height)
        self._window.Render()
        self._window.GetRGBACharPixelData(0, 0, width - 1, height - 1, 0, self._pixels, 0)
        rows = to_numpy(self._pixels).reshape(height, width, 4)
        picture = np.ascontiguousarray(rows[::-1])
        picture[..., 3] = 255
        return picture

    def pick(
        self, camera: OrbitCamera, width: int, height: int, x: float, y: float
    ) -> NDArray[np.float64] | None:
        """Return the point of a region's surface under a pixel (from the top left)."""
        self._aim(camera, width, height)
        picker = vtkCellPicker()
        picker.SetTolerance(0.0005)
        picker.PickFromListOn()
        for actor in self._actors.values():
            if actor.GetVisibility():
                picker.AddPickList(actor)
        if not picker.Pick(x, height - 1 - y, 0, self._renderer):
            return None
        return np.array(picker.GetPickPosition())

    def finalize(self) -> None:
        """Give the graphics resources back; the scene is of no use afterwards."""
        self._renderer.RemoveAllViewProps()
        self._actors.clear()
        self._brain = None
        self._window.RemoveRenderer(self._renderer)
        self._window.Finalize()

    def _aim(self, camera: OrbitCamera, width: int, height: int) -> None:
        self._window.SetSize(width, height)
        eye = self._renderer.GetActiveCamera()
        eye.SetViewAngle(VIEW_ANGLE_DEG)
        eye.SetFocalPoint(*camera.focus_lps_mm.tolist())
        eye.SetPosition(*camera.eye_lps_mm.tolist())
        eye.SetViewUp(*camera.up_lps.tolist())
        self._renderer.ResetCameraClippingRange()


def _actor(mesh: vtkPolyData) -> vtkActor:
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(mesh)
    mapper.ScalarVisibilityOff()
    actor = vtkActor()
    actor.SetMapper(mapper)
    return actor

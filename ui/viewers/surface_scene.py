"""The surfaces in an off-screen VTK window, read back as pictures.

Everything here belongs to one thread: the one that makes the first picture.
"""

import ctypes.util
from collections.abc import Iterable, Iterator
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

from ui.viewers.interfaces import Interface
from ui.viewers.orbit_camera import VIEW_ANGLE_DEG, OrbitCamera
from ui.viewers.vtk_arrays import to_numpy

_BRAIN_RGB = (0.86, 0.84, 0.82)
_BRAIN_OPACITY = 0.3
_SHINE = 0.15
_SHINE_POWER = 20
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
    """Surfaces of regions, and the brain around them.

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
        self._regions: list[tuple[Interface, vtkActor]] = []
        self._looks: dict[int, Look] = {}
        self._brain: vtkActor | None = None
        self._pixels = vtkUnsignedCharArray()

    def set_interfaces(self, interfaces: Iterable[Interface], looks: dict[int, Look]) -> None:
        """Replace all surfaces of regions.

        Parameters
        ----------
        interfaces
            Those of the innermost region first.
        looks
            How each label value is drawn.
        """
        self._looks = looks
        self._regions = [(one, _actor(one.mesh)) for one in interfaces]
        for _, actor in self._regions:
            actor.GetProperty().SetSpecular(_SHINE)
            actor.GetProperty().SetSpecularPower(_SHINE_POWER)
        self.set_visible(frozenset(looks))
        self._arrange()

    def set_visible(self, values: frozenset[int]) -> None:
        """Show these regions only; what two of them share is drawn as the inner one."""
        for interface, actor in self._regions:
            owner = next((v for v in (interface.inner, interface.outer) if v in values), None)
            actor.SetVisibility(owner is not None)
            if owner is None:
                continue
            look, shine = self._looks[owner], actor.GetProperty()
            shine.SetColor(*(channel / 255 for channel in look.rgb))
            shine.SetOpacity(look.opacity)
            # A shell's far wall would veil what lies inside it a second time
            is_shell, faces_out = look.opacity < 1, owner == interface.inner
            shine.SetBackfaceCulling(is_shell and faces_out)
            shine.SetFrontfaceCulling(is_shell and not faces_out)

    def set_brain(self, mesh: vtkPolyData | None) -> None:
        """Replace the outline of the brain."""
        self._brain = None if mesh is None else _actor(mesh)
        if self._brain is not None:
            shine = self._brain.GetProperty()
            shine.SetColor(*_BRAIN_RGB)
            shine.SetOpacity(_BRAIN_OPACITY)
            # Only the far side is drawn: it gives the context and covers nothing
            shine.FrontfaceCullingOn()
        self._arrange()

    def _arrange(self) -> None:
        """Have translucent surfaces drawn from the back to the front.

        VTK draws them in the order they were added. The brain's far side is behind everything, and
        of shells inside each other the outer one is in front: right without the cost of peeling
        depths, which software renderers pay many times over.
        """
        self._renderer.RemoveAllViewProps()
        for actor in (self._brain, *(actor for _, actor in self._regions)):
            if actor is not None:
                self._renderer.AddActor(actor)

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
        for _, actor in self._regions:
            if actor.GetVisibility():
                picker.AddPickList(actor)
        if not picker.Pick(x, height - 1 - y, 0, self._renderer):
            return None
        return np.array(picker.GetPickPosition())

    def finalize(self) -> None:
        """Give the graphics resources back; the scene is of no use afterwards."""
        self._renderer.RemoveAllViewProps()
        self._regions.clear()
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

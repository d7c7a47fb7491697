"""Builds and draws surfaces away from the thread of the window.

Surfaces are built in one thread. They are drawn in a second one on Linux; the window systems of
Windows and macOS want even hidden windows on the thread that handles events, so there pictures are
drawn on it.
"""

import logging
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, ParamSpec

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.segmentation import LabelDefinition, Region
from ui.viewers import style
from ui.viewers.inline_executor import InlineExecutor
from ui.viewers.orbit_camera import OrbitCamera
from ui.viewers.vtk_arrays import to_numpy

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

    from ui.viewers.interfaces import Interface
    from ui.viewers.surface_scene import SurfaceScene

_LOG = logging.getLogger(__name__)
_Arguments = ParamSpec("_Arguments")

# Oedema surrounds the enhancing rim, which surrounds the necrosis: each lets the next be seen.
_OPACITIES = {Region.ED: 0.25, Region.ET: 0.4}


def _opacity(definition: LabelDefinition) -> float:
    return _OPACITIES.get(definition.region, 1.0)


def _inside_out(definitions: tuple[LabelDefinition, ...]) -> list[int]:
    """Return the label values, those first that are seen through the others."""
    return [one.value for one in sorted(definitions, key=_opacity, reverse=True)]


@dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """A sphere round everything: centre (3,) and radius in millimetres."""

    centre_lps_mm: NDArray[np.float64]
    radius_mm: float


def _load_libraries() -> None:
    import ui.viewers.interfaces
    import ui.viewers.surface_scene
    import ui.viewers.surfaces  # noqa: F401 (loaded for its libraries)


class SurfaceEngine(QObject):
    """Surfaces in, pictures out; requests return at once.

    Parameters
    ----------
    draws_in_thread
        Whether pictures are drawn in a thread of their own.

    Signals
    -------
    picture_ready(QImage, float)
        A picture, and the seconds it took.
    surfaces_changed(object)
        `Bounds` of all there is to see; ``None`` if that is nothing.
    picked(object)
        (3,) patient coordinates, ``None`` where no surface was hit.
    failed(str)
        No pictures can be drawn, and why.
    """

    picture_ready = Signal(QImage, float)
    surfaces_changed = Signal(object)
    picked = Signal(object)
    failed = Signal(str)
    _built = Signal(int, object)
    _outlined = Signal(int, object)

    def __init__(self, *, draws_in_thread: bool = sys.platform.startswith("linux")) -> None:
        super().__init__()
        self._builder = ThreadPoolExecutor(1, "surfaces")
        self._drawer: Executor = (
            ThreadPoolExecutor(1, "pictures") if draws_in_thread else InlineExecutor()
        )
        self._scene: SurfaceScene | None = None
        self._is_closed = False
        self._is_warm = False
        self._labels_generation = 0
        self._labels_shown = 0
        self._brain_generation = 0
        self._definitions: tuple[LabelDefinition, ...] = ()
        self._hidden: frozenset[int] = frozenset()
        self._interfaces: tuple[Interface, ...] = ()
        self._brain: vtkPolyData | None = None
        self._built.connect(self._take_surfaces)
        self._outlined.connect(self._take_brain)

    def warm(self) -> None:
        """Load what building and drawing need, so that the first surfaces come sooner."""
        if not self._is_warm:
            self._is_warm = True
            self._submit(self._builder, _load_libraries)

    def set_labels(
        self,
        labels_kji: NDArray[np.uint8] | None,
        geometry: Geometry | None,
        definitions: tuple[LabelDefinition, ...],
    ) -> None:
        """Build surfaces anew; what is still being built for former labels is dropped."""
        self._labels_generation += 1
        generation = self._labels_generation
        self._definitions = definitions
        if labels_kji is None or geometry is None:
            self._take_surfaces(generation, ())
            return
        self._submit(
            self._builder, self._build, generation, labels_kji, geometry, _inside_out(definitions)
        )

    def set_brain(self, brain_kji: NDArray[np.bool_] | None, geometry: Geometry | None) -> None:
        """Build the brain's outline anew."""
        self._brain_generation += 1
        generation = self._brain_generation
        if brain_kji is None or geometry is None:
            self._take_brain(generation, None)
            return
        self._submit(self._builder, self._outline, generation, brain_kji, geometry)

    def set_hidden(self, hidden: frozenset[int]) -> None:
        """Hide these label values."""
        self._hidden = hidden
        self._show_visible()

    def request_picture(self, camera: OrbitCamera, width: int, height: int, *, fine: bool) -> None:
        """Draw, with smooth edges if `fine`; `picture_ready` follows."""
        self._submit(self._drawer, self._draw, camera, width, height, fine)

    def request_pick(
        self, camera: OrbitCamera, width: int, height: int, x: float, y: float
    ) -> None:
        """Find the surface under a pixel; `picked` follows."""
        self._submit(self._drawer, self._pick, camera, width, height, x, y)

    @property
    def has_surfaces(self) -> bool:
        """Whether there is anything to draw."""
        return bool(self._interfaces) or self._brain is not None

    @property
    def is_building(self) -> bool:
        """Whether surfaces of the labels set last are still to come."""
        return self._labels_shown != self._labels_generation

    def close(self) -> None:
        """Stop the threads and give the graphics resources back. Safe to call twice."""
        if self._is_closed:
            return
        self._is_closed = True
        self._labels_generation += 1  # what is still to be built is not built
        self._builder.shutdown(wait=True, cancel_futures=True)
        if self._scene is not None:
            # Where the context was made, there it must go; if the interpreter has ended its
            # threads before the window, the system takes it back
            with suppress(RuntimeError):
                self._drawer.submit(self._scene.finalize)
        self._drawer.shutdown(wait=True)
        self._scene = None

    # What follows runs in the builder's thread

    def _build(
        self, generation: int, labels_kji: NDArray[np.uint8], geometry: Geometry, values: list[int]
    ) -> None:
        from ui.viewers.interfaces import label_interfaces

        if generation == self._labels_generation:
            self._built.emit(generation, label_interfaces(labels_kji, geometry, values))

    def _outline(self, generation: int, brain_kji: NDArray[np.bool_], geometry: Geometry) -> None:
        from ui.viewers.surfaces import brain_surface

        if generation == self._brain_generation:
            self._outlined.emit(generation, brain_surface(brain_kji, geometry))

    # What follows runs in the drawer's thread

    def _open_scene(self) -> "SurfaceScene | None":
        from ui.viewers.surface_scene import GraphicsUnavailableError, SurfaceScene

        if self._scene is None:
            background = style.SCENE_BACKGROUND
            try:
                self._scene = SurfaceScene(
                    (background.red(), background.green(), background.blue())
                )
            except GraphicsUnavailableError:
                self.failed.emit(
                    "3D needs OpenGL 3.2, which this computer or connection does not offer.\n"
                    "Slices, volumes and exports are not affected."
                )
        return self._scene

    def _draw(self, camera: OrbitCamera, width: int, height: int, fine: bool) -> None:
        scene = self._open_scene()
        if scene is None:
            return
        start = time.perf_counter()
        pixels = scene.picture(camera, width, height, fine=fine)
        picture = QImage(
            pixels.data, width, height, width * 4, QImage.Format.Format_RGBX8888
        ).copy()
        self.picture_ready.emit(picture, time.perf_counter() - start)

    def _pick(self, camera: OrbitCamera, width: int, height: int, x: float, y: float) -> None:
        scene = self._open_scene()
        if scene is not None:
            self.picked.emit(scene.pick(camera, width, height, x, y))

    def _place_surfaces(
        self, interfaces: "tuple[Interface, ...]", definitions: tuple[LabelDefinition, ...]
    ) -> None:
        from ui.viewers.surface_scene import Look

        scene = self._open_scene()
        if scene is not None:
            looks = {one.value: Look(one.rgb, _opacity(one)) for one in definitions}
            scene.set_interfaces(interfaces, looks)

    def _place_visible(self, values: frozenset[int]) -> None:
        scene = self._open_scene()
        if scene is not None:
            scene.set_visible(values)

    def _place_brain(self, mesh: "vtkPolyData | None") -> None:
        scene = self._open_scene()
        if scene is not None:
            scene.set_brain(mesh)

    # What follows runs in the window's thread

    def _take_surfaces(self, generation: int, interfaces: "tuple[Interface, ...]") -> None:
        if generation != self._labels_generation:
            return
        self._labels_shown = generation
        had_surfaces = bool(self._interfaces)
        self._interfaces = interfaces
        if interfaces or had_surfaces:
            self._submit(self._drawer, self._place_surfaces, interfaces, self._definitions)
            self._show_visible()
        self.surfaces_changed.emit(self._bounds())

    def _take_brain(self, generation: int, mesh: "vtkPolyData | None") -> None:
        if generation != self._brain_generation:
            return
        had_brain = self._brain is not None
        self._brain = mesh
        if mesh is not None or had_brain:
            self._submit(self._drawer, self._place_brain, mesh)
        self.surfaces_changed.emit(self._bounds())

    def _show_visible(self) -> None:
        if self._interfaces:
            visible = frozenset(one.value for one in self._definitions) - self._hidden
            self._submit(self._drawer, self._place_visible, visible)

    def _bounds(self) -> Bounds | None:
        meshes = [one.mesh for one in self._interfaces] if self._brain is None else [self._brain]
        if not meshes:
            return None
        limits = np.array([mesh.GetBounds() for mesh in meshes]).reshape(-1, 3, 2)
        centre = (limits[:, :, 0].min(axis=0) + limits[:, :, 1].max(axis=0)) / 2
        points = np.concatenate([to_numpy(mesh.GetPoints().GetData()) for mesh in meshes])
        return Bounds(centre, float(np.linalg.norm(points - centre, axis=1).max()))

    def _submit(
        self,
        executor: Executor,
        work: Callable[_Arguments, None],
        *args: _Arguments.args,
        **kwargs: _Arguments.kwargs,
    ) -> None:
        if not self._is_closed:
            executor.submit(work, *args, **kwargs).add_done_callback(self._report)

    def _report(self, future: "Future[None]") -> None:
        if future.cancelled():
            return
        error = future.exception()
        if error is not None:
            _LOG.error("the surface view failed", exc_info=error)
            self.failed.emit(f"3D failed: {error}\nSlices, volumes and exports are not affected.")

"""Surfaces: built off the window's thread, where the voxels are, and readable failures."""

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.segmentation import DEFAULT_LABELS
from tests.viewer_cases import ball_labels, drag, oriented
from ui.viewers import style, surface_scene
from ui.viewers.orbit_camera import OrbitCamera
from ui.viewers.orientation_mark import side_at
from ui.viewers.surface_engine import SurfaceEngine
from ui.viewers.surfaces import brain_surface
from ui.viewers.volume_view import VolumeView
from ui.viewers.vtk_arrays import to_numpy

WAIT_MS = 60_000


@pytest.fixture
def view(qtbot: QtBot) -> VolumeView:
    widget = VolumeView()
    qtbot.addWidget(widget)
    widget.resize(320, 300)
    widget.set_crosshair_visible(False)
    with qtbot.waitExposed(widget):
        widget.show()
    return widget


def wait_for_picture(qtbot: QtBot, view: VolumeView, act: Callable[[], None]) -> QImage:
    with qtbot.waitSignal(view.picture_shown, timeout=WAIT_MS):
        act()
    qtbot.wait(60)
    return view.grab().toImage()


def coloured_pixels(picture: QImage, rgb: tuple[int, int, int]) -> int:
    """Count pixels of the colour's hue; shading changes brightness, not hue."""
    hue = QColor(*rgb).hue()
    count = 0
    for y in range(6, picture.height() - 6, 3):  # without the frame, which may be bright
        for x in range(6, picture.width() - 6, 3):
            colour = QColor(picture.pixel(x, y))
            is_vivid = colour.saturation() > 80 and colour.value() > 50
            count += is_vivid and abs(colour.hue() - hue) < 12
    return count


def test_brain_outline_is_coarse_but_in_place() -> None:
    geometry = oriented((2, 0, 1), (-1, 1, -1), spacing=2.0)
    mask = ball_labels(geometry, 22.0, 1) > 0
    mesh = brain_surface(mask, geometry)
    assert mesh is not None
    centre = geometry.to_patient_mm((np.array(geometry.shape_kji) - 1) / 2)
    radii = np.linalg.norm(to_numpy(mesh.GetPoints().GetData()) - centre, axis=1)
    assert radii.mean() == pytest.approx(22.0, abs=1.0)
    assert brain_surface(mask & False, geometry) is None


def test_regions_are_drawn_in_their_colours_and_can_be_hidden(
    qtbot: QtBot, view: VolumeView
) -> None:
    geometry = oriented((0, 1, 2), (1, 1, 1))
    labels = ball_labels(geometry, 9.0, 1)
    picture = wait_for_picture(
        qtbot, view, lambda: view.set_labels(labels, geometry, DEFAULT_LABELS)
    )
    blue = DEFAULT_LABELS[0].rgb
    assert coloured_pixels(picture, blue) > 500
    view.set_region_visible(1, False)
    qtbot.waitUntil(lambda: coloured_pixels(view.grab().toImage(), blue) == 0, timeout=WAIT_MS)
    view.set_region_visible(1, True)
    qtbot.waitUntil(lambda: coloured_pixels(view.grab().toImage(), blue) > 500, timeout=WAIT_MS)
    view.set_labels(None, None, ())
    qtbot.waitUntil(lambda: coloured_pixels(view.grab().toImage(), blue) == 0, timeout=WAIT_MS)


def test_a_hidden_region_leaves_its_wall_to_the_one_around_it(
    qtbot: QtBot, view: VolumeView
) -> None:
    geometry = oriented((0, 1, 2), (1, 1, 1))
    labels = ball_labels(geometry, 11.0, 3)
    labels[ball_labels(geometry, 7.0, 1) > 0] = 1
    wait_for_picture(qtbot, view, lambda: view.set_labels(labels, geometry, DEFAULT_LABELS))
    blue, orange = DEFAULT_LABELS[0].rgb, DEFAULT_LABELS[2].rgb
    view.set_region_visible(3, False)
    qtbot.waitUntil(lambda: coloured_pixels(view.grab().toImage(), orange) == 0, timeout=WAIT_MS)
    assert coloured_pixels(view.grab().toImage(), blue) > 300
    view.set_region_visible(3, True)
    view.set_region_visible(1, False)
    qtbot.waitUntil(lambda: coloured_pixels(view.grab().toImage(), orange) > 500, timeout=WAIT_MS)
    assert coloured_pixels(view.grab().toImage(), blue) == 0


def test_brain_is_drawn_without_any_tumour(qtbot: QtBot, view: VolumeView) -> None:
    geometry = oriented((0, 1, 2), (1, 1, 1))
    mask = ball_labels(geometry, 10.0, 1) > 0
    picture = wait_for_picture(qtbot, view, lambda: view.set_brain(mask, geometry))
    background = style.SCENE_BACKGROUND
    middle = QColor(picture.pixel(picture.width() // 2, picture.height() // 2))
    assert middle.lightness() > background.lightness() + 8
    empty = np.zeros(geometry.shape_kji, np.uint8)
    view.set_labels(empty, geometry, DEFAULT_LABELS)
    qtbot.wait(100)
    view.grab()


def test_on_a_screen_of_another_density_the_picture_is_drawn_anew(
    qtbot: QtBot, view: VolumeView, monkeypatch: pytest.MonkeyPatch
) -> None:
    geometry = oriented((0, 1, 2), (1, 1, 1))
    labels = ball_labels(geometry, 9.0, 1)
    wait_for_picture(qtbot, view, lambda: view.set_labels(labels, geometry, DEFAULT_LABELS))
    drawn: list[int] = []
    view._engine.picture_ready.connect(lambda picture, _seconds: drawn.append(picture.width()))
    monkeypatch.setattr(view, "devicePixelRatioF", lambda: 2.0)
    QCoreApplication.sendEvent(view, QEvent(QEvent.Type.DevicePixelRatioChange))
    qtbot.waitUntil(lambda: 640 in drawn, timeout=WAIT_MS)


def test_turning_changes_the_picture_and_r_resets(qtbot: QtBot, view: VolumeView) -> None:
    geometry = oriented((0, 1, 2), (1, 1, 1))
    labels = ball_labels(geometry, 5.0, 1)
    labels[10:14, 10:14, 2:30] = 3
    first = wait_for_picture(qtbot, view, lambda: view.set_labels(labels, geometry, DEFAULT_LABELS))
    start = view.camera
    turned = wait_for_picture(
        qtbot,
        view,
        lambda: drag(view, Qt.MouseButton.LeftButton, QPointF(100, 100), QPointF(190, 120)),
    )
    assert turned != first
    zoomed = view.camera.distance_mm
    drag(view, Qt.MouseButton.RightButton, QPointF(100, 100), QPointF(100, 60))
    assert view.camera.distance_mm < zoomed
    focus = view.camera.focus_lps_mm
    drag(view, Qt.MouseButton.MiddleButton, QPointF(100, 100), QPointF(120, 100))
    assert not np.allclose(view.camera.focus_lps_mm, focus)
    QTest.keyClick(view, Qt.Key.Key_R)
    assert view.camera.axes_lps == pytest.approx(start.axes_lps)
    assert view.camera.distance_mm == pytest.approx(start.distance_mm)


@pytest.mark.parametrize("side", "RLAPSI")
def test_looking_from_a_side_puts_its_letter_in_front(view: VolumeView, side: str) -> None:
    view.look_from(side)
    centre = QPointF(50, 50)
    assert side_at(view.camera, centre, centre) == side
    up = "A" if side in "SI" else "S"
    assert side_at(view.camera, centre, QPointF(50, 24)) == up
    assert side_at(view.camera, centre, QPointF(200, 200)) is None


def test_seen_from_the_front_the_patients_left_is_on_the_right(view: VolumeView) -> None:
    QTest.keyClick(view, Qt.Key.Key_A, Qt.KeyboardModifier.ShiftModifier)
    left = view.camera.project(np.array([50.0, 0, 0]), 200, 200)
    assert left is not None
    assert left[0] > 100
    superior = view.camera.project(np.array([0, 0, 50.0]), 200, 200)
    assert superior is not None
    assert superior[1] < 100


def test_projection_agrees_with_what_vtk_draws(qtbot: QtBot, view: VolumeView) -> None:
    geometry = oriented((0, 1, 2), (1, 1, 1))
    labels = np.zeros(geometry.shape_kji, np.uint8)
    labels[4:8, 4:8, 4:8] = 1
    labels[20:22, 22:24, 25:27] = 3
    wait_for_picture(qtbot, view, lambda: view.set_labels(labels, geometry, DEFAULT_LABELS))
    picture = wait_for_picture(qtbot, view, lambda: view.look_from("A"))
    at = view.camera.project(geometry.to_patient_mm(np.array([5.5, 5.5, 5.5])), 320, 300)
    assert at is not None
    colour = QColor(picture.pixel(round(at[0]), round(at[1])))
    assert abs(colour.hue() - QColor(*DEFAULT_LABELS[0].rgb).hue()) < 12
    picked: list[np.ndarray] = []
    view.cursor_picked.connect(picked.append)
    ctrl = Qt.KeyboardModifier.ControlModifier
    with qtbot.waitSignal(view.cursor_picked, timeout=WAIT_MS):
        QTest.mouseClick(view, Qt.MouseButton.LeftButton, ctrl, QPoint(round(at[0]), round(at[1])))
    index = geometry.to_index_kji(picked[0])
    assert index[0] == pytest.approx(5.5, abs=2)
    assert index[1] == pytest.approx(3.5, abs=0.7)  # the face towards the front
    assert index[2] == pytest.approx(5.5, abs=2)


def test_camera_keeps_its_axes_orthonormal() -> None:
    camera = OrbitCamera()
    for _ in range(500):
        camera = camera.turned(13, -7)
    assert camera.axes_lps.T @ camera.axes_lps == pytest.approx(np.eye(3), abs=1e-9)
    assert np.linalg.det(camera.axes_lps) == pytest.approx(1)


def test_without_opengl_the_view_says_so(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, view: VolumeView
) -> None:
    def refuse() -> None:
        raise surface_scene.GraphicsUnavailableError

    monkeypatch.setattr(surface_scene, "open_window", refuse)
    geometry = oriented((0, 1, 2), (1, 1, 1))
    view.set_labels(ball_labels(geometry, 8, 1), geometry, DEFAULT_LABELS)
    qtbot.waitUntil(lambda: "OpenGL" in view.failure, timeout=WAIT_MS)
    view.set_region_visible(1, False)
    drag(view, Qt.MouseButton.LeftButton, QPointF(10, 10), QPointF(60, 60))
    view.grab()


def test_a_failing_picture_is_logged_and_told(
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    view: VolumeView,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("driver went away")

    monkeypatch.setattr(surface_scene.SurfaceScene, "picture", fail)
    geometry = oriented((0, 1, 2), (1, 1, 1))
    view.set_labels(ball_labels(geometry, 8, 1), geometry, DEFAULT_LABELS)
    qtbot.waitUntil(lambda: "driver went away" in view.failure, timeout=WAIT_MS)
    assert "the surface view failed" in caplog.text


@pytest.mark.parametrize("threaded", [True, False])
def test_pictures_can_be_drawn_in_either_thread(qtbot: QtBot, threaded: bool) -> None:
    view = VolumeView(engine=SurfaceEngine(draws_in_thread=threaded))
    qtbot.addWidget(view)
    view.resize(240, 240)
    view.set_crosshair_visible(False)
    view.show()
    geometry = oriented((0, 1, 2), (1, 1, 1))
    labels = ball_labels(geometry, 9.0, 1)
    picture = wait_for_picture(
        qtbot, view, lambda: view.set_labels(labels, geometry, DEFAULT_LABELS)
    )
    assert coloured_pixels(picture, DEFAULT_LABELS[0].rgb) > 200


def test_building_does_not_hold_the_window_up(qtbot: QtBot, view: VolumeView) -> None:
    geometry = Geometry((60, 80, 80), np.eye(4))
    labels = np.zeros(geometry.shape_kji, np.uint8)
    blocks = np.random.default_rng(1).integers(0, 4, (7, 8, 9)).astype(np.uint8)
    labels[5:54, 10:66, 10:73] = np.kron(blocks, np.ones((7, 7, 7), np.uint8))
    beats: list[float] = []
    heart = QTimer()
    heart.setInterval(5)
    heart.timeout.connect(lambda: beats.append(time.perf_counter()))
    with qtbot.waitSignal(view.picture_shown, timeout=WAIT_MS):
        heart.start()
        start = time.perf_counter()
        view.set_labels(labels, geometry, DEFAULT_LABELS)
        returned = time.perf_counter() - start
    heart.stop()
    took = time.perf_counter() - start
    # A large surface takes a while; calls return at once and events go on meanwhile.
    assert returned < took / 5
    assert np.diff(beats).max() < took / 2


def test_the_view_says_why_it_is_empty(qtbot: QtBot) -> None:
    engine = SurfaceEngine()
    geometry = oriented((0, 1, 2), (1, 1, 1))
    assert not engine.is_building
    engine.set_labels(np.zeros(geometry.shape_kji, np.uint8), geometry, DEFAULT_LABELS)
    assert engine.is_building
    qtbot.waitUntil(lambda: not engine.is_building, timeout=WAIT_MS)
    assert not engine.has_surfaces
    engine.close()


def test_stale_labels_are_dropped(qtbot: QtBot) -> None:
    engine = SurfaceEngine()
    geometry = oriented((0, 1, 2), (1, 1, 1))
    changes: list[object] = []
    engine.surfaces_changed.connect(changes.append)
    for radius in (4.0, 6.0, 8.0):
        engine.set_labels(ball_labels(geometry, radius, 1), geometry, DEFAULT_LABELS)
    qtbot.waitUntil(lambda: bool(changes), timeout=WAIT_MS)
    qtbot.wait(100)
    assert len(changes) == 1
    bounds = changes[0]
    assert bounds.radius_mm == pytest.approx(8.0, abs=1.0)  # type: ignore[attr-defined]
    engine.close()
    engine.close()
    engine.set_labels(None, None, ())


def test_views_come_and_go(qtbot: QtBot) -> None:
    geometry = oriented((0, 1, 2), (1, 1, 1))
    gone: list[bool] = []
    for _ in range(3):
        view = VolumeView()
        view.destroyed.connect(lambda: gone.append(True))
        view.resize(160, 160)
        view.show()
        view.set_labels(ball_labels(geometry, 8, 1), geometry, DEFAULT_LABELS)
        qtbot.wait(30)  # closed in the middle of the work
        view.close()
        view.deleteLater()
    qtbot.waitUntil(lambda: len(gone) == 3, timeout=WAIT_MS)
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if name.startswith(("surfaces", "pictures"))]

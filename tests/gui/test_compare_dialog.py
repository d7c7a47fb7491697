"""Two images over each other: squares, blend, blink; linked planes; nothing moves by itself."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QPushButton

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.preflight import Aspect, Check, Light
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from ui.dialogs.compare_dialog import CompareDialog
from ui.dialogs.preflight_dialog import PreflightDialog
from ui.viewers.compare_view import CompareMode
from ui.viewers.planes import Plane
from ui.viewers.window_level import Window
from ui.views.study_view import Comparison, SequenceSlot, SeriesChoice
from ui.widgets.light import light_label

GRID = Geometry((40, 40, 40), np.diag([4.0, 4.0, 4.0, 1.0]))


def ramp(falling: bool) -> Volume:
    """Bright in one half, dark in the other, so that its window is black to white."""
    array = np.full(GRID.shape_kji, 10.0, np.float32)
    array[:, :, 20:] = 100.0
    return Volume(array[:, :, ::-1] if falling else array, GRID)


@pytest.fixture
def dialog(qtbot):
    volumes = {Sequence.T1C: ramp(falling=False), Sequence.FLAIR: ramp(falling=True)}
    messages = {Sequence.FLAIR: "Registered, moved by 3 mm."}
    dialog = CompareDialog(Comparison(volumes, GRID, "After registration.", messages))
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.show()
    for view in dialog.views.values():
        view.set_crosshair_visible(False)
    return dialog


def greys(dialog: CompareDialog, at: tuple[float, float]) -> int:
    """Return the grey value shown at a share of the axial view's width and height."""
    view = dialog.views[Plane.AXIAL]
    picture = view.grab().toImage()
    x, y = int(at[0] * picture.width()), int(at[1] * picture.height())
    return QColor(picture.pixel(x, y)).red()


LEFT, RIGHT = (0.35, 0.43), (0.65, 0.43)


def test_its_foot_lies_on_the_screen(dialog):
    assert dialog.height() <= 0.9 * dialog.screen().availableSize().height()


def test_opens_with_t1c_under_flair_and_tells_how_they_were_laid(dialog):
    assert dialog._first.currentText() == "T1c"
    assert dialog._second.currentText() == "FLAIR"
    assert "After registration. FLAIR: Registered, moved by 3 mm." in dialog._message.text()
    assert dialog.style_now.mode is CompareMode.CHECKERBOARD


def test_the_checkerboard_shows_both_in_turn(dialog):
    view = dialog.views[Plane.AXIAL]
    picture = view.grab().toImage()
    row = int(0.43 * picture.height())
    columns = range(int(0.3 * picture.width()), int(0.48 * picture.width()), 4)
    seen = {QColor(picture.pixel(x, row)).red() > 100 for x in columns}
    assert seen == {True, False}


def test_the_slider_sets_the_size_of_the_squares(dialog):
    dialog.slider.setValue(100)
    assert dialog.style_now.square_mm == pytest.approx(80)
    assert "80 mm" in dialog._amount.text()
    dialog.set_mode(CompareMode.BLEND)
    assert dialog._amount.text() == "Second image 50 %"


def test_the_blend_goes_from_one_image_to_the_other(dialog):
    dialog.set_mode(CompareMode.BLEND)
    seen = []
    for tick in (0, 50, 100):
        dialog.slider.setValue(tick)
        seen.append((greys(dialog, LEFT), greys(dialog, RIGHT)))
    (dark, bright), (middle, _), (bright_now, dark_now) = seen
    assert dark < 40 < 150 < bright
    assert dark_now < 40 < 150 < bright_now
    assert dark + 40 < middle < bright - 40


def test_blinking_starts_paused_runs_on_request_and_stops_when_hidden(dialog, qtbot):
    dialog.set_mode(CompareMode.BLINK)
    assert not dialog._timer.isActive()
    assert greys(dialog, LEFT) < 40
    dialog.slider.setValue(100)
    qtbot.keyClick(dialog, Qt.Key.Key_P)
    assert dialog._timer.isActive()
    qtbot.waitUntil(lambda: dialog.style_now.shows_second, timeout=3000)
    assert greys(dialog, LEFT) > 150
    dialog.hide()
    assert not dialog._timer.isActive()


def test_return_presses_nothing(dialog):
    assert not any(button.isDefault() for button in dialog.findChildren(QPushButton))


def test_no_more_than_three_changes_a_second(dialog):
    dialog.set_mode(CompareMode.BLINK)
    dialog.slider.setValue(dialog.slider.maximum())
    assert dialog._timer.interval() >= 333


def test_keys_choose_the_mode_and_turn_the_image(dialog, qtbot):
    qtbot.keyClick(dialog, Qt.Key.Key_L)
    assert dialog.style_now.mode is CompareMode.BLINK
    qtbot.keyClick(dialog, Qt.Key.Key_T)
    assert dialog.style_now.shows_second
    qtbot.keyClick(dialog, Qt.Key.Key_B)
    assert dialog.style_now.mode is CompareMode.BLEND
    assert not dialog.style_now.shows_second
    before = dialog.slider.value()
    qtbot.keyClick(dialog, Qt.Key.Key_BracketRight)
    assert dialog.slider.value() > before
    qtbot.keyClick(dialog, Qt.Key.Key_C)
    assert dialog.style_now.mode is CompareMode.CHECKERBOARD


def test_the_planes_are_linked_and_one_can_be_seen_alone(dialog):
    axial, coronal = dialog.views[Plane.AXIAL], dialog.views[Plane.CORONAL]
    step = coronal.step
    axial.cursor_picked.emit(np.array([40.0, 40.0, 40.0]))
    assert coronal.step != step
    axial.maximise_requested.emit()
    assert axial.isVisible()
    assert not coronal.isVisible()
    axial.maximise_requested.emit()
    assert coronal.isVisible()


def test_a_dragged_window_changes_both_images_in_every_plane(dialog):
    axial, sagittal = dialog.views[Plane.AXIAL], dialog.views[Plane.SAGITTAL]
    first, second = axial.windows
    wider = first.dragged(100, 0)
    axial.set_window(wider)
    axial.window_dragged.emit(wider.center, wider.width)
    assert sagittal.windows == axial.windows
    assert axial.windows[1].width / second.width == pytest.approx(wider.width / first.width)


def test_lights_have_a_shape_and_a_word_each(qtbot):
    labels = [light_label(light) for light in Light]
    for label in labels:
        qtbot.addWidget(label)
    assert len({label.text() for label in labels}) == len(Light)
    assert all(
        label.accessibleName() == light.word for label, light in zip(labels, Light, strict=True)
    )


def test_all_checks_are_listed_with_their_words_and_sources(qtbot):
    checks = (
        Check(Aspect.GAP, Light.FAIR, "4.0 mm slices with 1.0 mm gap."),
        Check(Aspect.COVERAGE, Light.GOOD, "Shows 99 % of the brain."),
    )
    choices = (SeriesChoice("", "not available"), SeriesChoice("1", "4: flair"))
    slot = SequenceSlot(Sequence.FLAIR, choices, "1", Light.FAIR, "check", "Gap.", checks)
    dialog = PreflightDialog((slot,))
    qtbot.addWidget(dialog)
    shown = {label.text() for label in dialog.findChildren(type(light_label()))}
    assert {"FLAIR: check", "4: flair", "Slice gap", "4.0 mm slices with 1.0 mm gap."} <= shown
    assert {"check", "good", "from headers"} <= shown


def open_at(qtbot, cursor, windows):
    volumes = {Sequence.T1C: ramp(falling=False), Sequence.FLAIR: ramp(falling=True)}
    dialog = CompareDialog(Comparison(volumes, GRID, "", {}), cursor_lps_mm=cursor, windows=windows)
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.show()
    return dialog


def test_opens_where_its_user_looks_and_as_he_sees_it(qtbot):
    place, window = np.array([40.0, 60.0, 100.0]), Window(30.0, 7.0)
    dialog = open_at(qtbot, place, {Sequence.FLAIR: window})
    axial = dialog.views[Plane.AXIAL]
    assert axial.step == 25
    assert axial.windows[1] == window
    assert axial.windows[0] != window
    qtbot.mouseClick(axial, Qt.MouseButton.LeftButton, pos=axial.rect().center())
    assert dialog.cursor_lps_mm[2] == pytest.approx(100)
    assert dialog.cursor_lps_mm[:2] != pytest.approx(place[:2])


def test_grey_values_are_told_of_each_image_that_is_seen(qtbot):
    dialog = open_at(qtbot, None, {Sequence.T1C: Window(450.0, 900.0)})
    axial = dialog.views[Plane.AXIAL]
    first, second = axial._window_lines()
    assert first == "T1c  W 900  L 450"
    assert second.startswith("FLAIR  W ")
    dialog.set_mode(CompareMode.BLINK)
    assert axial._window_lines() == [first]


def test_a_window_given_here_comes_back_with_its_image(qtbot):
    dialog = open_at(qtbot, None, {})
    axial = dialog.views[Plane.AXIAL]
    axial.set_window(Window(20.0, 10.0))
    axial.window_dragged.emit(20.0, 10.0)
    before = axial.windows
    dialog._second.setCurrentIndex(0)
    dialog._choose()
    dialog._second.setCurrentIndex(1)
    dialog._choose()
    assert axial.windows == before


def test_escape_brings_all_views_back_before_it_closes(qtbot, dialog):
    coronal = dialog.views[Plane.CORONAL]
    coronal.setFocus()
    qtbot.keyClick(coronal, Qt.Key.Key_Return)
    assert [view.isVisible() for view in dialog.views.values()] == [False, True, False]
    qtbot.keyClick(coronal, Qt.Key.Key_Escape)
    assert all(view.isVisible() for view in dialog.views.values())
    qtbot.keyClick(coronal, Qt.Key.Key_Escape)
    assert not dialog.isVisible()

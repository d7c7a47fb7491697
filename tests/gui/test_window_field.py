"""Window and level are typed: by key or on the numbers, in every kind of slice."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialogButtonBox
from pytestqt.qtbot import QtBot

from desktop_app.domain.study import Sequence
from tests.viewer_cases import lesion_lps_mm, oblique_geometry, phantom
from ui.viewers.compare_view import CompareView
from ui.viewers.planes import Plane
from ui.viewers.quad_view import QuadView
from ui.viewers.reslice import ResliceSource
from ui.viewers.slice_view import SliceView
from ui.viewers.view_pages import ViewLayout
from ui.viewers.window_field import WindowField
from ui.viewers.window_level import Window, auto_window
from ui.views.sequences_view import SequenceImage

GEOMETRY = oblique_geometry()
IMAGE = phantom(GEOMETRY)
SOURCE = ResliceSource(IMAGE.array_kji, GEOMETRY, is_labels=False)


@pytest.fixture
def view(qtbot: QtBot) -> SliceView:
    view = SliceView(Plane.AXIAL)
    qtbot.addWidget(view)
    view.resize(400, 360)
    view.show()
    view.set_reference(GEOMETRY)
    view.set_image(SOURCE)
    view.set_window(Window(515, 864))
    view.set_cursor(lesion_lps_mm())
    return view


def shown_field(view: SliceView) -> WindowField:
    (field,) = (one for one in view.findChildren(WindowField) if one.isVisible())
    return field


def asked(view: SliceView) -> WindowField:
    QTest.keyClick(view, Qt.Key.Key_W)
    return shown_field(view)


def shown(view: SliceView) -> Window:
    return view._renderer.window


def numbers_at(view: SliceView) -> QPoint:
    return QPoint(view.width() - 30, view.height() - 12)


def type_in(field: WindowField, width: str, level: str) -> None:
    for edit, text in ((field.width_edit, width), (field.level_edit, level)):
        edit.selectAll()
        QTest.keyClicks(edit, text)


def test_numbers_are_typed_by_keyboard_alone(view: SliceView) -> None:
    chosen: list[tuple[float, float]] = []
    view.window_dragged.connect(lambda center, width: chosen.append((center, width)))
    field = asked(view)
    assert (field.width_edit.text(), field.level_edit.text()) == ("864", "515")
    type_in(field, "200,5", "-40")
    QTest.keyClick(field.level_edit, Qt.Key.Key_Return)
    assert chosen == [(-40.0, 200.5)]
    assert not field.isVisible()
    QTest.keyClick(asked(view), Qt.Key.Key_Escape)
    assert len(chosen) == 1


def test_a_double_click_on_the_numbers_asks_and_moves_nothing(view: SliceView) -> None:
    moved: list[object] = []
    for signal in (view.cursor_picked, view.maximise_requested):
        signal.connect(lambda *_: moved.append(None))
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=numbers_at(view))
    QTest.mouseDClick(view, Qt.MouseButton.LeftButton, pos=numbers_at(view))
    shown_field(view).reject()
    assert moved == []
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(200, 170))
    assert moved == [None]


def test_reset_goes_back_to_what_the_image_proposes(view: SliceView) -> None:
    field = asked(view)
    (buttons,) = field.findChildren(QDialogButtonBox)
    next(one for one in buttons.buttons() if one.text() == "Reset").click()
    assert shown(view) == Window(*auto_window(IMAGE.array_kji))


@pytest.mark.parametrize(("typed", "taken"), [("a1e9", "19"), ("1_0", "10"), ("1" * 20, "1" * 9)])
def test_only_digits_arrive(view: SliceView, typed: str, taken: str) -> None:
    field = asked(view)
    QTest.keyClicks(field.width_edit, typed)
    assert field.width_edit.text() == taken
    field.reject()


def test_a_key_that_is_held_leaves_the_number_as_it_is(view: SliceView) -> None:
    field = asked(view)
    QTest.keyClicks(field.width_edit, "www")
    assert (field.width_edit.text(), field.width_edit.selectedText()) == ("864", "864")
    field.reject()


@pytest.mark.parametrize("width", ["0", "-3", "-", ",", "1,234", "12,000"])
def test_what_is_no_window_cannot_be_set(view: SliceView, width: str) -> None:
    field = asked(view)
    type_in(field, width, "300")
    QTest.keyClick(field.level_edit, Qt.Key.Key_Return)
    assert field.isVisible()
    assert shown(view) == Window(515, 864)
    field.reject()


def test_an_empty_view_asks_nothing(view: SliceView) -> None:
    view.set_image(None)
    QTest.keyClick(view, Qt.Key.Key_W)
    assert view.findChild(WindowField) is None


def test_a_window_that_was_typed_is_that_of_the_series_wherever_it_is_shown(qtbot: QtBot) -> None:
    views = QuadView()
    qtbot.addWidget(views)
    views.resize(900, 700)
    views.show()
    views.set_image(IMAGE, "uid", Sequence.T1C)
    views.set_sequence_images({Sequence.T1C: SequenceImage(IMAGE, "uid", "")})
    field = asked(views.slice_views[Plane.CORONAL])
    type_in(field, "200", "100")
    QTest.keyClick(field.level_edit, Qt.Key.Key_Return)
    assert views.window_level == (100.0, 200.0)
    assert {shown(one) for one in views.slice_views.values()} == {Window(100, 200)}
    views.set_view_layout(ViewLayout.SEQUENCES)
    assert shown(views.sequence_views[Sequence.T1C]) == Window(100, 200)
    views.reset_window()
    assert views.window_level == auto_window(IMAGE.array_kji)


def test_of_two_images_the_first_is_named_and_the_second_follows(qtbot: QtBot) -> None:
    view = CompareView(Plane.AXIAL)
    qtbot.addWidget(view)
    view.resize(400, 360)
    view.show()
    view.set_reference(GEOMETRY)
    view.set_pair(SOURCE, SOURCE, ("T1c", "FLAIR"))
    view.set_windows(Window(100, 200), Window(10, 20))
    field = asked(view)
    assert field.windowTitle() == "Window and level of T1c"
    type_in(field, "400", "100")
    QTest.keyClick(field.level_edit, Qt.Key.Key_Return)
    assert view.windows == (Window(100, 400), Window(10, 40))

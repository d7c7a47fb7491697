"""The window with all sequences in one plane: its button, its keys, and what it says."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QScrollArea

from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.paths import assets_dir
from desktop_app.services.preflight.headers import check_headers
from tests.study_cases import GEOMETRY, make_study, roles_of
from ui.dialogs.compare_dialog import CompareDialog
from ui.dialogs.shortcuts import ShortcutsDialog
from ui.icons import Icons
from ui.main_window import MainWindow
from ui.presenters.rows import header_of
from ui.presenters.slots import slots_of
from ui.theme import LIGHT, apply_theme
from ui.viewers.planes import Plane
from ui.viewers.view_pages import ViewLayout
from ui.viewers.window_level import Window
from ui.views.sequences_view import SequenceImage
from ui.views.study_view import Comparison
from ui.widgets.card import styled_label

IMAGE = Volume(np.arange(120, dtype=np.float32).reshape(GEOMETRY.shape_kji), GEOMETRY)


@pytest.fixture
def window(qtbot, qapp):
    apply_theme(qapp, LIGHT, assets_dir() / "styles" / "gliascope.qss")
    window = MainWindow(Icons(assets_dir() / "icons"))
    qtbot.addWidget(window)
    study = make_study()
    window.show_study(header_of(study), slots_of(study, check_headers(study, roles_of(study))))
    window.show_image(IMAGE, reference=IMAGE, series_uid="t1c")
    window.show_sequences([Sequence.T1C, Sequence.FLAIR], Sequence.T1C)
    window.show_sequence_images(
        {
            Sequence.T1C: SequenceImage(IMAGE, "t1c"),
            Sequence.FLAIR: SequenceImage(IMAGE, "flair", "Images not registered yet"),
            Sequence.T1: SequenceImage(None, "", "No series of this study is chosen for T1."),
            Sequence.T2: SequenceImage(None, "", "No series of this study is chosen for T2."),
        }
    )
    with qtbot.waitExposed(window):
        window.show()
    return window


def test_a_key_shows_all_sequences_and_the_planes_again(window, qtbot):
    views, bar = window.study_page.views, window.study_page.viewer_bar
    axial = views.slice_views[Plane.AXIAL]
    qtbot.waitUntil(axial.hasFocus)
    qtbot.keyClick(window.focusWidget(), Qt.Key.Key_S)
    qtbot.waitUntil(lambda: views.view_layout is ViewLayout.SEQUENCES)
    assert bar.four.isChecked()
    assert window.menus.four.isChecked()
    qtbot.waitUntil(views.sequence_views[Sequence.T1].hasFocus)
    assert views.sequence_views[Sequence.FLAIR].note == "Images not registered yet"
    window.menus.four.trigger()
    assert views.view_layout is ViewLayout.PLANES
    qtbot.waitUntil(axial.hasFocus)


def test_the_plane_is_chosen_by_button_and_key(window, qtbot):
    views, bar = window.study_page.views, window.study_page.viewer_bar
    assert not bar.sequences_bar.isVisible()
    bar.four.click()
    bar.sequences_bar.buttons[Plane.CORONAL].click()
    assert views.sequence_views[Sequence.T1C].plane is Plane.CORONAL
    qtbot.keyClick(window, Qt.Key.Key_V)
    assert views.sequence_views[Sequence.T1C].plane is Plane.SAGITTAL
    qtbot.keyClick(window, Qt.Key.Key_V)
    assert bar.sequences_bar.buttons[Plane.AXIAL].isChecked()


def test_numbers_show_one_sequence_in_its_planes_or_alone(window, qtbot):
    views, bar = window.study_page.views, window.study_page.viewer_bar
    chosen = []
    bar.sequence_chosen.connect(chosen.append)
    qtbot.keyClick(window, Qt.Key.Key_4)
    qtbot.waitUntil(lambda: chosen == [Sequence.FLAIR])
    bar.four.click()
    qtbot.keyClick(window, Qt.Key.Key_4)
    assert chosen == [Sequence.FLAIR]
    assert views.maximised is views.sequence_views[Sequence.FLAIR]
    qtbot.keyClick(window, Qt.Key.Key_4)
    assert views.maximised is None


def test_a_picture_in_the_table_leads_back_to_the_planes(window):
    window.study_page.viewer_bar.four.click()
    window.study_page.sequences.sequence_chosen.emit(Sequence.FLAIR)
    assert window.study_page.views.view_layout is ViewLayout.PLANES
    assert not window.study_page.viewer_bar.four.isChecked()


def test_the_bar_leaves_names_out_before_it_widens_the_window(window, qtbot):
    bar = window.study_page.viewer_bar
    with_names = bar.width()
    window.resize(window.minimumSizeHint().width(), 700)
    qtbot.waitUntil(lambda: bar.width() < with_names)
    assert bar.overlay.toolButtonStyle() is Qt.ToolButtonStyle.ToolButtonIconOnly
    assert bar.overlay.accessibleName()
    window.resize(1900, 700)
    named = Qt.ToolButtonStyle.ToolButtonTextBesideIcon
    qtbot.waitUntil(lambda: bar.overlay.toolButtonStyle() is named)
    for _ in range(2):
        bar.four.click()
        assert bar.overlay.toolButtonStyle() is named


def test_help_tells_the_keys(window, qtbot):
    dialog = ShortcutsDialog(window)
    qtbot.addWidget(dialog)
    told = {label.text() for label in dialog.findChildren(type(styled_label("")))}
    assert {"S", "V"} <= told
    # Never broken between keys that belong together
    assert "Ctrl + wheel, +\u00a0and\u00a0−".replace("Ctrl + ", "Ctrl\u00a0+\u00a0") in told


@pytest.mark.parametrize(("width", "beside"), [(1200, 3), (800, 2), (420, 1)])
def test_help_fits_every_screen_and_cuts_nothing(window, qtbot, width, beside):
    dialog = ShortcutsDialog(window)
    qtbot.addWidget(dialog)
    screen = dialog.screen().availableGeometry()
    assert dialog.minimumSizeHint().width() <= 1000
    assert dialog.width() <= screen.width()
    assert dialog.height() <= screen.height()
    dialog.resize(width, 500)
    dialog.show()
    labels = [one for one in dialog.findChildren(QLabel) if one.wordWrap()]
    assert len(labels) > 100
    qtbot.waitUntil(lambda: all(one.height() >= one.heightForWidth(one.width()) for one in labels))
    seen = dialog.findChild(QScrollArea).viewport()
    assert all(one.mapTo(seen, one.rect().topRight()).x() < seen.width() for one in labels)
    assert len({column.x() for column in dialog._columns}) == beside


def test_comparing_begins_where_one_looks_and_hands_the_place_back(window):
    views = window.study_page.views
    place = GEOMETRY.to_patient_mm(np.array([2.0, 1.0, 4.0]))
    views.go_to(place.tolist())
    views.set_window(30.0, 7.0)
    comparison = Comparison({Sequence.T1C: IMAGE, Sequence.FLAIR: IMAGE}, GEOMETRY, "", {})
    window.show_comparison(comparison)
    (dialog,) = window.findChildren(CompareDialog)
    assert dialog.cursor_lps_mm == pytest.approx(place)
    assert dialog.views[Plane.AXIAL].windows[0] == Window(30.0, 7.0)
    found = GEOMETRY.to_patient_mm(np.array([1.0, 3.0, 2.0]))
    dialog.views[Plane.AXIAL].cursor_picked.emit(found)
    dialog.reject()
    assert views.cursor_lps_mm == pytest.approx(found)


def test_another_study_is_not_shown_where_the_one_before_was_compared(window):
    comparison = Comparison({Sequence.T1C: IMAGE, Sequence.FLAIR: IMAGE}, GEOMETRY, "", {})
    window.show_comparison(comparison)
    (dialog,) = window.findChildren(CompareDialog)
    dialog.views[Plane.AXIAL].cursor_picked.emit(np.array([5.0, 4.0, 15.0]))
    window.show_image(None, reference=None)
    window.show_image(IMAGE, reference=IMAGE)
    assert window.study_page.views.cursor_lps_mm != pytest.approx([5.0, 4.0, 15.0])

"""What is done to whole regions: as the menu of the tools offers it, and what comes of it."""

import numpy as np
import pytest
from PySide6.QtCore import QLocale, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialogButtonBox

from desktop_app import composition
from desktop_app.domain.correction import PaintOver
from desktop_app.paths import assets_dir
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_study
from ui.app import WindowApp
from ui.dialogs.margin_dialog import MarginDialog
from ui.icons import Icons
from ui.panels.correction_bar import CorrectionBar
from ui.views.correction_view import CorrectionState


@pytest.fixture
def bar(qtbot):
    widget = CorrectionBar(Icons(assets_dir() / "icons"))
    qtbot.addWidget(widget)
    return widget


def action(bar, name):
    return next(one for one in bar._more.menu().actions() if name in one.text())


def test_hidden_regions_are_left_alone(bar):
    bar.set_region_visible(2, False)
    asked = []
    for told in (bar.smooth_requested, bar.specks_requested):
        told.connect(asked.append)
    for told in (bar.fill_requested, bar.grow_requested, bar.margin_requested):
        told.connect(asked.append)
    hidden = frozenset({2})
    for name in ("Smooth", "Remove small"):
        action(bar, name).trigger()
    assert asked == [hidden, hidden]
    for name in ("Fill", "Grow", "Margin"):
        action(bar, name).trigger()
    assert [one.hidden for one in asked[2:]] == [hidden] * 3
    assert (asked[2].value, asked[4].value) == (3, 3)
    assert bar.settings().hidden == hidden
    bar.set_region_visible(2, True)
    assert not bar.settings().hidden


def test_with_the_eraser_in_hand_only_what_needs_no_region_is_offered(bar, qtbot):
    asked = []
    bar.grow_requested.connect(asked.append)
    bar._over.setCurrentIndex(2)
    with qtbot.waitExposed(bar):
        bar.show()
    QTest.keyClick(bar, Qt.Key.Key_8)
    bar._more.menu().aboutToShow.emit()
    offered = {name: action(bar, name).isEnabled() for name in ("Fill", "Grow", "Margin", "Smooth")}
    assert offered == {"Fill": False, "Grow": True, "Margin": False, "Smooth": True}
    action(bar, "Grow").trigger()
    assert asked[0].over is PaintOver.BACKGROUND
    QTest.keyClick(bar, Qt.Key.Key_5)
    bar._more.menu().aboutToShow.emit()
    assert action(bar, "Margin").isEnabled()


def test_the_menu_names_the_slices_to_fill_between(bar):
    fill = bar._more.menu().actions()[0]
    bar.show_state(CorrectionState(True, True, drawn_plane="coronal"))
    assert fill.text() == "&Fill between coronal slices"
    bar.show_state(CorrectionState(True, True))
    assert fill.text() == "&Fill between slices"


def test_every_command_has_a_letter_of_its_own(bar):
    texts = [one.text() for one in bar._more.menu().actions() if not one.isSeparator()]
    letters = [text[text.index("&") + 1].lower() for text in texts]
    assert len(set(letters)) == len(letters)


@pytest.fixture(params=["en_US", "de_DE"])
def dialog(qtbot, request):
    told, usual = [], QLocale()
    QLocale.setDefault(QLocale(request.param))
    one = MarginDialog("oedema", lambda *answer: told.append(answer))
    one.told = told
    qtbot.addWidget(one)
    with qtbot.waitExposed(one):
        one.show()
    yield one
    QLocale.setDefault(usual)


@pytest.mark.parametrize("typed", ["-2.5", "-2,5"])
def test_a_margin_is_typed_and_taken_by_return(dialog, typed):
    QTest.keyClicks(dialog.millimetres, typed)
    QTest.keyClick(dialog.millimetres, Qt.Key.Key_Return)
    assert dialog.told == [(-2.5, False)]
    assert not dialog.isVisible()


def test_no_margin_moves_nothing(dialog):
    dialog.part.click()
    dialog.millimetres.setValue(0.0)
    buttons = dialog.findChild(QDialogButtonBox)
    move, cancel = (
        next(one for one in buttons.buttons() if buttons.buttonRole(one) is role)
        for role in (QDialogButtonBox.ButtonRole.AcceptRole, QDialogButtonBox.ButtonRole.RejectRole)
    )
    assert not move.isEnabled()
    dialog.millimetres.stepUp()
    assert move.isEnabled()
    cancel.click()
    assert not dialog.told


@pytest.fixture
def app(qtbot, qapp, tmp_path):
    """The window with a result of two parts, the tools out."""
    with composition.build(user_data=tmp_path) as services:
        app = WindowApp(qapp, services)
        qtbot.addWidget(app.window)
        services.session.open_study(make_study())
        labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
        labels[2, 1, 1] = labels[2, 1, -2] = 3
        result = make_result(make_study(), labels)
        services.session.accept_result(result, services.session.generation)
        app.window.has_unsaved = lambda: False
        app.window.menus.correct.trigger()
        yield app
        app.window.close()


@pytest.mark.parametrize("is_part", [True, False])
def test_the_part_at_the_crosshair_or_all_of_the_region_is_widened(app, is_part):
    page, session = app.window.study_page, app.services.session
    page.views.go_to(GEOMETRY.to_patient_mm(np.array([2.0, 1.0, 1.0])).tolist())
    action(page.correction_bar, "Margin").trigger()
    dialog = app.window.findChild(MarginDialog)
    assert dialog.windowTitle() == "Margin of enhancing tumour"
    dialog.part.setChecked(is_part)
    dialog.millimetres.setValue(min(GEOMETRY.spacing_mm))
    QTest.keyClick(dialog.millimetres, Qt.Key.Key_Return)
    labels = session.result.segmentation.labels_kji
    assert (labels[:, :, :3] == 3).sum() > 1
    assert ((labels[:, :, -3:] == 3).sum() > 1) is not is_part
    assert "wider: ET " in app.window._outcome.toolTip() + app.window._outcome.text()
    assert app.window.menus.undo.text() == "&Undo widen enhancing tumour"


def test_growing_without_strokes_says_what_to_draw(app):
    before = app.services.session.result
    action(app.window.study_page.correction_bar, "Grow").trigger()
    assert app.services.session.result is before
    assert app.window._outcome.text().startswith("Nothing to grow: brush a stroke")

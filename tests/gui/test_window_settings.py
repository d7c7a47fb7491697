"""What the window is left with comes back: place, appearance, network, device."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QRect, Qt
from PySide6.QtWidgets import QMessageBox

from desktop_app import composition
from desktop_app.services.settings import SETTINGS_FILE
from model.network import UNETRppConfig, build_network
from model.weights import save_network
from ui.app import WindowApp
from ui.theme import ThemeName, current_theme
from ui.window_place import WindowPlace, clamped


@pytest.fixture
def app(qtbot, qapp, tmp_path):
    with composition.build(user_data=tmp_path) as services:
        app = WindowApp(qapp, services)
        qtbot.addWidget(app.window)
        yield app
        app.window.close()


def test_settings_outlive_the_window(app, qapp, tmp_path):
    app.set_theme(ThemeName.DARK)
    app.window.open_path(Path(tmp_path / "patients" / "one"))
    app.window.close()
    kept = app.services.load_settings()
    assert kept.theme == "dark"
    assert kept.open_folder == str(tmp_path / "patients")


@pytest.mark.parametrize("chosen", [ThemeName.SYSTEM, ThemeName.LIGHT])
def test_a_desktop_that_turns_dark_takes_a_window_along_that_follows_it(
    app, qapp, monkeypatch, chosen
):
    # Windows of earlier tests would follow too.
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    app.set_theme(ThemeName.LIGHT)
    app.set_theme(chosen)
    assert not current_theme().dark
    hints = SimpleNamespace(colorScheme=lambda: Qt.ColorScheme.Dark)
    monkeypatch.setattr("ui.theme.QGuiApplication", SimpleNamespace(styleHints=lambda: hints))
    qapp.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert current_theme().dark is (chosen is ThemeName.SYSTEM)
    assert app.settings.theme == chosen.value


def test_the_window_comes_back_as_it_was_left(app, qtbot, qapp, tmp_path):
    page = app.window.study_page
    page.regions.set_overlay(20, outline=True)
    page.correction_bar.set_brush(14, is_ball=True)
    app.window.last_result_folder = "/results"
    app.window.setGeometry(5, 40, 810, 600)
    app.study.on_opened(tmp_path / "one & two")
    app.window.close()
    again = WindowApp(qapp, app.services)
    qtbot.addWidget(again.window)
    page = again.window.study_page
    assert (page.regions.opacity, page.regions.outline) == (0.2, True)
    assert page.correction_bar.brush == (14, True)
    assert page.views.overlay_style.opacity == 0.2
    assert again.window.last_result_folder == "/results"
    assert again.window.geometry().height() == 600
    recent = again.window.menus.recent
    assert recent.isEnabled()
    assert recent.actions()[0].toolTip() == str(tmp_path / "one & two")
    with qtbot.waitSignal(again.window.path_opened) as opened:
        again.dispatcher.close()
        recent.actions()[0].trigger()
    assert opened.args == [tmp_path / "one & two"]
    again.window.menus.recent.actions()[-1].trigger()
    assert not recent.isEnabled()
    assert again.settings.recent_studies == ()
    again.window.close()


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        ((100, 100, 900, 600), (100, 100, 900, 600)),
        ((-50, 700, 900, 600), (0, 300, 900, 600)),
        ((1400, 100, 900, 600), (1500, 100, 900, 600)),
        ((5000, 5000, 9000, 9000), (0, 0, 1500, 900)),
        ((10, 10, 1, 1), (10, 10, 800, 500)),
    ],
)
def test_the_window_lies_on_a_screen_that_is_there(kept, expected):
    screens = [QRect(0, 0, 1500, 900), QRect(1500, 0, 1500, 900)]
    assert clamped(QRect(*kept), screens).getRect() == expected


def test_at_the_first_start_nothing_lies_below_the_edge_of_the_screen(app):
    free, window = app.window.screen().availableGeometry(), app.window.geometry()
    assert free.top() < window.top()
    assert window.bottom() <= free.bottom()
    assert window.width() <= max(free.width(), app.window.minimumSizeHint().width())


@pytest.mark.parametrize(
    "kept",
    [
        '{"theme": "contrast"}',
        '{"window_place": "99999999999,0,900,600,0"}',
        '{"overlay_percent": 100000000000000000000}',
        '{"brush_mm": 1000000000000}',
    ],
)
def test_the_window_opens_whatever_is_kept(qtbot, qapp, tmp_path, kept):
    (tmp_path / SETTINGS_FILE).write_text(kept)
    with composition.build(user_data=tmp_path) as services:
        app = WindowApp(qapp, services)
        qtbot.addWidget(app.window)
        assert app.settings.theme == "auto"
        assert app.window.study_page.regions.opacity == 0.45
        assert app.window.study_page.correction_bar.brush == (8, False)
        app.window.close()


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "a,b,c,d,e", "1.5,2,3,4,5", "99999999999,0,900,600,0", "0,0,9,-100001,0"]
)
def test_a_place_that_makes_no_sense_is_none(text):
    assert WindowPlace.parse(text) is None
    place = WindowPlace(QRect(1, -2, 900, 600), is_maximised=True)
    assert WindowPlace.parse(str(place)) == place


def install_model(folder: Path, name: str, **card: object) -> None:
    config = UNETRppConfig(dims=(4, 4, 4, 4), depths=(1, 1, 1, 1), reference=(32, 32, 32), heads=2)
    save_network(folder / "weights", name, config, build_network(config).state_dict(), card)


def test_the_network_is_chosen_in_the_menu_and_remembered(app, tmp_path):
    install_model(tmp_path, "heavier")
    install_model(tmp_path, "spleens", task={"name": "spleen"})
    menu = app.window.menus.models
    menu.aboutToShow.emit()
    names = [action.data() for action in menu.actions() if action.data()]
    assert names == ["slim_unetrpp", "heavier"]
    assert [a.data() for a in menu.actions() if a.isChecked()] == ["slim_unetrpp"]
    menu.actions()[1].trigger()
    assert app.preferences.segment_options().weights == tmp_path / "weights" / "heavier.safetensors"
    menu.aboutToShow.emit()
    assert [a.data() for a in menu.actions() if a.isChecked()] == ["heavier"]
    assert menu.actions()[1].text() == "UNETR++ (heavier)"
    app.window.close()
    assert app.services.load_settings().model == "heavier"


def test_the_device_is_chosen_in_the_menu_and_remembered(app, monkeypatch):
    warmed = []
    monkeypatch.setattr(app.services.worker, "warm", lambda *where: warmed.append(where))
    devices = app.window.menus.devices
    assert [name for name, action in devices.items() if action.isChecked()] == ["auto"]
    devices["cpu"].trigger()
    assert warmed == [("cpu", "auto")]
    assert app.preferences.segment_options().device == "cpu"
    app.window.close()
    assert app.services.load_settings().device == "cpu"


def test_a_network_that_is_gone_is_told(app):
    app.preferences.use_model("gone")
    box = app.window.findChild(QMessageBox)
    assert "no model named gone" in box.text()
    box.close()
    assert app.preferences.segment_options().model_name == "slim_unetrpp"
    assert app.settings.model == ""

"""Where a control is, and which one has the keyboard, is seen in both appearances (WCAG 2.2)."""

import pytest
from PySide6.QtCore import QCoreApplication, QPoint, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QDialog,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSlider,
    QTableView,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from desktop_app.paths import assets_dir
from tests.window_cases import contrast
from ui.theme import DARK, LIGHT, Theme, apply_theme


@pytest.fixture(params=[LIGHT, DARK], ids=["light", "dark"])
def theme(request: pytest.FixtureRequest, qapp: QApplication) -> Theme:
    apply_theme(qapp, request.param, assets_dir() / "styles" / "gliascope.qss")
    theme: Theme = request.param
    return theme


def page_of(qtbot: QtBot, *widgets: QWidget) -> QWidget:
    page = QWidget()
    page.setObjectName("page")
    qtbot.addWidget(page)
    layout = QVBoxLayout(page)
    for widget in widgets:
        layout.addWidget(widget)
    page.resize(300, 300)
    with qtbot.waitExposed(page):
        page.show()
    return page


def most_contrast(picture: QImage, line: list[QPoint], ground: QColor) -> float:
    return max(contrast(picture.pixelColor(point), ground) for point in line)


@pytest.mark.parametrize("kind", [QLineEdit, QComboBox])
def test_a_field_is_seen_before_it_is_used(qtbot: QtBot, theme: Theme, kind: type[QWidget]) -> None:
    field = kind()
    page = page_of(qtbot, field)
    page.setFocus()
    edge = [QPoint(x, field.height() // 2) for x in range(3)]
    picture = field.grab().toImage()
    for ground in (theme.window, theme.panel, theme.field):
        assert most_contrast(picture, edge, QColor(ground)) >= 3


def test_the_way_of_a_slider_is_seen(qtbot: QtBot, theme: Theme) -> None:
    slider = QSlider(Qt.Orientation.Horizontal)
    page = page_of(qtbot, slider)
    right = page.width() - 60
    across = [QPoint(right, y) for y in range(slider.height())]
    picture = slider.grab().toImage()
    for ground in (theme.window, theme.panel):
        assert most_contrast(picture, across, QColor(ground)) >= 3


@pytest.mark.parametrize("upright", [True, False])
def test_a_scroll_bar_is_seen(qtbot: QtBot, theme: Theme, upright: bool) -> None:
    area, contents = QScrollArea(), QWidget()
    contents.setFixedSize(2000, 2000)
    area.setWidget(contents)
    page = page_of(qtbot, area)
    bar = area.verticalScrollBar() if upright else area.horizontalScrollBar()
    thick = min(bar.width(), bar.height())
    across = [QPoint(*((n, 15) if upright else (15, n))) for n in range(thick)]
    # Of the page, since the bar itself is see-through
    places = [bar.mapTo(page, point) for point in across]
    assert most_contrast(page.grab().toImage(), places, QColor(theme.window)) >= 3


def test_an_empty_table_shows_that_it_has_the_keyboard(qtbot: QtBot, theme: Theme) -> None:
    table, other = QTableView(), QLineEdit()
    page = page_of(qtbot, table, other)
    page.activateWindow()
    other.setFocus()
    QCoreApplication.processEvents()
    before = table.grab().toImage()
    table.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(table.hasFocus)
    assert table.grab().toImage() != before


def test_what_an_empty_field_says_can_be_read(qtbot: QtBot, theme: Theme) -> None:
    field = QLineEdit()
    # As wide as a letter, since thin strokes are drawn lighter than their colour
    field.setPlaceholderText("\N{FULL BLOCK}")
    page = page_of(qtbot, field)
    page.setFocus()
    picture = field.grab().toImage()
    middle = [QPoint(x, field.height() // 2) for x in range(8, 40)]
    assert most_contrast(picture, middle, QColor(theme.field)) >= 4.5


def test_the_button_that_return_presses_looks_unlike_its_neighbour(
    qtbot: QtBot, theme: Theme
) -> None:
    dialog = QDialog()
    qtbot.addWidget(dialog)
    layout = QVBoxLayout(dialog)
    field, one, other = QLineEdit(), QPushButton("Open"), QPushButton("Open")
    for widget in (field, one, other):
        layout.addWidget(widget)
    one.setDefault(True)
    with qtbot.waitExposed(dialog):
        dialog.show()
    field.setFocus()
    QCoreApplication.processEvents()
    edge = [QPoint(x, one.height() // 2) for x in range(3)]
    ground = QColor(theme.window)
    assert most_contrast(one.grab().toImage(), edge, ground) >= 3
    assert most_contrast(other.grab().toImage(), edge, ground) < 3

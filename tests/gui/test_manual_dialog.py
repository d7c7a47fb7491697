from itertools import groupby
from pathlib import Path

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QImage, QTextDocument, QTextFormat, QTextTable

from desktop_app.paths import assets_dir, manual_dir
from ui.dialogs.manual_dialog import ManualDialog
from ui.icons import Icons
from ui.main_window import MainWindow
from ui.manual import manual_pages


@pytest.fixture
def dialog(qtbot, tmp_path):
    (tmp_path / "OPENING.md").write_text(
        "# Opening\n\nSee [export](EXPORTS.md) and [why](why/1.md)."
    )
    (tmp_path / "EXPORTS.md").write_text("# Exports\n\n<b>raw</b>\n\n![a](wide.png)")
    (tmp_path / "ABOUT.md").write_text("")
    (tmp_path / "why").mkdir()
    (tmp_path / "why" / "1.md").write_text("# Why")
    picture = QImage(2000, 500, QImage.Format.Format_RGB32)
    picture.fill(0)
    picture.save(str(tmp_path / "wide.png"))
    dialog = ManualDialog(manual_pages(tmp_path))
    qtbot.addWidget(dialog)
    return dialog, tmp_path


def test_its_foot_lies_on_the_screen(qtbot):
    dialog = ManualDialog(manual_pages(manual_dir()))
    qtbot.addWidget(dialog)
    room = dialog.screen().availableSize()
    assert dialog.height() <= 0.9 * room.height()
    assert dialog.width() <= 0.9 * room.width()


def test_pages_for_users_come_first(tmp_path):
    titles = [page.title for page in manual_pages(manual_dir())]
    assert titles[:2] == ["Opening studies", "Which series is which"]
    assert {"Architecture", "Installing Gliascope"} <= set(titles[8:])
    assert manual_pages(tmp_path / "none") == ()


def test_pages_on_how_the_program_is_made_stand_apart(qtbot):
    window = MainWindow(Icons(assets_dir() / "icons"))
    qtbot.addWidget(window)
    names = [one.text() for one in window.menus.help.actions()]
    parts = [list(part) for is_gap, part in groupby(names, lambda name: not name) if not is_gap]
    assert parts[1][0] == "Opening studies"
    assert "Installing Gliascope" in parts[1]
    assert {"Architecture", "Packaging", "Training a network"} <= set(parts[2])
    assert parts[0] == ["&Keyboard and mouse"]
    assert parts[-1] == ["&Save support file …", "&About Gliascope"]


@pytest.mark.parametrize("page", manual_pages(manual_dir()), ids=lambda page: page.file.stem)
def test_every_table_has_headings(dialog, page):
    manual, _ = dialog
    manual.text.show_file(page.file)
    tables = manual.text.document().rootFrame().childFrames()
    for table in (one for one in tables if isinstance(one, QTextTable)):
        heads = [
            table.cellAt(0, column).firstCursorPosition().block().text()
            for column in range(table.columns())
        ]
        assert any(heads), table.cellAt(1, 0).firstCursorPosition().block().text()


def test_links_lead_to_other_pages_and_never_run_what_a_page_holds(dialog, monkeypatch):
    manual, folder = dialog
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    manual.show_page(folder / "OPENING.md")
    assert manual.text.toPlainText().startswith("Opening")
    manual.text.anchorClicked.emit(QUrl("EXPORTS.md"))
    assert manual._list.currentItem().text() == "Exports"
    assert "<b>raw</b>" in manual.text.toPlainText()
    manual.show_page(folder / "OPENING.md")
    manual.text.anchorClicked.emit(QUrl("why/1.md"))
    assert manual.text.toPlainText() == "Why"
    manual.text.anchorClicked.emit(QUrl("#top"))
    assert opened == []
    manual.text.anchorClicked.emit(QUrl("https://example.org/"))
    assert opened == [QUrl("https://example.org/")]


def test_pictures_are_no_wider_than_the_page(dialog):
    manual, folder = dialog
    manual.show_page(folder / "EXPORTS.md")
    kind = QTextDocument.ResourceType.ImageResource.value
    picture = manual.text.loadResource(kind, QUrl("wide.png"))
    assert (picture.width(), picture.height()) == (680, 170)


def test_every_link_between_pages_leads_somewhere(dialog):
    manual, _ = dialog
    for page in manual_pages(manual_dir()):
        manual.text.show_file(page.file)
        block = manual.text.document().begin()
        while block.isValid():
            for fragment in block:
                link = QUrl(fragment.fragment().charFormat().anchorHref())
                if link.path().endswith(".md") and not link.scheme():
                    assert (page.file.parent / Path(link.path())).is_file(), (page.file, link)
            block = block.next()


def test_commands_are_not_cut_off_beside_the_page(qtbot):
    dialog = ManualDialog(manual_pages(manual_dir()))
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.show()
    widest = {}
    for page in manual_pages(manual_dir()):
        dialog.show_page(page.file)
        block = dialog.text.document().begin()
        while block.isValid():
            lines = [block.layout().lineAt(n) for n in range(block.layout().lineCount())]
            ends = [line.position().x() + line.naturalTextWidth() for line in lines]
            if block.blockFormat().hasProperty(QTextFormat.Property.BlockCodeLanguage) and ends:
                widest[page.file.stem] = max(widest.get(page.file.stem, 0), *ends)
            block = block.next()
    assert len(widest) >= 5
    assert max(widest.values()) <= dialog.text.viewport().width(), widest

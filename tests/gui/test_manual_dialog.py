from itertools import groupby
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QImage, QTextDocument, QTextFormat, QTextTable

from desktop_app.paths import assets_dir, manual_dir
from ui.dialogs.manual_dialog import ManualDialog
from ui.icons import Icons
from ui.main_window import MainWindow
from ui.manual import manual_pages
from ui.theme import DARK, LIGHT, apply_theme


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


def listed(manual):
    items = (manual._list.item(row) for row in range(manual._list.count()))
    return [item.text() for item in items if not item.isHidden()]


@pytest.fixture
def searched(qtbot, tmp_path):
    lines = "\n\n".join(f"Line {number}" for number in range(200))
    (tmp_path / "OPENING.md").write_text("# Opening\n\nA folder [of DICOM](x.md).")
    (tmp_path / "EXPORTS.md").write_text(
        f"# Exports\n\n{lines}\n\nA **DICOM\nSEG** of labels.\n\n{lines}\n\nAnother dicom seg."
    )
    (tmp_path / "BATCH.md").write_text("# Batch\n\n[dcm](https://dicom.example)")
    manual = ManualDialog(manual_pages(tmp_path))
    qtbot.addWidget(manual)
    with qtbot.waitExposed(manual):
        manual.show()
    manual.show_page(tmp_path / "OPENING.md")
    return manual


def test_pages_are_found_by_what_they_say(searched, tmp_path):
    assert listed(searched) == ["Opening", "Exports", "Batch"]
    assert not searched.found.isVisible()
    searched.search.setText("dicom")
    assert listed(searched) == ["Opening", "Exports"]
    assert searched.found.text() == "On 2 of 3 pages"
    assert searched.text.textCursor().selectedText() == "DICOM"
    searched.search.setText("nowhere")
    assert listed(searched) == []
    assert searched.found.text() == "Not found"
    assert searched.text.toPlainText().startswith("Opening")
    assert not searched.text.textCursor().hasSelection()
    searched.search.clear()
    assert listed(searched) == ["Opening", "Exports", "Batch"]
    assert searched.text.extraSelections() == []


def test_words_need_not_stand_together(searched):
    searched.search.setText("another line 7 LABELS")
    assert listed(searched) == ["Exports"]
    marked = [one.cursor.selectedText() for one in searched.text.extraSelections()]
    assert set(marked) == {"Another", "Line", "labels"}
    searched.search.setText("another folder")
    assert listed(searched) == []
    searched.search.setText("line  7")
    assert searched.text.textCursor().selectedText() == "Line 7"


def test_window_and_level_are_in_the_manual(qtbot):
    manual = ManualDialog(manual_pages(manual_dir()))
    qtbot.addWidget(manual)
    manual.search.setText("window and level")
    assert listed(manual) == ["Measuring in the window"]


def test_a_hit_is_shown_and_return_leads_to_the_next(searched, qtbot):
    qtbot.keyClick(searched, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert searched.search.hasFocus()
    qtbot.keyClicks(searched.search, "dicom seg")
    assert searched._list.currentItem().text() == "Exports"
    text = searched.text
    assert [one.cursor.selectedText() for one in text.extraSelections()] == [
        "DICOM SEG",
        "dicom seg",
    ]
    places = []
    for _ in range(3):
        assert text.viewport().rect().contains(text.cursorRect())
        places.append(text.textCursor().position())
        qtbot.keyClick(searched.search, Qt.Key.Key_Return)
    assert places[0] == places[2] < places[1]
    qtbot.keyClick(searched, Qt.Key.Key_F3, Qt.KeyboardModifier.ShiftModifier)
    assert text.textCursor().position() == places[0]
    assert searched.isVisible()


def test_a_page_that_is_asked_for_is_shown_whatever_was_looked_for(searched, tmp_path):
    searched.search.setText("seg")
    searched.show_page(tmp_path / "BATCH.md")
    assert searched._list.currentItem().text() == "Batch"
    assert listed(searched) == ["Opening", "Exports", "Batch"]
    searched.search.setText("seg")
    searched.close()
    assert searched.search.text() == ""


def test_a_link_leads_back_from_a_page_that_is_not_listed(dialog):
    manual, folder = dialog
    manual.show_page(folder / "OPENING.md")
    manual.show_page(folder / "why" / "1.md")
    manual.show_page(folder / "OPENING.md")
    assert manual.text.toPlainText().startswith("Opening")


def test_links_take_the_colour_of_a_theme_that_is_chosen_later(dialog, qapp):
    manual, folder = dialog
    seen = []
    for theme in (LIGHT, DARK):
        apply_theme(qapp, theme, assets_dir() / "styles" / "gliascope.qss")
        manual.show_page(folder / "OPENING.md")
        qapp.processEvents()
        cursor = manual.text.document().find("export")
        seen.append(cursor.charFormat().foreground().color().name())
    assert seen == [LIGHT.accent, DARK.accent]

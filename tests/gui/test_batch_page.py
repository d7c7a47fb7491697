"""The page of a batch: files, folders, start, and the table of studies."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QCheckBox, QFileDialog, QMessageBox

from desktop_app.paths import assets_dir
from desktop_app.services.export.formats import DEFAULT_FORMATS, ExportFormat
from ui.export_formats import format_choices
from ui.icons import Icons
from ui.panels.batch_page import BatchPage
from ui.panels.batch_table import CaseTable
from ui.views.batch_view import BatchStatus, CaseRow, Figure, Review

READY = BatchStatus(
    "0 of 1 studies finished.", 0.0, None, False, can_start=True, can_watch=True, can_repeat=True
)
RUNNING = replace(READY, running=True)
ALL_DONE = replace(READY, can_start=False)


def case_row(name: str, state: str = "done", **changes: object) -> CaseRow:
    none = Figure()
    row = CaseRow(
        name, "ward", state, "", none, none, none, none, "", frozenset({Review.ALL, Review.DONE})
    )
    return replace(row, **changes)


ROWS = (
    case_row("patient 10", whole_tumour=Figure("9.00", 9_000.0)),
    case_row("patient 2", "failed", reviews=frozenset({Review.ALL, Review.FAILED})),
    case_row("patient 1", whole_tumour=Figure("34.00", 34_000.0)),
)


def box(page: BatchPage, title: str) -> QCheckBox:
    return next(one for one in page.findChildren(QCheckBox) if title in one.text())


@pytest.fixture
def page(qtbot):
    page = BatchPage(Icons(assets_dir() / "icons"), format_choices())
    qtbot.addWidget(page)
    page.show_status(READY)
    return page


def names(table: CaseTable) -> list[str]:
    model = table.model()
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def choosing(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))


def test_every_format_can_be_ticked(page):
    assert page.ticks.formats == tuple(DEFAULT_FORMATS)
    box(page, "structures.rt").click()
    assert set(page.ticks.formats) == {*DEFAULT_FORMATS, ExportFormat.RTSTRUCT}


def test_nothing_starts_without_a_file_to_write(page):
    assert page._start.isEnabled()
    page.ticks.tick((), anonymise=False)
    assert not page._start.isEnabled()
    assert "tick" in page._start.toolTip()
    page.ticks.tick(("json",), anonymise=False)
    assert page._start.isEnabled()


def test_leaving_names_out_lists_the_studies_anew(page, qtbot):
    with qtbot.assertNotEmitted(page.folders_chosen):
        box(page, "Leave out").click()
    page.show_folders("in", "out")
    with qtbot.waitSignal(page.folders_chosen) as chosen:
        box(page, "Leave out").click()
    assert chosen.args == [Path("in"), Path("out")]
    with qtbot.assertNotEmitted(page.folders_chosen):
        box(page, "report.pdf").click()


def test_nothing_is_ticked_while_studies_run(page):
    page.show_status(RUNNING)
    assert not box(page, "report.pdf").isEnabled()
    assert not box(page, "Leave out").isEnabled()


def test_a_drive_can_be_the_folder_with_the_studies(page, qtbot, monkeypatch):
    choosing(monkeypatch, Path("/"))
    with qtbot.waitSignal(page.folders_chosen) as chosen:
        page.folders.ask_root()
    assert chosen.args == [Path("/"), None]


def test_a_folder_for_results_is_kept_whenever_it_is_chosen(page, qtbot, monkeypatch, tmp_path):
    choosing(monkeypatch, tmp_path / "results")
    with qtbot.assertNotEmitted(page.folders_chosen):
        page.folders._buttons[1].click()
    assert page.folders.output == tmp_path / "results"
    for name in ("one", "two"):
        choosing(monkeypatch, tmp_path / name)
        with qtbot.waitSignal(page.folders_chosen) as chosen:
            page.folders._buttons[0].click()
        assert chosen.args == [tmp_path / name, tmp_path / "results"]


def test_a_folder_can_be_pasted(page, qtbot, tmp_path):
    root, output = page.folders._root, page.folders._output
    root.setText(f'  "{tmp_path}"')
    with qtbot.waitSignal(page.folders_chosen) as chosen:
        root.editingFinished.emit()
    assert chosen.args == [tmp_path, None]
    page.show_folders(str(tmp_path), "/proposed")
    output.setText("/mine")
    with qtbot.waitSignal(page.folders_chosen) as chosen:
        qtbot.keyClick(output, Qt.Key.Key_Return)
    assert chosen.args == [tmp_path, Path("/mine")]


@pytest.mark.parametrize("text", ["", "in", "not a path"])
def test_what_is_no_folder_leaves_the_one_that_is_shown(page, qtbot, tmp_path, text):
    page.show_folders(str(tmp_path), "/out")
    page.folders._root.setText(text)
    with qtbot.assertNotEmitted(page.folders_chosen):
        page.folders._root.editingFinished.emit()
    assert page.folders._root.text() == str(tmp_path)
    assert page.folders.root == tmp_path


def test_no_folder_is_pasted_while_studies_run(page):
    page.show_status(RUNNING)
    assert page.folders._root.isReadOnly()
    page.show_status(READY)
    assert not page.folders._root.isReadOnly()


def test_dialogs_begin_where_the_last_folder_was(page, monkeypatch):
    begun = []
    monkeypatch.setattr(
        QFileDialog, "getExistingDirectory", lambda *given: begun.append(given[2]) or ""
    )
    page.folders.remember("/last/in", "/last/out")
    for button in page.folders._buttons:
        button.click()
    page.show_folders("/now/in", "/now/out")
    for button in page.folders._buttons:
        button.click()
    assert begun == ["/last/in", "/last/out", "/now/in", "/now/out"]


def test_the_folders_of_the_last_time_are_offered_until_others_are_shown(page, qtbot):
    again = page.folders._again
    assert again.isHidden()
    page.folders.remember("/last/in", "/last/out")
    assert not again.isHidden()
    assert again.toolTip() == f"{Path('/last/in')}\n{Path('/last/out')}"
    with qtbot.waitSignal(page.folders_chosen) as chosen:
        again.click()
    assert chosen.args == [Path("/last/in"), Path("/last/out")]
    page.show_folders("/last/in", "/last/out")
    assert again.isHidden()


def test_a_mistyped_folder_takes_no_place_of_the_last_ones(page, tmp_path):
    folders = page.folders
    folders.remember("/last/in", "/last/out")
    good = folders.last
    folders._root.setText(str(tmp_path / "none"))
    folders._root.editingFinished.emit()
    page.show_folders(str(tmp_path / "none"), "/proposed")
    page.show_cases(())
    page._start.click()
    assert folders.last == good
    folders.use_root(tmp_path)
    page.show_cases(ROWS)
    assert folders.last == (str(tmp_path), "")
    # What the user had forgotten does not come back with the next change of the table.
    folders.remember("", "")
    page.show_cases(ROWS)
    assert folders.last == ("", "")


def test_an_empty_folder_that_is_watched_is_kept(page, tmp_path):
    page.folders.use_root(tmp_path)
    page.set_watches(True)
    page._start.click()
    assert page.folders.last == (str(tmp_path), "")


def test_where_start_is_grey_it_says_why(page, qtbot):
    page.show_status(ALL_DONE)
    assert not page._start.isEnabled()
    assert "Every study is done" in page._start.toolTip()
    assert page._hint.text() == page._start.toolTip()
    with qtbot.assertNotEmitted(page.start_requested):
        page._start.click()
    box(page, "again").click()
    assert page._hint.text() == ""
    with qtbot.waitSignal(page.start_requested) as started:
        page._start.click()
    assert started.args == [False, True]
    page.show_status(replace(ALL_DONE, can_repeat=False))
    assert "no study yet" in page._start.toolTip()
    box(page, "watching").click()
    assert page._start.isEnabled()
    page.show_status(replace(ALL_DONE, can_watch=False))
    assert "folder" in page._start.toolTip()


def test_columns_are_sorted_by_their_values(page):
    table = page.table
    page.show_cases(ROWS)
    assert names(table) == ["patient 10", "patient 2", "patient 1"]
    table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    assert names(table) == ["patient 1", "patient 2", "patient 10"]
    table.sortByColumn(2, Qt.SortOrder.AscendingOrder)
    assert names(table) == ["patient 2", "patient 10", "patient 1"]
    page.show_case(1, replace(ROWS[1], whole_tumour=Figure("99.00", 99_000.0)))
    assert names(table)[-1] == "patient 2"
    table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
    assert names(table) == ["patient 10", "patient 2", "patient 1"]


def test_the_row_that_is_seen_is_the_one_that_opens(page, qtbot):
    page.show_cases(ROWS)
    page.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    assert not page._open.isEnabled()
    page.table.selectRow(0)
    with qtbot.waitSignal(page.open_requested) as opened:
        page._open.click()
    assert opened.args == [2]
    with qtbot.waitSignal(page.open_requested) as opened:
        qtbot.keyClick(page.table, Qt.Key.Key_Return)
    assert opened.args == [2]


def test_a_study_stays_selected_when_others_come(page):
    page.show_cases(ROWS)
    page.table.selectRow(2)
    page.show_cases((case_row("patient 0"), *ROWS))
    assert page.table.selected == 3
    page.show_cases(ROWS[:1])
    assert page.table.selected is None
    assert not page._open.isEnabled()


def test_the_table_shows_what_is_asked_for(page):
    page.show_cases(ROWS)
    assert [page.filter.itemText(i) for i in range(6)] == [
        "All studies (3)",
        "Failed (1)",
        "To check (0)",
        "Done (2)",
        "Accepted (0)",
        "Rejected (0)",
    ]
    page.filter.setCurrentIndex(1)
    assert names(page.table) == ["patient 2"]
    page.show_case(1, case_row("patient 2"))
    assert names(page.table) == []
    assert page.filter.currentText() == "Failed (0)"
    page.filter.setCurrentIndex(3)
    assert names(page.table) == ["patient 10", "patient 2", "patient 1"]


def test_what_is_to_check_has_those_with_warnings_first_unless_sorted(page):
    reviews = frozenset({Review.ALL, Review.TO_CHECK})
    rows = [case_row(name, reviews=reviews) for name in ("c", "b", "a")]
    page.show_cases([*rows[:2], replace(rows[2], is_warned=True)])
    assert names(page.table) == ["c", "b", "a"]
    page.filter.setCurrentIndex(2)
    assert names(page.table) == ["a", "c", "b"]
    page.show_case(1, replace(rows[1], is_warned=True))
    assert names(page.table) == ["b", "a", "c"]
    page.table.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    assert names(page.table) == ["c", "b", "a"]
    page.table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
    assert names(page.table) == ["b", "a", "c"]
    page.filter.setCurrentIndex(0)
    assert names(page.table) == ["c", "b", "a"]


def test_names_are_whole_and_widths_drawn_by_hand_are_kept(page, qtbot):
    table = page.table
    long = [case_row(f"HOSPITAL-NEURO-000{n}_20250922") for n in range(3)]
    page.show_cases(long)
    assert table.columnWidth(0) >= table.sizeHintForColumn(0)
    assert table.widths == ""
    table.setColumnWidth(0, 260)
    page.show_cases([*long, case_row("M" * 300)])
    assert table.columnWidth(0) == 260
    other = BatchPage(Icons(assets_dir() / "icons"), format_choices())
    qtbot.addWidget(other)
    other.show_cases([case_row("M" * 300)])
    assert other.table.columnWidth(0) < other.table.sizeHintForColumn(0)
    for spoilt in ("1,2", "x,1,2,3,4,5,6,7", "-5,1,1,1,1,1,1,1"):
        other.table.set_widths(spoilt)
        assert other.table.widths == ""
    other.table.set_widths(table.widths)
    other.show_cases(long)
    assert other.table.columnWidth(0) == 260


def test_buttons_that_choose_say_what(page):
    told = [button.accessibleName() for button in page.folders._buttons]
    assert told == ["Choose folder with the studies", "Choose folder for the results"]


def test_on_a_small_screen_the_studies_stay_seen(page, qtbot):
    page.show_cases(ROWS)
    page.show()
    assert page.minimumSizeHint().width() <= 940
    for width, height, columns in ((1400, 900, 3), (940, 440, 2)):
        page.resize(width, height)
        qtbot.waitUntil(lambda: page.table.viewport().height() >= 4 * page.table.rowHeight(0))
        assert (page.width(), page.height()) == (width, height)
        assert page.ticks._columns == columns
        for widget in (page._start, page._stop, page._open, *page.ticks.findChildren(QCheckBox)):
            right = widget.mapTo(page, widget.rect().bottomRight())
            assert right.x() < width
        assert page._start.mapTo(page, page._start.rect().bottomRight()).y() < height
    page.resize(1400, 900)
    bar = page._above.verticalScrollBar()
    qtbot.waitUntil(lambda: not bar.isVisible())
    qtbot.waitUntil(lambda: page.folders.height() == page.folders.sizeHint().height())
    page.resize(940, 440)
    qtbot.waitUntil(bar.isVisible)
    hidden = page.ticks.findChildren(QCheckBox)[-1]
    hidden.setFocus()
    below = page._above.viewport()
    page._above.ensureWidgetVisible(hidden)
    assert below.rect().contains(hidden.mapTo(below, hidden.rect().center()))


def test_what_files_are_called_is_no_markup(page):
    page.show_cases([case_row("<b>one</b>", message="3 < 4")])
    cell = page.table.model().index(0, 0)
    assert cell.data(Qt.ItemDataRole.ToolTipRole) == "<p>&lt;b&gt;one&lt;/b&gt;</p>"


def test_the_folder_of_results_opens(page, monkeypatch, tmp_path):
    shown = []
    monkeypatch.setattr(QDesktopServices, "openUrl", shown.append)
    assert not page._results.isEnabled()
    page.show_folders(str(tmp_path / "in"), str(tmp_path / "out"))
    page.show_status(READY)
    page._results.click()
    assert shown == []
    told = page.findChild(QMessageBox)
    assert "no such folder" in told.text()
    told.close()
    (tmp_path / "out").mkdir()
    page._results.click()
    assert shown == [QUrl.fromLocalFile(str(tmp_path / "out"))]


def test_no_other_folder_is_taken_while_studies_run(page, qtbot, tmp_path):
    page.show_status(RUNNING)
    with qtbot.assertNotEmitted(page.folders_chosen):
        page.use_root(tmp_path)
    told = page.findChild(QMessageBox)
    assert "worked on" in told.text()
    told.close()

from pathlib import Path

import pytest
from PySide6.QtWidgets import QCheckBox

from desktop_app import composition
from desktop_app.paths import assets_dir
from desktop_app.services.export import DEFAULT_FORMATS, ExportFormat
from ui.app import WindowApp
from ui.export_formats import format_choices
from ui.icons import Icons
from ui.panels.batch_page import BatchPage
from ui.views.batch_view import BatchStatus

READY = BatchStatus("0 of 1 studies finished.", 0.0, None, running=False, can_start=True)
RUNNING = BatchStatus("0 of 1 studies finished.", 0.0, None, running=True, can_start=True)


def box(page: BatchPage, title: str) -> QCheckBox:
    return next(one for one in page.findChildren(QCheckBox) if title in one.text())


@pytest.fixture
def page(qtbot):
    page = BatchPage(Icons(assets_dir() / "icons"), format_choices())
    qtbot.addWidget(page)
    page.show_status(READY)
    return page


def test_every_format_can_be_ticked(page, qtbot):
    assert page.ticks.formats == tuple(DEFAULT_FORMATS)
    with qtbot.waitSignal(page.formats_changed) as changed:
        box(page, "structures.rt").click()
    assert set(changed.args[0]) == {*DEFAULT_FORMATS, ExportFormat.RTSTRUCT}


def test_nothing_starts_without_a_file_to_write(page):
    assert page._start.isEnabled()
    page.ticks.tick((), anonymise=False)
    assert not page._start.isEnabled()
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


def test_a_batch_writes_what_is_ticked_and_the_ticks_are_remembered(qtbot, qapp, tmp_path):
    for seen in ((*DEFAULT_FORMATS,), (ExportFormat.CSV,)):
        with composition.build(user_data=tmp_path / "kept") as services:
            app = WindowApp(qapp, services)
            qtbot.addWidget(app.window)
            page = app.window.batch_page
            assert page.ticks.formats == seen
            page.ticks.tick(("csv",), anonymise=True)
            export = app._make_batch(tmp_path, tmp_path / "out", print).options.case.export
            assert export.formats == (ExportFormat.CSV,)
            assert export.anonymise
            app.window.close()

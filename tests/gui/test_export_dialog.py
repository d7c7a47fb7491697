from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QCheckBox, QDialogButtonBox, QLabel, QLineEdit, QPushButton

from desktop_app import composition
from desktop_app.services.export.formats import DEFAULT_FORMATS, ExportFormat
from tests.export_cases import without_files
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_study
from tests.window_cases import shown_texts
from ui.app import WindowApp
from ui.dialogs.export_dialog import ExportDialog
from ui.export_formats import format_choices, remembered_formats

LABELS = np.full(GEOMETRY.shape_kji, 3, np.uint8)
RESULT = make_result(make_study(), LABELS)


def box(dialog: ExportDialog, title: str) -> QCheckBox:
    return next(one for one in dialog.findChildren(QCheckBox) if title in one.text())


def save_button(dialog: ExportDialog) -> QPushButton:
    return next(one for one in dialog.findChildren(QPushButton) if one.text() == "Export")


@pytest.fixture
def open_dialog(qtbot):
    def open_dialog(result=RESULT, remembered="", **said):
        dialog = ExportDialog(format_choices(result, remembered), Path("out"), **said)
        qtbot.addWidget(dialog)
        dialog.show()
        return dialog

    return open_dialog


def test_every_format_is_offered_and_the_usual_ones_are_ticked(open_dialog):
    dialog = open_dialog()
    assert {one.key for one in format_choices()} == set(ExportFormat)
    assert dialog.choice().formats == tuple(DEFAULT_FORMATS)
    for title in ("report.sr.dcm", "structures.rt.dcm", "summary.sc.dcm"):
        assert box(dialog, title).isEnabled()
        box(dialog, title).click()
    assert set(dialog.choice().formats) == set(ExportFormat)


def test_what_a_study_cannot_have_is_grey_with_the_reason(open_dialog):
    dialog = open_dialog(without_files(RESULT))
    for title in ("segmentation.seg", "report.sr", "structures.rt", "summary.sc"):
        assert not box(dialog, title).isEnabled()
        assert not box(dialog, title).isChecked()
        assert box(dialog, title).toolTip() == "This study is not DICOM."
    said = [one.text() for one in dialog.findChildren(QLabel)]
    assert said.count("This study is not DICOM.") == 1
    empty = open_dialog(make_result(make_study(), LABELS * 0))
    assert "nothing to outline" in box(empty, "structures.rt").toolTip()
    assert box(empty, "report.sr").isEnabled()


def test_ticks_are_remembered_also_where_they_could_not_be_chosen(open_dialog):
    remembered = remembered_formats((ExportFormat.SEG, ExportFormat.SR, ExportFormat.CSV))
    dialog = open_dialog(without_files(RESULT), remembered, anonymise=True)
    assert dialog.choice().formats == (ExportFormat.CSV,)
    assert dialog.choice().anonymise
    box(dialog, "report.pdf").click()
    assert dialog.choice().to_remember == ("seg", "sr", "csv", "pdf")
    assert open_dialog(remembered="hologram").choice().formats == tuple(DEFAULT_FORMATS)


@pytest.mark.parametrize(
    ("typed", "folder"), [("~/results", Path.home() / "results"), (f" {Path.home()} ", Path.home())]
)
def test_a_typed_folder_is_taken_as_it_is_meant(open_dialog, typed, folder):
    dialog = open_dialog()
    dialog.findChild(QLineEdit).setText(typed)
    assert save_button(dialog).isEnabled()
    assert dialog.choice().folder == folder


@pytest.mark.parametrize("typed", ["results", " ./results", "", "~nobody-of-that-name/results"])
def test_a_folder_that_could_be_anywhere_is_asked_for_whole(open_dialog, typed):
    dialog = open_dialog()
    assert save_button(dialog).isEnabled()
    dialog.findChild(QLineEdit).setText(typed)
    assert not save_button(dialog).isEnabled()
    assert any("Give the whole path" in one.text() for one in dialog.findChildren(QLabel))


def test_without_a_file_nothing_is_exported_and_it_is_said(open_dialog):
    def waits(dialog):
        return "Export waits for a tick at one of the files." in shown_texts(dialog)

    dialog = open_dialog(remembered="csv")
    buttons = dialog.findChild(QDialogButtonBox).buttons()
    export = next(one for one in buttons if one.text() == "Export")
    assert export.isEnabled()
    assert not waits(dialog)
    box(dialog, "measurements.csv").click()
    assert not export.isEnabled()
    assert waits(dialog)
    box(dialog, "report.pdf").click()
    assert not waits(dialog)


def test_corrected_labels_that_are_not_among_the_files_are_told(open_dialog):
    def told(dialog):
        labels = dialog.findChildren(QLabel)
        return any("labels you corrected" in one.text() for one in labels if one.isVisible())

    dialog = open_dialog(remembered="csv,pdf", is_corrected=True)
    assert told(dialog)
    box(dialog, "segmentation.nii.gz").click()
    assert not told(dialog)
    assert not told(open_dialog(remembered="csv,pdf"))


class Accepted(ExportDialog):
    """A dialog that a user leaves with a table ticked and names left out."""

    def exec(self) -> int:
        box(self, "report.pdf").click()
        box(self, "Leave out").click()
        return self.DialogCode.Accepted


def test_the_window_remembers_what_was_ticked(qtbot, qapp, tmp_path, monkeypatch):
    monkeypatch.setattr("ui.results_home.ExportDialog", Accepted)
    with composition.build(user_data=tmp_path) as services:
        app = WindowApp(qapp, services)
        qtbot.addWidget(app.window)
        monkeypatch.setattr(app.study.exporting, "export", lambda *_, **__: None)
        services.session.open_study(RESULT.study)
        services.session.accept_result(RESULT, services.session.generation)
        app.window.export_asked.emit()
        monkeypatch.setattr(app.window, "has_unsaved", lambda: False)
        app.window.close()
        kept = services.load_settings()
    assert kept.export_formats == "nifti,seg,csv,json"
    assert kept.export_anonymise

"""The dialog that asks what another program's labels mean, and the ways to it."""

import pytest
from PySide6.QtWidgets import QFileDialog, QMessageBox, QScrollArea

from desktop_app.domain.label_part import LabelPart
from desktop_app.domain.segmentation import Region
from tests.gui.test_opening import drop
from tests.window_cases import shown_texts
from ui.dialogs.labels_dialog import LabelsDialog
from ui.views.study_view import Actions

PARTS = (
    LabelPart(1, "", 5000.0, Region.NCR),
    LabelPart(2, "", 20000.0, Region.ED),
    LabelPart(7, "Ventricles", 100.0),
)


@pytest.fixture
def answers():
    return []


@pytest.fixture
def dialog(window, answers):
    window.ask_labels("seg.nii.gz", PARTS, answers.append)
    return window.findChild(LabelsDialog)


def test_regions_are_proposed_and_can_be_changed_or_left_out(dialog, answers):
    assert dialog.regions == {1: Region.NCR, 2: Region.ED}
    assert any("does not tell" in text for text in shown_texts(dialog))
    assert "20.0" in shown_texts(dialog)
    dialog.choices[1].setCurrentText("Enhancing tumour")
    dialog.choices[2].setCurrentText("Leave out")
    dialog.take.click()
    assert answers == [{1: Region.ET}]


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        (PARTS[:2], "as BraTS numbers gliomas of adults, with oedema 2"),
        ((LabelPart(1, "", 9.0, Region.ED),), "oedema 1 and core 2, since 1 lies around 2"),
        ((LabelPart(1, "Edema", 9.0, Region.ED),), "by the codes and names in the file"),
        (PARTS[2:], ""),
    ],
)
def test_what_a_proposal_rests_on_is_told(window, parts, told):
    window.ask_labels("seg.nii.gz", parts, lambda _regions: None)
    dialog = window.findChild(LabelsDialog)
    texts = [text for text in shown_texts(dialog) if "Proposed" in text]
    dialog.reject()
    assert len(texts) == bool(told)
    assert not texts or (told in texts[0] and "please check" in texts[0])


def test_three_segments_with_long_names_are_seen_without_scrolling(window, qtbot):
    names = ("Surrounding non-enhancing FLAIR hyperintensity (Mass)", "Enhancing tumor", "Core")
    parts = [LabelPart(n, name, 9.0) for n, name in enumerate(names, start=1)]
    window.ask_labels("Segmentation.seg.dcm", parts, lambda _regions: None)
    dialog = window.findChild(LabelsDialog)
    qtbot.waitUntil(dialog.isVisible)
    rows_below = dialog.findChild(QScrollArea).verticalScrollBar().maximum()
    dialog.reject()
    assert rows_below == 0


def test_labels_of_which_all_are_left_out_cannot_be_opened(dialog, answers):
    for box in dialog.choices.values():
        box.setCurrentText("Leave out")
    assert not dialog.take.isEnabled()
    dialog.reject()
    assert answers == []


def test_labels_need_an_open_study(window, qtbot, monkeypatch, tmp_path):
    file = tmp_path / "seg.nii.gz"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(file), ""))
    window.show_actions(Actions())
    assert not window.menus.open_labels.isEnabled()
    window.show_actions(Actions(reopen=True))
    with qtbot.waitSignal(window.labels_opened) as opened:
        window.menus.open_labels.trigger()
    assert opened.args == [file]


def test_what_is_not_exported_is_asked_about_first(window, qtbot, monkeypatch, tmp_path):
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "a.nii"), ""))
    asked = []
    window.has_unsaved = lambda: True
    window.ask_to_leave = lambda verb, _again: bool(asked.append(verb))
    window.show_actions(Actions(reopen=True))
    with qtbot.assertNotEmitted(window.labels_opened):
        window.menus.open_labels.trigger()
    assert asked == ["Open"]
    window.has_unsaved = lambda: False  # so that it can be closed


def test_a_file_dropped_on_a_study_is_looked_at_first(study_window, qtbot, tmp_path):
    file = tmp_path / "seg.nii.gz"
    file.touch()
    with (
        qtbot.waitSignal(study_window.file_dropped) as dropped,
        qtbot.assertNotEmitted(study_window.path_opened),
    ):
        drop(study_window, file)
    assert dropped.args == [file]
    with qtbot.waitSignal(study_window.path_opened):
        drop(study_window, tmp_path)


def test_a_file_dropped_beside_a_batch_goes_to_a_study_that_is_seen(study_window, qtbot, tmp_path):
    file = tmp_path / "seg.nii.gz"
    file.touch()
    study_window._tabs.setCurrentIndex(1)
    with qtbot.waitSignal(study_window.file_dropped):
        drop(study_window, file)
    assert study_window.study_page.isVisible()


@pytest.mark.parametrize("button", ["Open the labels", "Cancel"])
def test_labels_dropped_are_offered(study_window, qtbot, tmp_path, button):
    told = []
    study_window.labels_opened.connect(told.append)
    study_window.offer_labels(tmp_path / "seg.nii.gz")
    box = study_window.findChild(QMessageBox)
    assert box.text() == "seg.nii.gz holds labels."
    next(one for one in box.buttons() if one.text().replace("&", "") == button).click()
    assert told == ([tmp_path / "seg.nii.gz"] if button.startswith("Open") else [])

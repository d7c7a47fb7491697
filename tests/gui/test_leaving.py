"""Whoever leaves a result that was not exported is asked, and can export it on the way."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from desktop_app import composition
from desktop_app.domain.result import StudyResult
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_study
from ui import leaving
from ui.app import WindowApp
from ui.dialogs.export_dialog import ExportChoice
from ui.theme import current_theme
from ui.widgets.questions import Keeping, ask_to_keep

STUDY = make_study()
RESULT = make_result(STUDY, np.zeros(GEOMETRY.shape_kji, np.uint8))


@dataclass
class Scene:
    """A window with a result; questions are answered as `answer` says."""

    app: WindowApp
    results: Path
    answer: Keeping = Keeping.STAY
    formats: tuple[str, ...] = ("nifti", "json")
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    opened: list[Path] = field(default_factory=list)

    def accept(self, result: StudyResult = RESULT, saved_in: Path | None = None) -> None:
        session = self.app.services.session
        session.accept_result(result, session.generation, saved_in=saved_in)

    def ask(self, _window: Any, *said: Any, **how: Any) -> Keeping:
        self.asked.append((*said, how))
        return self.answer

    def close_messages(self) -> None:
        for box in self.app.window.findChildren(QMessageBox):
            box.close()

    def is_exported(self) -> bool:
        texts = [box.text() for box in self.app.window.findChildren(QMessageBox)]
        assert all(text.startswith("Exported") for text in texts), texts
        return bool(texts)


@pytest.fixture
def scene(
    qtbot: QtBot, qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Scene]:
    with composition.build(user_data=tmp_path / "kept") as services:
        app = WindowApp(qapp, services)
        qtbot.addWidget(app.window)
        scene = Scene(app, tmp_path / "results")
        monkeypatch.setattr(leaving, "ask_to_keep", scene.ask)
        monkeypatch.setattr(
            app.home, "ask_export", lambda: ExportChoice(scene.results, scene.formats, False, ())
        )
        services.session.open_study(STUDY)
        app.window.path_opened.disconnect()
        app.window.path_opened.connect(scene.opened.append)
        scene.accept()
        yield scene
        app.window.has_unsaved, app.window.what_runs = lambda: False, lambda: ""
        app.window.close()


def corrected() -> StudyResult:
    provenance = replace(RESULT.segmentation.provenance, edited=True)
    return replace(RESULT, segmentation=replace(RESULT.segmentation, provenance=provenance))


def test_nothing_is_asked_where_nothing_is_lost(scene: Scene, tmp_path: Path) -> None:
    scene.accept(saved_in=tmp_path)
    scene.app.window.open_path(tmp_path / "other")
    assert scene.asked == []
    assert scene.opened == [tmp_path / "other"]


@pytest.mark.parametrize(("answer", "goes_on"), [(Keeping.LOSE, True), (Keeping.STAY, False)])
def test_the_answer_is_followed(
    scene: Scene, tmp_path: Path, answer: Keeping, goes_on: bool
) -> None:
    scene.answer = answer
    scene.app.window.open_path(tmp_path / "other")
    assert bool(scene.opened) is goes_on
    what, remark, lose, how = scene.asked[0]
    assert what == "The labels of this segmentation were not exported."
    assert "segmenting the study makes them again" in remark
    assert lose == "Open without exporting"
    assert how == {"can_keep": True, "is_grave": False}


def test_labels_of_another_program_are_no_work_by_hand(scene: Scene, tmp_path: Path) -> None:
    opened = ("Labels of another program opened: 1 as NCR",)
    for steps, is_by_hand in ((opened, False), ((*opened, "Labels corrected by hand"), True)):
        provenance = replace(
            RESULT.segmentation.provenance, edited=True, labels_of="a.nii", steps=steps
        )
        segmentation = replace(RESULT.segmentation, provenance=provenance)
        scene.accept(replace(RESULT, segmentation=segmentation))
        scene.app.window.open_path(tmp_path / "other")
        what, remark, _lose, how = scene.asked[-1]
        assert ("labels you opened were not exported" in what) is not is_by_hand
        assert ("opening their file" in remark) is not is_by_hand
        assert how["is_grave"] is is_by_hand


def test_work_by_hand_is_told_apart(scene: Scene, tmp_path: Path) -> None:
    session = scene.app.services.session
    scene.accept(corrected())
    session.choose_targets((1,))
    scene.app.leaving._rulers = lambda: 2
    scene.app.window.close()
    what, remark, lose, how = scene.asked[-1]
    assert what == ("The labels you corrected were not exported, nor the target lesions you chose.")
    assert "lost without an export" in remark
    assert "2 rulers go" in remark
    assert lose == "Close without exporting"
    assert how["is_grave"]
    scene.accept(saved_in=tmp_path)
    session.choose_targets((1,))
    scene.app.window.close()
    assert scene.asked[-1][0] == "The target lesions you chose were not exported."


def test_target_lesions_are_not_lost_by_segmenting_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []
    monkeypatch.setattr(scene.app.study, "segment", lambda: started.append(1))
    scene.app.services.session.choose_targets((1,))
    scene.app.window.study_page.segment_requested.emit()
    assert (len(scene.asked), started) == (1, [])


def test_once_it_is_exported_its_user_is_where_they_wanted_to_go(
    scene: Scene, tmp_path: Path, qtbot: QtBot
) -> None:
    scene.answer = Keeping.KEEP
    scene.app.window.open_path(tmp_path / "other")
    assert scene.opened == []
    qtbot.waitUntil(lambda: bool(scene.opened), timeout=20_000)
    assert scene.opened == [tmp_path / "other"]
    assert (scene.results / STUDY.name / "segmentation.nii.gz").is_file()
    assert len(scene.asked) == 1
    scene.close_messages()


def test_the_window_closes_once_it_is_exported(scene: Scene, qtbot: QtBot) -> None:
    scene.answer = Keeping.KEEP
    with qtbot.waitSignal(scene.app.window.close_asked, timeout=20_000):
        scene.app.window.close()
    assert (scene.results / STUDY.name / "measurements.json").is_file()
    scene.close_messages()


def test_what_the_export_left_out_is_read_before_the_window_closes(
    scene: Scene, qtbot: QtBot
) -> None:
    scene.answer, scene.formats = Keeping.KEEP, ("nifti", "json", "rtstruct")
    closed: list[bool] = []
    scene.app.window.close_asked.connect(lambda: closed.append(True))
    scene.app.window.close()
    qtbot.waitUntil(scene.is_exported, timeout=20_000)
    qtbot.wait(20)
    (box,) = scene.app.window.findChildren(QMessageBox)
    assert "skipped" in box.informativeText()
    assert closed == []
    box.close()
    qtbot.waitUntil(lambda: bool(closed), timeout=5_000)


@pytest.mark.parametrize("formats", [("json",), ("csv",)])
def test_an_export_that_keeps_too_little_is_no_change(
    scene: Scene, qtbot: QtBot, formats: tuple[str, ...]
) -> None:
    page, session = scene.app.window.study_page, scene.app.services.session
    scene.formats = formats
    if formats == ("json",):
        scene.accept(corrected())
    else:
        # Once the lesions are measured, nothing takes these ticks away any more.
        qtbot.waitUntil(lambda: not scene.app.measuring.lesions._is_new, timeout=20_000)
        session.choose_targets((1,))
    scene.app.window.export_asked.emit()
    qtbot.waitUntil(scene.is_exported, timeout=20_000)
    (box,) = scene.app.window.findChildren(QMessageBox)
    told = box.text().removesuffix(".")
    assert told in ("Exported without the corrected labels", "Exported without the target lesions")
    assert page.export_note.text == f"{told} to {STUDY.name}"
    assert scene.app.window.isWindowModified()
    scene.close_messages()
    session.choose_targets((2,))
    assert page.export_note.text == f"Changed since the export to {STUDY.name}"


def test_an_export_without_the_corrected_labels_leads_nowhere(
    scene: Scene, tmp_path: Path, qtbot: QtBot
) -> None:
    scene.accept(corrected())
    scene.answer, scene.formats = Keeping.KEEP, ("json",)
    scene.app.window.open_path(tmp_path / "other")
    qtbot.waitUntil(scene.is_exported, timeout=20_000)
    qtbot.wait(20)
    assert scene.opened == []
    scene.close_messages()


def test_another_export_leads_nowhere(
    scene: Scene, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.answer = Keeping.KEEP
    with monkeypatch.context() as patch:
        # As an export that fails: it never tells that it is done.
        patch.setattr(scene.app.study.exporting, "export", lambda *_, **__: None)
        scene.app.window.open_path(tmp_path / "other")
    scene.app.window.export_asked.emit()
    qtbot.waitUntil(scene.is_exported, timeout=20_000)
    qtbot.wait(20)
    assert scene.opened == []
    scene.close_messages()


def test_the_window_says_whether_and_where_to_it_was_exported(
    scene: Scene, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, page = scene.app.window, scene.app.window.study_page

    def link_colour() -> str:
        return page.export_note.link.palette().buttonText().color().name()

    assert page.export_note.text == "Not exported"
    assert page.export_note.link.isHidden()
    assert window.isWindowModified()
    assert page._export.property("kind") == "primary"
    window.export_asked.emit()
    qtbot.waitUntil(scene.is_exported, timeout=20_000)
    scene.close_messages()
    folder = scene.results / STUDY.name
    assert page.export_note.text.startswith("Exported ")
    assert page.export_note.text.endswith(f" to {folder.name}")
    assert link_colour() == current_theme().muted
    assert not window.isWindowModified()
    assert page._export.property("kind") == ""
    shown: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", shown.append)
    page.export_note.link.click()
    assert shown == [QUrl.fromLocalFile(str(folder))]
    scene.app.services.session.choose_targets((1,))
    assert page.export_note.text == f"Changed since the export to {folder.name}"
    assert link_colour() == current_theme().fair
    assert window.isWindowModified()
    scene.accept(saved_in=folder)
    assert page.export_note.text == f"As exported to {folder.name}"
    scene.app.services.session.open_study(None)
    assert page.export_note.isHidden()
    assert not window.isWindowModified()
    assert json.loads((folder / "measurements.json").read_text("utf-8"))["lesions"] == []


@pytest.mark.parametrize(
    ("pressed", "answer"),
    [
        ("Export …", Keeping.KEEP),
        ("Close without exporting", Keeping.LOSE),
        ("Cancel", Keeping.STAY),
    ],
)
def test_the_question_has_three_answers(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, pressed: str, answer: Keeping
) -> None:
    def execute(box: QMessageBox) -> int:
        default = box.defaultButton()
        assert default is not None
        assert default.text() == "Export …"
        next(one for one in box.buttons() if one.text().replace("&", "") == pressed).click()
        return 0

    monkeypatch.setattr(QMessageBox, "exec", execute)
    lose = "Close without exporting"
    window = scene.app.window
    assert ask_to_keep(window, "What", "Why", lose, can_keep=True, is_grave=True) is answer

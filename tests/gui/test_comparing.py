"""From the menu to a comparison and its report, in the window."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from desktop_app.domain.follow_up import FollowUp
from desktop_app.jobs.runner import JobRunner
from desktop_app.paths import assets_dir
from desktop_app.services.follow_up.page import build_follow_up_page
from desktop_app.services.segmenting.segment import SegmentOptions
from desktop_app.services.session import Session
from tests.follow_up_found import apart, compared
from ui.comparing import Comparing
from ui.icons import Icons
from ui.main_window import MainWindow
from ui.pdf_report import PdfReport
from ui.presenters import follow_up_presenter
from ui.presenters.job_line import JobLine


class Scene:
    """The window with a result, and the wires of comparing."""

    def __init__(self, qtbot: QtBot, found: FollowUp, folder: Path) -> None:
        self.window = MainWindow(Icons(assets_dir() / "icons"))
        qtbot.addWidget(self.window)
        self.session, self.runner = Session(), JobRunner()
        self.queue: list[Callable[[], None]] = []
        services = SimpleNamespace(
            session=self.session, runner=self.runner, worker=MagicMock(name="worker")
        )
        self.jobs = JobLine(self.window, self.runner, self.queue.append, lambda: None)
        self.comparing = Comparing(
            self.window,
            services,
            self.jobs,
            options=SegmentOptions,
            results_folder=lambda: folder,
            renderer=PdfReport(),
        )
        self.session.set_studies((found.now.study, found.earlier.study))
        self.session.open_study(found.now.study)
        self.session.accept_result(found.now, self.session.generation)
        self.qtbot = qtbot

    def until(self, happened: Callable[[], object]) -> None:
        def turn() -> bool:
            while self.queue:
                self.queue.pop(0)()
            return bool(happened())

        self.qtbot.waitUntil(turn, timeout=60_000)

    def compare(self) -> None:
        self.window.menus.compare_earlier.trigger()
        self.until(lambda: self.comparing.choice)
        assert self.comparing.choice is not None
        self.comparing.choice.compare.click()
        self.until(lambda: self.comparing.shown)


@pytest.fixture(scope="module")
def found() -> FollowUp:
    return compared()


@pytest.fixture
def scene(
    qtbot: QtBot, found: FollowUp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Scene]:
    monkeypatch.setattr(follow_up_presenter, "compare_with_earlier", lambda *_, **__: found)
    scene = Scene(qtbot, found, tmp_path)
    yield scene
    scene.comparing.close_follow_up()
    scene.runner.close()


def test_a_study_is_chosen_compared_copied_and_closed_with_the_next(
    scene: Scene, found: FollowUp
) -> None:
    scene.compare()
    assert scene.comparing.choice is None
    dialog = scene.comparing.shown
    assert dialog is not None
    assert dialog.isVisible()
    assert not dialog.isModal()
    dialog.copy_requested.emit()
    assert QGuiApplication.clipboard().text().startswith("Earlier · 2026-03-12.")
    scene.session.open_study(found.earlier.study)
    assert scene.comparing.shown is None
    assert not dialog.isVisible()


def test_the_report_is_saved_beside_the_view_of_it(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.compare()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "a"), ""))
    assert scene.comparing.shown is not None
    scene.comparing.shown.save_requested.emit()
    scene.until(lambda: scene.window.findChild(QMessageBox))
    scene.window.findChild(QMessageBox).close()
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF-")


def test_numbers_report_and_maps_are_saved_together(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.compare()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    assert scene.comparing.shown is not None
    scene.comparing.shown.files_requested.emit()
    scene.until(lambda: scene.window.findChild(QMessageBox))
    scene.window.findChild(QMessageBox).close()
    names = {file.name for file in tmp_path.glob("*-since-*/*")}
    assert {"follow-up.json", "follow-up.pdf", "change-WT.nii.gz"} <= names
    scene.comparing.shown.close()
    assert scene.comparing.presenter.found is None


def test_another_folder_is_looked_into(
    scene: Scene, found: FollowUp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []

    def scan(folder: Path, **_named: object) -> SimpleNamespace:
        looked.append(folder)
        return SimpleNamespace(studies=(found.earlier.study,))

    monkeypatch.setattr(follow_up_presenter, "open_path", scan)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    scene.session.set_studies((found.now.study,))
    scene.session.open_study(found.now.study)
    scene.session.accept_result(found.now, scene.session.generation)
    scene.comparing.presenter.ask()
    scene.until(lambda: scene.comparing.choice)
    first = scene.comparing.choice
    assert first is not None
    assert first.table.rowCount() == 0
    first.folder_requested.emit()
    first.reject()
    scene.until(lambda: scene.comparing.choice not in (None, first))
    assert looked == [tmp_path]
    assert scene.comparing.choice is not None
    assert scene.comparing.choice.table.rowCount() == 1


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize("is_laid", [True, False])
def test_the_page_names_both_studies_and_never_judges(
    found: FollowUp, is_laid: bool, tmp_path: Path
) -> None:
    program = shutil.which("pdftotext")
    if program is None:
        pytest.skip("needs pdftotext (Debian package poppler-utils)")
    page = build_follow_up_page(found if is_laid else apart())
    assert {len(row) for row in page.images} == {3 if is_laid else 2}
    PdfReport().render(page, tmp_path / "page.pdf")
    command = [program, "-layout", str(tmp_path / "page.pdf"), "-"]
    words = subprocess.run(command, check=True, capture_output=True).stdout.decode()
    for said in ("2026-03-12", "2026-09-04", "176 days", "For research use.", "Whole tumour: "):
        assert said in words
    assert ("Map of change, tumour core" in words) is is_laid
    assert ("There is no map of change" in " ".join(words.split())) is not is_laid
    hidden = build_follow_up_page(found, anonymise=True)
    PdfReport().render(hidden, tmp_path / "page.pdf")
    anonymous = subprocess.run(command, check=True, capture_output=True).stdout.decode()
    for private in ("Müller", "ID7", "2026-03-12", "2026-09-04"):
        assert private in words
        assert private not in anonymous
    for judgement in ("progress", "response.", "stable", "partial"):
        assert judgement not in words.replace("no assessment of response", "")

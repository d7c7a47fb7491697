"""Comparing with an earlier study: offered, compared, copied, saved; of another study nothing."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import pytest

from desktop_app.domain.dates import DateOrder
from desktop_app.domain.follow_up import FollowUp
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region
from desktop_app.domain.study import Sequence, Study
from desktop_app.errors import InputError
from desktop_app.jobs.runner import JobRunner
from desktop_app.services.follow_up import EarlierStudy, candidates
from desktop_app.services.measuring.measure import measure
from desktop_app.services.results.earlier_results import EarlierResult
from desktop_app.services.segmenting.segment import SegmentOptions
from desktop_app.services.session import Session
from tests.follow_up_cases import GRID, ball, earlier_visit, visit
from tests.follow_up_found import apart, compared
from ui.presenters import follow_up_presenter
from ui.presenters.follow_up_presenter import FollowUpPresenter
from ui.presenters.follow_up_rows import earlier_row, follow_up_text, shown_follow_up
from ui.presenters.job_line import JobLine, JobLineView
from ui.views.follow_up_view import FollowUpView, Visit

OPTIONS = SegmentOptions()


class Scene:
    """A session with a result, a presenter, and what its view was told."""

    def __init__(self, now: StudyResult, earlier: StudyResult, folder: Path) -> None:
        self.now, self.earlier = now, earlier
        self.queue: list[Callable[[], None]] = []
        self.view = MagicMock(spec=FollowUpView)
        self.renderer, self.compare = MagicMock(), MagicMock()
        self.session, self.runner = Session(), JobRunner()
        self.line = MagicMock(spec=JobLineView)
        self.jobs = JobLine(self.line, self.runner, self.queue.append, lambda: None)
        self.presenter = FollowUpPresenter(
            self.view,
            self.session,
            self.jobs,
            segmenter=MagicMock(),
            options=lambda: OPTIONS,
            results_folder=lambda: folder,
            renderer=self.renderer,
        )
        self.session.set_studies((now.study, earlier.study))
        self.session.open_study(now.study)
        self.session.accept_result(now, self.session.generation)
        self.view.reset_mock()

    def until(self, happened: Callable[[], object]) -> None:
        stop = time.monotonic() + 60
        while not happened():
            assert time.monotonic() < stop
            while self.queue:
                self.queue.pop(0)()
            time.sleep(0.01)

    def offered(self) -> list[str]:
        self.presenter.ask()
        self.until(lambda: self.view.offer_earlier.called)
        _who, rows = self.view.offer_earlier.call_args.args
        return [row.date for row in rows]


@pytest.fixture(scope="module")
def found() -> FollowUp:
    return compared()


@pytest.fixture
def scene(found: FollowUp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    scene = Scene(found.now, found.earlier, tmp_path)
    scene.compare.return_value = found
    monkeypatch.setattr(follow_up_presenter, "compare_with_earlier", scene.compare)
    yield scene
    scene.runner.close()


def test_other_studies_of_the_patient_are_offered_and_one_is_compared(scene: Scene) -> None:
    assert scene.offered() == ["2026-03-12"]
    scene.presenter.compare(0)
    scene.until(lambda: scene.view.show_follow_up.called)
    (shown,) = scene.view.show_follow_up.call_args.args
    assert shown.visits[Visit.EARLIER].heading == "Earlier · 2026-03-12"
    assert shown.visits[Visit.NOW].heading == "Now · 2026-09-04"
    called = scene.compare.call_args
    assert called.args[:3] == (scene.now, scene.earlier.study, OPTIONS)
    assert called.kwargs["result_folder"] is None
    assert not scene.view.note_outdated.called


def test_without_a_result_there_is_nothing_to_compare(scene: Scene) -> None:
    scene.session.open_study(scene.earlier.study)
    scene.presenter.ask()
    assert "Segment the open study first" in scene.view.show_message.call_args.args[1][0]
    scene.session.open_study(None)
    scene.view.reset_mock()
    scene.presenter.ask()
    assert not scene.view.method_calls


def test_looking_is_shown_and_can_be_cancelled(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    answers = threading.Event()

    def on_a_slow_share(study: Study, _output: Path) -> None:
        looked.append(study.name)
        assert answers.wait(60)

    monkeypatch.setattr(candidates, "find_result", on_a_slow_share)
    oldest = earlier_visit(name="oldest", date="20250101", study_uid="9").study
    scene.session.set_studies((scene.now.study, scene.earlier.study, oldest))
    scene.session.open_study(scene.now.study)
    scene.session.accept_result(scene.now, scene.session.generation)
    scene.presenter.ask()
    assert scene.line.show_job.call_args.args[0].title == "Looking for earlier studies"
    scene.until(lambda: looked)
    scene.jobs.cancel()
    answers.set()
    scene.until(lambda: not scene.jobs.busy)
    assert looked == ["earlier"]
    assert scene.line.show_job.call_args.args == (None,)
    assert not scene.view.offer_earlier.called


def test_nothing_that_runs_is_stopped_for_it(scene: Scene) -> None:
    go_on = False

    def work(*_: object) -> None:
        while not go_on:
            time.sleep(0.01)

    scene.jobs.start("Exporting", work, lambda _: None)
    scene.presenter.ask()
    scene.presenter.look_in(Path("anywhere"))
    assert scene.view.show_message.call_count == 2
    go_on = True
    scene.until(lambda: not scene.jobs.busy)


def test_a_correction_makes_the_comparison_outdated_and_leaves_it_open(scene: Scene) -> None:
    scene.offered()
    scene.presenter.compare(0)
    scene.until(lambda: scene.view.show_follow_up.called)
    scene.session.accept_correction(replace(scene.now))
    assert scene.view.note_outdated.called
    assert not scene.view.close_follow_up.called


def test_corrected_labels_are_compared_again_with_the_same_study(scene: Scene) -> None:
    scene.presenter.compare_again()
    assert not scene.jobs.busy
    scene.offered()
    scene.presenter.compare(0)
    scene.until(lambda: scene.view.show_follow_up.called)
    segmentation = replace(scene.now.segmentation, labels_kji=ball(GRID, 5.0))
    corrected = replace(scene.now, segmentation=segmentation, measurements=measure(segmentation))
    scene.session.accept_correction(corrected)
    scene.view.reset_mock()
    scene.presenter.compare_again()
    scene.until(lambda: scene.view.show_follow_up.called)
    again = scene.presenter.found
    assert again is not None
    assert again.now is corrected
    assert again.regions[Region.WT].now_mm3 == np.count_nonzero(segmentation.labels_kji)
    assert scene.compare.call_count == 1
    assert not scene.view.note_outdated.called


def test_labels_corrected_meanwhile_are_told_too(scene: Scene) -> None:
    scene.offered()
    scene.presenter.compare(0)
    scene.session.accept_correction(replace(scene.now))
    scene.until(lambda: scene.view.show_follow_up.called)
    assert scene.view.note_outdated.called


def test_another_study_closes_the_comparison_and_takes_no_late_answer(scene: Scene) -> None:
    scene.offered()
    scene.presenter.compare(0)
    scene.session.open_study(scene.earlier.study)
    assert scene.view.close_follow_up.called
    scene.until(lambda: not scene.jobs.busy)
    assert not scene.view.show_follow_up.called
    assert scene.presenter.text_to_copy() == ""


def test_what_cannot_be_compared_is_told(scene: Scene) -> None:
    scene.offered()
    error = InputError("The studies are of different patients.", "a", "b")
    scene.compare.side_effect = error
    scene.presenter.compare(0)
    # The line of the study's jobs has a view of its own.
    scene.until(lambda: not scene.jobs.busy)
    assert not scene.view.show_follow_up.called
    assert scene.presenter.found is None


def test_studies_of_another_folder_are_offered_with_those_known_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    another = earlier_visit(name="oldest", date="20250101", study_uid="9").study
    scanned = SimpleNamespace(studies=(another, scene.earlier.study, scene.now.study))
    monkeypatch.setattr(follow_up_presenter, "open_path", lambda *_args, **_named: scanned)
    scene.presenter.look_in(Path("archive"))
    scene.until(lambda: scene.view.offer_earlier.called)
    _who, rows = scene.view.offer_earlier.call_args.args
    assert [row.date for row in rows] == ["2026-03-12", "2025-01-01"]


def test_the_report_appears_where_it_is_wanted(scene: Scene, tmp_path: Path) -> None:
    scene.offered()
    scene.presenter.compare(0)
    scene.until(lambda: scene.view.show_follow_up.called)
    scene.renderer.render = lambda page, path: path.write_text(page.finding, "utf-8")
    monkey = pytest.MonkeyPatch()
    monkey.setattr("desktop_app.services.follow_up.page._images", lambda _found, **_: ())
    scene.presenter.save(tmp_path / "follow-up.pdf")
    scene.until(lambda: scene.view.show_message.called)
    monkey.undo()
    assert (tmp_path / "follow-up.pdf").read_text("utf-8").startswith("Whole tumour: ")
    assert scene.view.show_message.call_args.args[2] == tmp_path


def test_a_row_tells_what_speaks_against_a_study() -> None:
    study = earlier_visit().study
    written = datetime(2026, 3, 20, tzinfo=UTC)
    one = EarlierStudy(
        study,
        DateOrder.EARLIER,
        (Sequence.T1C, Sequence.FLAIR),
        EarlierResult(Path("there"), written, corrected=True),
        ("No series is proposed for T1, T2.",),
    )
    row = earlier_row(one)
    assert (row.sequences, row.result) == ("T1c, FLAIR", "of 2026-03-20, corrected by hand")
    assert row.note == "No series is proposed for T1, T2."
    assert earlier_row(replace(one, result=None)).result == "will be segmented first"
    poor = earlier_row(replace(one, result=None, sequences=(Sequence.T1,)))
    assert (poor.result, poor.is_ready) == ("none", False)


def test_the_views_follow_the_current_grid_only_where_the_studies_lie_on_each_other(
    found: FollowUp,
) -> None:
    shown = shown_follow_up(found)
    assert shown.change_kji is not None
    assert shown.change_kji(Region.WT).shape == GRID.shape_kji
    assert shown.visits[Visit.EARLIER].grid is found.now.segmentation.geometry
    alone = shown_follow_up(apart())
    assert alone.change_kji is None
    assert alone.visits[Visit.EARLIER].grid.shape_kji == (18, 60, 56)
    assert any("no map of change" in one for one in alone.doubts)


def test_the_text_says_when_what_and_what_to_doubt(found: FollowUp) -> None:
    lines = follow_up_text(found).splitlines()
    assert lines[0] == "Earlier · 2026-03-12. Now · 2026-09-04."
    assert lines[1] == "\tWT\tTC\tET\tNCR\tED"
    assert lines[2].startswith("Earlier, cm³\t")
    assert set(found.warnings) <= set(lines)
    assert lines[-1] == "For research use. Not a medical device."
    undated = compared(visit(ball(GRID, 13.0), date=""))
    assert "Now · date not given" in follow_up_text(undated)

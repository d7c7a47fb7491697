"""Keeping watch: studies that come, come slowly, change, fail, and go."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop_app.errors import Cancelled, InputError, NoStudyError, OutputError
from desktop_app.jobs.cancel import CancelToken
from desktop_app.services.batch import BatchOptions, BatchOutcome, CaseStatus, WatchOptions
from desktop_app.services.batch import journal as journal_module
from desktop_app.services.batch import listing as listing_module
from tests.batch_cases import NAMES, Stage, take_output_away

QUICK = WatchOptions(settle_seconds=0.05, poll_seconds=0.01)
TOO_LONG_SECONDS = 20.0


class Watching:
    """A watch that is led through steps: each waits until it is true, then does the next."""

    def __init__(self, stage: Stage, options: BatchOptions | None = None) -> None:
        self.batch = stage.batch(options)
        self.token = CancelToken()
        self.told: list[str] = []
        self._steps: list[tuple[Callable[[], bool], Callable[[], object]]] = []
        self._timer = threading.Timer(TOO_LONG_SECONDS, self.token.cancel)

    def when(self, condition: Callable[[], bool], action: Callable[[], object]) -> "Watching":
        self._steps.append((condition, action))
        return self

    def until(self, condition: Callable[[], bool]) -> BatchOutcome:
        self.when(condition, self.token.cancel)
        self._timer.start()
        try:
            outcome = self.batch.watch(self._progress, self.token, QUICK)
        finally:
            self._timer.cancel()
        assert self._steps == [], f"still waiting after {self.told[-3:]}"
        return outcome

    def _progress(self, fraction: float, stage: str) -> None:
        self.told.append(stage)
        if self._steps and self._steps[0][0]():
            self._steps.pop(0)[1]()

    def is_idle(self) -> bool:
        return self.told[-1] == "Waiting for new studies"

    def has_done(self, number: int) -> Callable[[], bool]:
        def done() -> bool:
            finished = [case for case in self.batch.cases if case.status is CaseStatus.DONE]
            return len(finished) == number and self.is_idle()

        return done


def test_what_is_there_is_done_and_what_comes_later_too(stage: Stage) -> None:
    watching = Watching(stage)
    watching.when(watching.has_done(3), lambda: stage.add("dora"))
    outcome = watching.until(watching.has_done(4))
    assert stage.processed == [*NAMES, "dora"]
    assert [case.name for case in outcome.cases] == [*NAMES, "dora"]
    assert outcome.failed == ()
    assert [row["state"] for row in stage.summary()] == ["done"] * 4


def test_a_watch_waits_for_the_folder_of_results(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_away = [False]

    def require_room(output: Path) -> None:
        if is_away[0]:
            raise OutputError("The folder cannot be reached.", str(output), "Connect it.")

    monkeypatch.setattr(journal_module, "require_room", require_room)
    waiting = "Waiting for the folder of results: The folder cannot be reached."
    watching = Watching(stage)
    watching.when(watching.has_done(3), lambda: (stage.add("dora"), is_away.insert(0, True)))
    watching.when(lambda: watching.told[-1] == waiting, lambda: is_away.insert(0, False))
    outcome = watching.until(watching.has_done(4))
    assert stage.processed == [*NAMES, "dora"]
    assert outcome.failed == ()


def test_a_watch_outlives_results_that_were_away_for_long(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.patience_seconds = 0.0

    def before(name: str) -> None:
        if name == "anna":
            take_output_away(monkeypatch, 2)

    stage.before = before
    watching = Watching(stage)
    assert watching.until(watching.has_done(3)).failed == ()
    assert stage.processed == list(NAMES)


def test_an_empty_folder_is_watched_until_a_study_comes(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    present = listing_module.open_path

    def empty_is_an_error(path: Path, **passed: object) -> object:
        if not stage.studies:
            raise NoStudyError("The folder is empty.", str(path), "Open another.")
        return present(path, **passed)  # type: ignore[arg-type]

    monkeypatch.setattr(listing_module, "open_path", empty_is_an_error)
    studies, stage.studies = stage.studies, []
    watching = Watching(stage)
    watching.when(lambda: len(watching.told) > 10, lambda: stage.studies.extend(studies))
    watching.when(lambda: True, lambda: (stage.root / "anna" / "t1c").write_bytes(b"again"))
    watching.until(watching.has_done(3))
    assert sorted(stage.processed) == sorted(NAMES)


@pytest.mark.parametrize("is_mount_point", [False, True])
def test_a_share_that_goes_away_while_it_is_listed_loses_no_study(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, is_mount_point: bool
) -> None:
    present, away = listing_module.open_path, stage.root.with_name("away")
    listings: list[Path] = []

    def go_away(path: Path, **passed: object) -> object:
        listings.append(path)
        if len(listings) > 1:
            return present(path, **passed)  # type: ignore[arg-type]
        stage.root.rename(away)
        if is_mount_point:
            stage.root.mkdir()
            raise NoStudyError("The folder is empty.", str(path), "Open another.")
        raise InputError("There is nothing at this path.", str(path), "Open another.")

    def come_back() -> None:
        if is_mount_point:
            stage.root.rmdir()
        away.rename(stage.root)

    monkeypatch.setattr(listing_module, "open_path", go_away)
    watching = Watching(stage)
    watching.when(away.exists, come_back)
    watching.until(watching.has_done(3))
    assert "Waiting: the folder cannot be reached" in watching.told
    assert stage.processed == list(NAMES)


def test_a_study_that_still_changes_is_left_alone(stage: Stage) -> None:
    growing = stage.root / "berta" / "t1c"
    watching = Watching(stage)
    seen: list[tuple[str, ...]] = []

    def grow() -> bool:
        growing.write_bytes(growing.read_bytes() + b"more")
        seen.append(tuple(stage.processed))
        return len(seen) > 40 and len(stage.processed) == 2

    watching.when(grow, lambda: None)
    watching.until(watching.has_done(3))
    assert "Waiting until berta can be taken: files still change" in watching.told
    assert all("berta" not in processed for processed in seen)
    assert stage.processed[-1] == "berta"


@pytest.mark.parametrize("resume", [True, False])
def test_a_study_that_changes_afterwards_is_done_again(stage: Stage, resume: bool) -> None:
    watching = Watching(stage, BatchOptions(resume=resume))
    watching.when(
        watching.has_done(3), lambda: (stage.root / "anna" / "flair").write_bytes(b"a new one")
    )
    watching.until(lambda: len(stage.processed) == 4 and watching.is_idle())
    assert stage.processed == [*NAMES, "anna"]


def test_what_was_done_before_is_not_done_again(stage: Stage) -> None:
    stage.batch().run()
    stage.processed.clear()
    watching = Watching(stage)
    outcome = watching.until(watching.has_done(3))
    assert stage.processed == []
    assert all(case.resumed for case in outcome.cases)


def test_a_file_beside_the_images_changes_nothing(stage: Stage) -> None:
    watching = Watching(stage)
    watching.when(
        watching.has_done(3), lambda: (stage.root / "anna" / "notes.txt").write_text("hello")
    )
    listings: list[int] = []
    watching.when(lambda: bool(listings.append(1)) or len(listings) > 30, lambda: None)
    watching.until(watching.has_done(3))
    assert stage.processed == list(NAMES)


def test_a_failed_study_is_tried_again_when_its_files_change_and_not_before(stage: Stage) -> None:
    def fail(name: str) -> None:
        if name == "berta" and (stage.root / "berta" / "t1c").read_bytes() == b"t1c":
            raise InputError("It is damaged.", "File 3", "Send it again.")

    stage.before = fail
    watching = Watching(stage)
    watching.when(watching.has_done(2), lambda: stage.add("dora"))
    watching.when(
        watching.has_done(3), lambda: (stage.root / "berta" / "t1c").write_bytes(b"whole")
    )
    watching.until(watching.has_done(4))
    assert stage.processed == [*NAMES, "dora", "berta"]


def test_a_failed_study_makes_the_end_a_failure(stage: Stage) -> None:
    stage.fail_at("berta")
    watching = Watching(stage)
    outcome = watching.until(watching.has_done(2))
    assert [case.name for case in outcome.failed] == ["berta"]


def test_what_was_done_stays_in_the_summary_when_its_images_go(stage: Stage) -> None:
    def take_away() -> None:
        gone = stage.studies.pop(0)
        for file in gone.root.iterdir():
            file.unlink()

    watching = Watching(stage)
    watching.when(watching.has_done(3), take_away)
    watching.when(lambda: True, lambda: stage.add("dora"))
    outcome = watching.until(watching.has_done(4))
    assert {case.name for case in outcome.cases} == {*NAMES, "dora"}
    assert watching.batch.study("anna").name == "anna"


def test_a_watch_of_an_emptied_inbox_leaves_the_summary_whole(stage: Stage) -> None:
    stage.batch().run()
    for study in stage.studies:
        for file in study.root.iterdir():
            file.unlink()
    stage.studies.clear()
    stopped = CancelToken()
    stopped.cancel()
    stage.batch().watch(token=stopped)
    assert [row["study"] for row in stage.summary()] == list(NAMES)
    watching = Watching(stage)
    watching.when(watching.is_idle, lambda: stage.add("dora"))
    watching.until(watching.has_done(1))
    assert [row["study"] for row in stage.summary()] == [*NAMES, "dora"]


def test_stopped_in_a_study_the_next_watch_takes_it_up(stage: Stage) -> None:
    watching = Watching(stage)
    stage.before = lambda name: watching.token.cancel() if name == "berta" else None
    outcome = watching.batch.watch(token=watching.token, options=QUICK)
    states = [case.status for case in outcome.cases]
    assert states == [CaseStatus.DONE, CaseStatus.PENDING, CaseStatus.PENDING]
    assert outcome.failed == ()
    assert [row["state"] for row in stage.summary()] == ["done", "pending", "pending"]
    assert not (stage.output / "berta").exists()
    assert all(worker.closed for worker in stage.workers)
    stage.processed.clear()
    stage.before = lambda name: None
    again = Watching(stage)
    again.until(again.has_done(3))
    assert stage.processed == ["berta", "cäsar"]


def test_only_a_folder_can_be_watched(stage: Stage) -> None:
    for wrong in (stage.root / "nothing", stage.root / "anna" / "t1c"):
        stage.root = wrong
        with pytest.raises(InputError, match="Only a folder"):
            stage.batch().watch(token=CancelToken())


def test_a_watch_that_was_stopped_before_it_began_ends_at_once(stage: Stage) -> None:
    token = CancelToken()
    token.cancel()
    outcome = stage.batch().watch(token=token)
    assert outcome.cases == ()
    assert outcome.summary.is_file()
    assert stage.processed == []


def test_times_of_a_watch_are_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        WatchOptions(settle_seconds=0.0)


def test_waiting_ends_when_it_is_stopped() -> None:
    token = CancelToken()
    threading.Timer(0.05, token.cancel).start()
    with pytest.raises(Cancelled):
        token.wait(TOO_LONG_SECONDS)

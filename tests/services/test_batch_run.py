"""Many studies: isolation, states, progress, workers."""

import errno
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from desktop_app.domain.segmentation import Region
from desktop_app.domain.study import InstanceRef, Study
from desktop_app.errors import OutputError
from desktop_app.services.batch import Batch, BatchOptions, CaseStatus, LocalPlace, place_below
from desktop_app.services.batch import place as place_module
from desktop_app.services.batch.records import read_state
from desktop_app.services.models import ModelStore
from tests.batch_cases import NAMES, FakeWorker, Stage, statuses, take_output_away
from tests.study_cases import GEOMETRY, make_series, make_study


def test_the_studies_are_listed_before_anything_runs(stage: Stage) -> None:
    batch = stage.batch()
    assert [case.name for case in batch.find()] == list(NAMES)
    assert statuses(batch) == [CaseStatus.PENDING] * 3
    assert batch.study("berta") is stage.studies[1]
    assert not stage.output.exists()


def test_all_studies_are_done_and_summed_up(stage: Stage) -> None:
    outcome = stage.batch().run()
    assert outcome.failed == ()
    assert [case.status for case in outcome.cases] == [CaseStatus.DONE] * 3
    rows = stage.summary()
    assert [row["study"] for row in rows] == list(NAMES)
    assert rows[0]["state"] == "done"
    voxel_mm3 = GEOMETRY.voxel_volume_mm3
    assert float(rows[0]["ET_mm3"]) == pytest.approx(3 * voxel_mm3, abs=0.05)
    assert float(rows[0]["ED_mm3"]) == 0
    assert (rows[0]["ET_long_mm"], rows[0]["ET_short_mm"]) == ("3.0", "1.0")
    assert rows[0]["WT_long_mm"] == rows[0]["ET_long_mm"]
    assert rows[0]["warnings"] == "T1 is missing."
    assert float(rows[0]["seconds"]) >= 0
    assert outcome.cases[0].volumes_mm3[Region.WT] == 3 * voxel_mm3
    assert all(worker.closed for worker in stage.workers)


def test_a_failed_study_does_not_stop_the_rest(stage: Stage) -> None:
    stage.fail_at("anna")
    outcome = stage.batch().run()
    assert [case.status for case in outcome.cases] == [
        CaseStatus.FAILED,
        CaseStatus.DONE,
        CaseStatus.DONE,
    ]
    assert [case.name for case in outcome.failed] == ["anna"]
    assert stage.summary()[0]["error"] == "It is damaged. | File 3 | Send it again."
    kept = read_state(stage.output, "anna")
    assert kept is not None
    assert kept.reason == "It is damaged.\nFile 3\nSend it again."


@pytest.mark.expects_logs
def test_a_defect_costs_one_study_and_is_reported(stage: Stage) -> None:
    stage.fail_at("berta", error=ZeroDivisionError("here"))
    outcome = stage.batch().run()
    assert [case.name for case in outcome.failed] == ["berta"]
    assert "ZeroDivisionError" in outcome.failed[0].reason
    assert "ZeroDivisionError: here" in stage.defects[0]


@pytest.mark.expects_logs
def test_a_defect_whose_report_cannot_be_kept_costs_one_study(stage: Stage) -> None:
    class Full(list[str]):
        def append(self, trace: str) -> None:
            raise OutputError("There is no room left on the disk.", "Writing crashes", "Make room.")

    stage.defects = Full()
    stage.fail_at("berta", error=ZeroDivisionError("here"))
    batch = stage.batch()
    batch.run()
    assert statuses(batch) == [CaseStatus.DONE, CaseStatus.FAILED, CaseStatus.DONE]
    assert "No crash report" in batch.cases[1].reason


def test_every_change_is_told(stage: Stage) -> None:
    stage.studies = stage.studies[:1]
    stage.batch().run()
    assert [(case.status, case.fraction) for case in stage.told] == [
        (CaseStatus.RUNNING, 0.0),
        (CaseStatus.RUNNING, 0.5),
        (CaseStatus.DONE, 1.0),
    ]


def test_progress_covers_what_is_left_to_do(stage: Stage) -> None:
    stage.fail_at("anna", "berta")
    stage.batch().run()
    told: list[float] = []
    stage.batch().run(progress=lambda fraction, text: told.append(fraction))
    assert told == [0.25, 0.5, 0.75, 1.0]


def test_several_workers_share_the_studies(stage: Stage) -> None:
    both = threading.Barrier(2, timeout=10)
    stage.studies = stage.studies[:2]
    stage.before = lambda name: (both.wait(), None)[1]
    outcome = stage.batch(workers=2).run()
    assert sorted(stage.processed) == ["anna", "berta"]
    assert len(stage.workers) == 2
    assert all(worker.closed for worker in stage.workers)
    assert outcome.failed == ()


def test_no_more_workers_than_studies(stage: Stage) -> None:
    stage.batch(workers=9).run()
    assert len(stage.workers) == 3


def test_the_model_of_the_store_is_used(stage: Stage) -> None:
    stage.batch().run()
    assert stage.options_seen[0].segment.weights_folder == stage.weights


def test_where_states_cannot_be_kept_the_batch_ends(stage: Stage) -> None:
    stage.output.parent.mkdir(exist_ok=True)
    stage.output.write_text("a file in the way")
    with pytest.raises(OutputError):
        stage.batch().run()
    assert stage.processed == []


def fail_once_at(patch: pytest.MonkeyPatch, file_name: str, error: OSError) -> list[Path]:
    """Have the first writing of a file of this name fail; returns where that was."""
    failed: list[Path] = []
    replace_file = Path.replace

    def hiccup(self: Path, target: Path) -> Path:
        if target.name == file_name and not failed:
            failed.append(target)
            raise error
        return replace_file(self, target)

    patch.setattr(Path, "replace", hiccup)
    return failed


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ESTALE, "Stale file handle"),
        OSError(errno.EHOSTDOWN, "Host is down"),
        OSError(errno.EMFILE, "Too many open files"),
        FileNotFoundError(errno.ENOENT, "No such file or directory"),
        OSError(errno.EIO, "Input/output error"),
    ],
)
@pytest.mark.parametrize("file_name", ["anna.json", "summary.csv"])
def test_a_share_that_is_away_for_a_moment_costs_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, error: OSError, file_name: str
) -> None:
    failed = fail_once_at(monkeypatch, file_name, error)
    assert stage.batch().run().failed == ()
    assert len(failed) == 1
    assert stage.processed == list(NAMES)
    assert [row["state"] for row in stage.summary()] == ["done"] * 3
    kept = [read_state(stage.output, name) for name in NAMES]
    assert [one.status for one in kept if one is not None] == [CaseStatus.DONE] * 3


def test_the_last_state_is_written_when_the_share_is_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = OSError(errno.ESTALE, "Stale file handle")

    def before(name: str) -> None:
        if name == "cäsar":
            fail_once_at(monkeypatch, "cäsar.json", stale)

    stage.before = before
    stage.batch().run()
    kept = read_state(stage.output, "cäsar")
    assert kept is not None
    assert kept.status is CaseStatus.DONE


def test_no_study_begins_while_results_cannot_be_written(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place_module, "_LOOK_AGAIN_SECONDS", 0.001)
    said: list[str] = []
    begun_after: list[int] = []

    def before(name: str) -> None:
        begun_after.append(sum(text.startswith("Waiting") for text in said))
        if name == "anna":
            take_output_away(monkeypatch, 3)

    stage.before = before
    outcome = stage.batch().run(progress=lambda _, text: said.append(text))
    assert outcome.failed == ()
    assert begun_after == [0, 3, 3]
    assert "Waiting for the folder of results: The folder cannot be reached." in said


def test_results_that_cannot_be_written_for_long_end_the_batch(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.before = lambda name: take_output_away(monkeypatch, 1000)
    stage.patience_seconds = 0.0
    batch = stage.batch()
    with pytest.raises(OutputError, match="cannot be reached"):
        batch.run()
    assert stage.processed == ["anna"]
    assert statuses(batch) == [CaseStatus.DONE, CaseStatus.PENDING, CaseStatus.PENDING]


def test_a_full_disk_is_told_before_anything_is_read(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_output_away(monkeypatch, 1)
    monkeypatch.setattr(Batch, "find", lambda *_, **__: pytest.fail("nothing is to be read"))
    with pytest.raises(OutputError, match="cannot be reached"):
        stage.batch().run()


def test_states_that_somebody_else_keeps_are_told_before_anything_is_read(stage: Stage) -> None:
    stage.output.mkdir()
    (stage.output / ".gliascope").write_text("not a folder of states")
    with pytest.raises(OutputError, match="file is in the place"):
        stage.batch().run()
    assert stage.processed == []


def test_a_summary_that_cannot_be_written_waits_and_stops_no_study(stage: Stage) -> None:
    in_the_way = stage.output / "summary.csv"
    in_the_way.mkdir(parents=True)

    def close_the_spreadsheet(name: str) -> None:
        if name == "berta":
            in_the_way.rmdir()

    stage.before = close_the_spreadsheet
    assert stage.batch().run().failed == ()
    assert [row["state"] for row in stage.summary()] == ["done"] * 3


def test_a_summary_that_can_never_be_written_is_told_in_the_end(stage: Stage) -> None:
    (stage.output / "summary.csv").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"summary\.csv"):
        stage.batch().run()
    assert stage.processed == list(NAMES)
    assert all(case.resumed for case in stage.batch().find())


@pytest.mark.parametrize("skipped", [[], [("root/ct", "computed tomography")]])
def test_a_list_of_what_was_skipped_that_cannot_be_written_costs_no_summary(
    stage: Stage, skipped: list[tuple[str, str]]
) -> None:
    stage.skipped = skipped
    (stage.output / "skipped.csv").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"skipped\.csv"):
        stage.batch().run()
    assert [row["state"] for row in stage.summary()] == ["done"] * 3


def test_a_study_whose_files_vanished_fails_alone(stage: Stage) -> None:
    (stage.root / "anna" / "t1c").unlink()
    outcome = stage.batch().run()
    assert [case.name for case in outcome.failed] == ["anna"]
    assert "cannot be read" in outcome.failed[0].reason


def test_at_least_one_worker() -> None:
    with pytest.raises(ValueError, match="worker"):
        LocalPlace(FakeWorker, workers=0)


def test_the_computer_is_awake_while_studies_run(stage: Stage) -> None:
    is_awake = [False]
    seen: list[bool] = []

    @contextmanager
    def awake() -> Iterator[None]:
        is_awake[0] = True
        yield
        is_awake[0] = False

    stage.before = lambda name: seen.append(is_awake[0])
    place = LocalPlace(stage.make_worker)
    models = ModelStore(stage.weights, stage.weights / "none")
    options = BatchOptions()
    batch = Batch(stage.root, stage.output, options, models=models, place=place, awake=awake)
    batch.find()
    assert not is_awake[0]
    batch.run()
    assert seen == [True] * 3
    assert not is_awake[0]


def test_the_folder_of_a_study_is_told_from_the_batchs_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLIASCOPE_USER_DATA", str(tmp_path / "user"))
    root = tmp_path / "night"

    def study_in(*folders: Path) -> Study:
        series = [
            make_series(str(number), instances=(InstanceRef(folder / "1.dcm"),))
            for number, folder in enumerate(folders)
        ]
        return make_study(root=root, series=tuple(series))

    t1, t2 = root / "ward" / "one" / "t1", root / "ward" / "one" / "t2"
    assert place_below(root, study_in(t1, t2)) == str(Path("ward", "one"))
    assert place_below(root, study_in(t1)) == str(Path("ward", "one", "t1"))
    assert place_below(root, study_in(root)) == "night"
    unpacked = tmp_path / "user" / "unpacked" / "7-computer" / "0123" / "sent"
    assert place_below(root, study_in(unpacked / "t1", unpacked / "t2")) == "sent"

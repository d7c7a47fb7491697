"""Studies on a Dask cluster: what goes there, what comes back, what goes wrong on the way."""

import importlib.util
import io
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from distributed import LocalCluster

import desktop_app
from desktop_app.errors import (
    Cancelled,
    DeviceError,
    ExitCode,
    InputError,
    OutputError,
    UsageError,
)
from desktop_app.jobs.cancel import CancelToken
from desktop_app.services.batch import Batch, BatchOptions, BatchOutcome, CaseState, CaseStatus
from desktop_app.services.batch import cluster as cluster_module
from desktop_app.services.batch import cluster_worker as worker_module
from desktop_app.services.batch import place as place_module
from desktop_app.services.batch.attempt import StudyOrder, attempt
from desktop_app.services.batch.cluster import ClusterPlace
from desktop_app.services.batch.cluster_messages import (
    Advanced,
    RemoteOrder,
    read_messages,
    read_order,
    write_message,
)
from desktop_app.services.batch.records import read_state
from desktop_app.services.models import ModelStore
from tests.batch_cases import (
    NAMES,
    FakeWorker,
    Stage,
    statuses,
    take_output_away,
    write_model,
)
from tests.study_cases import PROVENANCE


def make_cluster(workers: int) -> LocalCluster:
    """Return a cluster in this process, reached by TCP on the loopback interface alone."""
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=False,
        protocol="tcp://",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
    )


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with make_cluster(1) as cluster:
        yield cluster


class Process:
    """In place of a study's process: does the same at once, in this one."""

    kept_back: Any = None
    stage: Stage

    def __init__(self, remote: RemoteOrder) -> None:
        # As far as the order travels to a real one.
        stream = io.BytesIO()
        write_message(stream, remote)
        stream.seek(0)
        self.order = read_order(stream).order
        self.messages: Iterator[CaseState | Advanced | None] = self.work()

    def work(self) -> Iterator[CaseState | Advanced | None]:
        yield Advanced(0.25, "Reading the images")
        while self.kept_back is not None:
            self.kept_back()
            yield None
        yield attempt(self.order, FakeWorker(), progress=lambda *_: None, token=CancelToken())

    def next(self, seconds: float) -> CaseState | Advanced | None:
        del seconds
        return next(self.messages)

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        return


@pytest.fixture
def quick(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> type[Process]:
    """Studies take no process of their own."""

    class OwnProcess(Process):
        pass

    monkeypatch.setattr(worker_module, "_Process", OwnProcess)
    monkeypatch.setattr(worker_module, "_ASK_SECONDS", 0.01)
    monkeypatch.setattr(worker_module, "_TELL_SECONDS", 0.0)
    return OwnProcess


def batch_on(cluster: LocalCluster, stage: Stage, **options: Any) -> Batch:
    place = ClusterPlace(cluster.scheduler_address, **options)
    models = ModelStore(stage.weights, stage.weights / "none")
    return Batch(
        stage.root,
        stage.output,
        BatchOptions(),
        models=models,
        place=place,
        on_case=stage.told.append,
    )


def timeless(outcome: BatchOutcome) -> list[CaseState]:
    return [replace(case, seconds=0.0) for case in outcome.cases]


def test_results_and_states_are_those_of_this_computer(
    cluster: LocalCluster, stage: Stage, quick: type[Process]
) -> None:
    there = batch_on(cluster, stage).run()
    kept = [read_state(stage.output, name) for name in NAMES]
    assert sorted(stage.processed) == sorted(NAMES)
    assert (stage.output / "anna" / "measurements.json").is_file()
    stage.output = stage.root.with_name("here")
    here = stage.batch().run()
    assert timeless(there) == timeless(here)
    assert [replace(state, seconds=0.0) for state in kept if state is not None] == [
        replace(state, fraction=0.0) for state in timeless(here)
    ]


def test_paths_typed_from_here_reach_workers_that_run_elsewhere(
    cluster: LocalCluster, stage: Stage, quick: type[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(stage.root.parent)
    root, output = stage.root, stage.output
    stage.root, stage.output = (path.relative_to(root.parent) for path in (root, output))
    batch = batch_on(cluster, stage)
    monkeypatch.chdir(stage.weights)
    assert batch.root == root
    assert batch.run().failed == ()
    assert (output / "anna" / "measurements.json").is_file()
    assert not (stage.weights / stage.output).exists()


def test_what_was_done_on_a_cluster_is_not_done_again_here(
    cluster: LocalCluster, stage: Stage, quick: type[Process]
) -> None:
    batch_on(cluster, stage).run()
    stage.processed.clear()
    assert all(case.resumed for case in stage.batch().run().cases)
    assert all(case.resumed for case in batch_on(cluster, stage).run().cases)
    assert stage.processed == []


def test_progress_comes_back(cluster: LocalCluster, stage: Stage, quick: type[Process]) -> None:
    told: list[tuple[float, str]] = []
    batch_on(cluster, stage, at_a_time=1).run(lambda *event: told.append(event))
    assert told[0] == (0.0, "anna: Waiting for a worker")
    assert (pytest.approx(0.25 / 3), "anna: Reading the images") in told
    assert told[-1] == (1.0, "cäsar")
    running = [case for case in stage.told if case.status is CaseStatus.RUNNING]
    assert {case.name for case in running} == set(NAMES)


def test_a_failed_study_does_not_stop_the_rest(
    cluster: LocalCluster, stage: Stage, quick: type[Process]
) -> None:
    stage.fail_at("anna")
    (stage.root / "berta" / "t1c").unlink()
    outcome = batch_on(cluster, stage).run()
    assert [case.name for case in outcome.failed] == ["anna", "berta"]
    assert outcome.failed[0].reason == "It is damaged.\nFile 3\nSend it again."
    assert "cannot be read" in outcome.failed[1].reason
    assert stage.processed == ["anna", "cäsar"]


def test_no_study_is_handed_over_while_results_cannot_be_written(
    cluster: LocalCluster, stage: Stage, quick: type[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place_module, "_LOOK_AGAIN_SECONDS", 0.001)
    said: list[str] = []

    def note(fraction: float, text: str) -> None:
        if text == "anna: Waiting for a worker":
            take_output_away(monkeypatch, 3)
        said.append(text)

    assert batch_on(cluster, stage).run(note).failed == ()
    waiting = "Waiting for the folder of results: The folder cannot be reached."
    assert said.count(waiting) == 3
    assert said.index(waiting) < said.index("berta: Waiting for a worker")


def test_results_away_for_long_end_a_batch_on_a_cluster(
    cluster: LocalCluster, stage: Stage, quick: type[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.before = lambda name: take_output_away(monkeypatch, 1000)
    with pytest.raises(OutputError, match="cannot be reached"):
        batch_on(cluster, stage, at_a_time=1, patience_seconds=0.0).run()
    assert stage.processed == ["anna"]


def test_a_study_in_an_archive_stays_here(
    cluster: LocalCluster, stage: Stage, quick: type[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unpacked(path: Path) -> str:
        return path.name if "anna" in path.parts else str(path.resolve())

    monkeypatch.setattr(cluster_module, "lasting_name", unpacked)
    outcome = batch_on(cluster, stage).run()
    assert [case.name for case in outcome.failed] == ["anna"]
    assert "Unpack the archive" in outcome.failed[0].reason


def test_stopped_nothing_is_left_running_or_waiting(
    cluster: LocalCluster, stage: Stage, quick: type[Process]
) -> None:
    token = CancelToken()
    quick.kept_back = staticmethod(token.cancel)
    batch = batch_on(cluster, stage)
    with pytest.raises(Cancelled):
        batch.run(token=token)
    assert statuses(batch) == [CaseStatus.PENDING] * 3
    assert stage.processed == []
    assert not (stage.output / "anna").exists()
    assert cluster.scheduler.tasks == {}
    quick.kept_back = None
    assert batch.run().failed == ()
    assert stage.processed == list(NAMES)


def test_stopped_while_studies_are_handed_over_no_more_are(
    cluster: LocalCluster, stage: Stage, quick: type[Process]
) -> None:
    token = CancelToken()
    handed_over: list[str] = []

    def stop_at_once(fraction: float, text: str) -> None:
        handed_over.append(text)
        token.cancel()

    with pytest.raises(Cancelled):
        batch_on(cluster, stage).run(stop_at_once, token)
    assert [text for text in handed_over if "Waiting" in text] == ["anna: Waiting for a worker"]


def test_what_comes_back_is_noted_after_each_study_that_is_handed_over(
    cluster: LocalCluster, stage: Stage, quick: type[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    submit, turn = cluster_module._Run.submit, cluster_module._Run.turn

    def hand_over(run: Any, order: StudyOrder) -> None:
        done.append(order.study.name)
        submit(run, order)

    def note(run: Any, seconds: float) -> None:
        done.append("turn" if seconds == 0 else "wait")
        turn(run, seconds)

    monkeypatch.setattr(cluster_module._Run, "submit", hand_over)
    monkeypatch.setattr(cluster_module._Run, "turn", note)
    batch_on(cluster, stage).run()
    assert done[:7] == ["anna", "turn", "berta", "turn", "cäsar", "turn", "wait"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_answers_that_cannot_be_understood_cost_one_study(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown_class(stream: object) -> Iterator[Advanced]:
        yield Advanced(0.5, "Segmenting")
        raise AttributeError("no such class here")

    monkeypatch.setattr(worker_module, "read_messages", unknown_class)
    monkeypatch.setattr(worker_module, "_END_SECONDS", 0.05)
    with worker_module._Process(RemoteOrder(a_worker_order(stage), "1")) as process:
        assert process.next(10.0) == Advanced(0.5, "Segmenting")
        with pytest.raises(DeviceError, match="cannot be understood"):
            process.next(10.0)


def test_a_process_that_dies_costs_one_study(
    cluster: LocalCluster, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No program there: it ends before it can read its order.
    monkeypatch.setattr(worker_module, "COMMAND", "--no-such-option")
    stage.studies = stage.studies[:1]
    outcome = batch_on(cluster, stage).run()
    assert [case.name for case in outcome.failed] == ["anna"]
    assert "its process ended with code 2" in outcome.failed[0].reason


def test_the_process_of_a_study_ends_with_its_task(stage: Stage) -> None:
    with worker_module._Process(RemoteOrder(a_worker_order(stage), "1")) as process:
        assert process.next(0.0) is None
    assert process._process.returncode is not None


def a_worker_order(stage: Stage) -> StudyOrder:
    batch = stage.batch()
    batch.find()
    return batch._make_order(batch.study("anna"))


def test_a_worker_of_another_version_says_so(
    cluster: LocalCluster,
    stage: Stage,
    quick: type[Process],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def older(order: StudyOrder, version: str) -> RemoteOrder:
        return RemoteOrder(order, "0.0.1")

    monkeypatch.setattr(cluster_module, "RemoteOrder", older)
    outcome = batch_on(cluster, stage).run()
    assert len(outcome.failed) == 3
    assert f"The worker runs Gliascope {desktop_app.__version__}" in outcome.failed[0].reason


def test_weights_are_the_workers_own_and_the_same(stage: Stage, tmp_path: Path) -> None:
    order = a_worker_order(stage)
    models = ModelStore(stage.weights, tmp_path / "none")
    mine = worker_module.with_weights_of(models, order)
    assert mine.options.segment.weights_folder == stage.weights
    write_model(stage.weights, PROVENANCE.weights_sha256, calibration={"temperature": 2.0})
    with pytest.raises(UsageError, match="Another model"):
        worker_module.with_weights_of(models, order)


def test_a_cluster_without_workers_is_given_up(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_module, "_COUNT_WORKERS_SECONDS", 0.1)
    with make_cluster(0) as empty:
        outcome = batch_on(empty, stage, workerless_seconds=0.3).run()
    assert len(outcome.failed) == 3
    assert outcome.failed[0].reason.startswith("The cluster has no workers.")


def test_a_defect_of_the_cluster_itself_is_told(
    cluster: LocalCluster, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(remote: RemoteOrder, channel: str) -> CaseState:
        raise ModuleNotFoundError("No module named 'desktop_app'")

    monkeypatch.setattr(cluster_module, "segment_on_worker", broken)
    outcome = batch_on(cluster, stage).run()
    assert len(outcome.failed) == 3
    assert "ModuleNotFoundError: No module named 'desktop_app'" in outcome.failed[0].reason


def test_nobody_at_the_address() -> None:
    with pytest.raises(InputError) as raised:
        ClusterPlace("tcp://127.0.0.1:9", connect_seconds=0.5).prepare()
    assert raised.value.code is ExitCode.INPUT
    assert "--scheduler tcp://127.0.0.1:9" in raised.value.detail


@pytest.mark.parametrize("address", ["", "nonsense://x:1", "127.0.0.1:port"])
def test_no_address_at_all(address: str) -> None:
    with pytest.raises(UsageError, match="no address"):
        ClusterPlace(address, connect_seconds=0.5).prepare()


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="not installed") as raised:
        ClusterPlace("tcp://127.0.0.1:9").prepare()
    assert "docs/BATCH.md" in raised.value.remedy


def test_messages_end_where_the_process_dies() -> None:
    stream = io.BytesIO()
    write_message(stream, Advanced(0.5, "Segmenting"))
    write_message(stream, CaseState("anna", "1"))
    cut = io.BytesIO(stream.getvalue()[:-5])
    assert list(read_messages(cut)) == [Advanced(0.5, "Segmenting")]

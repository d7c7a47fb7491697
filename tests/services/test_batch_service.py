"""Many studies: isolation, resuming, stopping and the files that tell how it went."""

import csv
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop_app.domain.segmentation import Region
from desktop_app.domain.study import InstanceRef, Study
from desktop_app.errors import Cancelled, InputError, OutputError
from desktop_app.io.atomic import atomic_folder
from desktop_app.io.scan import ScanResult
from desktop_app.jobs.cancel import CancelToken
from desktop_app.services import batch as batch_module
from desktop_app.services.batch import Batch, BatchOptions
from desktop_app.services.batch_state import CaseState, CaseStatus, read_state
from desktop_app.services.case import CaseOptions, CaseOutcome, ExportOptions
from desktop_app.services.models import ModelStore
from desktop_app.services.segment import SegmentOptions
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_series, make_study, roles_of

NAMES = ("anna", "berta", "cäsar")


class FakeWorker:
    def __init__(self) -> None:
        self.closed = False

    def warm(self, *_: Any) -> None: ...

    def segment(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("the case is replaced as a whole")

    def close(self) -> None:
        self.closed = True


@dataclass
class Stage:
    """A folder of studies whose processing is replaced."""

    root: Path
    output: Path
    weights: Path
    studies: list[Study]
    processed: list[str] = field(default_factory=list)
    options_seen: list[CaseOptions] = field(default_factory=list)
    before: Callable[[str], None] = lambda name: None
    workers: list[FakeWorker] = field(default_factory=list)
    told: list[CaseState] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)

    def batch(self, options: BatchOptions | None = None) -> Batch:
        return Batch(
            self.root,
            self.output,
            options or BatchOptions(),
            models=ModelStore(self.weights, self.weights / "none"),
            make_worker=self.make_worker,
            on_case=self.told.append,
            on_defect=self.defects.append,
        )

    def make_worker(self) -> FakeWorker:
        self.workers.append(FakeWorker())
        return self.workers[-1]

    def process(
        self, study: Study, roles: Any, options: CaseOptions, output: Path, *_: Any, **passed: Any
    ) -> CaseOutcome:
        self.processed.append(study.name)
        self.options_seen.append(options)
        passed["progress"](0.5, "Segmenting")
        self.before(study.name)
        passed["token"].raise_if_cancelled()
        labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
        labels[1, 1, 1:4] = 3
        with atomic_folder(output / study.name) as staging:
            (staging / "measurements.json").write_text("{}")
        result = make_result(study, labels, ("T1 is missing.",))
        folder = output / study.name
        return CaseOutcome(result, folder, (folder / "measurements.json",))

    def summary(self) -> list[dict[str, str]]:
        with (self.output / "summary.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    weights = tmp_path / "weights"
    weights.mkdir()
    write_model(weights, "aa")
    stage = Stage(tmp_path / "root", tmp_path / "output", weights, [])
    for name in NAMES:
        folder = stage.root / name
        folder.mkdir(parents=True)
        series = []
        for uid in ("t1c", "flair"):
            (folder / uid).write_bytes(uid.encode())
            series.append(make_series(uid, instances=(InstanceRef(folder / uid),)))
        stage.studies.append(make_study(name=name, root=folder, series=tuple(series)))

    monkeypatch.setattr(
        batch_module,
        "open_path",
        lambda path, **_: ScanResult(tuple(stage.studies), tuple(stage.skipped)),
    )
    monkeypatch.setattr(batch_module, "choose_roles", lambda study, _: roles_of(study))
    monkeypatch.setattr(batch_module, "process_study", stage.process)
    return stage


def write_model(folder: Path, sha256: str) -> None:
    (folder / "slim_unetrpp.safetensors").write_bytes(b"x")
    card = {"schema": "gliascope/model-card/1", "sha256": sha256}
    (folder / "slim_unetrpp.json").write_text(json.dumps(card))


def statuses(batch: Batch) -> list[CaseStatus]:
    return [case.status for case in batch.cases]


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
    assert rows[0]["warnings"] == "T1 is missing."
    assert float(rows[0]["seconds"]) >= 0
    assert outcome.cases[0].volumes_mm3[Region.WT] == 3 * voxel_mm3
    assert all(worker.closed for worker in stage.workers)


def test_a_failed_study_does_not_stop_the_rest(stage: Stage) -> None:
    def fail(name: str) -> None:
        if name == "anna":
            raise InputError("It is damaged.", "File 3", "Send it again.")

    stage.before = fail
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
    def fail(name: str) -> None:
        if name == "berta":
            raise ZeroDivisionError("here")

    stage.before = fail
    outcome = stage.batch().run()
    assert [case.name for case in outcome.failed] == ["berta"]
    assert "ZeroDivisionError" in outcome.failed[0].reason
    assert "ZeroDivisionError: here" in stage.defects[0]


def test_what_is_done_is_not_done_again(stage: Stage) -> None:
    first = stage.batch().run()
    stage.processed.clear()
    again = stage.batch()
    outcome = again.run()
    assert stage.processed == []
    assert all(case.resumed for case in outcome.cases)
    assert outcome.cases[0].volumes_mm3 == first.cases[0].volumes_mm3
    assert stage.summary()[2]["state"] == "done"


def test_without_resuming_everything_is_done_again(stage: Stage) -> None:
    stage.batch().run()
    stage.processed.clear()
    stage.batch(BatchOptions(resume=False)).run()
    assert stage.processed == list(NAMES)


def test_failed_studies_are_tried_again(stage: Stage) -> None:
    def fail(name: str) -> None:
        if name == "berta":
            raise InputError("Damaged.", "x", "y")

    stage.before = fail
    stage.batch().run()
    stage.processed.clear()
    stage.before = lambda name: None
    outcome = stage.batch().run()
    assert stage.processed == ["berta"]
    assert outcome.failed == ()


def changed_input(stage: Stage) -> BatchOptions:
    (stage.root / "anna" / "t1c").write_bytes(b"longer than before")
    return BatchOptions()


def changed_export(stage: Stage) -> BatchOptions:
    return BatchOptions(CaseOptions(export=ExportOptions(et_label=4)))


def changed_precision(stage: Stage) -> BatchOptions:
    return BatchOptions(CaseOptions(SegmentOptions(precision="fp32")))


def changed_weights(stage: Stage) -> BatchOptions:
    write_model(stage.weights, "bb")
    return BatchOptions()


def lost_results(stage: Stage) -> BatchOptions:
    (stage.output / "anna" / "measurements.json").unlink()
    return BatchOptions()


def damaged_state(stage: Stage) -> BatchOptions:
    (stage.output / ".gliascope" / "anna.json").write_text('{"schema": "gliascope/ba')
    return BatchOptions()


def foreign_state(stage: Stage) -> BatchOptions:
    (stage.output / ".gliascope" / "anna.json").write_text("[1, 2]")
    return BatchOptions()


@pytest.mark.parametrize(
    ("change", "again"),
    [
        (changed_input, ["anna"]),
        (lost_results, ["anna"]),
        (damaged_state, ["anna"]),
        (foreign_state, ["anna"]),
        (changed_export, list(NAMES)),
        (changed_precision, list(NAMES)),
        (changed_weights, list(NAMES)),
    ],
)
def test_results_that_are_out_of_date_are_made_again(
    stage: Stage, change: Callable[[Stage], BatchOptions], again: list[str]
) -> None:
    stage.batch().run()
    stage.processed.clear()
    stage.batch(change(stage)).run()
    assert stage.processed == again


def test_a_study_that_ran_when_the_program_died_is_run_again(stage: Stage) -> None:
    stage.batch().run()
    file = stage.output / ".gliascope" / "berta.json"
    file.write_text(file.read_text().replace('"done"', '"running"'))
    stage.processed.clear()
    stage.batch().run()
    assert stage.processed == ["berta"]


def test_stopped_and_started_again_it_goes_on(stage: Stage) -> None:
    token = CancelToken()
    stage.before = lambda name: token.cancel() if name == "berta" else None
    batch = stage.batch()
    with pytest.raises(Cancelled):
        batch.run(token=token)
    assert statuses(batch) == [CaseStatus.DONE, CaseStatus.PENDING, CaseStatus.PENDING]
    assert [row["state"] for row in stage.summary()] == ["done", "pending", "pending"]
    assert not (stage.output / "berta").exists()
    assert all(worker.closed for worker in stage.workers)
    stage.processed.clear()
    batch.run()
    assert stage.processed == ["berta", "cäsar"]
    assert statuses(batch) == [CaseStatus.DONE] * 3


def test_every_change_is_told(stage: Stage) -> None:
    stage.studies = stage.studies[:1]
    stage.batch().run()
    assert [(case.status, case.fraction) for case in stage.told] == [
        (CaseStatus.RUNNING, 0.0),
        (CaseStatus.RUNNING, 0.5),
        (CaseStatus.DONE, 1.0),
    ]


def test_progress_covers_what_is_left_to_do(stage: Stage) -> None:
    def fail(name: str) -> None:
        if name != "cäsar":
            raise InputError("Damaged.", "x", "y")

    stage.before = fail
    stage.batch().run()
    told: list[float] = []
    stage.batch().run(progress=lambda fraction, text: told.append(fraction))
    assert told == [0.25, 0.5, 0.75, 1.0]


def test_several_workers_share_the_studies(stage: Stage) -> None:
    both = threading.Barrier(2, timeout=10)
    stage.studies = stage.studies[:2]
    stage.before = lambda name: (both.wait(), None)[1]
    outcome = stage.batch(BatchOptions(workers=2)).run()
    assert sorted(stage.processed) == ["anna", "berta"]
    assert len(stage.workers) == 2
    assert all(worker.closed for worker in stage.workers)
    assert outcome.failed == ()


def test_no_more_workers_than_studies(stage: Stage) -> None:
    stage.batch(BatchOptions(workers=9)).run()
    assert len(stage.workers) == 3


def test_the_model_of_the_store_is_used(stage: Stage) -> None:
    stage.batch().run()
    assert stage.options_seen[0].segment.weights_folder == stage.weights


def test_earlier_results_below_the_root_are_no_studies(stage: Stage) -> None:
    stage.output = stage.root / "results"
    own = make_study(name="own", root=stage.output / "anna")
    stage.studies.append(own)
    stage.skipped = [(str(stage.output / "anna" / "report.pdf"), "not an image")]
    assert [case.name for case in stage.batch().find()] == list(NAMES)
    assert stage.batch().run().skipped == ()
    stage.studies = [own]
    with pytest.raises(InputError):
        stage.batch().find()


def test_earlier_results_in_the_root_itself_are_no_studies(stage: Stage) -> None:
    stage.output = stage.root
    labels = stage.root / "anna_0" / "segmentation.nii.gz"
    series = make_series(str(labels), instances=(InstanceRef(labels),))
    own = make_study(name="anna_0", root=labels.parent, series=(series,), roles={})
    stage.studies.append(own)
    stage.skipped = [(str(labels.with_name("report.pdf")), "not an image")]
    batch = stage.batch()
    assert [case.name for case in batch.find()] == list(NAMES)
    assert batch.run().skipped == ()


def test_results_above_the_root_leave_the_studies(stage: Stage) -> None:
    stage.output = stage.root.parent
    assert [case.name for case in stage.batch().find()] == list(NAMES)


def test_the_results_of_another_batch_stay(stage: Stage) -> None:
    theirs = stage.output / "anna" / "measurements.json"
    theirs.parent.mkdir(parents=True)
    theirs.write_text('{"study": {"study_uid": "of another patient"}}')
    outcome = stage.batch().run()
    assert [case.name for case in outcome.cases] == ["anna_2", "berta", "cäsar"]
    assert "another patient" in theirs.read_text()
    assert [case.resumed for case in stage.batch().run().cases] == [True] * 3


def test_an_anonymised_batch_leaves_no_name_behind(stage: Stage) -> None:
    def fail(name: str) -> None:
        if name == stage.processed[0]:
            raise InputError("It is damaged.", str(stage.root / "anna"), "Send it again.")

    stage.before = fail
    stage.skipped = [("root/anna/letter.txt", "not an image")]
    stage.studies = [
        replace(study, study_uid=f"1.2.{number}") for number, study in enumerate(stage.studies)
    ]
    options = BatchOptions(CaseOptions(export=ExportOptions(anonymise=True)))
    outcome = stage.batch(options).run()
    names = [case.name for case in outcome.cases]
    assert len(set(names)) == 3
    assert all(name.startswith("ANON-") for name in names)
    assert "anna" in outcome.failed[0].reason
    for path in stage.output.rglob("*"):
        assert not any(name in str(path.relative_to(stage.output)) for name in NAMES)
        text = path.read_text("utf-8") if path.is_file() else ""
        assert not any(private in text for private in (*NAMES, "1.2.", "Müller", "letter"))
    assert stage.summary()[0]["error"] == "It is damaged. | [removed] | Send it again."
    stage.processed.clear()
    stage.before = lambda name: None
    again = stage.batch(options).run()
    assert [case.name for case in again.cases] == names
    assert stage.processed == names[:1]
    assert [case.study_uid for case in again.cases] == ["1.2.0", "1.2.1", "1.2.2"]


def test_where_states_cannot_be_kept_the_batch_ends(stage: Stage) -> None:
    stage.output.parent.mkdir(exist_ok=True)
    stage.output.write_text("a file in the way")
    with pytest.raises(OutputError):
        stage.batch().run()
    assert stage.processed == []


def test_a_study_whose_files_vanished_fails_alone(stage: Stage) -> None:
    (stage.root / "anna" / "t1c").unlink()
    outcome = stage.batch().run()
    assert [case.name for case in outcome.failed] == ["anna"]
    assert "cannot be read" in outcome.failed[0].reason


def test_a_done_study_whose_files_vanished_is_tried_again(stage: Stage) -> None:
    stage.batch().run()
    (stage.root / "anna" / "t1c").unlink()
    assert stage.batch().find()[0].status is CaseStatus.PENDING


def test_states_survive_the_disk(stage: Stage) -> None:
    outcome = stage.batch().run()
    for case in outcome.cases:
        assert read_state(stage.output, case.name) == replace(case, fraction=0.0)


def test_what_belongs_to_no_study_is_told(stage: Stage) -> None:
    stage.skipped = [("root/ct", "computed tomography"), ("root/ü.txt", "not an image")]
    assert stage.batch().run().skipped == tuple(stage.skipped)
    with (stage.output / "skipped.csv").open(encoding="utf-8", newline="") as file:
        assert [tuple(row) for row in csv.reader(file)] == [("skipped", "reason"), *stage.skipped]
    stage.skipped = []
    stage.batch().run()
    assert not (stage.output / "skipped.csv").exists()


def test_at_least_one_worker() -> None:
    with pytest.raises(ValueError, match="worker"):
        BatchOptions(workers=0)

"""Stopped and started again: what is done stays, what is out of date is made again."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from desktop_app.errors import Cancelled, OutputError
from desktop_app.jobs.cancel import CancelToken
from desktop_app.services.batch import BatchOptions, CaseStatus
from desktop_app.services.batch.records import read_state
from desktop_app.services.case import CaseOptions
from desktop_app.services.export.formats import ExportFormat
from desktop_app.services.results.saved_results import ExportOptions
from desktop_app.services.segmenting.segment import SegmentOptions
from tests.batch_cases import NAMES, Stage, statuses, write_model
from tests.study_cases import PROVENANCE


def test_what_is_done_is_not_done_again(stage: Stage) -> None:
    first = stage.batch().run()
    stage.processed.clear()
    again = stage.batch()
    outcome = again.run()
    assert stage.processed == []
    assert all(case.resumed for case in outcome.cases)
    assert outcome.cases[0].volumes_mm3 == first.cases[0].volumes_mm3
    assert outcome.cases[0].diameters_mm == first.cases[0].diameters_mm
    assert stage.summary()[2]["state"] == "done"


def test_what_was_done_stays_in_the_summary_when_its_images_go(stage: Stage) -> None:
    stage.batch().run()
    (stage.output / "berta" / "measurements.json").unlink()
    stage.studies.clear()
    stage.add("dora")
    again = stage.batch()
    outcome = again.run()
    assert [case.name for case in outcome.cases] == ["dora"]
    assert [row["study"] for row in stage.summary()] == ["anna", "cäsar", "dora"]
    stage.studies.clear()
    stage.add("emil")
    again.run()
    assert [row["study"] for row in stage.summary()] == ["anna", "cäsar", "dora", "emil"]


def test_an_anonymised_summary_takes_no_names_from_earlier_runs(stage: Stage) -> None:
    stage.batch().run()
    options = BatchOptions(CaseOptions(export=ExportOptions(anonymise=True)))
    stage.batch(options).run()
    assert all(row["study"].startswith("ANON-") for row in stage.summary())
    stage.studies = stage.studies[1:]
    stage.batch(options).run()
    assert len(stage.summary()) == 3


def test_no_names_are_written_where_earlier_results_leave_them_out(stage: Stage) -> None:
    stage.batch(BatchOptions(CaseOptions(export=ExportOptions(anonymise=True)))).run()
    for act in (stage.batch().find, stage.batch().run, stage.batch().watch):
        with pytest.raises(OutputError, match="anonymised"):
            act()
    assert all(row["study"].startswith("ANON-") for row in stage.summary())


def test_without_resuming_everything_is_done_again(stage: Stage) -> None:
    stage.batch().run()
    stage.processed.clear()
    stage.batch(BatchOptions(resume=False)).run()
    assert stage.processed == list(NAMES)


def test_failed_studies_are_tried_again(stage: Stage) -> None:
    stage.fail_at("berta")
    stage.batch().run()
    stage.processed.clear()
    stage.before = lambda name: None
    outcome = stage.batch().run()
    assert stage.processed == ["berta"]
    assert outcome.failed == ()


def changed_input(stage: Stage) -> BatchOptions:
    (stage.root / "anna" / "t1c").write_bytes(b"longer than before")
    return BatchOptions()


def changed_weights(stage: Stage) -> BatchOptions:
    write_model(stage.weights, "bb")
    return BatchOptions()


def changed_card(stage: Stage) -> BatchOptions:
    write_model(stage.weights, PROVENANCE.weights_sha256, postprocess={"thresholds": {"ET": 0.4}})
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
        (changed_weights, list(NAMES)),
        (changed_card, list(NAMES)),
    ],
)
def test_results_that_are_out_of_date_are_made_again(
    stage: Stage, change: Callable[[Stage], BatchOptions], again: list[str]
) -> None:
    stage.batch().run()
    stage.processed.clear()
    stage.batch(change(stage)).run()
    assert stage.processed == again


def other_export(options: CaseOptions) -> CaseOptions:
    return replace(options, export=ExportOptions(formats=(ExportFormat.SR,)))


def other_label(options: CaseOptions) -> CaseOptions:
    return replace(options, export=ExportOptions(et_label=4))


def other_device(options: CaseOptions) -> CaseOptions:
    return replace(options, segment=SegmentOptions(device="cuda", precision="bf16"))


@pytest.mark.parametrize(
    ("change", "told"),
    [(other_export, True), (other_label, True), (other_device, False)],
)
def test_other_files_or_another_device_put_no_result_out_of_date(
    stage: Stage, change: Callable[[CaseOptions], CaseOptions], told: bool
) -> None:
    stage.batch().run()
    stage.processed.clear()
    outcome = stage.batch(BatchOptions(change(CaseOptions()))).run()
    assert stage.processed == []
    assert all(case.resumed and (stage.output / case.name).is_dir() for case in outcome.cases)
    assert all(("other export options" in " ".join(c.notes)) is told for c in outcome.cases)


def test_other_files_can_be_asked_for_between_two_runs(stage: Stage) -> None:
    batch = stage.batch()
    batch.find()
    export = ExportOptions((ExportFormat.RTSTRUCT,))
    batch.use(BatchOptions(CaseOptions(export=export)))
    batch.run()
    assert {one.export.formats for one in stage.options_seen} == {(ExportFormat.RTSTRUCT,)}


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


def test_a_done_study_whose_files_vanished_is_tried_again(stage: Stage) -> None:
    stage.batch().run()
    (stage.root / "anna" / "t1c").unlink()
    assert stage.batch().find()[0].status is CaseStatus.PENDING


def test_states_survive_the_disk(stage: Stage) -> None:
    outcome = stage.batch().run()
    for case in outcome.cases:
        assert read_state(stage.output, case.name) == replace(case, fraction=0.0)


def test_why_a_study_failed_is_told_when_it_is_listed_again(stage: Stage) -> None:
    stage.fail_at("berta")
    stage.batch().run()
    again = stage.batch()
    case = again.find()[1]
    assert (case.status, case.resumed) == (CaseStatus.FAILED, True)
    assert case.reason == "It is damaged.\nFile 3\nSend it again."
    (stage.root / "berta" / "t1c").write_bytes(b"sent again")
    assert again.find()[1].status is CaseStatus.PENDING


def test_what_could_not_be_read_stays_failed_until_it_can(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = stage.root / "berta" / "t1c"
    file.unlink()
    stage.batch().run()
    assert stage.batch().find()[1].status is CaseStatus.FAILED
    file.write_bytes(b"t1c")
    assert stage.batch().find()[1].status is CaseStatus.PENDING


def test_the_next_run_is_as_it_was_told(stage: Stage) -> None:
    batch = stage.batch()
    batch.run()
    stage.processed.clear()
    segment = SegmentOptions("cpu", "fp32")
    batch.use(BatchOptions(CaseOptions(segment), resume=False))
    batch.run()
    assert stage.processed == list(NAMES)
    assert stage.options_seen[-1].segment.device == "cpu"
    with pytest.raises(ValueError, match="names"):
        batch.use(BatchOptions(CaseOptions(export=ExportOptions(anonymise=True))))

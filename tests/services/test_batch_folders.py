"""Where results go, what of them counts as input, and what they tell of patients."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from desktop_app.cli.batch import batch_document
from desktop_app.domain.study import InstanceRef
from desktop_app.errors import InputError
from desktop_app.io.scan import scan
from desktop_app.services.batch import BatchOptions
from desktop_app.services.case import CaseOptions
from desktop_app.services.results.saved_results import ExportOptions
from tests.bad_archives import PATIENT, write_bad_archives
from tests.batch_cases import NAMES, Stage
from tests.mr_files import pattern, write_series
from tests.study_cases import make_series, make_study


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
    told = json.dumps(batch_document(stage.root, stage.output, outcome), ensure_ascii=False)
    private = ("/anna", "berta", "cäsar", "1.2.", "Müller", "letter")
    assert not any(text in told for text in private)
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


def test_an_anonymised_batch_names_nobody_in_what_was_left_out(
    stage: Stage, tmp_path: Path
) -> None:
    inbox = tmp_path / "inbox"
    write_bad_archives(inbox)
    write_series(inbox / "series", pattern((12, 6, 5)))
    stage.skipped = list(scan(inbox).skipped)
    outcome = stage.batch(BatchOptions(CaseOptions(export=ExportOptions(anonymise=True)))).run()
    assert any(PATIENT in what for what, _ in outcome.skipped)
    written = (stage.output / "skipped.csv").read_text("utf-8")
    document = batch_document(stage.root, stage.output, outcome)
    for told in (written, json.dumps(document["skipped"], ensure_ascii=False)):
        assert "damaged" in told
        assert PATIENT[1:] not in told


def test_what_belongs_to_no_study_is_told(stage: Stage) -> None:
    stage.skipped = [("root/ct", "computed tomography"), ("root/ü.txt", "not an image")]
    assert stage.batch().run().skipped == tuple(stage.skipped)
    with (stage.output / "skipped.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [tuple(row) for row in csv.reader(file)] == [("skipped", "reason"), *stage.skipped]
    stage.skipped = []
    stage.batch().run()
    assert not (stage.output / "skipped.csv").exists()

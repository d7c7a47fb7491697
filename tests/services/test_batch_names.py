"""Names that are no text: what an old share or archive brings costs no study and no run."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from desktop_app.errors import InputError
from desktop_app.services.batch import CaseState, CaseStatus
from desktop_app.services.batch import journal as journal_module
from desktop_app.services.batch.records import read_state, write_state
from desktop_app.services.export.formats import ExportFormat
from desktop_app.services.results.saved_results import ExportOptions, save_results
from tests.batch_cases import Stage, statuses
from tests.export_cases import study_result

# As Linux tells a name in Latin-1: its "ü" is no letter in UTF-8.
NO_TEXT = "M\udcfcller"
SHOWN = "M\\udcfcller"


def test_neither_a_study_nor_a_stray_file_of_such_a_name_ends_the_batch(stage: Stage) -> None:
    damaged = InputError("It is damaged.", f"/in/{NO_TEXT}/t1.nii.gz", "Send it again.")
    stage.fail_at("berta", error=damaged)
    stage.studies[0] = replace(stage.studies[0], study_uid=f"/in/{NO_TEXT}/0")
    stage.skipped = [(f"/in/Bericht {NO_TEXT}.pdf", "not an image")]
    batch = stage.batch()
    batch.run()
    assert statuses(batch) == [CaseStatus.DONE, CaseStatus.FAILED, CaseStatus.DONE]
    assert stage.summary()[1]["error"] == f"It is damaged. | /in/{SHOWN}/t1.nii.gz | Send it again."
    with (stage.output / "skipped.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["skipped"] == f"/in/Bericht {SHOWN}.pdf"
    kept = read_state(stage.output, "anna")
    assert kept is not None
    assert kept.study_uid == f"/in/{NO_TEXT}/0"
    stage.processed.clear()
    stage.batch().run()
    assert stage.processed == ["berta"]


def test_results_of_such_a_study_are_written(stage: Stage) -> None:
    result = study_result(stage.root / "dicom")
    study = replace(result.study, study_uid=f"/in/{NO_TEXT}/0", description=NO_TEXT)
    formats = (ExportFormat.CSV, ExportFormat.JSON)
    saved = save_results(replace(result, study=study), stage.output, ExportOptions(formats))
    document = json.loads((saved.folder / "measurements.json").read_text("utf-8"))
    assert document["study"]["study_uid"] == study.study_uid
    assert SHOWN in (saved.folder / "measurements.csv").read_text("utf-8")


@pytest.mark.expects_logs
def test_a_state_that_cannot_be_kept_costs_its_study_alone(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(output: Path, state: CaseState) -> Path:
        if (state.name, state.status) == ("berta", CaseStatus.RUNNING):
            raise ValueError("what nobody thought of")
        return write_state(output, state)

    monkeypatch.setattr(journal_module, "write_state", write)
    batch = stage.batch()
    batch.run()
    assert statuses(batch) == [CaseStatus.DONE, CaseStatus.FAILED, CaseStatus.DONE]

"""A finished study is opened, corrected and exported again: the batch's records follow."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from desktop_app.domain.segmentation import Region
from desktop_app.services.batch import BatchOptions, CaseState, CaseStatus, note_export
from desktop_app.services.batch.journal import Journal
from desktop_app.services.batch.records import read_state
from desktop_app.services.case import CaseOptions
from desktop_app.services.export.formats import ExportFormat
from desktop_app.services.results.saved_results import ExportOptions, SavedResults
from tests.batch_cases import Stage
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, PROVENANCE

OTHER_EXPORT = "Done earlier with other export options, and left as it was."
VOXEL_MM3 = GEOMETRY.voxel_volume_mm3


def export_corrected(stage: Stage, case: CaseState, warnings: tuple[str, ...] = ()) -> SavedResults:
    """Note an export, over the results of a case, of labels with one voxel of enhancement."""
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels[1, 1, 1] = 3
    result = make_result(stage.studies[0], labels, warnings)
    provenance = replace(result.segmentation.provenance, edited=True)
    segmentation = replace(result.segmentation, provenance=provenance)
    folder = stage.output / case.name
    saved = SavedResults(folder, (folder / "segmentation.nii.gz",), ("Kept aside.",))
    for file in saved.files:
        file.touch()
    kept = note_export(replace(result, segmentation=segmentation), saved)
    assert kept == read_state(stage.output, case.name)
    return saved


def test_state_and_summary_hold_the_corrected_volumes(stage: Stage) -> None:
    case = stage.batch().run().cases[0]
    assert case.volumes_mm3[Region.ET] == pytest.approx(3 * VOXEL_MM3)
    export_corrected(stage, case)
    first, *others = stage.summary()
    assert float(first["ET_mm3"]) == pytest.approx(VOXEL_MM3)
    assert (first["ET_long_mm"], first["ET_short_mm"]) == ("1.0", "1.0")
    assert (first["corrected"], others[0]["corrected"]) == ("yes", "")
    assert [row["study"] for row in stage.summary()] == ["anna", "berta", "cäsar"]
    stage.processed.clear()
    again = stage.batch().run().cases[0]
    assert stage.processed == []
    assert again.corrected
    assert again.volumes_mm3[Region.ET] == pytest.approx(VOXEL_MM3)
    assert again.files == ("segmentation.nii.gz", "measurements.json")
    assert again.notes == (OTHER_EXPORT, "Kept aside.")


ASKED = (ExportFormat.NIFTI, ExportFormat.JSON, ExportFormat.RTSTRUCT)


@pytest.mark.parametrize(
    ("written", "et_label", "empty", "as_before"),
    [
        (("segmentation.nii.gz", "measurements.json", "structures.rt.dcm"), 3, False, True),
        (("segmentation.nii.gz", "measurements.json"), 3, False, False),
        # Nothing to outline: no run could write it.
        (("segmentation.nii.gz", "measurements.json"), 3, True, True),
        (("segmentation.nii.gz", "measurements.json"), 4, True, False),
    ],
)
def test_the_next_batch_tells_which_files_it_would_have_written(
    stage: Stage, written: tuple[str, ...], et_label: int, empty: bool, as_before: bool
) -> None:
    options = BatchOptions(CaseOptions(export=ExportOptions(ASKED)))
    case = stage.batch(options).run().cases[0]
    folder = stage.output / case.name
    for name in written:
        (folder / name).touch()
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels[1, 1, 1] = 0 if empty else 3
    files = tuple(folder / name for name in written)
    note_export(make_result(stage.studies[0], labels), SavedResults(folder, files, (), et_label))
    again = stage.batch(options).find()[0]
    assert again.status is CaseStatus.DONE
    assert again.notes == (() if as_before else (OTHER_EXPORT,))


@pytest.mark.parametrize(
    ("network", "corrected", "again"),
    [
        (PROVENANCE.weights_sha256, False, []),
        ("bb", False, ["anna"]),
        # A person's labels are theirs, whichever network they began with.
        ("bb", True, []),
        # As far as a SEG tells, or nothing does.
        (PROVENANCE.weights_sha256[:16], False, []),
        ("", False, []),
    ],
)
@pytest.mark.parametrize("is_open", [True, False])
def test_labels_of_another_network_are_not_taken_for_the_batchs(
    stage: Stage, network: str, corrected: bool, again: list[str], is_open: bool
) -> None:
    batch = stage.batch()
    case = batch.run().cases[0]
    result = make_result(stage.studies[0], np.zeros(GEOMETRY.shape_kji, np.uint8))
    provenance = replace(PROVENANCE, weights_sha256=network, edited=corrected)
    result = replace(result, segmentation=replace(result.segmentation, provenance=provenance))
    folder = stage.output / case.name
    saved = SavedResults(folder, (folder / "measurements.json",))
    assert note_export(result, saved, batch.expected(case.name) if is_open else None) is not None
    stage.processed.clear()
    stage.batch().run()
    assert stage.processed == again


def test_a_batch_that_is_open_takes_the_correction_in(stage: Stage) -> None:
    batch = stage.batch()
    case = batch.run().cases[0]
    export_corrected(stage, case)
    state = read_state(stage.output, case.name)
    assert state is not None
    batch.take_in(state)
    assert batch.cases[0].corrected
    assert stage.told[-1].corrected
    batch.run()
    assert stage.summary()[0]["corrected"] == "yes"


def test_a_correction_stays_in_the_summary_when_the_images_are_gone(stage: Stage) -> None:
    anna, gone = stage.batch().run().cases[0], stage.studies[0]
    stage.studies.remove(gone)
    batch = stage.batch()
    batch.run()
    stage.studies.insert(0, gone)
    export_corrected(stage, anna)
    state = read_state(stage.output, anna.name)
    assert state is not None
    batch.take_in(state)
    stage.studies.remove(gone)
    batch.run()
    first = stage.summary()[0]
    assert (first["study"], first["corrected"]) == ("anna", "yes")
    assert float(first["ET_mm3"]) == pytest.approx(VOXEL_MM3)


def test_a_correction_of_a_study_that_is_being_listed_anew_does_no_harm(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = stage.batch()
    case = batch.run().cases[0]
    export_corrected(stage, case)
    state = read_state(stage.output, case.name)
    assert state is not None
    keep = Journal.keep

    def listed_without_it(journal: Journal, state: CaseState) -> None:
        journal.begin(entry for entry in journal.entries if entry.state.name != state.name)
        stage.told.clear()
        journal.show(state)
        keep(journal, state)

    monkeypatch.setattr(Journal, "keep", listed_without_it)
    batch.take_in(state)
    assert stage.told == []
    assert [one.name for one in batch.cases] == ["berta", "cäsar"]
    # It stays what it is on disk.
    assert read_state(stage.output, case.name) == state
    assert stage.summary()[0]["corrected"] == "yes"


def test_an_anonymised_state_stays_anonymous(stage: Stage) -> None:
    options = BatchOptions(CaseOptions(export=ExportOptions(anonymise=True)))
    case = stage.batch(options).run().cases[0]
    (stage.output / case.name).mkdir(exist_ok=True)
    export_corrected(stage, case, ("Müller moved.",))
    state = read_state(stage.output, case.name)
    assert state is not None
    assert state.corrected
    assert (state.study_uid, "Müller" in str(state)) == ("", False)


def test_a_study_of_no_batch_leaves_no_state(stage: Stage, tmp_path: Path) -> None:
    result = make_result(stage.studies[0], np.zeros(GEOMETRY.shape_kji, np.uint8))
    folder = tmp_path / "single" / "anna"
    assert note_export(result, SavedResults(folder, (folder / "report.pdf",))) is None
    assert not folder.parent.exists()


@pytest.mark.parametrize("is_open", [True, False])
def test_a_failed_study_is_done_when_its_result_is_exported(stage: Stage, is_open: bool) -> None:
    stage.fail_at("anna")
    batch = stage.batch()
    failed = batch.run().cases[0]
    assert failed.status is CaseStatus.FAILED
    folder = stage.output / "anna"
    folder.mkdir()
    (folder / "segmentation.nii.gz").touch()
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels[1, 1, 1] = 3
    saved = SavedResults(folder, (folder / "segmentation.nii.gz",))
    expected = batch.expected("anna") if is_open else None
    state = note_export(make_result(stage.studies[0], labels), saved, expected)
    assert state is not None
    assert (state.status, state.reason, state.seconds) == (CaseStatus.DONE, "", 0.0)
    first = stage.summary()[0]
    assert (first["study"], first["state"], first["error"]) == ("anna", "done", "")
    assert float(first["ET_mm3"]) == pytest.approx(VOXEL_MM3)
    batch.take_in(state)
    assert batch.cases[0].status is CaseStatus.DONE
    assert not batch.cases[0].resumed
    stage.processed.clear()
    assert stage.batch().run().failed == ()
    assert stage.processed == []


def test_what_runs_is_not_taken_for_done(stage: Stage) -> None:
    batch = stage.batch()

    def export(name: str) -> None:
        if name == "anna":
            batch.take_in(replace(batch.cases[0], status=CaseStatus.DONE))
            assert batch.cases[0].status is CaseStatus.RUNNING

    stage.before = export
    batch.run()
    assert stage.processed == ["anna", "berta", "cäsar"]


def test_an_anonymised_study_is_expected_without_identity(stage: Stage) -> None:
    batch = stage.batch(BatchOptions(CaseOptions(export=ExportOptions(anonymise=True))))
    case = batch.find()[0]
    expected = batch.expected(case.name)
    assert expected is not None
    assert expected.study_uid == ""
    assert expected.fingerprint
    assert batch.expected("nobody") is None

"""The self-test notices what it is there to notice."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from desktop_app.domain.volume import Volume
from desktop_app.errors import Cancelled, InputError, OutputError
from desktop_app.io.export.nifti import write_nifti_labels
from desktop_app.jobs.cancel import CancelToken
from desktop_app.services.case import CaseOutcome
from desktop_app.services.export.formats import ExportFormat
from desktop_app.services.results.saved_results import ExportOptions, save_results
from desktop_app.services.selftest import Outcome, codecs
from desktop_app.services.selftest.checks import CheckFailed, Checklist, NotPossibleHere
from desktop_app.services.selftest.codecs import check_codecs, plane
from desktop_app.services.selftest.computer import check_settings
from desktop_app.services.selftest.exports import check_exports
from desktop_app.services.selftest.sample import (
    compare_with_expected,
    compare_with_truth,
    dice,
    store_expected,
)
from tests.compressed_files import SYNTAXES, write_in_syntax
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_study

SHAPE = GEOMETRY.shape_kji


def nested_labels() -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    labels = np.zeros(SHAPE, np.uint8)
    labels[1:3, 0:3, 0:3] = 2
    labels[1:3, 0:2, 0:2] = 3
    labels[1, 0, 0] = 1
    return labels


def verdicts(labels: np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]) -> dict[str, bool]:
    truth = Volume(nested_labels(), GEOMETRY)
    checklist = Checklist()
    compare_with_truth(checklist, make_result(make_study(), labels), truth)
    return {check.name: check.passed for check in checklist.checks}


def test_the_truth_itself_passes() -> None:
    assert verdicts(nested_labels()) == {"grid": True, "WT": True, "TC": True, "ET": True}


@pytest.mark.parametrize("axis", [1, 2])
def test_a_mirrored_result_fails(axis: int) -> None:
    found = verdicts(np.ascontiguousarray(np.flip(nested_labels(), axis)))
    assert found["grid"]
    assert not found["WT"]
    assert not found["ET"]


def test_nothing_found_fails() -> None:
    assert not any(
        passed for name, passed in verdicts(np.zeros(SHAPE, np.uint8)).items() if name != "grid"
    )


def test_labels_that_are_too_large_fail() -> None:
    assert not verdicts(np.full(SHAPE, 2, np.uint8))["WT"]


def test_another_grid_fails() -> None:
    shifted = GEOMETRY.affine_lps_mm.copy()
    shifted[0, 3] += 1
    truth = Volume(nested_labels(), replace(GEOMETRY, affine_lps_mm=shifted))
    checklist = Checklist()
    compare_with_truth(checklist, make_result(make_study(), nested_labels()), truth)
    assert [(check.name, check.passed) for check in checklist.checks] == [("grid", False)]


def test_overlap() -> None:
    a = np.array([True, True, False, False])
    assert dice(a, np.array([True, False, True, False])) == 0.5
    assert dice(a, ~a) == 0.0
    assert dice(~a & a, ~a & a) == 1.0


def outcome_of(check: Callable[[], str]) -> tuple[Outcome, str]:
    checklist = Checklist()
    checklist.attempt("it", check)
    (made,) = checklist.checks
    return made.outcome, made.detail


def raising(error: Exception) -> Callable[[], str]:
    def check() -> str:
        raise error

    return check


def test_how_a_check_ends() -> None:
    assert outcome_of(lambda: "fine") == (Outcome.PASSED, "fine")
    assert outcome_of(raising(CheckFailed("off by 3"))) == (Outcome.FAILED, "off by 3")
    assert outcome_of(raising(NotPossibleHere("no"))) == (Outcome.NOT_POSSIBLE, "no")
    told = outcome_of(raising(InputError("What.", "Where.", "Do.")))
    assert told == (Outcome.FAILED, "What. Where. Do.")


def test_a_library_that_is_missing_is_a_failed_check_with_its_place() -> None:
    outcome, detail = outcome_of(raising(ModuleNotFoundError("No module named 'openjpeg'")))
    assert outcome is Outcome.FAILED
    assert "openjpeg" in detail
    assert Path(__file__).name in detail


def test_a_cancelled_test_ends() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        Checklist(token).attempt("it", lambda: "")


def test_every_transfer_syntax_is_decoded() -> None:
    checklist = Checklist()
    check_codecs(checklist)
    assert [check.detail for check in checklist.checks if not check.passed] == []
    assert len(checklist.checks) == len(SYNTAXES)


def test_another_image_than_the_one_encoded_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codecs, "SAMPLES", codecs.SAMPLES[:1])
    monkeypatch.setattr(codecs, "plane", lambda bits: plane(bits) + 1)
    checklist = Checklist()
    check_codecs(checklist)
    assert [check.outcome for check in checklist.checks] == [Outcome.FAILED]


def test_the_samples_are_what_is_encoded_now(tmp_path: Path) -> None:
    for name in ("RLE", "JPEG-LS", "JPEG 2000"):
        (path,) = write_in_syntax(tmp_path / name, name, slices=1)
        (sample,) = (one for one in codecs.SAMPLES if one.title == name)
        kept = dcmread(codecs.samples_dir() / sample.file_name)
        assert kept.PixelData == dcmread(path).PixelData


def test_a_settings_folder_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    assert check_settings(tmp_path) == str(tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        check_settings(tmp_path / "file")


def test_the_result_stored_with_the_sample_is_compared(tmp_path: Path) -> None:
    result = make_result(make_study(), nested_labels())
    with pytest.raises(NotPossibleHere):
        compare_with_expected(result, tmp_path)
    labels = write_nifti_labels(result.segmentation, tmp_path / "labels.nii.gz")
    store_expected(result, labels, tmp_path)
    assert "Dice 1.0000" in compare_with_expected(result, tmp_path)
    fewer = nested_labels()
    fewer[1, 1, 1] = 0
    with pytest.raises(CheckFailed, match=r"Dice 0\.\d+ at least"):
        compare_with_expected(make_result(make_study(), fewer), tmp_path)


FORMATS = (ExportFormat.NIFTI, ExportFormat.CSV, ExportFormat.JSON)


def test_files_are_read_back_and_damage_is_found(tmp_path: Path) -> None:
    result = make_result(make_study(), nested_labels())
    files = save_results(result, tmp_path, ExportOptions(FORMATS)).files
    left_out = {one: "left out" for one in ExportFormat if one not in FORMATS}

    def found() -> dict[str, Outcome]:
        checklist = Checklist()
        check_exports(checklist, CaseOutcome(result, files[0].parent, files), left_out)
        return {check.name: check.outcome for check in checklist.checks}

    sound = found()
    assert {name for name, one in sound.items() if one is Outcome.PASSED} == {
        "NIfTI labels",
        "Table",
        "Measurements",
    }
    assert Outcome.FAILED not in sound.values()
    table = files[0].parent / "measurements.csv"
    lines = table.read_text("utf-8-sig").splitlines()
    table.write_text("\n".join(one for one in lines if not one.startswith("NCR,")), "utf-8")
    (files[0].parent / "measurements.json").unlink()
    damaged = found()
    assert damaged["Table"] is damaged["Measurements"] is Outcome.FAILED
    assert damaged["NIfTI labels"] is Outcome.PASSED

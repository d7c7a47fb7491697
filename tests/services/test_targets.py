"""Target lesions in the files of a study, and back from there."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.result import StudyResult
from desktop_app.domain.volume import Volume
from desktop_app.services.export.formats import ExportFormat
from desktop_app.services.export.measurement_document import measurements_document
from desktop_app.services.export.measurement_table import measurement_rows
from desktop_app.services.export.report import build_page
from desktop_app.services.measuring.lesions import measure_lesions
from desktop_app.services.measuring.targets import TARGETS_LOST
from desktop_app.services.opening.loaded_study import LoadedStudy
from desktop_app.services.results import reopen
from desktop_app.services.results.reopen import reopen_result
from desktop_app.services.results.saved_results import ExportOptions, save_results
from desktop_app.services.segmenting import preprocess
from tests.result_cases import make_result
from tests.study_cases import make_study
from ui.presenters.rows import findings_of

GRID = Geometry((24, 50, 40), np.eye(4))
FORMATS = (ExportFormat.NIFTI, ExportFormat.JSON)


def labels(*, second: int = 12) -> np.ndarray[Any, Any]:
    """Two lesions that enhance, of 20 × 20 and of `second` × 12 mm."""
    found = np.zeros(GRID.shape_kji, np.uint8)
    found[2:12, 2:22, 2:22] = 3
    found[2:12, 30 : 30 + second, 5:17] = 3
    return found


@pytest.fixture(scope="module")
def result() -> StudyResult:
    image = Volume(np.ones(GRID.shape_kji, np.float32), GRID)
    return make_result(make_study(), labels(), image=image)


@pytest.fixture
def reopens(result: StudyResult, monkeypatch: pytest.MonkeyPatch) -> None:
    """The images load and prepare as they did before."""

    def load_study(roles: Any, **_: Any) -> LoadedStudy:
        return LoadedStudy(dict(roles), result.prepared.volumes, 0.0)

    monkeypatch.setattr(reopen, "load_study", load_study)
    monkeypatch.setattr(preprocess, "prepare", lambda *_, **__: result.prepared)


def test_the_lesions_are_two(result: StudyResult) -> None:
    assert [one.number for one in measure_lesions(result.segmentation)] == [1, 2]


def test_numbers_say_which_were_chosen_and_what_they_come_to(result: StudyResult) -> None:
    document = measurements_document(replace(result, targets=(1, 2)))
    first, second = document["lesions"]
    assert (first["is_target"], second["is_target"]) == (True, True)
    told = document["target_lesions"]
    assert (told["chosen_by"], told["criteria"]) == ("reader", "RANO 2.0")
    assert told["numbers"] == [1, 2]
    total = first["product_mm2"] + second["product_mm2"]
    assert told["sum_of_products_mm2"] == pytest.approx(total, abs=0.11)
    assert json.loads(json.dumps(document)) == document
    rows = {row["region"]: row for row in measurement_rows(document)}
    assert rows["ET"]["target_lesions"] == "1 2"
    assert rows["ET"]["target_sum_of_products_mm2"] == told["sum_of_products_mm2"]
    assert rows["WT"]["target_lesions"] == ""


def test_where_nobody_chose_nothing_is_said(result: StudyResult) -> None:
    document = measurements_document(result)
    assert document["target_lesions"] is None
    assert [one["is_target"] for one in document["lesions"]] == [False, False]
    assert {row["target_lesions"] for row in measurement_rows(document)} == {""}
    assert not any("Target" in line for line in build_page(result).lesions)


def test_the_report_has_a_line_with_the_sum(result: StudyResult) -> None:
    page = build_page(replace(result, targets=(2,)))
    second = measure_lesions(result.segmentation)[1].diameters.product_mm2
    assert page.lesions[-1] == (
        f"Target lesions, chosen by the reader: 2 ({second:.0f} mm²); "
        f"sum of products {second:.0f} mm² (RANO 2.0)"
    )


@pytest.mark.usefixtures("reopens")
@pytest.mark.parametrize("targets", [(), (2,), (1, 2)])
def test_the_choice_comes_back_with_the_result(
    result: StudyResult, tmp_path: Path, targets: tuple[int, ...]
) -> None:
    saved = save_results(replace(result, targets=targets), tmp_path, ExportOptions(FORMATS))
    again = reopen_result(result.study, result.roles, saved.folder).result
    assert again.targets == targets
    assert TARGETS_LOST not in again.segmentation.warnings


@pytest.mark.usefixtures("reopens")
def test_a_choice_that_fits_other_labels_no_longer_is_told(
    result: StudyResult, tmp_path: Path
) -> None:
    chosen = replace(result, targets=(2,))
    saved = save_results(chosen, tmp_path, ExportOptions(FORMATS))
    numbers = (saved.folder / "measurements.json").read_bytes()
    segmentation = replace(result.segmentation, labels_kji=labels(second=16))
    save_results(replace(chosen, segmentation=segmentation), tmp_path, ExportOptions(FORMATS))
    (saved.folder / "measurements.json").write_bytes(numbers)
    again = reopen_result(result.study, result.roles, saved.folder).result
    assert again.targets == ()
    assert TARGETS_LOST in again.segmentation.warnings
    assert TARGETS_LOST in measurements_document(again)["warnings"]
    assert TARGETS_LOST in findings_of(again).warnings
    chosen_anew = replace(again, targets=(2,))
    assert TARGETS_LOST not in build_page(chosen_anew).warnings
    assert TARGETS_LOST not in findings_of(chosen_anew).warnings
    written = {saved.folder: again}
    folder = save_results(chosen_anew, tmp_path, ExportOptions(FORMATS), written=written).folder
    assert TARGETS_LOST not in (folder / "run.log").read_text("utf-8")
    assert TARGETS_LOST not in (folder / "measurements.json").read_text("utf-8")


@pytest.mark.usefixtures("reopens")
@pytest.mark.parametrize("numbers_stay", [True, False])
def test_a_choice_is_lost_only_once(
    result: StudyResult, tmp_path: Path, numbers_stay: bool
) -> None:
    warnings = (TARGETS_LOST, "T2 is missing.")
    lost = replace(result, segmentation=replace(result.segmentation, warnings=warnings))
    folder = save_results(lost, tmp_path, ExportOptions(FORMATS)).folder
    assert TARGETS_LOST in (folder / "run.log").read_text("utf-8")
    if not numbers_stay:
        (folder / "measurements.json").unlink()
    again = reopen_result(result.study, result.roles, folder).result
    assert TARGETS_LOST not in again.segmentation.warnings
    assert "T2 is missing." in again.segmentation.warnings


@pytest.mark.usefixtures("reopens")
def test_a_choice_comes_back_where_labels_alone_were_exported_after_it(
    result: StudyResult, tmp_path: Path
) -> None:
    folder = save_results(result, tmp_path, ExportOptions(FORMATS)).folder
    labels_alone = ExportOptions((ExportFormat.NIFTI,))
    save_results(replace(result, targets=(2,)), tmp_path, labels_alone, written={folder: result})
    assert reopen_result(result.study, result.roles, folder).result.targets == (2,)

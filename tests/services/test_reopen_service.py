"""Finished studies are opened again, and only with the images they belong to."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from pydicom import dcmread

from desktop_app.domain.correction import RegionCorrection
from desktop_app.domain.geometry import Geometry
from desktop_app.domain.measurement import Unfamiliarity
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region
from desktop_app.domain.study import PatientSummary, Sequence
from desktop_app.domain.volume import Volume
from desktop_app.errors import InputError
from desktop_app.io.nifti.files import read_nifti, write_nifti
from desktop_app.services.export.formats import ExportFormat
from desktop_app.services.export.measurement_document import measurements_document
from desktop_app.services.measuring.diameters import measure_diameters
from desktop_app.services.measuring.measure import (
    measure,
    volume_intervals,
    volumes_mm3,
)
from desktop_app.services.opening.loaded_study import LoadedStudy
from desktop_app.services.results import reopen
from desktop_app.services.results.earlier_results import chosen_result
from desktop_app.services.results.reopen import earlier_choice, reopen_result
from desktop_app.services.results.saved_results import ExportOptions, save_results
from desktop_app.services.results.stored_result import CHANGED_OUTSIDE, NO_NUMBERS, SEG_DIFFERS
from desktop_app.services.segmenting import preprocess
from model.calibration import MEASURED_REGIONS, VolumeDoubt
from tests import export_cases as cases
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_study

FORMATS = (ExportFormat.NIFTI, ExportFormat.JSON)


def labels() -> np.ndarray[Any, Any]:
    found = np.zeros(GEOMETRY.shape_kji, np.uint8)
    found[1, 1, 1:4] = (1, 2, 3)
    return found


@pytest.fixture
def result(monkeypatch: pytest.MonkeyPatch) -> StudyResult:
    """A finished study whose images load and prepare as they did before."""
    result = make_result(make_study(), labels(), ("T1 is missing.",))

    def load_study(roles: Any, *, progress: Any, token: Any) -> LoadedStudy:
        return LoadedStudy(dict(roles), result.prepared.volumes, 0.0)

    def prepare(volumes: Any, *, progress: Any, token: Any, **_kwargs: Any) -> Any:
        return result.prepared

    monkeypatch.setattr(reopen, "load_study", load_study)
    monkeypatch.setattr(preprocess, "prepare", prepare)
    return result


def test_what_an_export_left_out_is_no_warning_of_the_study(
    result: StudyResult, tmp_path: Path
) -> None:
    folder = tmp_path / result.study.name
    options = ExportOptions((*FORMATS, ExportFormat.SC))
    for _ in range(2):
        save_results(result, tmp_path, options)
        written = json.loads((folder / "measurements.json").read_text("utf-8"))["warnings"]
        assert written == [
            "T1 is missing.",
            "DICOM secondary capture cannot be drawn here; skipped.",
        ]
        result = reopen_result(result.study, result.roles, folder).result
        assert result.segmentation.warnings == ("T1 is missing.",)


@pytest.mark.parametrize("et_label", [3, 4])
def test_what_was_written_comes_back(result: StudyResult, tmp_path: Path, et_label: int) -> None:
    save_results(result, tmp_path, ExportOptions(FORMATS, et_label))
    again = reopen_result(result.study, result.roles, tmp_path / result.study.name).result
    assert np.array_equal(again.segmentation.labels_kji, labels())
    assert volumes_mm3(again.measurements) == volumes_mm3(result.measurements)
    assert measure_diameters(again.segmentation) == measure_diameters(result.segmentation)
    assert again.segmentation.warnings == ("T1 is missing.",)
    before, after = result.segmentation.provenance, again.segmentation.provenance
    assert (after.model_id, after.weights_sha256) == (before.model_id, before.weights_sha256)


@pytest.mark.parametrize("anonymise", [False, True])
def test_what_was_not_known_without_t1c_stays_so_beside_a_t1c(
    result: StudyResult, tmp_path: Path, anonymise: bool
) -> None:
    core = np.minimum(labels(), 2)
    unknown = replace(result.segmentation, labels_kji=core, shows_enhancement=False)
    result = replace(result, segmentation=unknown, measurements=measure(unknown))
    saved = save_results(result, tmp_path, ExportOptions(FORMATS, anonymise=anonymise))
    again = reopen_result(result.study, result.roles, saved.folder).result
    assert not again.segmentation.shows_enhancement
    assert volumes_mm3(again.measurements) == volumes_mm3(result.measurements)
    assert Region.ET not in volumes_mm3(again.measurements)


def test_ranges_and_the_score_come_back(result: StudyResult, tmp_path: Path) -> None:
    doubt = VolumeDoubt(0.9, 1000.0, dict.fromkeys(MEASURED_REGIONS, 0.3), 22, 1.0)
    unlike = Unfamiliarity(1.25, "unusual: the contrast between T1 and T1c")
    measured = measure(result.segmentation, doubt)
    judged = replace(result, measurements=measured, unfamiliarity=unlike)
    save_results(judged, tmp_path, ExportOptions(FORMATS))
    again = reopen_result(result.study, result.roles, tmp_path / result.study.name).result
    before, after = volume_intervals(measured), volume_intervals(again.measurements)
    assert after.keys() == before.keys()
    for region, interval in after.items():
        assert (interval.low, interval.high) == pytest.approx(
            (before[region].low, before[region].high), abs=1e-3
        )
        assert (interval.coverage, interval.patients) == (0.9, 22)
    assert again.unfamiliarity == unlike


@pytest.fixture
def dicom_result(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> StudyResult:
    """The same, with the images of T1c as DICOM files."""
    result = cases.study_result(tmp_path / "study")
    volumes = result.prepared.volumes
    monkeypatch.setattr(
        reopen, "load_study", lambda roles, **_: LoadedStudy(dict(roles), volumes, 0.0)
    )
    monkeypatch.setattr(preprocess, "prepare", lambda *_, **__: result.prepared)
    return result


def corrected(result: StudyResult) -> StudyResult:
    provenance = replace(result.segmentation.provenance, edited=True)
    return replace(result, segmentation=replace(result.segmentation, provenance=provenance))


def assert_same_origin(before: StudyResult, after: StudyResult) -> None:
    told, known = after.segmentation.provenance, before.segmentation.provenance
    for name in ("model_id", "weights_sha256", "app_version", "device", "precision", "edited"):
        assert getattr(told, name) == getattr(known, name)


CORRECTIONS = (RegionCorrection(Region.ET, 12, 5, 0.93), RegionCorrection(Region.ED, 0, 0, 1.0))


@pytest.mark.parametrize("anonymise", [False, True])
def test_how_far_labels_were_corrected_stays_known(
    result: StudyResult, tmp_path: Path, anonymise: bool
) -> None:
    provenance = replace(result.segmentation.provenance, edited=True, corrections=CORRECTIONS)
    result = replace(result, segmentation=replace(result.segmentation, provenance=provenance))
    document = measurements_document(result, anonymise=anonymise)
    assert document["provenance"]["corrections"] == {
        "ET": {"added_voxels": 12, "removed_voxels": 5, "dice": 0.93},
        "ED": {"added_voxels": 0, "removed_voxels": 0, "dice": 1.0},
    }
    folder = save_results(result, tmp_path, ExportOptions(FORMATS)).folder
    again = reopen_result(result.study, result.roles, folder).result
    assert again.segmentation.provenance.corrections == CORRECTIONS


STEPS = ("Registered, score 0.83", "Labels corrected by hand in 2 steps")


@pytest.mark.parametrize("formats", [FORMATS, FORMATS[:1]])
def test_every_step_stays_known(
    result: StudyResult, tmp_path: Path, formats: tuple[ExportFormat, ...]
) -> None:
    provenance = replace(result.segmentation.provenance, steps=STEPS)
    result = replace(result, segmentation=replace(result.segmentation, provenance=provenance))
    for _ in range(2):
        folder = save_results(result, tmp_path, ExportOptions(formats)).folder
        result = reopen_result(result.study, result.roles, folder).result
        assert result.segmentation.provenance.steps == STEPS


def test_steps_tell_nobody_whose_they_are(result: StudyResult) -> None:
    study = replace(result.study, patient=PatientSummary("ID-4711", "Müller^Änne", "19500102"))
    provenance = replace(result.segmentation.provenance, steps=("T2 of Müller moved.",))
    segmentation = replace(result.segmentation, provenance=provenance)
    named = replace(result, study=study, segmentation=segmentation)
    told = [
        measurements_document(named, anonymise=anonymise)["provenance"]["steps"]
        for anonymise in (False, True)
    ]
    assert told[0] == ["T2 of Müller moved."]
    assert "Müller" not in told[1][0]
    assert "moved." in told[1][0]


@pytest.mark.parametrize("anonymise", [False, True])
def test_a_correction_comes_back_from_dicom_seg_alone(
    dicom_result: StudyResult, tmp_path: Path, anonymise: bool
) -> None:
    result = corrected(dicom_result)
    options = ExportOptions((ExportFormat.SEG,), anonymise=anonymise)
    folder = save_results(result, tmp_path / "out", options).folder
    again = reopen_result(result.study, result.roles, folder).result
    before, after = result.segmentation, again.segmentation
    np.testing.assert_array_equal(after.labels_kji, before.labels_kji)
    assert volumes_mm3(again.measurements) == volumes_mm3(result.measurements)
    assert_same_origin(result, again)
    assert after.warnings[-1] == NO_NUMBERS
    assert "T2 is missing." in after.warnings


def test_labels_in_nifti_alone_are_measured_anew(result: StudyResult, tmp_path: Path) -> None:
    result = corrected(result)
    for _ in range(2):
        folder = save_results(result, tmp_path, ExportOptions(FORMATS[:1])).folder
        again = reopen_result(result.study, result.roles, folder).result
        assert np.array_equal(again.segmentation.labels_kji, labels())
        assert volumes_mm3(again.measurements) == volumes_mm3(result.measurements)
        assert again.segmentation.warnings == ("T1 is missing.", NO_NUMBERS)
        assert_same_origin(result, again)
        result = again


@pytest.mark.parametrize("form", [ExportFormat.NIFTI, ExportFormat.SEG])
def test_labels_without_a_log_say_what_they_know(
    dicom_result: StudyResult, tmp_path: Path, form: ExportFormat
) -> None:
    result = corrected(dicom_result)
    folder = save_results(result, tmp_path / "out", ExportOptions((form,))).folder
    (folder / "run.log").unlink()
    again = reopen_result(result.study, result.roles, folder).result
    is_told = form is ExportFormat.SEG
    model_id = result.segmentation.provenance.model_id if is_told else "unknown"
    assert again.segmentation.provenance.model_id == model_id
    assert again.segmentation.provenance.edited is is_told
    assert again.segmentation.warnings == (NO_NUMBERS,)
    # And can be written again.
    save_results(again, tmp_path / "again", ExportOptions((ExportFormat.SEG, *FORMATS)))


def without_labels(folder: Path) -> None:
    (folder / "segmentation.nii.gz").unlink()


def cut_measurements(folder: Path) -> None:
    (folder / "measurements.json").write_text('{"schema": ')


def senseless_ranges(folder: Path) -> None:
    file = folder / "measurements.json"
    document = json.loads(file.read_text("utf-8"))
    document["uncertainty"] |= {"coverage": 0.9, "patients": 22}
    document["regions"]["WT"]["volume_range_mm3"] = [5.0, 4.0]
    file.write_text(json.dumps(document), "utf-8")


def other_document(folder: Path) -> None:
    (folder / "measurements.json").write_text(json.dumps([1, 2]))


def other_values(folder: Path) -> None:
    found = Volume(np.full(GEOMETRY.shape_kji, 9, np.uint8), GEOMETRY)
    write_nifti(found, folder / "segmentation.nii.gz")


def other_grid(folder: Path) -> None:
    moved = GEOMETRY.affine_lps_mm.copy()
    moved[2, 3] += 3
    elsewhere = replace(GEOMETRY, affine_lps_mm=moved)
    write_nifti(Volume(labels(), elsewhere), folder / "segmentation.nii.gz")


@pytest.mark.parametrize(
    "spoil",
    [
        without_labels,
        cut_measurements,
        senseless_ranges,
        other_document,
        other_values,
        other_grid,
    ],
)
def test_what_does_not_fit_is_refused(result: StudyResult, tmp_path: Path, spoil: Any) -> None:
    save_results(result, tmp_path, ExportOptions(FORMATS))
    folder = tmp_path / result.study.name
    spoil(folder)
    with pytest.raises(InputError) as refused:
        reopen_result(result.study, result.roles, folder)
    assert str(folder) in refused.value.detail


def test_the_series_that_a_result_was_made_from_are_told(
    result: StudyResult, tmp_path: Path
) -> None:
    study = result.study
    save_results(result, tmp_path, ExportOptions(FORMATS))
    folder = tmp_path / study.name
    assert earlier_choice(study, folder).overrides == {}
    role = study.roles[Sequence.T1C]
    other = next(one for one in study.series if one.series_uid != role.series_uid)
    swapped = replace(role, series_uid=other.series_uid)
    now = replace(study, roles={**study.roles, Sequence.T1C: swapped})
    assert earlier_choice(now, folder).overrides[Sequence.T1C] == role.series_uid
    fewer = replace(study, roles={s: r for s, r in study.roles.items() if s is Sequence.T1C})
    assert (
        earlier_choice(fewer, folder).overrides[Sequence.FLAIR]
        == study.roles[Sequence.FLAIR].series_uid
    )


def test_what_the_images_decided_then_is_no_choice_of_the_user(
    result: StudyResult, tmp_path: Path
) -> None:
    study = result.study
    by_image = {s: replace(role, by_pixels=True) for s, role in study.roles.items()}
    named = replace(result, study=replace(study, roles=by_image))
    save_results(named, tmp_path, ExportOptions(FORMATS))
    found = earlier_choice(replace(study, roles={}), tmp_path / study.name)
    assert found.overrides == {}
    assert {s: role.series_uid for s, role in found.study.roles.items()} == {
        s: role.series_uid for s, role in study.roles.items()
    }
    assert all(role.by_pixels for role in found.study.roles.values())
    assert all("please check" in role.reason for role in found.study.roles.values())


def test_images_come_back_as_they_were_read(result: StudyResult, tmp_path: Path) -> None:
    save_results(result, tmp_path, ExportOptions(FORMATS))
    again = reopen_result(result.study, result.roles, tmp_path / result.study.name)
    assert dict(again.loaded.roles) == dict(result.roles)
    assert again.loaded.volumes is result.prepared.volumes


def test_a_result_that_does_not_tell_changes_no_choice(result: StudyResult, tmp_path: Path) -> None:
    assert earlier_choice(result.study, tmp_path).overrides == {}
    save_results(result, tmp_path, ExportOptions(FORMATS, anonymise=True))
    (numbers,) = tmp_path.rglob("measurements.json")
    assert earlier_choice(result.study, numbers.parent).overrides == {}


def resave(folder: Path, change: Any = None, geometry: Geometry = GEOMETRY) -> None:
    """Write the labels under their name again, as another program would."""
    array = read_nifti(folder / "segmentation.nii.gz").array_kji.astype(np.int16)
    if change is not None:
        array = change(array)
    write_nifti(Volume(array, geometry), folder / "segmentation.nii.gz")


def with_cavity(labels_kji: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return labels to which somebody added a 4, beside enhancing tumour."""
    changed = labels_kji.copy()
    changed.ravel()[:4] = (3, 3, 4, 4)
    return changed


def without_oedema(labels_kji: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.where(labels_kji == 2, 0, labels_kji)


def test_what_another_program_added_is_no_enhancing_tumour(
    result: StudyResult, tmp_path: Path
) -> None:
    folder = save_results(result, tmp_path, ExportOptions(FORMATS)).folder
    resave(folder, with_cavity)
    with pytest.raises(InputError, match=r"unknown labels: 4\."):
        reopen_result(result.study, result.roles, folder)


@pytest.mark.parametrize("formats", [FORMATS, FORMATS[:1]])
def test_labels_changed_in_another_program_are_a_persons(
    result: StudyResult, tmp_path: Path, formats: tuple[ExportFormat, ...]
) -> None:
    doubt = VolumeDoubt(0.9, 1000.0, dict.fromkeys(MEASURED_REGIONS, 0.3), 22, 1.0)
    judged = replace(
        result,
        measurements=measure(result.segmentation, doubt),
        unfamiliarity=Unfamiliarity(1.25, "unusual: the contrast between T1 and T1c"),
    )
    folder = save_results(judged, tmp_path, ExportOptions(formats)).folder
    resave(folder)
    same = reopen_result(result.study, result.roles, folder)
    assert not same.result.segmentation.provenance.edited
    assert not same.is_outdated
    resave(folder, without_oedema)
    for is_outdated in (True, False):
        reopened = reopen_result(result.study, result.roles, folder)
        again = reopened.result
        assert reopened.is_outdated is is_outdated
        assert not np.any(again.segmentation.labels_kji == 2)
        assert again.segmentation.provenance.edited
        assert again.segmentation.provenance.corrections == ()
        assert any("another program" in one for one in again.segmentation.provenance.steps)
        assert again.segmentation.warnings.count(CHANGED_OUTSIDE) == 1
        assert volume_intervals(again.measurements) == {}
        assert again.unfamiliarity is None
        assert chosen_result(result.study, folder).corrected
        # It stays said once it is exported again
        folder = save_results(again, tmp_path / "again", ExportOptions(FORMATS)).folder


def test_a_seg_that_holds_other_labels_is_told(dicom_result: StudyResult, tmp_path: Path) -> None:
    folder = save_results(
        dicom_result, tmp_path, ExportOptions((ExportFormat.SEG, *FORMATS))
    ).folder
    study, roles = dicom_result.study, dicom_result.roles
    assert SEG_DIFFERS not in reopen_result(study, roles, folder).result.segmentation.warnings
    seg = dcmread(folder / "segmentation.seg.dcm")
    seg.PixelData = bytes(len(seg.PixelData))
    seg.save_as(folder / "segmentation.seg.dcm")
    again = reopen_result(study, roles, folder).result
    assert SEG_DIFFERS in again.segmentation.warnings
    assert chosen_result(study, folder).corrected
    (folder / "segmentation.nii.gz").unlink()
    assert reopen_result(study, roles, folder).result.segmentation.provenance.edited


@pytest.mark.parametrize("axes", [(2, 1, 0), (0, 1, 2), (1, 2, 0)])
@pytest.mark.parametrize("flipped", [(), (0, 2), (0, 1, 2)])
def test_the_same_voxels_in_another_order_of_axes_come_back(
    result: StudyResult, tmp_path: Path, axes: tuple[int, ...], flipped: tuple[int, ...]
) -> None:
    folder = save_results(result, tmp_path, ExportOptions(FORMATS)).folder
    file = folder / "segmentation.nii.gz"
    image = nibabel.load(file)
    turns = [[axis, -1 if axis in flipped else 1] for axis in axes]
    nibabel.save(image.as_reoriented(np.array(turns)), file)
    again = reopen_result(result.study, result.roles, folder).result
    assert np.array_equal(again.segmentation.labels_kji, labels())
    assert not again.segmentation.provenance.edited

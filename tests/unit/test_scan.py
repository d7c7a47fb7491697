import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import CTImageStorage, generate_uid

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.errors import Cancelled, InputError
from desktop_app.io.load import load_series
from desktop_app.io.nifti.files import write_nifti
from desktop_app.io.scan import scan
from tests.mr_files import PROTOCOLS, pattern, write_series

SHAPE = (40, 6, 5)


def write_study(folder: Path) -> None:
    for number, series in enumerate(PROTOCOLS, start=1):
        write_series(folder / series, pattern(SHAPE, number), series, SeriesNumber=number)


def write_case(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True)
    for number, name in enumerate(names):
        values = pattern((4, 5, 6), number).astype(np.float32)
        write_nifti(Volume(values, Geometry((4, 5, 6), np.eye(4))), folder / name)


def test_four_series_get_their_roles(tmp_path: Path) -> None:
    write_study(tmp_path)
    (study,) = scan(tmp_path).studies
    assert study.patient.patient_id == "TEST-1"
    assert study.patient.name == "Test^Patient"
    assert study.date == "20260105"
    assert study.name == "TEST-1_20260105"
    roles = {role: study.series_by_uid(p.series_uid) for role, p in study.roles.items()}
    assert {role: s.number for role, s in roles.items()} == {
        Sequence.T1: 1,
        Sequence.T1C: 2,
        Sequence.T2: 3,
        Sequence.FLAIR: 4,
    }
    assert all(0.8 <= proposal.confidence <= 1 for proposal in study.roles.values())


def test_path_with_letters_of_any_script(tmp_path: Path) -> None:
    folder = tmp_path / "Ärztin ä 文" / "series 1"
    values = pattern(SHAPE)
    write_series(folder, values, names="Bild {number} ü文.ima")
    (study,) = scan(tmp_path).studies
    np.testing.assert_array_equal(load_series(study.series[0]).array_kji, values)


def test_zip_archive_is_read_and_cleaned_up_after_a_failure(tmp_path: Path) -> None:
    write_study(tmp_path / "study")
    target = tmp_path / "ä study.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as opened:
        for path in (tmp_path / "study").rglob("*.dcm"):
            opened.write(path, path.relative_to(tmp_path))
    (study,) = scan(target).studies
    assert len(study.roles) == 4
    np.testing.assert_array_equal(
        load_series(study.series[0]).array_kji, pattern(SHAPE, study.series[0].number)
    )


@pytest.mark.parametrize("member", ["../outside.dcm", "/etc/outside", "a/../../b", "C:\\x.dcm"])
def test_zip_member_outside_the_archive_is_refused(tmp_path: Path, member: str) -> None:
    target = tmp_path / "bad.zip"
    with zipfile.ZipFile(target, "w") as opened:
        opened.writestr(member, b"x")
    with pytest.raises(InputError, match="not safe"):
        scan(target)
    assert not (tmp_path.parent / "outside.dcm").exists()


def test_zip_that_would_fill_the_disk_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "bomb.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("zeros", bytes(128) + b"DICM\x02\0\0\0UL\4\0" + bytes(30_000_000))
    with pytest.raises(InputError, match="unpacks to more than"):
        scan(target)


def test_broken_zip_is_refused_in_plain_words(tmp_path: Path) -> None:
    target = tmp_path / "broken.zip"
    with zipfile.ZipFile(target, "w") as opened:
        opened.writestr("a", b"0123456789" * 100)
    data = bytearray(target.read_bytes())
    data[40:60] = bytes(20)
    target.write_bytes(data)
    with pytest.raises(InputError, match="cannot be unpacked"):
        scan(target)


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    write_series(tmp_path / "series", pattern(SHAPE))
    try:
        (tmp_path / "series" / "up").symlink_to(tmp_path, target_is_directory=True)
    except OSError:
        pytest.skip("this user may not make links on this system")
    result = scan(tmp_path)
    assert len(result.studies[0].series[0].instances) == SHAPE[0]
    assert [Path(where).name for where, _ in result.skipped] == ["up"]


def test_studies_of_two_patients_stay_apart(tmp_path: Path) -> None:
    write_series(tmp_path / "a", pattern(SHAPE))
    other = generate_uid()
    write_series(tmp_path / "b", pattern(SHAPE), "T2", StudyInstanceUID=other, PatientID="TEST-2")
    studies = scan(tmp_path).studies
    assert {study.patient.patient_id for study in studies} == {"TEST-1", "TEST-2"}


def test_two_patients_under_one_study_identifier_stay_apart(tmp_path: Path) -> None:
    write_series(tmp_path / "a", pattern(SHAPE))
    write_series(tmp_path / "b", pattern(SHAPE), "T2", PatientID="TEST-2", PatientName="Other")
    studies = scan(tmp_path).studies
    assert [study.patient.patient_id for study in studies] == ["TEST-1", "TEST-2"]
    assert len({study.study_uid for study in studies}) == 2
    assert [len(study.series) for study in studies] == [1, 1]
    assert all("2 patients, who are kept apart" in study.skipped[0][1] for study in studies)


def test_one_patient_written_in_two_ways_is_one(tmp_path: Path) -> None:
    write_series(tmp_path / "a", pattern(SHAPE))
    write_series(tmp_path / "b", pattern(SHAPE), "T2", PatientID=" test-1", PatientName="TEST")
    write_series(tmp_path / "c", pattern(SHAPE), "FLAIR", PatientID="")
    (study,) = scan(tmp_path).studies
    assert len(study.series) == 3


def test_folder_that_disappears_while_it_is_read_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "drive"
    write_series(folder, pattern(SHAPE))

    def progress(fraction: float, _stage: str) -> None:
        if fraction > 0 and folder.exists():
            shutil.rmtree(folder)

    with pytest.raises(InputError, match="disappeared"):
        scan(folder, progress=progress, use_cache=False)


def test_studies_of_nobody_never_share_a_name(tmp_path: Path) -> None:
    for case in ("a", "b"):
        nobody = {"StudyInstanceUID": generate_uid(), "PatientID": "", "StudyDate": ""}
        write_series(tmp_path / case / "export", pattern(SHAPE), **nobody)
    names = [scan(tmp_path / case / "export").studies[0].name for case in ("a", "b")]
    assert names[0] != names[1]
    assert all(name.startswith("export_") for name in names)


def test_two_studies_of_one_day_get_different_names(tmp_path: Path) -> None:
    write_series(tmp_path / "a", pattern(SHAPE))
    write_series(tmp_path / "b", pattern(SHAPE), "T2", StudyInstanceUID=generate_uid())
    names = [study.name for study in scan(tmp_path).studies]
    assert names == ["TEST-1_20260105", "TEST-1_20260105_2"]


def test_empty_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="empty"):
        scan(tmp_path)


def test_a_single_file_that_is_no_image_is_told_by_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("letter.txt").write_text("Dear colleague")
    with pytest.raises(InputError, match="No MR images") as refused:
        scan(Path("letter.txt"))
    assert refused.value.detail == f"{tmp_path / 'letter.txt'}: 1 file (1 × not an image)."


def test_nothing_at_the_path(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing at this path"):
        scan(tmp_path / "missing")


def test_ct_is_named(tmp_path: Path) -> None:
    for number in range(3):
        write_series(
            tmp_path / str(number),
            pattern((3, 4, 4)),
            f"ct{number}",
            SOPClassUID=CTImageStorage,
            Modality="CT",
        )
    with pytest.raises(InputError) as refused:
        scan(tmp_path)
    assert "3 series: CT, not MR" in refused.value.detail


def test_single_slice_asks_for_the_whole_study(tmp_path: Path) -> None:
    path = write_series(tmp_path, pattern((1, 6, 6)))[0]
    with pytest.raises(InputError, match="only one slice"):
        scan(path)


def test_unreadable_file_is_listed(tmp_path: Path) -> None:
    write_series(tmp_path / "series", pattern(SHAPE))
    (tmp_path / "broken link").symlink_to(tmp_path / "nowhere")
    result = scan(tmp_path)
    assert any("broken link" in where for where, _ in result.skipped)


def test_scan_stops_when_asked(tmp_path: Path) -> None:
    write_series(tmp_path, pattern(SHAPE))

    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        scan(tmp_path, check=stop)


def test_scan_of_nifti_files_stops_when_asked(tmp_path: Path) -> None:
    for number in range(3):
        write_case(tmp_path / str(number), ["t1.nii.gz", "t2.nii.gz"])
    calls = 0

    def stop_at_third_file() -> None:
        nonlocal calls
        calls += 1
        if calls > 4 + 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        scan(tmp_path, check=stop_at_third_file)


def test_progress_rises_to_one(tmp_path: Path) -> None:
    write_series(tmp_path, pattern(SHAPE))
    write_case(tmp_path / "case", ["t1.nii.gz", "t2.nii.gz"])
    fractions: list[float] = []
    scan(tmp_path, progress=lambda fraction, _stage: fractions.append(fraction))
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


@pytest.mark.parametrize(
    "names",
    [
        ["A_t1.nii.gz", "A_t1ce.nii.gz", "A_t2.nii.gz", "A_flair.nii.gz", "A_seg.nii.gz"],
        ["A-t1n.nii.gz", "A-t1c.nii.gz", "A-t2w.nii.gz", "A-t2f.nii.gz", "A-seg.nii.gz"],
        ["T1.nii", "T1Gd.nii", "T2.nii", "FLAIR.nii", "mask.nii"],
        ["s_T1w.nii.gz", "s_ce-gd_T1w.nii.gz", "s_T2w.nii.gz", "s_FLAIR.nii.gz", "s_pred.nii"],
    ],
    ids=["BraTS 2021", "BraTS 2023", "plain", "BIDS"],
)
def test_nifti_roles_by_name(tmp_path: Path, names: list[str]) -> None:
    write_case(tmp_path / "Case 1 ä", names)
    (study,) = scan(tmp_path / "Case 1 ä").studies
    assert study.name == "Case_1_ä"
    found = [Path(study.roles[role].series_uid).name for role in Sequence]
    assert found == names[:4]


def test_folder_of_nifti_cases_is_several_studies(tmp_path: Path) -> None:
    for case in ("A", "B"):
        write_case(tmp_path / case, ["t1.nii.gz", "t2.nii.gz"])
    assert [study.name for study in scan(tmp_path).studies] == ["A", "B"]


def test_folders_named_by_sequence_make_one_study(tmp_path: Path) -> None:
    for sequence in ("t1", "t1ce", "flair"):
        write_case(tmp_path / "case" / sequence, ["image.nii.gz"])
    (study,) = scan(tmp_path).studies
    assert set(study.roles) == {Sequence.T1, Sequence.T1C, Sequence.FLAIR}


@pytest.mark.parametrize("mask", ["segmentation.nii.gz", "A_t1c_seg.nii.gz", "ADC.nii.gz"])
def test_masks_alone_are_no_study(tmp_path: Path, mask: str) -> None:
    write_case(tmp_path / "A", ["A_t1.nii.gz", "A_seg.nii.gz"])
    write_case(tmp_path / "truth", [mask])
    result = scan(tmp_path)
    assert [study.name for study in result.studies] == ["A"]
    assert [what for what, _ in result.skipped] == [str(tmp_path / "truth" / mask)]
    with pytest.raises(InputError, match="no usable brain MR"):
        scan(tmp_path / "truth")


def test_image_whose_name_tells_no_sequence_is_a_study(tmp_path: Path) -> None:
    write_case(tmp_path / "A", ["brain.nii.gz", "brain_mask.nii.gz"])
    (study,) = scan(tmp_path).studies
    assert not study.roles
    assert len(study.series) == 2


def test_single_nifti_file_is_a_study_of_one_series(tmp_path: Path) -> None:
    write_case(tmp_path / "case", ["t1.nii.gz", "t2.nii.gz"])
    (study,) = scan(tmp_path / "case" / "t1.nii.gz").studies
    assert list(study.roles) == [Sequence.T1]


def test_broken_nifti_is_listed(tmp_path: Path) -> None:
    write_case(tmp_path / "case", ["t1.nii.gz"])
    (tmp_path / "case" / "t2.nii.gz").write_bytes(b"nothing of the kind")
    (study,) = scan(tmp_path).studies
    assert [Path(where).name for where, _ in study.skipped] == ["t2.nii.gz"]


def test_mask_in_a_case_named_like_a_sequence_stays_a_mask(tmp_path: Path) -> None:
    case = tmp_path / "UCSF_T1c_001"
    write_case(case, ["t1.nii.gz", "flair.nii.gz", "seg.nii.gz"])
    write_case(tmp_path / "UCSF_T1c_002", ["seg.nii.gz"])
    studies = {study.root: study for study in scan(tmp_path).studies}
    assert set(studies[case].roles) == {Sequence.T1, Sequence.FLAIR}
    assert not any(study.roles for root, study in studies.items() if root != case)


def test_mask_in_a_sequence_folder_does_not_stand_for_the_sequence(tmp_path: Path) -> None:
    write_case(tmp_path / "case" / "t1", ["image.nii.gz", "mask.nii.gz"])
    (study,) = scan(tmp_path).studies
    assert study.root == tmp_path / "case"
    assert Path(study.roles[Sequence.T1].series_uid).name == "image.nii.gz"


def test_pair_of_t1s_before_and_after_contrast(tmp_path: Path) -> None:
    write_case(tmp_path / "case", ["t1_pre_contrast.nii.gz", "t1_post_contrast.nii.gz"])
    (study,) = scan(tmp_path).studies
    found = {role: Path(p.series_uid).name for role, p in study.roles.items()}
    assert found == {
        Sequence.T1: "t1_pre_contrast.nii.gz",
        Sequence.T1C: "t1_post_contrast.nii.gz",
    }


def test_damaged_file_does_not_end_the_scan(tmp_path: Path) -> None:
    case = tmp_path / "case"
    write_case(case, ["t1.nii.gz", "flair.nii.gz"])
    damaged = bytearray((case / "t1.nii.gz").read_bytes())
    damaged[20:30] = bytes(10)
    (case / "t1.nii.gz").write_bytes(damaged)
    (study,) = scan(tmp_path).studies
    assert set(study.roles) == {Sequence.FLAIR}
    assert any("t1.nii.gz" in where for where, _ in study.skipped)

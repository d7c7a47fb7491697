"""Cases as data sets lay them out: one study each, never two patients in one."""

from pathlib import Path

import pytest

from desktop_app.io.nifti.layout import NiftiCase, cases_of
from desktop_app.io.sequences.text import role_in_file_name

ROOT = Path("/data")
SEQUENCES_2021 = ("t1", "t1ce", "t2", "flair")


def cases(*names: str) -> dict[str, dict[str, str]]:
    """Return per case the file that tells each sequence."""
    return {case.title: roles(case) for case in cases_of(ROOT / name for name in names)}


def roles(case: NiftiCase) -> dict[str, str]:
    found: dict[str, str] = {}
    for file in case.files:
        role = role_in_file_name(file.told_by)
        if role is not None:
            assert role.value not in found
            found[role.value] = file.path.relative_to(ROOT).as_posix()
    return found


@pytest.mark.parametrize(
    "pattern",
    [
        "{case}/{case}_{sequence}.nii.gz",
        "{case}/{sequence}/{case}_{sequence}.nii.gz",
        "{case}/{sequence}/image.nii.gz",
        "{case}/{case}_{sequence}.nii/{case}_{sequence}.nii",
        "{case}_{sequence}.nii.gz",
    ],
    ids=["BraTS", "folder each", "named by folder", "BraTS unpacked one by one", "side by side"],
)
@pytest.mark.parametrize(
    "sequences", [SEQUENCES_2021, ("t1n", "t1c", "t2w", "t2f"), ("T1", "T1GD", "T2", "FLAIR")]
)
def test_two_cases_stay_two(pattern: str, sequences: tuple[str, ...]) -> None:
    names = [
        pattern.format(case=case, sequence=sequence)
        for case in ("Case-001", "Case-002")
        for sequence in sequences
    ]
    found = cases(*names)
    assert set(found) == {"Case-001", "Case-002"}
    for title, by_role in found.items():
        assert set(by_role) == {"T1", "T1c", "T2", "FLAIR"}
        assert all(title in path for path in by_role.values())


def test_names_of_upenn_and_ucsf() -> None:
    upenn = ("T1", "T1GD", "T2", "FLAIR")
    names = [f"UPENN-GBM-00001_11/UPENN-GBM-00001_11_{one}.nii.gz" for one in upenn]
    assert cases(*names) == {
        "UPENN-GBM-00001_11": dict(zip(("T1", "T1c", "T2", "FLAIR"), names, strict=True))
    }
    ucsf = ("T1", "T1c", "T2", "FLAIR", "tumor_segmentation", "ADC", "SWI")
    names = [f"UCSF-PDGM-0004_nifti/UCSF-PDGM-0004_{one}.nii.gz" for one in ucsf]
    assert cases(*names) == {
        "UCSF-PDGM-0004_nifti": dict(zip(("T1", "T1c", "T2", "FLAIR"), names, strict=False))
    }


def test_bids_is_named_after_patient_and_session() -> None:
    found = cases(
        "sub-01/ses-2/anat/sub-01_ses-2_T1w.nii.gz",
        "sub-01/ses-2/anat/sub-01_ses-2_ce-gd_T1w.nii.gz",
        "sub-02/anat/sub-02_T1w.nii.gz",
    )
    assert set(found) == {"sub-01_ses-2", "sub-02"}
    assert set(found["sub-01_ses-2"]) == {"T1", "T1c"}


def test_patients_of_bids_side_by_side_stay_apart() -> None:
    found = cases(
        *(f"sub-{n}_{one}.nii.gz" for n in (1, 2) for one in ("T1w", "ce-gd_T1w", "FLAIR"))
    )
    assert set(found) == {"sub-1", "sub-2"}
    assert set(found["sub-1"]) == {"T1", "T1c", "FLAIR"}


def test_masks_side_by_side_go_with_their_case() -> None:
    names = [f"{case}_{one}.nii.gz" for case in "AB" for one in (*SEQUENCES_2021, "seg")]
    found = {case.title: case for case in cases_of(ROOT / name for name in names)}
    assert [file.path.name for file in found["A"].files][-1] == "A_seg.nii.gz"
    assert len(found["B"].files) == 5


def test_cases_named_like_a_sequence_are_not_joined() -> None:
    found = cases(
        "UCSF_T1c_001/UCSF_T1c_001_t1c.nii.gz",
        "UCSF_T1c_002/UCSF_T1c_002_t1c.nii.gz",
    )
    assert set(found) == {"UCSF_T1c_001", "UCSF_T1c_002"}


def test_one_case_with_a_repeat_stays_one() -> None:
    (case,) = cases_of(ROOT / name for name in ("t1.nii.gz", "t1_2.nii.gz", "t2.nii.gz"))
    assert len(case.files) == 3
    assert case.key == ""


def test_sequence_folder_that_holds_another_sequence_stays_a_case() -> None:
    found = cases("Baseline_T1/a_t1.nii.gz", "Baseline_T1/a_t2.nii.gz", "t2/x_t2.nii.gz")
    assert set(found) == {"Baseline_T1", "t2"}


def test_patients_in_folders_named_by_sequence_stay_apart() -> None:
    names = ("t1c/anna", "t1c/berta", "flair/berta", "flair/carl", "t2/carl")
    assert cases(*(f"{name}.nii.gz" for name in names)) == {
        "anna": {"T1c": "t1c/anna.nii.gz"},
        "berta": {"T1c": "t1c/berta.nii.gz", "FLAIR": "flair/berta.nii.gz"},
        "carl": {"FLAIR": "flair/carl.nii.gz", "T2": "t2/carl.nii.gz"},
    }


@pytest.mark.parametrize(
    "names",
    [
        ("t1c/anna.nii.gz", "flair/berta.nii.gz"),
        ("anna_t1c.nii.gz", "berta_flair.nii.gz"),
        ("anna_t1c/t1c.nii.gz", "berta_flair/flair.nii.gz"),
        ("anna_t1c/image.nii.gz", "berta_flair/image.nii.gz"),
        ("t1c/anna_t1c.nii.gz", "flair/berta_flair.nii.gz"),
        ("t1c/1.nii.gz", "flair/2.nii.gz"),
        ("anna_t1c.nii.gz", "anna_2_flair.nii.gz"),
        ("sub-1_t1c.nii.gz", "sub-2_run-1_flair.nii.gz"),
    ],
)
def test_images_of_two_patients_are_never_one_case(names: tuple[str, ...]) -> None:
    found = cases(*names)
    assert len(found) == 2
    assert all(len(by_role) == 1 for by_role in found.values())


@pytest.mark.parametrize(
    "names",
    [
        ("t1.nii.gz", "t1c.nii.gz", "anna_t2.nii.gz", "anna_flair.nii.gz"),
        ("3_AX_T1.nii.gz", "5_AX_T1_POST.nii.gz", "7_SAG_T2.nii.gz", "11_COR_FLAIR.nii.gz"),
        ("AX_T1.nii.gz", "Gd_T1.nii.gz", "anna_3D_T2.nii.gz", "anna_brain_FLAIR.nii.gz"),
        ("t1_mpr_sag.nii.gz", "t1_mpr_gd.nii.gz", "t2_tse_tra.nii.gz", "t2_flair_2d.nii.gz"),
        ("t1/image.nii.gz", "t1c/anna.nii.gz", "t2/anna.nii.gz", "flair/anna_flair.nii.gz"),
        ("02_t1/x.nii.gz", "05_t1_gd/x.nii.gz", "03_t2_tra/x.nii.gz", "04_flair/x.nii.gz"),
        (
            "sub-1_acq-a_T1w.nii.gz",
            "sub-1_ce-gd_T1w.nii.gz",
            "sub-1_acq-b_T2w.nii.gz",
            "sub-1_run-1_FLAIR.nii.gz",
        ),
    ],
)
def test_images_of_one_patient_are_one_case(names: tuple[str, ...]) -> None:
    (by_role,) = cases(*names).values()
    assert set(by_role) == {"T1", "T1c", "T2", "FLAIR"}


def test_patients_named_behind_the_sequence_stay_apart() -> None:
    found = cases(*(f"{one}_{who}.nii.gz" for one in SEQUENCES_2021 for who in ("anna", "berta")))
    assert {title: set(by_role) for title, by_role in found.items()} == {
        "anna": {"T1", "T1c", "T2", "FLAIR"},
        "berta": {"T1", "T1c", "T2", "FLAIR"},
    }


def test_repeats_of_one_patient_do_not_mix_the_others() -> None:
    names = ("sub-1_run-1_T1w", "sub-1_run-2_T1w", "sub-1_T2w", "sub-2_T1w", "sub-2_T2w")
    found = {case.title: case for case in cases_of(ROOT / f"{name}.nii.gz" for name in names)}
    assert {title: len(case.files) for title, case in found.items()} == {"sub-1": 3, "sub-2": 2}

"""Cases as data sets lay them out: one study each, never two patients in one."""

from pathlib import Path

import pytest

from desktop_app.io.nifti_layout import NiftiCase, cases_of
from desktop_app.io.sequence_text import role_in_file_name

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

import pytest

from desktop_app.domain.study import Sequence
from desktop_app.io.sequences.text import (
    contrast_in,
    names_something_else,
    not_anatomical,
    role_in_file_name,
    weighting_in,
)


@pytest.mark.parametrize(
    "text",
    [
        "T1 no contrast",
        "AX T1 NO GAD",
        "T1 non con",
        "T1 noncontrast",
        "t1_tra_vor KM",
        "T1 vor Kontrastmittel",
        "T1 sin contraste",
        "T1 sem contraste",
        "T1 senza contrasto",
        "T1 zonder contrast",
        "T1 avant gado",
        "T1 before gad",
        "AX T1 C-",
        "t1_tra_c-",
        "AX T1 -C",
        "t1pre",
        "t1_precontrast",
        "t1 w/o contrast",
        "T1平扫",
        "T1增强前",
        "造影前 T1",
        "Т1 без контраста",
    ],
)
def test_description_says_without_contrast(text: str) -> None:
    assert contrast_in(text) is False


@pytest.mark.parametrize(
    "text",
    [
        "AX T1 C+",
        "T1 con contraste",
        "t1 nach KM",
        "T1 mit Kontrastmittel",
        "T1 inj",
        "T1 POST W/O FAT SAT",
        "T1 POST-OP GAD",
        "POST T1 pre-scan norm",
        "增强T1",
        "T1 造影後",
        "Т1 с контрастом",
    ],
)
def test_description_says_with_contrast(text: str) -> None:
    assert contrast_in(text) is True


@pytest.mark.parametrize(
    "text",
    [
        "头颅平扫+增强 T1",
        "Sag T1 posterior",
        "T1 post fossa",
        "T1 post op",
        "T1 pre-op",
        "T1 orbita sin",
        # Names of whole examinations, which stand on the images before the injection too.
        "BRAIN W/WO CONTRAST",
        "MRI BRAIN WITH AND WITHOUT CONTRAST",
        "BRAIN TUMOR PRE/POST",
    ],
)
def test_description_says_nothing_of_contrast(text: str) -> None:
    assert contrast_in(text) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("t1_pre_contrast", Sequence.T1),
        ("t1_without_contrast", Sequence.T1),
        ("T1_no_contrast", Sequence.T1),
        ("t1_gd_pre", Sequence.T1),
        ("t1_vor_km", Sequence.T1),
        ("t1_native", Sequence.T1),
        ("t1_post_op", Sequence.T1),
        ("t1_post_contrast", Sequence.T1C),
        ("sub-01_ce-gadolinium_T1w", Sequence.T1C),
        # Native space, brain without skull, before treatment.
        ("t1ce_native", Sequence.T1C),
        ("t1ce_without_skull", Sequence.T1C),
        ("pre_treatment_t1ce", Sequence.T1C),
        ("T1_masked", Sequence.T1),
        ("lesion01_t1", Sequence.T1),
        ("t1_lesion", None),
        ("lesion_t1", None),
        ("x_T2_star", None),
    ],
)
def test_role_in_file_name_of_a_clinic(name: str, expected: Sequence | None) -> None:
    assert role_in_file_name(f"{name}.nii.gz") is expected


@pytest.mark.parametrize(
    ("text", "physics", "left_out"),
    [
        ("AX 3D T1 GRE +C", None, False),
        ("AX GRE +C", Sequence.T1, False),
        ("AX GRE", None, True),
        ("AX T2 GRE", Sequence.T2, True),
        ("AX T1 FS BRAIN/ORBITS", None, False),
        ("T1 orbits", Sequence.T1, True),
        ("3D T1 MPRAGE pd", None, False),
        ("PD/T2", Sequence.T2, False),
        ("PD/T2", None, True),
        ("T1 diffuse glioma", None, False),
        ("ep2d_diff_3scan", Sequence.T2, True),
    ],
)
def test_names_of_techniques_yield_to_the_weighting(
    text: str, physics: Sequence | None, left_out: bool
) -> None:
    assert bool(not_anatomical(text, physics)) is left_out


@pytest.mark.parametrize(
    ("name", "expected"),
    [("seg.nii.gz", True), ("dwi.nii", True), ("image.nii.gz", False), ("sub-01.nii", False)],
)
def test_file_that_never_stands_for_its_folder(name: str, expected: bool) -> None:
    assert names_something_else(name) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("增强T1", Sequence.T1),
        ("轴位T2压脂", Sequence.T2),
        ("Т1 ВИ", Sequence.T1),
        ("横断 FLAIR", Sequence.FLAIR),
    ],
)
def test_weighting_is_found_beside_letters_of_any_script(text: str, expected: Sequence) -> None:
    assert weighting_in(text) is expected


def test_contrast_in_a_file_name_of_another_script_makes_no_plain_t1() -> None:
    assert role_in_file_name("t1增强.nii.gz") is Sequence.T1C
    assert role_in_file_name("T1平扫.nii.gz") is Sequence.T1

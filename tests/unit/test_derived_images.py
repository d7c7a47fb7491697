"""Images computed from others are none of the four, or come after what the scanner took."""

from typing import Any

import pytest

from desktop_app.domain.study import Sequence
from desktop_app.io.sequences.rules import propose_roles
from desktop_app.io.sequences.text import not_anatomical, role_in_file_name
from tests.mr_series import FLAIR, GAD, MPRAGE, SE_T1, T2, role_of, series

DERIVED = {"ImageType": "DERIVED\\SECONDARY\\PROCESSED"}
MPR = {"ImageType": "DERIVED\\SECONDARY\\MPR"}
WATER = {"ImageType": "DERIVED\\PRIMARY\\DIXON\\WATER"}
FINE: dict[str, Any] = {"slices": 176, "step": 1.0, "MRAcquisitionType": "3D"}


@pytest.mark.parametrize(
    "description",
    [
        "AX (T1 POST - T1 PRE)",
        "T1 post-pre",
        "T1 POST MINUS PRE",
        "Ax (T1 POST-T1 PRE)",
        "T1 KM - nativ",
        "T1 +C vs T1 without",
        "T1c - T1",
        "T1 Gd - T1",
        "t1_ce - t1_nativ",
        "AX T1 POST CONTRAST - AX T1",
        "dT1",
        "Delta T1",
        "T1 soustraction",
        "T1 sottrazione",
        "T1 sustraccion",
        "AX T1 PRE/POST SUBTRACT",
    ],
)
def test_subtraction_is_known_by_its_name(description: str) -> None:
    roles, candidates = propose_roles([series("a", description, **SE_T1, **GAD)])
    assert roles == {}
    assert candidates[0].reason == "Left out: a derived picture."


@pytest.mark.parametrize(
    ("description", "role"),
    [
        ("AX T1 PRE - POST", Sequence.T1C),
        ("AX T1 PRE", Sequence.T1),
        ("t1-mprage-post-gd", Sequence.T1C),
        ("BRAIN POST-CONTRAST - T1 AX", Sequence.T1C),
        ("AX T1 POST - WITHOUT FAT SAT", Sequence.T1C),
        ("T1 GD - PRE-OP", Sequence.T1C),
        ("T1 POST-GAD 3D PRE RADIATION", Sequence.T1C),
        ("T1 POST - T1 VIBE KM", Sequence.T1C),
        ("T1 C- AX", Sequence.T1),
        ("3D T1", Sequence.T1C),
    ],
)
def test_hyphens_between_other_words_are_no_minus(description: str, role: Sequence) -> None:
    (proposal,) = propose_roles([series("a", description, **SE_T1, **GAD)])[0].items()
    assert proposal[0] is role
    assert not not_anatomical(description)


@pytest.mark.parametrize(
    "description", ["T1 POST - T1 MPRAGE SAG", "AX T1 POST - AX T1 FSE", "T1 +C - T1 SE"]
)
def test_an_original_named_by_two_words_for_it_is_no_subtraction(description: str) -> None:
    header = SE_T1 | GAD | {"ImageType": "ORIGINAL\\PRIMARY\\M\\SE"}
    assert list(role_of(series("a", description, **header)).values()) == ["a"]
    computed = SE_T1 | GAD | {"ImageType": "DERIVED\\SECONDARY\\PROCESSED"}
    assert role_of(series("a", description, **computed)) == {}


@pytest.mark.parametrize("kind", ["SUB", "SUBTRACT", "SUBTRACTION", "SUBTRACTED"])
def test_subtraction_is_known_by_its_image_type(kind: str) -> None:
    header = SE_T1 | GAD | {"ImageType": f"DERIVED\\SECONDARY\\{kind}"}
    assert role_of(series("a", "AX T1", **header)) == {}


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("x_t1_subtraction", None),
        ("x_soustraction_t1", None),
        ("sub-01_t1", Sequence.T1),
        ("post-pre_t1", Sequence.T1),
    ],
)
def test_subtraction_is_known_by_its_file_name(name: str, role: Sequence | None) -> None:
    assert role_in_file_name(f"{name}.nii.gz") is role


@pytest.mark.parametrize("is_fine", [False, True])
def test_derived_image_is_never_taken_for_being_surer_or_finer(is_fine: bool) -> None:
    """Its words may agree with each other better than those of the image that was taken."""
    how = FINE if is_fine else {}
    original = series("original", "AX T1 SE", number=2, **SE_T1)
    derived = series("derived", "AX T1 PRE", number=12, **how, **SE_T1, **DERIVED)
    post = series("post", "AX T1 SE POST GD", number=5, **SE_T1, **GAD)
    assert role_of(original, derived, post) == {"T1": "original", "T1c": "post"}
    # A fine reformat may come before a thick original; a fine image of another kind may not.
    kind = DERIVED if is_fine else MPR
    for description, timing in (("T2", T2), ("FLAIR", FLAIR)):
        original = series("original", "", **timing)
        derived = series("derived", description, **how, **timing, **kind)
        assert role_of(derived, original) == {description: "original"}


def test_derived_image_serves_where_the_original_is_doubted_or_a_part_or_missing() -> None:
    reformatted = series("mpr", "t1 km mpr", **FINE, **SE_T1, **GAD, **MPR)
    slab = series("slab", "t1 km", slices=16, step=3.0, **SE_T1, **GAD)
    contradicted = series("contradicted", "t2 post", **SE_T1, **GAD)
    guessed = series("guessed", "t1 km")
    for others in ((), (slab,), (contradicted,), (guessed,), (slab, contradicted)):
        assert role_of(reformatted, *others) == {"T1c": "mpr"}


def test_what_the_scanner_makes_of_one_acquisition_counts_as_taken() -> None:
    water = series("water", "t1 vibe dixon km", **FINE | MPRAGE | WATER | GAD)
    thick = series("thick", "t1 se km", **SE_T1, **GAD)
    assert role_of(water, thick) == {"T1c": "water"}


def test_study_of_derived_images_alone_is_ordered_as_any_other() -> None:
    sure = series("sure", "ax t1 pre", **SE_T1, **DERIVED)
    silent = series("silent", "sag mprage", **FINE | MPRAGE | DERIVED)
    assert role_of(sure, silent) == {"T1": "sure"}


def test_derived_image_whose_header_and_words_disagree_on_contrast_is_doubted() -> None:
    roles, _ = propose_roles([series("a", "AX T1 PRE", **SE_T1, **GAD, **DERIVED)])
    assert roles[Sequence.T1].confidence <= 0.5
    assert roles[Sequence.T1].reason.endswith("these disagree, please confirm.")
    # Scanners write the agent into every image of an examination.
    roles, _ = propose_roles([series("a", "AX T1 PRE", **SE_T1, **GAD)])
    assert roles[Sequence.T1].confidence == 0.95


@pytest.mark.parametrize(("said", "administered"), [("PRE", "YES"), ("POST", "NO")])
def test_words_against_what_was_administered_are_doubted(said: str, administered: str) -> None:
    header = SE_T1 | {"ContrastAdministered": administered}
    ((_, proposal),) = propose_roles([series("a", f"AX T1 {said}", **header)])[0].items()
    assert proposal.confidence <= 0.5


def test_word_against_contrast_is_doubted_after_a_series_with_contrast() -> None:
    post = series("post", "AX T1 POST", acquired="2026-01-05T10:20:00", **SE_T1, **GAD)
    after = series("after", "AX T1 PRE", acquired="2026-01-05T10:30:00", **SE_T1)
    before = series("before", "AX T1", acquired="2026-01-05T10:00:00", **SE_T1)
    alone = propose_roles([post, after])[0][Sequence.T1]
    assert alone.confidence <= 0.5
    assert "after a series with contrast agent, please confirm" in alone.reason
    assert role_of(before, post, after) == {"T1": "before", "T1c": "post"}

"""Which of several series is proposed: the surest first, the best of those that are as sure."""

from dataclasses import replace
from typing import Any

import pytest

from desktop_app.domain.study import Sequence, Series
from desktop_app.io.sequences.rules import propose_roles
from desktop_app.io.sequences.text import role_in_file_name
from tests.mr_series import FLAIR, GAD, MPRAGE, SE_T1, T2, role_of, series

FINE: dict[str, Any] = {"slices": 176, "step": 1.0}
SPACE_DIR = {"RepetitionTime": 7500, "EchoTime": 320, "ScanningSequence": "SE\\IR"}
VIBE = {
    "RepetitionTime": 5,
    "EchoTime": 2,
    "ScanningSequence": "GR",
    "MRAcquisitionType": "3D",
}


@pytest.mark.parametrize(
    ("description", "header"),
    [
        ("t2_spc_dir_sag", SPACE_DIR | {"InversionTime": 3000, "MRAcquisitionType": "3D"}),
        ("Sag CUBE Double Inversion", SPACE_DIR | {"InversionTime": 2900}),
        ("t1_twist_tra_dyn", VIBE | GAD),
        ("AX DISCO T1", VIBE | GAD),
        ("t1_vibe_dyn", VIBE | GAD),
        ("T1 dynamic pituitary", SE_T1 | GAD),
        ("T1 MAP", MPRAGE),
        ("t1map_vibe", VIBE),
        ("mp2rage_sag_T1_Images", MPRAGE),
        ("t2 tra", T2 | {"ImageType": "DERIVED\\PRIMARY\\T2 MAP\\ND"}),
        ("t1 vibe", VIBE | {"ImageType": "DERIVED\\PRIMARY\\T1_MAP"}),
        ("mp2rage_sag_INV1", MPRAGE | {"InversionTime": 700}),
        ("mp2rage_sag_INV2", MPRAGE | GAD | {"InversionTime": 2500}),
        # A second inversion without a name looks like proton density.
        ("sag 3d", MPRAGE | {"InversionTime": 2500}),
    ],
)
def test_fine_images_of_another_kind_are_none_of_the_four(
    description: str, header: dict[str, Any]
) -> None:
    roles, candidates = propose_roles([series("a", description, **FINE, **header)])
    assert roles == {}
    assert candidates[0].reason.startswith("Left out")


def test_words_near_those_of_another_kind_exclude_nothing() -> None:
    assert role_of(series("a", "3D T1 brain map", **MPRAGE)) == {"T1": "a"}
    assert role_of(series("a", "t1 dynacad", **SE_T1)) == {"T1": "a"}
    assert role_of(series("a", "AX T1 IMAGES", **SE_T1)) == {"T1": "a"}


@pytest.mark.parametrize(
    ("sure", "fine"),
    [
        # Contrast is said, or only the examination's agent speaks for it.
        (("t1_se_tra_km", SE_T1 | GAD), ("t1_mprage_sag", MPRAGE | GAD)),
        (("ax t1 pre", SE_T1), ("sag mprage", MPRAGE)),
        # Timing and words agree, or either is alone, or they disagree.
        (("ax t2", T2), ("sag 3d", T2 | {"MRAcquisitionType": "3D"})),
        (("t2_tirm_tra_dark-fluid", FLAIR), ("t2_spc_sag", FLAIR | {"MRAcquisitionType": "3D"})),
        (("sag 3d", T2), ("t2 space", {"MRAcquisitionType": "3D"})),
    ],
)
def test_sure_series_comes_before_a_finer_one(
    sure: tuple[str, dict[str, Any]], fine: tuple[str, dict[str, Any]]
) -> None:
    found = role_of(series("sure", sure[0], **sure[1]), series("fine", fine[0], **FINE, **fine[1]))
    assert set(found.values()) == {"sure"}


@pytest.mark.parametrize(
    "image_type",
    ["DERIVED\\SECONDARY\\MPR", "DERIVED\\PRIMARY\\CSA MPR", "DERIVED\\SECONDARY\\REFORMATTED"],
)
def test_fine_reformat_comes_before_a_thick_original(image_type: str) -> None:
    thick = series("thick", "AX T1 POST", slices=14, step=10.0, **SE_T1, **GAD)
    fine = series("fine", "T1 MPRAGE POST", ImageType=image_type, **FINE, **MPRAGE, **GAD)
    assert role_of(thick, fine) == role_of(fine, thick) == {"T1c": "fine"}


@pytest.mark.parametrize(
    ("role", "header"),
    [("T1c", SE_T1 | GAD), ("T2", T2), ("FLAIR", FLAIR)],
    ids=["T1c", "T2", "FLAIR"],
)
@pytest.mark.parametrize("kind", [{"MRAcquisitionType": "2D"}, {}], ids=["2d", "not said"])
def test_thick_original_comes_before_fine_slices_interpolated_from_it(
    role: str, header: dict[str, Any], kind: dict[str, Any]
) -> None:
    header = header | kind
    thick = series("thick", "ax post", slices=26, step=5.5, **header)
    fine = series("fine", "ax post cor", ImageType="DERIVED\\SECONDARY\\MPR", **FINE, **header)
    assert role_of(thick, fine) == role_of(fine, thick) == {role: "thick"}


def test_reformat_comes_after_the_acquisition_it_was_made_of() -> None:
    thick = series("thick", "t1 vibe km", slices=40, step=5.0, **VIBE, **GAD)
    fine = series("fine", "t1 vibe km", ImageType="DERIVED\\SECONDARY\\MPR", **FINE, **VIBE, **GAD)
    assert role_of(thick, fine) == {"T1c": "thick"}


def test_reformat_comes_after_the_fine_acquisition_it_was_made_of() -> None:
    space = T2 | {"MRAcquisitionType": "3D"}
    # Its words are surer than those of the original.
    reformat = series("mpr", "t2 space tra", ImageType="DERIVED\\SECONDARY\\MPR", **space)
    assert role_of(reformat, series("whole", "sag 3d", **FINE, **space)) == {"T2": "whole"}


def test_whole_brain_comes_before_a_part_of_it() -> None:
    slab = series("slab", "COR T1 PIT POST", slices=16, step=3.0, **SE_T1, **GAD)
    whole = series("whole", "AX T1", **SE_T1, **GAD)
    guessed = series("guessed", "t1 post")
    contradicted = series("contradicted", "FLAIR", **SE_T1, **GAD)
    assert role_of(slab, whole) == {"T1c": "whole"}
    assert role_of(slab, guessed) == {"T1c": "guessed"}
    assert role_of(slab, contradicted) == {"T1c": "slab"}
    assert role_of(slab) == {"T1c": "slab"}


def test_combined_image_of_mp2rage_serves_where_there_is_no_other_t1() -> None:
    derived = MPRAGE | {"ImageType": "DERIVED\\PRIMARY\\M\\ND\\UNI", "InversionTime": 700}
    derived |= FINE | {"RepetitionTime": 5000, "acquired": "2026-01-05T10:00:00"}
    plain = series("uni", "mp2rage_sag_UNI_Images", number=9, **derived)
    denoised = series("den", "mp2rage_sag_UNI-DEN", number=8, **derived)
    t1 = series("t1", "t1_mprage_sag", number=2, **FINE, **MPRAGE)
    assert role_of(plain, denoised, t1) == {"T1": "t1"}
    assert role_of(plain, denoised) == {"T1": "den"}
    assert role_of(plain) == {"T1": "uni"}


def time_points(count: int, description: str, **header: Any) -> list[Series]:
    """Return the images that a series holding several of one place is separated into."""
    return [
        series(
            "dce" if number == 1 else f"dce#{number}",
            description,
            number=7,
            acquired=f"2026-01-05T10:00:{number:02}",
            **header,
        )
        for number in range(1, count + 1)
    ]


def test_many_time_points_are_none_of_the_four() -> None:
    points = time_points(5, "t1_vibe_tra_km", **VIBE, **GAD)
    roles, candidates = propose_roles(points)
    assert roles == {}
    assert "one of 5 time points" in candidates[0].reason


def test_many_time_points_in_series_of_their_own_are_none_of_the_four() -> None:
    points = [
        series(f"ph{n}", f"AX T1 VIBE PH{n}", number=n, acquired=f"2026-01-05T10:0{n}:00", **VIBE)
        for n in range(6)
    ]
    assert role_of(*points) == {}
    assert set(role_of(*points[:2])) == {"T1", "T1c"}


def test_time_point_is_no_sure_t1c() -> None:
    points = time_points(3, "t1_vibe_tra_km", **VIBE, **GAD)
    proposal = propose_roles(points)[0][Sequence.T1C]
    assert proposal.series_uid == "dce#3"
    assert proposal.confidence <= 0.5
    assert proposal.reason.endswith("time point 3 of 3, please confirm; the best of 3 candidates.")


def test_time_points_come_after_a_series_that_is_surely_with_contrast() -> None:
    points = time_points(3, "t1_vibe_tra_km", **FINE, **VIBE, **GAD)
    assert role_of(*points, series("t1", "t1_se_tra_km", **SE_T1, **GAD)) == {"T1c": "t1"}


def test_first_time_point_serves_as_t1() -> None:
    points = time_points(3, "t1_vibe_tra", **VIBE)
    roles, _ = propose_roles([*reversed(points), series("t1c", "t1_se_tra_km", **SE_T1, **GAD)])
    assert {r.value: p.series_uid for r, p in roles.items()} == {"T1": "dce", "T1c": "t1c"}
    assert roles[Sequence.T1].confidence > 0.7


def test_repeats_of_a_t2_are_as_sure() -> None:
    roles, _ = propose_roles(time_points(2, "t2_tse_tra", **T2))
    assert roles[Sequence.T2].confidence == 0.95


def test_echoes_of_one_series_are_no_time_points() -> None:
    echoes = [
        replace(one, attributes={**one.attributes, "EchoTime": str(70 + 5 * n)})
        for n, one in enumerate(time_points(6, "t2_tse_tra", **T2))
    ]
    assert set(role_of(*echoes)) == {"T2"}


def test_t1_after_contrast_comes_after_one_before() -> None:
    before = series("before", "AX T1", acquired="2026-01-05T10:00:00", **SE_T1)
    post = series("post", "AX T1 POST", acquired="2026-01-05T10:20:00", **SE_T1, **GAD)
    after = series("after", "SAG 3D T1", acquired="2026-01-05T10:30:00", **FINE, **MPRAGE)
    assert role_of(before, post, after) == {"T1": "before", "T1c": "post"}
    alone = propose_roles([post, after])[0][Sequence.T1]
    assert alone.confidence <= 0.5
    assert "after a series with contrast agent, please confirm" in alone.reason


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("5_t2_spc_dir_sag", None),
        ("x_t1_twist_dyn", None),
        ("x_t1_map", None),
        ("sub-01_inv-1_t1", None),
        ("dir_001_t1", Sequence.T1),
        ("dyn01_t1ce", Sequence.T1C),
        ("sub-01_dir-AP_T2w", Sequence.T2),
    ],
)
def test_role_in_file_name_of_another_kind(name: str, expected: Sequence | None) -> None:
    assert role_in_file_name(f"{name}.nii.gz") is expected


def test_images_of_one_acquisition_are_not_before_and_after() -> None:
    """Scanners store filtered and plain images of one acquisition under numbers of their own."""
    header = SE_T1 | {"acquired": "2026-01-05T10:00:00"}
    early = [series(uid, "t1", number=n, **header) for n, uid in enumerate(("norm", "nd"))]
    assert set(role_of(*early)) == {"T1"}
    header |= {"acquired": "2026-01-05T10:20:00"}
    late = [series(uid, "t1", number=n, **header) for n, uid in enumerate(("lnorm", "lnd"), 8)]
    assert role_of(*early, *late) == {"T1": "nd", "T1c": "lnd"}

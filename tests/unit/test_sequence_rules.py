from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.study import Sequence
from desktop_app.io.sequences.rules import propose_roles
from desktop_app.io.sequences.text import contrast_in, role_in_file_name
from tests.mr_series import FLAIR, GAD, MPRAGE, SE_T1, T2, role_of, series

T1_FLAIR = {
    "RepetitionTime": 2500,
    "EchoTime": 9,
    "InversionTime": 900,
    "ScanningSequence": "SE\\IR",
}
EARLY_ECHO = {"RepetitionTime": 3000, "EchoTime": 20, "ScanningSequence": "SE"}


@pytest.mark.parametrize(
    ("description", "header", "expected"),
    [
        ("Ax T1", SE_T1, "T1"),
        ("t1_mpr_sag", MPRAGE, "T1"),
        ("Ax T1 POST", SE_T1 | GAD, "T1c"),
        ("T1 +C", SE_T1, "T1c"),
        ("t1_mprage_km", MPRAGE, "T1c"),
        ("AX 3D T1 GRE +C", MPRAGE, "T1c"),
        ("3D T1 MPRAGE pd", MPRAGE, "T1"),
        ("AX T1 FS BRAIN/ORBITS", SE_T1, "T1"),
        ("", T2, "T2"),
        ("Ax T2 POST", T2 | GAD, "T2"),
        ("Ax T2 FLAIR", FLAIR, "FLAIR"),
        ("t2_tirm_tra_dark-fluid", FLAIR, "FLAIR"),
        ("", FLAIR, "FLAIR"),
        # A FLAIR whose header lost its inversion time.
        ("FLAIR", {"RepetitionTime": 9000, "EchoTime": 120}, "FLAIR"),
        ("Ax T1 FLAIR", T1_FLAIR, "T1"),
        # Words only, as after anonymisation.
        ("T1 post contrast", {}, "T1c"),
        ("", {"AcquisitionContrast": "FLUID_ATTENUATED"}, "FLAIR"),
        ("t1_tirm_tra_dark-fluid", T1_FLAIR, "T1"),
        ("t1_tra_dark-fluid", T1_FLAIR, "T1"),
        # A FLAIR is weighted by T2, and some scanners name it so.
        ("FLAIR_longTR", FLAIR | {"AcquisitionContrast": "T2"}, "FLAIR"),
        ("", FLAIR | {"AcquisitionContrast": "T2"}, "FLAIR"),
        ("FLAIR", FLAIR | {"InversionTime": 1400, "AcquisitionContrast": "T2"}, "FLAIR"),
        ("FLAIR", T2 | {"AcquisitionContrast": "T2"}, "FLAIR"),
        ("T2W_TSE", T2 | {"AcquisitionContrast": "T2"}, "T2"),
        # The late echo of a series that is named after its early one.
        ("PDW_TSE_T2 dual", T2 | {"AcquisitionContrast": "PROTON_DENSITY"}, "T2"),
        ("T2W_TSE", T2 | {"AcquisitionContrast": "UNKNOWN"}, "T2"),
        ("T2 TGSE", T2 | {"ScanningSequence": "GR\\SE"}, "T2"),
        ("T2 3D", {"RepetitionTime": 2500, "EchoTime": 30}, "T2"),
    ],
)
def test_one_series_gets_its_role(description: str, header: dict[str, Any], expected: str) -> None:
    assert role_of(series("a", description, **header)) == {expected: "a"}


@pytest.mark.parametrize(
    ("description", "header"),
    [
        ("ADC map", T2),
        ("dwi", T2 | {"DiffusionBValue": 1000}),
        ("ep2d", {"ScanningSequence": "EP", "RepetitionTime": 5000, "EchoTime": 90}),
        ("Ax SWI", {"RepetitionTime": 28, "EchoTime": 20, "ScanningSequence": "GR"}),
        ("Ax T2*", {"RepetitionTime": 600, "EchoTime": 25, "ScanningSequence": "GR"}),
        ("TOF", {"RepetitionTime": 22, "EchoTime": 4, "ScanningSequence": "GR"}),
        ("PD", {"RepetitionTime": 3000, "EchoTime": 15, "ScanningSequence": "SE"}),
        ("t1 sub", SE_T1 | {"ImageType": "DERIVED\\PRIMARY\\SUB"}),
        ("t1", SE_T1 | {"ImageType": "DERIVED\\SECONDARY\\PROJECTION IMAGE\\MIP"}),
        ("scout", SE_T1),
        ("t1_dixon", SE_T1 | {"ImageType": "DERIVED\\PRIMARY\\DIXON\\FAT"}),
        ("t1_dixon", SE_T1 | {"ImageType": "DERIVED\\PRIMARY\\OP\\OP\\DERIVED"}),
        ("t1", SE_T1 | {"BurnedInAnnotation": "YES"}),
        ("t2 cervical spine", T2),
        ("T2W_FFE", {"RepetitionTime": 700, "EchoTime": 23, "ScanningSequence": "GR"}),
        ("t2_fl2d_tra", {"RepetitionTime": 700, "EchoTime": 20, "ScanningSequence": "GR"}),
        ("t2_tse_tra", EARLY_ECHO),
        ("T2W_TSE", EARLY_ECHO | {"AcquisitionContrast": "PROTON_DENSITY"}),
        ("", SE_T1 | {"AcquisitionContrast": "PROTON_DENSITY"}),
        ("T2W", {"AcquisitionContrast": "T2_STAR"}),
        ("sInflow_MSDE", MPRAGE | {"InversionTime": "", "AcquisitionContrast": "TOF"}),
        ("", T2 | {"AcquisitionContrast": "STIR"}),
        ("t1", SE_T1 | {"AcquisitionContrast": "FLOW_ENCODED"}),
        ("t1", MPRAGE | {"AcquisitionContrast": "PERFUSION"}),
        ("t2", T2 | {"AcquisitionContrast": "DIFFUSION"}),
        ("t1", MPRAGE | {"AcquisitionContrast": "TAGGING"}),
    ],
)
def test_other_series_get_none(description: str, header: dict[str, Any]) -> None:
    roles, candidates = propose_roles([series("a", description, **header)])
    assert roles == {}
    assert candidates[0].reason.startswith("Left out")


def test_few_slices_or_unusable_get_none() -> None:
    assert role_of(series("a", "t1", slices=9, **SE_T1)) == {}
    assert role_of(series("a", "t1", usable=False, **SE_T1)) == {}


def test_missing_sequence_is_never_filled_by_another() -> None:
    found = role_of(series("a", "t1", **SE_T1), series("b", "flair", **FLAIR))
    assert found == {"T1": "a", "FLAIR": "b"}


def test_three_dimensional_and_thin_is_preferred() -> None:
    thick = series("thick", "t1 km", **SE_T1, **GAD)
    thin = series("thin", "t1 mprage km", slices=176, step=1.0, **MPRAGE, **GAD)
    assert role_of(thick, thin) == {"T1c": "thin"}
    reformatted = series(
        "mpr",
        "t1 mprage km",
        slices=176,
        step=1.0,
        ImageType="DERIVED\\SECONDARY\\MPR",
        **MPRAGE,
        **GAD,
    )
    assert role_of(reformatted, thin) == {"T1c": "thin"}
    assert role_of(reformatted) == {"T1c": "mpr"}


def test_latest_repeat_is_preferred() -> None:
    first, second = (series(f"n{n}", "t2", number=n, **T2) for n in (3, 4))
    assert role_of(first, second) == role_of(second, first) == {"T2": "n4"}


def test_later_of_two_equal_t1s_is_taken_for_contrast_with_little_confidence() -> None:
    early = series("early", "t1 tra", acquired="2026-01-05T10:00:00", **SE_T1)
    late = series("late", "t1 tra", acquired="2026-01-05T10:20:00", **SE_T1)
    roles, _ = propose_roles([late, early])
    assert {r.value: p.series_uid for r, p in roles.items()} == {"T1": "early", "T1c": "late"}
    assert roles[Sequence.T1C].confidence <= 0.5
    assert "confirm" in roles[Sequence.T1C].reason


def test_agent_set_on_both_t1s_is_settled_by_time() -> None:
    early = series("early", "t1 tra", acquired="2026-01-05T10:00:00", **SE_T1, **GAD)
    late = series("late", "t1 tra", acquired="2026-01-05T10:20:00", **SE_T1, **GAD)
    assert role_of(early, late) == {"T1": "early", "T1c": "late"}


BOLUS = GAD | {"ContrastBolusStartTime": "101010"}


def test_bolus_tags_on_the_whole_examination_are_settled_by_time() -> None:
    early = series("early", "t1 tra", acquired="2026-01-05T10:00:00", **SE_T1, **BOLUS)
    late = series("late", "t1 tra", acquired="2026-01-05T10:20:00", **SE_T1, **BOLUS)
    roles, _ = propose_roles([late, early])
    assert {r.value: p.series_uid for r, p in roles.items()} == {"T1": "early", "T1c": "late"}
    assert roles[Sequence.T1].confidence <= 0.5


def test_bolus_tags_before_a_series_said_to_be_with_contrast() -> None:
    early = series("early", "t1 tra", acquired="2026-01-05T10:00:00", **SE_T1, **BOLUS)
    late = series("late", "t1 tra post", acquired="2026-01-05T10:20:00", **SE_T1, **BOLUS)
    assert role_of(early, late) == {"T1": "early", "T1c": "late"}


def test_bolus_tags_on_two_protocols_are_doubted() -> None:
    early = series("early", "t1 tra", acquired="2026-01-05T10:00:00", **SE_T1, **BOLUS)
    other = series("other", "t1 mpr", acquired="2026-01-05T10:20:00", **MPRAGE, **BOLUS)
    roles, _ = propose_roles([early, other])
    assert set(roles) == {Sequence.T1C}
    assert roles[Sequence.T1C].confidence <= 0.5
    assert "confirm" in roles[Sequence.T1C].reason


def test_bolus_tags_after_a_series_said_to_be_with_contrast_are_believed() -> None:
    said = series("said", "t1 tra post", acquired="2026-01-05T10:00:00", **SE_T1, **BOLUS)
    after = series("after", "t1 mpr", acquired="2026-01-05T10:20:00", **MPRAGE, **BOLUS)
    roles, _ = propose_roles([said, after])
    assert roles[Sequence.T1C].series_uid == "after"
    assert roles[Sequence.T1C].confidence > 0.7


def test_two_planes_are_not_taken_for_before_and_after() -> None:
    early = series("early", "t1 tra", acquired="2026-01-05T10:00:00", **SE_T1)
    sagittal = np.array([[0.0, 0, 5, 0], [1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    late = replace(
        series("late", "t1 sag", acquired="2026-01-05T10:20:00", **SE_T1),
        geometry=Geometry((30, 200, 180), sagittal),
    )
    assert set(role_of(early, late)) == {"T1"}


def test_name_of_the_whole_examination_says_nothing_of_contrast() -> None:
    protocol = {"ProtocolName": "BRAIN WITHOUT CONTRAST"}
    assert set(role_of(series("a", "AX T1 POST", **SE_T1, **protocol))) == {"T1c"}
    protocol = {"ProtocolName": "BRAIN W/WO CONTRAST"}
    assert set(role_of(series("a", "AX T1", **SE_T1, **protocol))) == {"T1"}


@pytest.mark.parametrize("description", ["t2_tirm_tra", "STIR", "FLAIR", ""])
def test_short_inversion_is_no_flair(description: str) -> None:
    stir = {"RepetitionTime": 5000, "EchoTime": 70, "InversionTime": 160, "ScanningSequence": "IR"}
    roles, candidates = propose_roles([series("a", description, **stir)])
    assert roles == {}
    assert "short inversion" in candidates[0].reason


def test_flair_with_an_unlikely_inversion_time_is_doubted() -> None:
    roles, _ = propose_roles([series("a", "FLAIR", **T2, InversionTime=900)])
    assert all(proposal.confidence < 0.5 for proposal in roles.values())


def test_word_against_contrast_beats_the_agent_in_the_header() -> None:
    assert role_of(series("a", "t1 pre", **SE_T1, **GAD)) == {"T1": "a"}


def test_contradiction_lowers_the_confidence_and_is_told() -> None:
    roles, _ = propose_roles([series("a", "t1 tra", **T2)])
    proposal = roles[Sequence.T2]
    assert proposal.confidence < 0.5
    assert "though its description says T1" in proposal.reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("T1 POST GAD", True),
        ("t1_tra_fs_+c", True),
        ("T1 W/O CONTRAST", False),
        ("t1 nativ", False),
        ("T1 PRE", False),
        ("ax t1", None),
    ],
)
def test_words_for_contrast(text: str, expected: bool | None) -> None:
    assert contrast_in(text) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x_t1ce.nii.gz", "T1c"),
        ("x-t1c.nii.gz", "T1c"),
        ("x_t1gd.nii", "T1c"),
        ("x_t1_post.nii", "T1c"),
        ("x_t1.nii.gz", "T1"),
        ("x-t1n.nii.gz", "T1"),
        ("x-t2w.nii.gz", "T2"),
        ("x-t2f.nii.gz", "FLAIR"),
        ("x_T2_FLAIR.nii", "FLAIR"),
        ("x_t1_seg.nii.gz", None),
        ("brain_mask.nii", None),
        ("x_adc.nii", None),
    ],
)
def test_role_in_file_name(name: str, expected: str | None) -> None:
    role = role_in_file_name(name)
    assert (role.value if role else None) == expected

"""A name counts for the series that it is of: an examination's for none, a region for all."""

from typing import Any

import pytest

from desktop_app.domain.study import Sequence
from desktop_app.io.sequences.rules import is_without_hint, propose_roles
from tests.mr_series import FLAIR, GAD, MPRAGE, SE_T1, T2, role_of, series

FOUR = {"T1": "t1", "T1c": "t1c", "T2": "t2", "FLAIR": "flair"}
EXAMINATIONS = (
    "BRAIN TUMOR/PERFUSION",
    "MRI/MRA BRAIN W WO",
    "BRAIN TUMOR + DTI",
    "BRAIN AND CERVICAL SPINE",
    "Brain with Spectro",
    "BRAIN W/ FUNCTIONAL fMRI",
    "ORBITS W WO",
)


def examination(protocol: str, *, described: bool = True) -> dict[str, str]:
    """Return what is proposed for a study that bears one protocol on every series."""
    kinds: dict[str, tuple[str, dict[str, Any]]] = {
        "loc": ("3-PL LOC", SE_T1),
        "t1": ("AX T1", SE_T1),
        "dwi": ("AX DWI", T2 | {"ScanningSequence": "EP\\SE"}),
        "t2": ("AX T2 FSE", T2),
        "flair": ("AX T2 FLAIR", FLAIR),
        "perf": ("AX PERFUSION", {"RepetitionTime": 1500, "EchoTime": 30}),
        "t1c": ("AX T1 +C", SE_T1 | GAD),
    }
    if not described:
        # What else there is would be anyone's guess without a description.
        kinds = {key: kinds[key] for key in FOUR.values()}
    return role_of(
        *(
            series(uid, name if described else "", ProtocolName=protocol, **header)
            for uid, (name, header) in kinds.items()
        )
    )


@pytest.mark.parametrize("protocol", EXAMINATIONS)
def test_name_of_the_examination_excludes_no_series(protocol: str) -> None:
    assert examination(protocol) == FOUR


@pytest.mark.parametrize("protocol", EXAMINATIONS)
def test_name_of_the_examination_excludes_no_series_without_description(protocol: str) -> None:
    assert examination(protocol, described=False) == FOUR


def test_protocol_taken_for_a_missing_description_is_the_examinations_too() -> None:
    protocol = "BRAIN TUMOR/PERFUSION"
    found = role_of(
        series("t1", protocol, ProtocolName=protocol, **SE_T1),
        series("t2", protocol, ProtocolName=protocol, **T2),
    )
    assert found == {"T1": "t1", "T2": "t2"}


@pytest.mark.parametrize("protocol", ["BRAIN WITH CONTRAST", "BRAIN TUMOR W GAD"])
def test_examination_with_contrast_makes_no_t1c(protocol: str) -> None:
    assert examination(protocol) == FOUR


@pytest.mark.parametrize("protocol", ["BRAIN TUMOR FLAIR", "BRAIN T1 T2"])
def test_examination_lends_no_weighting(protocol: str) -> None:
    t1, t2 = (
        series(uid, name, ProtocolName=protocol, **header)
        for uid, name, header in (("t1", "AX T1", SE_T1), ("t2", "AX T2", T2))
    )
    roles, _ = propose_roles([t1, t2])
    assert roles[Sequence.T1].series_uid == "t1"
    assert roles[Sequence.T2].confidence == 0.95


def test_region_of_the_examination_holds_for_all_of_it() -> None:
    protocol = {"ProtocolName": "LUMBAR SPINE W WO"}
    assert (
        role_of(
            series("t1", "SAG T1", **SE_T1, **protocol), series("t2", "SAG T2", **T2, **protocol)
        )
        == {}
    )


@pytest.mark.parametrize("protocol", ["ep2d_diff", "DSC perfusion", "MRA HEAD"])
def test_protocol_stands_for_a_missing_description(protocol: str) -> None:
    assert role_of(series("a", "", ProtocolName=protocol, **T2)) == {}
    assert role_of(series("a", "Ax T2", ProtocolName=protocol, **T2)) == {"T2": "a"}


def test_two_localizers_are_no_examination() -> None:
    t1s = [series(f"t1{n}", "", ProtocolName=f"t1 {n}", step=n, **SE_T1) for n in range(4, 9)]
    localizers = [
        series("loc1", "", ProtocolName="localizer", **SE_T1),
        series("loc2", "", ProtocolName="localizer", **T2),
    ]
    assert Sequence.T2 not in propose_roles([*t1s, *localizers])[0]


def test_name_of_the_examination_is_no_hint() -> None:
    assert is_without_hint(series("a", "AX", ProtocolName="BRAIN TUMOR/PERFUSION"))
    assert not is_without_hint(series("a", "", ProtocolName="AX PERFUSION"))
    assert not is_without_hint(series("a", "AX", ProtocolName="AX T1"))


GE = {"Manufacturer": "GE MEDICAL SYSTEMS"}
PHILIPS = {"Manufacturer": "Philips Healthcare"}
DYNAMIC_T1 = {"RepetitionTime": 5, "EchoTime": 2, "ScanningSequence": "GR"}


@pytest.mark.parametrize(
    ("description", "header", "expected"),
    [
        ("AX T1 POST PERFUSION", SE_T1 | GAD, "T1c"),
        ("POST PERFUSION AX SE", SE_T1 | GAD, "T1c"),
        ("3D T1 MPRAGE fMRI", MPRAGE, "T1"),
        ("AX FLAIR post DTI", FLAIR, "FLAIR"),
        ("AX T2 POST PERFUSION", T2 | GE, "T2"),
        # What is perfusion, diffusion or function has the timing of it, or says so.
        ("AX T1 PERFUSION", DYNAMIC_T1, None),
        ("3D MPRAGE PERFUSION", MPRAGE | {"InversionTime": 2000}, None),
        ("AX PERFUSION", MPRAGE, None),
        ("AX T2 PERFUSION", SE_T1, None),
        ("T2 PERFUSION", T2 | PHILIPS, None),
        ("DWI", T2 | GE, None),
        ("T2 DWI", T2 | PHILIPS, None),
        ("DWI FLAIR", FLAIR | PHILIPS | {"DiffusionBValue": 0}, None),
        ("T1 PERFUSION", SE_T1 | {"ScanningSequence": "EP\\SE"}, None),
        ("T1 DTI", SE_T1 | {"DiffusionBValue": 800}, None),
        ("T1 POST PERFUSION SUB", SE_T1 | GAD, None),
        # Timing alone, without the kind of sequence, may be that of perfusion.
        ("T1 PERFUSION", {"RepetitionTime": 5, "EchoTime": 2}, None),
    ],
)
def test_perfusion_in_a_description_yields_to_plain_timing(
    description: str, header: dict[str, Any], expected: str | None
) -> None:
    assert role_of(series("a", description, **header)) == ({expected: "a"} if expected else {})

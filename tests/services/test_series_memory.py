"""What the user chose for a scanner's series is proposed again, and holds nothing of a patient."""

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from desktop_app import cli
from desktop_app.domain.geometry import Geometry
from desktop_app.domain.study import InstanceRef, PatientSummary, RoleProposal, Sequence, Series
from desktop_app.domain.study import Study as StudyOf
from desktop_app.services.opening.series_memory import (
    REMEMBERED_CONFIDENCE,
    SeriesMemory,
    kind_of,
    user_series_memory,
)


def series(uid: str, description: str, *, model: str = "Aera", number: int = 1) -> Series:
    return Series(
        series_uid=uid,
        description=description,
        instances=(InstanceRef(Path(f"{uid}.dcm")),),
        geometry=Geometry((30, 200, 180), np.eye(4)),
        number=number,
        attributes={
            "Manufacturer": "SIEMENS",
            "ManufacturerModelName": model,
            "ProtocolName": "brain tumour",
        },
    )


def study(*all_series: Series, **roles: str) -> StudyOf:
    return StudyOf(
        study_uid="1.2",
        name="s",
        patient=PatientSummary("4711-X", "Muster^Erika", "19600101"),
        date="20260105",
        description="",
        root=Path("root"),
        series=all_series,
        roles={Sequence(r): RoleProposal(uid, 0.5, "Guessed.") for r, uid in roles.items()},
    )


@pytest.fixture
def memory(tmp_path: Path) -> SeriesMemory:
    return SeriesMemory(tmp_path / "choices.json")


def test_choice_is_proposed_again_for_the_same_scanner(memory: SeriesMemory) -> None:
    first = study(series("a", "AX_T1 POST"), series("b", "AX T1"))
    memory.remember(first, {Sequence.T1C: first.series[0]})
    # Written a little differently, as technicians do.
    second = study(series("c", "ax t1 post"), series("d", "AX T1"), T1="c", T1c="d", T2="e")
    roles = memory.apply(second).roles
    assert roles[Sequence.T1C].series_uid == "c"
    assert roles[Sequence.T1C].confidence == REMEMBERED_CONFIDENCE
    assert roles[Sequence.T1C].reason == "As you chose before for this scanner's “ax t1 post”."
    assert Sequence.T1 not in roles
    assert roles[Sequence.T2].series_uid == "e"


def test_other_scanner_or_other_words_are_not_meant(memory: SeriesMemory) -> None:
    first = study(series("a", "AX T1 POST"))
    memory.remember(first, {Sequence.T1C: first.series[0]})
    others = study(series("c", "AX T1 POST", model="Prisma"), series("d", "AX T1"), T1="c")
    assert memory.apply(others).roles == others.roles


def test_of_several_the_proposed_one_is_taken_else_the_latest(memory: SeriesMemory) -> None:
    first = study(series("a", "T1"))
    memory.remember(first, {Sequence.T1: first.series[0]})
    repeats = (series("early", "T1", number=3), series("late", "T1", number=9))
    assert memory.apply(study(*repeats)).roles[Sequence.T1].series_uid == "late"
    proposed = memory.apply(study(*repeats, T1="early"))
    assert proposed.roles[Sequence.T1].series_uid == "early"


def test_later_choice_replaces_the_earlier(memory: SeriesMemory) -> None:
    one = study(series("a", "T1"))
    memory.remember(one, {Sequence.T1: one.series[0]})
    memory.remember(one, {Sequence.T1C: one.series[0]})
    assert [choice.sequence for choice in memory.choices()] == [Sequence.T1C]
    assert memory.forget() == 1
    assert memory.choices() == ()


def test_nothing_of_the_patient_is_kept(memory: SeriesMemory, tmp_path: Path) -> None:
    one = study(series("a", "T1 Muster km"), series("b", "T2 4711"), series("c", "FLAIR"))
    memory.remember(
        one, dict(zip((Sequence.T1, Sequence.T2, Sequence.FLAIR), one.series, strict=True))
    )
    text = (tmp_path / "choices.json").read_text("utf-8")
    assert [entry["sequence"] for entry in json.loads(text)["choices"]] == ["FLAIR"]
    for private in ("muster", "4711", "1960", "1.2", "root"):
        assert private not in text.lower()


def test_series_that_nothing_describes_are_not_remembered(memory: SeriesMemory) -> None:
    nifti = replace(series("a", "t1"), instances=(InstanceRef(Path("t1.nii.gz")),))
    assert kind_of(nifti) is None
    assert kind_of(series("a", " ")) is None
    memory.remember(study(nifti), {Sequence.T1: nifti})
    assert memory.choices() == ()
    assert memory.forget() == 0


def test_damaged_file_is_no_obstacle(
    memory: SeriesMemory, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    (tmp_path / "choices.json").write_text('{"choices": [{"kind": 3}]}')
    one = study(series("a", "T1"), T1="a")
    assert memory.apply(one) is one
    assert "not readable" in caplog.text


def test_command_lists_and_forgets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GLIASCOPE_USER_DATA", str(tmp_path))
    one = study(series("a", "AX T1 POST"))
    user_series_memory().remember(one, {Sequence.T1C: one.series[0]})
    assert _run("list") == 0
    assert "ax t1 post" in capsys.readouterr().out
    assert _run("forget") == 0
    assert "1 choice forgotten." in capsys.readouterr().out
    assert _run("list") == 0
    assert "Nothing is remembered." in capsys.readouterr().out


def _run(command: str) -> int:
    return cli.run(["choices", command], cli.Frontend(unwanted, unwanted))


def unwanted(*_: object) -> NoReturn:
    raise AssertionError("neither a window nor a page is wanted")

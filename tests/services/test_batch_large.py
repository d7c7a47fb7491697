"""Folders of very many files: a batch looks at all of them, and at their folders once."""

from pathlib import Path

import pytest

from desktop_app.domain.study import InstanceRef, Sequence
from desktop_app.io import folder_walk
from desktop_app.services.batch import state as state_module
from desktop_app.services.batch.listing import list_studies
from tests.mr_files import pattern, write_series
from tests.study_cases import make_series

SHAPE = (12, 6, 5)


def test_a_batch_has_no_limit_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_walk, "MAX_FILES", SHAPE[0] + 1)
    write_series(tmp_path / "in" / "series", pattern(SHAPE))
    write_series(tmp_path / "in" / "series2", pattern(SHAPE), "T2")
    found = list_studies(tmp_path / "in", tmp_path / "out")
    files = [len(series.instances) for study in found.studies for series in study.series]
    assert files == [SHAPE[0]] * 2
    assert found.skipped == ()


def test_a_folder_is_resolved_once_for_all_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / str(number) for number in range(5)]
    for file in files:
        file.touch()
    series = make_series("t1c", instances=tuple(InstanceRef(file) for file in files))
    resolved: list[Path] = []

    def name(path: Path) -> str:
        resolved.append(path)
        return str(path)

    monkeypatch.setattr(state_module, "lasting_name", name)
    before = state_module.fingerprint({Sequence.T1C: series}, "aa")
    assert resolved == [tmp_path]
    files[3].write_bytes(b"changed")
    assert state_module.fingerprint({Sequence.T1C: series}, "aa") != before

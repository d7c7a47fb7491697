"""A program whose files are exchanged while it runs tells that, and takes it for no defect."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop_app import paths
from desktop_app.errors import ExchangedError, ExitCode
from desktop_app.services.batch import CaseStatus
from desktop_app.services.crash_report import defect_told
from tests.batch_cases import Stage, statuses


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file of the installed program that the test is taken for."""
    path = tmp_path / "gliascope"
    path.write_text("one build")
    monkeypatch.setenv(paths.USER_DATA_VARIABLE, str(tmp_path / "own"))
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(path))
    monkeypatch.setattr(paths, "_MARK_AT_START", paths._mark())
    return path


def exchange(program: Path) -> None:
    fresh = program.with_suffix(".new")
    fresh.write_text("another")
    fresh.replace(program)


def test_a_defect_of_the_program_that_was_started_is_kept(program: Path) -> None:
    assert defect_told("Traceback").code is ExitCode.DEFECT
    assert list((paths.user_data_dir() / "crashes").iterdir())


@pytest.mark.parametrize("change", [exchange, Path.unlink])
def test_no_crash_report_after_it_was_exchanged_or_removed(
    program: Path, change: Callable[[Path], None]
) -> None:
    change(program)
    told = defect_told("zlib.error: incorrect header check")
    assert told.code is ExitCode.DEVICE
    assert "exchanged or removed" in told.title
    assert not (paths.user_data_dir() / "crashes").exists()


def test_a_batch_stops_and_goes_on_with_the_new_program(
    stage: Stage, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def before(name: str) -> None:
        if name == "berta":
            exchange(program)
            raise RuntimeError("zlib.error: incorrect header check")

    stage.before = before
    batch = stage.batch()
    with pytest.raises(ExchangedError):
        batch.run()
    assert statuses(batch) == [CaseStatus.DONE, CaseStatus.PENDING, CaseStatus.PENDING]
    assert stage.defects == []
    stage.before = lambda name: None
    monkeypatch.setattr(paths, "_MARK_AT_START", paths._mark())
    again = stage.batch()
    again.run()
    assert statuses(again) == [CaseStatus.DONE] * 3
    assert stage.processed.count("anna") == 1

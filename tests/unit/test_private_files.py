"""What may tell who a patient is can be read by this user alone, whatever others are allowed."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop_app import paths
from desktop_app.domain.study import PatientSummary
from desktop_app.services.crash_report import write_crash_report
from desktop_app.services.results.results_folder import KEY_FILE, STATE_FOLDER, pseudonyms
from tests.study_cases import make_study

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")


@pytest.fixture(autouse=True)
def _others_may_read() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_key_to_pseudonyms(tmp_path: Path) -> None:
    study = make_study(patient=PatientSummary("P1"))
    given = pseudonyms(tmp_path, study)
    assert mode(tmp_path / STATE_FOLDER / KEY_FILE) == 0o600
    assert pseudonyms(tmp_path, study).patient_id == given.patient_id


def test_crash_report(tmp_path: Path) -> None:
    assert mode(write_crash_report("Traceback", tmp_path)) == 0o600


def test_folder_of_the_programs_own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(paths.USER_DATA_VARIABLE, str(tmp_path / "new" / "own"))
    assert mode(paths.user_data_dir()) == 0o700


def test_a_folder_that_is_there_keeps_its_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o750)
    monkeypatch.setenv(paths.USER_DATA_VARIABLE, str(tmp_path))
    assert mode(paths.user_data_dir()) == 0o750

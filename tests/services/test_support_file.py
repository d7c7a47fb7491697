"""A file to send on tells of a fault, and of no patient and no user."""

import getpass
import platform
from dataclasses import replace
from pathlib import Path

import pytest

import desktop_app
from desktop_app.domain.study import PatientSummary
from desktop_app.services.crash_report import CRASH_FOLDER, write_crash_report
from desktop_app.services.settings import Settings
from desktop_app.services.support_file import support_text
from tests.study_cases import make_study

NAME, PATIENT_ID, BIRTH = "MUSTERFRAU^ANNELIESE", "PAT-471", "19570412"
UID = "1.2.826.0.1.3680043.8.498.4711"
DATE, USER, COMPUTER = "2025-09-22", "drkowalski", "ws-neuro7"
SECRETS = (
    *("musterfrau", "anneliese", PATIENT_ID, BIRTH, "1957-04-12", "12.04.1957", "22 Sep 2025"),
    *(UID, DATE, "20250922", USER, COMPUTER, "/home", "klinik", "C:\\Users"),
)
PLANTED = (
    f"{NAME} Anneliese Musterfrau musterfrau anneliese {PATIENT_ID} {BIRTH} 1957-04-12 "
    f"12.04.1957 22 Sep 2025 {UID} {DATE} 20250922 {USER} {COMPUTER} "
    f"/home/{USER}/klinik/Musterfrau Anneliese/IM1.dcm, C:\\Users\\{USER}\\klinik\\a b.dcm"
)
TRACE = f"""Traceback (most recent call last):
  File "/home/{USER}/klinik/gliascope/desktop_app/services/case.py", line 31, in segment
    run("{PLANTED}")
  File "/home/{USER}/musterfrau/anneliese.py", line 7, in run
  File "/usr/lib/python3.11/site-packages/numpy/core/fromnumeric.py", line 59, in reshape
    raise ValueError(text)
ValueError: the image is not whole (240, 155): {PLANTED}
{PLANTED}
"""


@pytest.fixture
def study():
    study = make_study()
    patient = PatientSummary(PATIENT_ID, NAME, birth_date=BIRTH)
    return replace(study, patient=patient, study_uid=UID, date="20250922")


@pytest.fixture
def make_text(tmp_path, monkeypatch):
    monkeypatch.setattr(getpass, "getuser", lambda: USER)
    monkeypatch.setattr(platform, "node", lambda: COMPUTER)
    monkeypatch.setattr(Path, "home", lambda: Path("/home") / USER)
    settings = Settings(
        device="cpu",
        open_folder="/klinik/Musterfrau",
        export_folder=f"/home/{USER}",
        recent_studies=("/klinik/Anneliese",),
        batch_folder=f"C:\\Users\\{USER}",
    )
    return lambda *studies, log="": _text(tmp_path, settings, studies, log)


def _text(folder, settings, studies, log):
    (folder / "run.log").write_text(log, "utf-8")
    return support_text(settings, folder, studies, folder)


def found_in(text):
    return [secret for secret in SECRETS if secret.lower() in text.lower()]


def test_a_fault_is_told_without_what_it_was_met_with(make_text, tmp_path):
    write_crash_report(TRACE, tmp_path)
    text = make_text()  # no study is open, so that nothing is known of whom it was
    assert found_in(text) == []
    assert "desktop_app/services/case.py, line 31, in segment" in text
    assert "numpy/core/fromnumeric.py, line 59, in reshape" in text
    assert "ValueError: the image is not whole (240, 155): [removed]\n" in text


def test_a_log_keeps_its_numbers_and_loses_the_patient(make_text, study):
    log = "\n".join(
        (
            f"Gliascope 0.1.0, {DATE} 10:11:12 UTC",
            "Model slim-unetrpp-2, sha256 0123456789abcdef",
            "Device cpu, precision fp32",
            f"Step: T2 registered by 1.5 mm; {PLANTED}",
            f"Warning: Please check the labels. {PLANTED}",
            f"Checksum of the study: {UID}",
            "ET: 28505 voxels, 28505.0 mm3",
            PLANTED,
        )
    )
    text = make_text(study, log=log)
    assert found_in(text) == []
    for kept in (
        *("Model slim-unetrpp-2, sha256 0123456789abcdef", "Device cpu, precision fp32"),
        *("Step: T2 registered by 1.5 mm;", "Warning: Please check the labels."),
        "ET: 28505 voxels, 28505.0 mm3",
    ):
        assert kept in text


def test_versions_and_settings_are_told_without_folders(make_text):
    text = make_text()
    assert found_in(text) == []
    assert f"Gliascope {desktop_app.__version__}" in text
    assert "device: cpu" in text
    assert "folder" not in text


def test_the_last_fault_counts(make_text, tmp_path):
    folder = tmp_path / CRASH_FOLDER
    folder.mkdir()
    (folder / "crash-1.txt").write_text("KeyError: the\n")
    (folder / "crash-2.txt").write_text("OSError: the\n")
    text = make_text()
    assert "OSError" in text
    assert "KeyError" not in text


def test_nothing_to_tell_is_said(make_text):
    assert make_text().count("  none") == 2

"""What is remembered between two starts, and what is kept of a crash."""

import os
from pathlib import Path

import pytest

from desktop_app.services.crash_report import CRASH_FOLDER, write_crash_report
from desktop_app.services.settings import Settings, load_settings, save_settings
from model.messages import Precision, is_device_name


def test_settings_survive(tmp_path: Path) -> None:
    settings = Settings(
        device="cpu",
        theme="dark",
        open_folder="/data/ä 文",
        export_formats="csv,sr",
        export_anonymise=True,
        recent_studies=("/data/one", "/data/ä 文"),
        overlay_percent=20,
        brush_ball=True,
    )
    save_settings(settings, tmp_path / "new" / "settings.json")
    assert load_settings(tmp_path / "new" / "settings.json") == settings


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps a user's folders from other users")
def test_only_the_user_may_read_which_studies_were_opened(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text("{}")
    save_settings(Settings(recent_studies=("/data/somebody",)), file)
    assert file.stat().st_mode & 0o777 == 0o600


def test_without_a_file_there_are_defaults(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "settings.json") == Settings()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[1]",
        b"\xff\xfe",
        b'{"theme": 3, "export_anonymise": 1, "recent_studies": [3], "brush_mm": [8]}',
        b'{"theme": "contrast", "device": "tpu", "precision": "int3", "brush_mm": 61}',
        b'{"overlay_percent": -1, "brush_mm": 0}',
        b'{"overlay_percent": 100000000000000000000}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_file_gives_defaults(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "settings.json"
    file.write_bytes(content)
    assert load_settings(file) == Settings()


def test_settings_of_another_version_are_read_as_far_as_known(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text('{"theme": "light", "hologram": "on"}')
    assert load_settings(file) == Settings(theme="light")


@pytest.mark.parametrize(
    "device", ["auto", "cpu", "cuda", "cuda:1", "mps", "tpu", "cuda:", "cpu\n"]
)
def test_a_device_is_kept_that_the_command_line_takes_too(tmp_path: Path, device: str) -> None:
    file = tmp_path / "settings.json"
    save_settings(Settings(device=device), file)
    assert load_settings(file).device == (device if is_device_name(device) else "auto")


@pytest.mark.parametrize("precision", list(Precision))
def test_every_precision_is_kept(tmp_path: Path, precision: Precision) -> None:
    file = tmp_path / "settings.json"
    save_settings(Settings(precision=precision.value), file)
    assert load_settings(file).precision == precision


def test_the_studies_opened_last_come_first_and_old_ones_go() -> None:
    settings = Settings()
    for number in (*range(10), 5):
        settings = settings.with_recent(f"/data/{number}")
    assert [path[-1] for path in settings.recent_studies] == list("59876432")


def test_crash_reports_hold_the_trace_and_do_not_pile_up(tmp_path: Path) -> None:
    for number in range(25):
        last = write_crash_report(f"Traceback {number}", tmp_path)
    assert "Traceback 24" in last.read_text("utf-8")
    kept = sorted((tmp_path / CRASH_FOLDER).iterdir())
    assert len(kept) == 20
    assert kept[-1] == last

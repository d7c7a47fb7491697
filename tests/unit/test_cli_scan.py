"""`gliascope scan`: what it lists, and what it keeps."""

import json
import os
from pathlib import Path
from typing import NoReturn

import nibabel as nib
import numpy as np
import pytest

from desktop_app import cli
from desktop_app.domain.study import Sequence
from desktop_app.errors import ExitCode
from desktop_app.io.dicom.header_cache import cache_file
from tests.heads import make_head
from tests.mr_files import pattern, write_series

SHAPE = (12, 6, 5)


def unwanted(*_: object) -> NoReturn:
    raise AssertionError("neither a window nor a page is wanted")


def scan(*arguments: str | Path) -> int:
    return cli.run(["scan", *map(str, arguments)], cli.Frontend(unwanted, unwanted))


@pytest.fixture
def study(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    monkeypatch.setenv("GLIASCOPE_USER_DATA", str(tmp_path_factory.mktemp("user")))
    write_series(tmp_path, pattern(SHAPE))
    for number in range(30):
        (tmp_path / f"report {number:02}.pdf").touch()
    for path in tmp_path.iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return tmp_path


def test_list_of_what_was_left_out_is_short_unless_asked_for(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scan(study) == ExitCode.DONE
    brief = capsys.readouterr().out
    assert "Left out  30\n" in brief
    assert f"{study / 'report 00.pdf'}: not an image" in brief
    assert "report 25" not in brief
    assert "10 more, listed by --verbose" in brief
    assert scan(study, "--verbose") == ExitCode.DONE
    complete = capsys.readouterr().out
    assert all(f"report {number:02}.pdf: not an image" in complete for number in range(30))
    assert "--verbose" not in complete


def test_json_lists_everything(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert scan(study, "--json") == ExitCode.DONE
    document = json.loads(capsys.readouterr().out)
    assert {"path": str(study / "report 29.pdf"), "reason": "not an image"} in document["skipped"]
    assert len(document["skipped"]) == 30
    assert document["notes"] == []


def test_headers_are_kept_unless_unwanted(study: Path) -> None:
    assert scan(study, "--no-cache", "--json") == ExitCode.DONE
    assert not cache_file().exists()
    assert scan(study, "--json") == ExitCode.DONE
    assert cache_file().exists()


def test_what_is_kept_can_be_forgotten(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert scan(study, "--json") == ExitCode.DONE
    capsys.readouterr()
    assert scan("--clear-cache") == ExitCode.DONE
    assert not cache_file().exists()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "forgotten" in captured.err


def test_what_cannot_be_removed_is_told(
    study: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache_file().mkdir()
    (cache_file() / "in the way").touch()
    assert scan("--clear-cache") == ExitCode.INPUT
    assert "cannot be removed" in capsys.readouterr().err


def test_damaged_cache_is_told(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cache_file().write_bytes(b"no database " * 200)
    assert scan(study) == ExitCode.DONE
    assert "begins anew" in capsys.readouterr().err


def test_nothing_named_is_a_mistake(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert scan() == ExitCode.USAGE
    assert "name a folder" in capsys.readouterr().err


def test_what_to_check_before_segmenting_is_listed(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scan(study, "--json") == ExitCode.DONE
    preflight = json.loads(capsys.readouterr().out)["studies"][0]["preflight"]
    assert set(preflight["sequences"]) == {"T1", "T1c", "T2", "FLAIR"}
    assert preflight["can_segment"] is False
    assert preflight["light"] == "poor"
    assert scan(study) == ExitCode.DONE
    printed = capsys.readouterr().out
    assert "Pre-flight  ✕ Cannot be segmented" in printed
    assert "missing  No such series was found: " in printed


def test_pixels_are_judged_on_request_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = make_head(4.0)
    for name, sequence in (("t1ce", Sequence.T1C), ("flair", Sequence.FLAIR)):
        image = np.asarray(head.images[sequence].array_kji).T
        nib.save(nib.Nifti1Image(image, np.diag([-4.0, -4.0, 4.0, 1.0])), tmp_path / f"{name}.nii")

    def sources(*arguments: str) -> set[str]:
        assert scan(tmp_path, "--json", "--no-cache", *arguments) == ExitCode.DONE
        sequences = json.loads(capsys.readouterr().out)["studies"][0]["preflight"]["sequences"]
        return {check["source"] for one in sequences.values() for check in one["checks"]}

    assert sources() == {"headers"}
    assert sources("--pixels") == {"headers", "pixels"}

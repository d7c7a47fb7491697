"""What each developer's command starts, with the programs themselves replaced."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dev
import dev_commands
import pytest
from dev_commands import COMMANDS, Request
from dev_errors import SetUpError


class Starts:
    """Records what would have been started; ``code`` is what each returns."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.variables: list[dict[str, str]] = []
        self.code = 0

    def __call__(self, python: Path, *arguments: str, **variables: str) -> int:
        self.lines.append(" ".join(arguments))
        self.variables.append(variables)
        return self.code


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Starts:
    @contextmanager
    def display() -> Iterator[dict[str, str]]:
        yield {"DISPLAY": ":77"}

    recorder = Starts()
    monkeypatch.setattr(dev_commands, "_start", recorder)
    monkeypatch.setattr(dev_commands, "virtual_display", display)
    monkeypatch.setattr(dev_commands, "ensure_system_libraries", lambda *, for_tests: None)
    monkeypatch.setattr(dev_commands, "ensure_environment", lambda *, cuda: Path("python"))
    monkeypatch.setattr(dev_commands, "OUTPUT", tmp_path)
    monkeypatch.setattr(dev_commands, "SAMPLE", tmp_path / "sample-study")
    monkeypatch.setattr(dev_commands, "SAMPLE_STAMP", tmp_path / "sample-study.sha256")
    return recorder


def test_run_opens_the_sample_study(
    starts: Starts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(dev_commands, "has_display", lambda: True)
    assert COMMANDS["run"].execute(Request()) == 0
    sample = tmp_path / "sample-study"
    assert starts.lines == [
        f"-m model.synthetic --output {sample}",
        f"-m desktop_app open {sample / 'dicom'}",
    ]


def test_sample_study_is_written_once(
    starts: Starts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(dev_commands, "has_display", lambda: True)
    COMMANDS["run"].execute(Request())
    dicom = tmp_path / "sample-study" / "dicom"
    dicom.mkdir(parents=True)
    starts.lines.clear()
    COMMANDS["run"].execute(Request())
    assert starts.lines == [f"-m desktop_app open {dicom}"]


def test_sample_study_of_another_generator_is_replaced(
    starts: Starts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(dev_commands, "has_display", lambda: True)
    stale = tmp_path / "sample-study" / "dicom" / "stale.dcm"
    stale.parent.mkdir(parents=True)
    stale.touch()
    (tmp_path / "sample-study.sha256").write_text("another")
    COMMANDS["run"].execute(Request())
    assert not stale.exists()
    assert starts.lines[0].startswith("-m model.synthetic")


def test_run_without_display_segments_and_takes_pictures(
    starts: Starts,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(dev_commands, "has_display", lambda: False)
    assert COMMANDS["run"].execute(Request()) == 0
    _, segment, pictures = starts.lines
    study, results = tmp_path / "sample-study" / "dicom", tmp_path / "results"
    assert segment == f"-m desktop_app segment {study} --output {results}"
    assert pictures.endswith(f"screenshots.py --output {tmp_path / 'screenshots'}")
    assert starts.variables[-1] == {"QT_QPA_PLATFORM": "xcb", "DISPLAY": ":77"}
    assert str(tmp_path / "screenshots") in capsys.readouterr().out


def test_run_hands_arguments_to_the_program(starts: Starts) -> None:
    COMMANDS["run"].execute(Request(("scan", "folder", "--json")))
    assert starts.lines == ["-m desktop_app scan folder --json"]


def test_tests_run_off_screen_beside_a_virtual_screen(starts: Starts) -> None:
    starts.code = 1
    assert COMMANDS["test"].execute(Request(("-k", "phantom"))) == 1
    assert starts.lines == ["-m pytest -k phantom"]
    assert starts.variables == [{"QT_QPA_PLATFORM": "offscreen", "DISPLAY": ":77"}]


def test_all_tests_are_shared_among_processes(
    starts: Starts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev_commands.os, "cpu_count", lambda: 64)
    COMMANDS["test"].execute(Request(()))
    assert starts.lines == ["-m pytest --numprocesses=4 --dist=loadfile"]


def test_installers_are_made_with_the_sample_study_and_tried(
    starts: Starts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wanted: list[bool] = []
    monkeypatch.setattr(
        dev_commands, "ensure_packaging_programs", lambda *, for_tests: wanted.append(for_tests)
    )
    assert COMMANDS["build"].execute(Request(arguments=("--only", "deb"))) == 0
    assert COMMANDS["test-installers"].execute(Request()) == 0
    sample = tmp_path / "sample-study"
    assert starts.lines[1:] == [
        f"{dev_commands.MAKE_INSTALLERS} --sample {sample} --only deb",
        f"{dev_commands.TRY_INSTALLERS}",
    ]
    assert wanted == [False, True]


def test_lint_runs_every_check_even_after_a_failure(
    starts: Starts, capsys: pytest.CaptureFixture[str]
) -> None:
    starts.code = 1
    assert COMMANDS["lint"].execute(Request()) == 1
    assert len(starts.lines) == 5
    assert "lint: failed: ruff check, ruff format, mypy" in capsys.readouterr().out


def test_cuda_is_understood_before_and_after_the_command(
    monkeypatch: pytest.MonkeyPatch, starts: Starts
) -> None:
    asked = []

    def ensure_environment(*, cuda: bool) -> Path:
        asked.append(cuda)
        return Path("python")

    monkeypatch.setattr(dev_commands, "ensure_environment", ensure_environment)
    dev.main(["bench", "--json"])
    dev.main(["--cuda", "bench"])
    dev.main(["bench", "--cuda", "--json"])
    assert asked == [False, True, True]
    assert starts.lines[-1] == f"{dev_commands.BENCH} --json"


def test_set_up_errors_are_three_lines_and_a_code(
    monkeypatch: pytest.MonkeyPatch, starts: Starts, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*, cuda: bool) -> Path:
        raise SetUpError("No room.", "/checkout", "Make room.")

    monkeypatch.setattr(dev_commands, "ensure_environment", refuse)
    assert dev.main(["bench"]) == dev.SET_UP_FAILED
    assert capsys.readouterr().err == "No room.\n/checkout\nMake room.\n"


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        dev.main(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for name in COMMANDS:
        assert f"\n  {name}" in text


@pytest.mark.parametrize(
    ("version", "expected"), [((3, 10), False), ((3, 11), True), ((3, 13), True), ((3, 14), False)]
)
def test_supported_pythons(version: tuple[int, int], expected: bool) -> None:
    assert dev.is_supported(version) is expected


def test_unsupported_python_without_another_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert dev.main(["run"]) == dev.SET_UP_FAILED
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Python 3.9.2 cannot run this project."
    assert len(lines) == 3

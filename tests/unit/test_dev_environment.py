"""The developer's commands: what they would install, and how they refuse."""

import importlib.util
import re
import shutil
import sys
import tomllib
from pathlib import Path

import dev_environment
import pytest
from dev_environment import (
    LOCKED_GROUPS,
    PYTORCH_CPU_INDEX,
    Stamp,
    as_lock,
    ensure_environment,
    lock_entries,
    split_lock,
    torch_attempts,
)
from dev_errors import SetUpError
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

LOCK_TEXT = """\
# comment
numpy==2.4.6 \\
    --hash=sha256:12 \\
    --hash=sha256:34
torch==2.13.0
vtk==9.7.2 ; sys_platform == 'linux' \\
    --hash=sha256:56
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty checkout whose pip calls are recorded in ``calls.txt`` instead of run."""
    venv = tmp_path / ".venv"
    (tmp_path / "requirements.lock").write_text(LOCK_TEXT)
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    monkeypatch.setattr(dev_environment, "ROOT", tmp_path)
    monkeypatch.setattr(dev_environment, "VENV", venv)
    monkeypatch.setattr(dev_environment, "STAMP", venv / "stamp.json")
    monkeypatch.setattr(dev_environment, "LOCK", tmp_path / "requirements.lock")
    monkeypatch.setattr(dev_environment, "PYPROJECT", tmp_path / "pyproject.toml")

    def ensure_venv(present: Stamp | None, wanted: Stamp) -> bool:
        python = dev_environment.venv_python()
        fresh = not python.exists()
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()
        return fresh

    def pip(*arguments: str) -> None:
        with (tmp_path / "calls.txt").open("a") as calls:
            calls.write(" ".join(arguments) + "\n")

    monkeypatch.setattr(dev_environment, "_ensure_venv", ensure_venv)
    monkeypatch.setattr(dev_environment, "_pip", pip)
    return tmp_path


def pip_calls(checkout: Path) -> list[str]:
    calls = checkout / "calls.txt"
    lines = calls.read_text().splitlines() if calls.exists() else []
    calls.unlink(missing_ok=True)
    return lines


def test_first_time_installs_lock_then_torch_then_project(checkout: Path) -> None:
    assert ensure_environment() == dev_environment.venv_python()
    locked, torch, project = pip_calls(checkout)
    assert locked.startswith("--no-deps --require-hashes --requirement")
    assert torch == "--upgrade torch==2.13.0+cpu"
    assert project.endswith(f"--editable {checkout}")


def test_second_time_does_nothing(checkout: Path) -> None:
    ensure_environment()
    pip_calls(checkout)
    ensure_environment()
    assert pip_calls(checkout) == []


def test_changed_project_does_not_install_packages_again(checkout: Path) -> None:
    ensure_environment()
    pip_calls(checkout)
    (checkout / "pyproject.toml").write_text("[project]\nname = 'changed'\n")
    ensure_environment()
    assert [call.split()[-2] for call in pip_calls(checkout)] == ["--editable"]


def test_changed_lock_installs_again(checkout: Path) -> None:
    ensure_environment()
    pip_calls(checkout)
    (checkout / "requirements.lock").write_text(LOCK_TEXT.replace("9.7.2", "9.7.3"))
    ensure_environment()
    assert len(pip_calls(checkout)) == 3


def test_cuda_once_asked_for_stays(checkout: Path) -> None:
    ensure_environment()
    pip_calls(checkout)
    ensure_environment(cuda=True)
    torch, _ = pip_calls(checkout)
    assert torch == "--upgrade torch==2.13.0"
    ensure_environment()
    assert pip_calls(checkout) == []


def test_failed_installation_leaves_no_stamp(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev_environment, "_pip", lambda *_: "No matching distribution")
    with pytest.raises(SetUpError, match="No matching distribution") as caught:
        ensure_environment()
    assert len(str(caught.value).splitlines()) == 3
    assert Stamp.read() is None


def test_lock_separates_torch() -> None:
    version, rest = split_lock(LOCK_TEXT)
    assert version == "2.13.0"
    assert [line.split(" ")[0] for line in rest.splitlines() if line[0] != " "] == [
        "numpy==2.4.6",
        "vtk==9.7.2",
    ]
    assert rest.count("--hash=") == 3


def test_lock_without_torch_is_refused() -> None:
    with pytest.raises(SetUpError, match="one version of torch"):
        split_lock("numpy==2.4.6\n")


def test_cuda_turns_the_order_of_torch_builds_round() -> None:
    cpu = torch_attempts("2.13.0", cuda=False)
    assert cpu == [
        ["torch==2.13.0+cpu"],
        ["torch==2.13.0", "--index-url", PYTORCH_CPU_INDEX],
        ["torch==2.13.0"],
    ]
    assert torch_attempts("2.13.0", cuda=True) == cpu[::-1]


def test_resolution_loses_cuda_and_the_build_of_torch_with_their_hashes() -> None:
    resolution = """\
vtk==9.7.2 \\
    --hash=sha256:12
cuda-toolkit==13.0.3 ; sys_platform == 'linux' \\
    --hash=sha256:34
nvidia-cudnn-cu13==9.20 ; sys_platform == 'linux'
triton==3.7.1
torch==2.13.0 ; sys_platform == 'darwin' \\
    --hash=sha256:56
torch==2.13.0+cpu ; sys_platform == 'linux'
"""
    assert as_lock(resolution) == ["torch==2.13.0", "vtk==9.7.2 \\\n    --hash=sha256:12"]


def test_committed_lock_pins_everything_the_project_asks_for(repository_root: Path) -> None:
    lock = (repository_root / "packaging" / "requirements.lock").read_text()
    pins = {}
    for entry in lock_entries(lock):
        requirement, *hashes = entry.split(" \\\n")
        pin = Requirement(requirement)
        (specifier,) = pin.specifier
        assert specifier.operator == "=="
        # One for each file that the package index has; torch's builds come from elsewhere.
        assert bool(hashes) == (pin.name != "torch"), pin.name
        assert all(re.fullmatch(r"\s+--hash=sha256:[0-9a-f]{64}", one) for one in hashes)
        pins[canonicalize_name(pin.name)] = Version(specifier.version)
    settings = tomllib.loads((repository_root / "pyproject.toml").read_text())
    asked = list(settings["project"]["dependencies"])
    for group in LOCKED_GROUPS:
        asked += settings["dependency-groups"][group]
    for requirement in map(Requirement, asked):
        assert pins[canonicalize_name(requirement.name)] in requirement.specifier, requirement


def test_no_room_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev_environment, "VENV", tmp_path / ".venv")
    usage = shutil.disk_usage(tmp_path)._replace(free=10**9)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(SetUpError, match=r"1\.0 GB are free"):
        dev_environment._ensure_venv(None, Stamp("3.11.7", "", "cpu", ""))


def test_no_venv_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(dev_environment, "is_root", lambda: False)
    with pytest.raises(SetUpError, match="no venv module") as caught:
        dev_environment._ensure_venv_module()
    assert f"python3.{sys.version_info[1]}-venv" in str(caught.value)

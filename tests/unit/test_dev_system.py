"""System packages and displays, without installing or opening any."""

import subprocess
import sys

import dev_system
import pytest
from dev_errors import SetUpError
from dev_system import ensure_system_libraries, has_display, missing_from_listing


@pytest.fixture
def debian(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A Debian system on which everything is missing; apt's calls are recorded."""
    calls: list[list[str]] = []

    def run_apt(command: list[str]) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(dev_system, "is_debian", lambda: True)
    monkeypatch.setattr(dev_system, "missing_debian_packages", list)
    monkeypatch.setattr(dev_system, "_run_apt", run_apt)
    return calls


def test_packages_count_as_present_by_what_they_provide() -> None:
    listing = (
        "installed\tlibglib2.0-0t64\tlibglib2.0-0 (= 2.84), libgobject2.0\n"
        "config-files\txvfb\t\n"
        "installed\txauth\t\n"
    )
    wanted = ("libglib2.0-0", "xvfb", "xauth", "libgl1")
    assert missing_from_listing(listing, wanted) == ["xvfb", "libgl1"]


def test_root_on_debian_installs(debian: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev_system, "is_root", lambda: True)
    ensure_system_libraries(for_tests=True)
    assert [call[1] for call in debian] == ["install", "install"]
    assert "libegl1" in debian[0]
    assert "dicom3tools" in debian[1]


def test_others_on_debian_are_told_the_line(
    debian: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dev_system, "is_root", lambda: False)
    ensure_system_libraries(for_tests=False)
    assert debian == []
    assert "sudo apt-get install libglib2.0-0" in capsys.readouterr().out


def test_stale_package_lists_are_refreshed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def run_apt(command: list[str]) -> subprocess.CompletedProcess[str]:
        calls.append(command[1])
        return subprocess.CompletedProcess(command, 100, "", "W: old\nE: Unable to fetch\n")

    monkeypatch.setattr(dev_system, "_run_apt", run_apt)
    with pytest.raises(SetUpError, match="E: Unable to fetch") as caught:
        dev_system.apt_install(["xvfb"])
    assert calls == ["install", "update", "install"]
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("linux", {"DISPLAY": ""}, False),
        ("darwin", {}, True),
        ("win32", {}, True),
    ],
)
def test_display(
    monkeypatch: pytest.MonkeyPatch, platform: str, variables: dict[str, str], expected: bool
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert has_display() is expected

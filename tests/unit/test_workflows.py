"""The workflows call commands that exist, and give no job more rights than it needs."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from dev_commands import COMMANDS

WORKFLOWS = Path(__file__).resolve().parents[2] / ".github" / "workflows"


def _load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((WORKFLOWS / name).read_text("utf-8"))
    return loaded


@pytest.mark.parametrize("name", ["ci.yml", "release.yml"])
def test_every_command_exists(name: str) -> None:
    called = re.findall(r"packaging/dev\.py ([a-z-]+)", (WORKFLOWS / name).read_text("utf-8"))
    assert called
    assert set(called) <= set(COMMANDS)


@pytest.mark.parametrize("name", ["ci.yml", "release.yml"])
def test_only_the_release_may_write(name: str) -> None:
    workflow = _load(name)
    assert workflow["permissions"] == {"contents": "read"}
    writing = {job for job, body in workflow["jobs"].items() if "permissions" in body}
    assert writing <= {"release"}
    assert all(body["timeout-minutes"] <= 120 for body in workflow["jobs"].values())


def test_release_waits_for_every_system_and_for_a_tag() -> None:
    release = _load("release.yml")["jobs"]["release"]
    assert set(release["needs"]) == {"version", "linux", "windows", "macos"}
    assert release["if"] == "github.ref_type == 'tag'"


def test_checks_run_on_three_systems_with_the_oldest_and_the_newest_python() -> None:
    matrix = _load("ci.yml")["jobs"]["tests"]["strategy"]["matrix"]
    assert {system.split("-")[0] for system in matrix["system"]} == {"ubuntu", "windows", "macos"}
    assert matrix["python"] == ["3.11", "3.13"]

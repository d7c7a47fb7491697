"""The workflows call commands that exist, and give no job more rights than it needs."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from dev_commands import COMMANDS
from macos.installer import KEYCHAIN_VARIABLE, PROFILE_VARIABLE

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


# What the C library of the releases' computers is; what is built there asks for no newer one.
GLIBC_OF_RUNNERS = {"ubuntu-22.04": "2.35", "ubuntu-24.04": "2.39"}


def test_systems_told_are_those_that_the_release_is_built_for() -> None:
    runner = _load("release.yml")["jobs"]["linux"]["runs-on"]
    page = (WORKFLOWS.parents[1] / "docs" / "INSTALL.md").read_text("utf-8")
    assert set(re.findall(r"glibc (\d+\.\d+) or later", page)) == {GLIBC_OF_RUNNERS[runner]}
    assert f"{runner.replace('ubuntu-', 'Ubuntu ')} or later" in page


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the step runs on Linux, with its own sort"
)
@pytest.mark.parametrize(("asked", "code"), [("2.9", 0), ("2.34", 0), ("2.35", 0), ("2.36", 1)])
def test_a_release_that_asks_for_more_than_is_told_ends(
    asked: str, code: int, tmp_path: Path
) -> None:
    steps = _load("release.yml")["jobs"]["linux"]["steps"]
    (step,) = [one for one in steps if "glibc" in one.get("name", "")]
    (tmp_path / "output" / "installers").mkdir(parents=True)
    (tmp_path / "output" / "installers" / "x.run").write_text(f"#!/bin/sh\nglibc={asked}\n")
    (tmp_path / "docs").symlink_to(WORKFLOWS.parents[1] / "docs")
    done = subprocess.run(["bash", "-e", "-c", step["run"]], cwd=tmp_path, capture_output=True)
    assert done.returncode == code, done.stderr


def test_the_notary_s_account_is_looked_for_where_it_was_stored() -> None:
    (script,) = (
        step["run"]
        for step in _load("release.yml")["jobs"]["macos"]["steps"]
        if "store-credentials" in step.get("run", "")
    )
    stored = re.search(r"store-credentials (\S+) --keychain (\S+)", script)
    told = dict(re.findall(r'echo "(\w+)=(\S+)" >> "\$GITHUB_ENV"', script))
    assert stored is not None
    assert told == {PROFILE_VARIABLE: stored[1], KEYCHAIN_VARIABLE: stored[2].strip('"')}

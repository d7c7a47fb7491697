"""The wheel that ``pip install .`` makes is the whole program: weights, icons and manual too."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from frozen_contents import manual_files

PARTS = ("desktop_app", "model", "ui", "assets", "docs")
FILES = ("pyproject.toml", "setup.py", "README.md", "LICENSE")
# Builds where it is told to, and asks no package index for anything.
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"


@pytest.fixture(scope="module")
def installed(repository_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a wheel of this tree puts into an environment."""
    tree = tmp_path_factory.mktemp("tree")
    for name in PARTS:
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(repository_root / name, tree / name, ignore=ignore)
    for name in FILES:
        shutil.copy(repository_root / name, tree)
    built = tmp_path_factory.mktemp("built")
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(built)], cwd=tree, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = built.glob("*.whl")
    place = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    return place


def test_every_asset_and_page_is_inside(installed: Path, repository_root: Path) -> None:
    wanted = {path for path in (repository_root / "assets").rglob("*") if path.is_file()}
    wanted |= {Path(file) for file, _ in manual_files(repository_root)}
    wanted |= set((repository_root / "model").rglob("*.toml"))
    missing = [
        name
        for name in (path.relative_to(repository_root) for path in wanted)
        if not (installed / name).is_file() and not (installed / "desktop_app" / name).is_file()
    ]
    assert missing == []


def test_every_module_is_inside_and_no_folder_but_ours(
    installed: Path, repository_root: Path
) -> None:
    for package in ("desktop_app", "model", "ui"):
        sources = (repository_root / package).rglob("*.py")
        names = [path.relative_to(repository_root) for path in sources]
        assert [name for name in names if not (installed / name).is_file()] == []
    folders = {path.name for path in installed.iterdir() if path.suffix != ".dist-info"}
    assert folders == {"desktop_app", "model", "ui"}


def test_installed_program_finds_its_weights_intact(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "desktop_app", "model", "verify"],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(installed),
            "GLIASCOPE_USER_DATA": str(tmp_path / "data"),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    code = "from desktop_app import paths; print(paths.weights_dir()); print(paths.manual_dir())"
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )
    places = [Path(line) for line in told.stdout.splitlines()]
    assert all(place.is_dir() and place.is_relative_to(installed) for place in places), places

"""The layers hold, and what checks them would notice if they did not."""

import importlib.metadata
import shutil
import subprocess
import sys
from pathlib import Path

import packaging.version
import pytest

import desktop_app
import model
import ui

PACKAGES = ("desktop_app", "model", "ui")
HEAVY = ("torch", "monai")
# Together a second of processor time, which the first window must not wait for.
SLOW = ("scipy.ndimage", "SimpleITK", "nibabel", "pydicom", "skimage", "highdicom", "gdcm")


def lint_imports(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = "from importlinter.cli import lint_imports_command as command; command()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def run_python(root: Path, code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def copied_sources(tmp_path_factory: pytest.TempPathFactory, repository_root: Path) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    for name in PACKAGES:
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(repository_root / name, folder / name, ignore=ignore)
    shutil.copy(repository_root / "pyproject.toml", folder)
    return folder


def test_contracts_hold(repository_root: Path) -> None:
    done = lint_imports(repository_root)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("contract", "module", "line"),
    [
        ("layers", "desktop_app/domain/planted.py", "import desktop_app.services"),
        ("layers", "desktop_app/io/planted.py", "from desktop_app.jobs import planted"),
        ("placed", "desktop_app/planted.py", ""),
        ("inside-the-window", "ui/viewers/planted.py", "import ui.panels"),
        ("inside-the-window", "ui/dialogs/planted.py", "import ui.panels"),
        ("inside-the-model", "model/inference/planted.py", "import model.train"),
        ("model-stands-alone", "model/planted.py", "from desktop_app.errors import InputError"),
        ("one-door-to-the-window", "desktop_app/services/planted.py", "import ui.main_window"),
        ("window-without-network", "ui/planted.py", "def late() -> None:\n    import torch"),
        ("window-without-network", "ui/panels/planted.py", "import model.spec"),
        ("no-toolkit-below", "desktop_app/io/planted.py", "from PySide6 import QtCore"),
        ("no-toolkit-below", "model/planted.py", "import vtkmodules.vtkCommonCore"),
        ("plain-presenters", "ui/presenters/planted.py", "from PySide6.QtCore import Signal"),
        ("vtk-in-viewers", "ui/panels/planted.py", "import vtkmodules.vtkRenderingCore"),
        ("torch-stays-in-model", "desktop_app/services/planted.py", "import torch"),
    ],
)
def test_planted_violation_is_caught(
    copied_sources: Path, contract: str, module: str, line: str
) -> None:
    planted = copied_sources / module
    planted.write_text(line + "\n")
    try:
        done = lint_imports(copied_sources, "--contract", contract)
    finally:
        planted.unlink()
    assert done.returncode == 1, done.stdout
    assert "BROKEN" in done.stdout
    assert "planted" in done.stdout


def test_layout_in_the_documents_is_that_of_the_code(repository_root: Path) -> None:
    text = (repository_root / "docs" / "ARCHITECTURE.md").read_text("utf-8")
    layout = text.split("```")[1]
    words = set(layout.replace("/ ", " ").replace("/\n", " ").split())
    missing = []
    for package in PACKAGES:
        for child in sorted((repository_root / package).iterdir()):
            is_module = child.suffix == ".py" and child.name != "__init__.py"
            is_package = (child / "__init__.py").exists()
            if (is_module or is_package) and child.name not in words:
                missing.append(f"{package}/{child.name}")
    assert missing == []


def test_packages_resolve_inside_the_repository(repository_root: Path) -> None:
    for package in (desktop_app, model, ui):
        assert package.__file__ is not None
        assert Path(package.__file__).parent.parent == repository_root


def test_no_other_distribution_claims_our_names() -> None:
    owners = importlib.metadata.packages_distributions()
    for name in PACKAGES:
        assert set(owners.get(name, [])) <= {"gliascope"}


def test_our_packaging_folder_does_not_hide_the_library(repository_root: Path) -> None:
    assert not (repository_root / "packaging" / "__init__.py").exists()
    assert packaging.version.__file__ is not None
    assert repository_root / "packaging" not in Path(packaging.version.__file__).parents


def test_importing_the_window_leaves_slow_libraries_out(repository_root: Path) -> None:
    names = (*HEAVY, *SLOW)
    code = f"import sys, ui.app; print([m for m in {names} if m in sys.modules])"
    assert run_python(repository_root, code) == "[]"


def test_importing_the_application_leaves_torch_and_qt_out(repository_root: Path) -> None:
    code = f"""
import importlib, pkgutil, sys, desktop_app
for module in pkgutil.walk_packages(desktop_app.__path__, "desktop_app."):
    if module.name not in ("desktop_app.__main__", "desktop_app.gui"):
        importlib.import_module(module.name)
print([m for m in {(*HEAVY, "PySide6", "vtkmodules")} if m in sys.modules])
"""
    assert run_python(repository_root, code) == "[]"

"""What goes into the frozen program: nothing of it missing, nothing of it left out that is used."""

import ast
import importlib.metadata
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from frozen_contents import (
    EXCLUDED_MODULES,
    HIDDEN_IMPORTS,
    WITH_DATA,
    WITH_METADATA,
    is_left_out,
    manual_files,
    reasons_for,
)
from make_installers import project_version
from megabytes import REST, measure, part_of, table

import desktop_app

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("desktop_app", "ui", "model")
# What trains, judges and compares; `network/segresnet` is a peer whose weights are never shipped.
TOOLS = tuple(
    f"model/{name}"
    for name in ("bench", "brain", "data", "decathlon", "evaluate", "network/segresnet", "train")
)


def test_version_stands_in_one_place() -> None:
    assert desktop_app.__version__ == project_version()


@pytest.mark.parametrize("name", HIDDEN_IMPORTS)
def test_hidden_imports_exist(name: str) -> None:
    assert importlib.util.find_spec(name) is not None


@pytest.mark.parametrize("name", WITH_METADATA)
def test_metadata_exist(name: str) -> None:
    assert importlib.metadata.version(name)


@pytest.mark.parametrize("name", WITH_DATA)
def test_packages_with_data_have_some(name: str) -> None:
    (folder,) = importlib.util.find_spec(name).submodule_search_locations  # type: ignore[union-attr,misc]
    assert list(Path(folder).rglob("*.json"))


def test_the_manual_comes_with_its_pictures() -> None:
    files = manual_files(ROOT)
    assert all(Path(source).is_file() for source, _ in files)
    there = {f"{folder}/{Path(source).name}" for source, folder in files}
    assert {"docs/OPENING.md", "docs/images/start.png"} <= there
    assert any(name.startswith("docs/decisions/0001") for name in there)
    assert not any(reasons_for(name) for name in there)


def test_what_the_program_imports_is_not_excluded() -> None:
    imported: set[str] = set()
    for package in PRODUCT:
        for path in (ROOT / package).rglob("*.py"):
            if not path.relative_to(ROOT).as_posix().startswith(TOOLS):
                imported |= _imports(path)
    # Asked for only with `batch --scheduler`, which needs a Python of its own on each machine.
    imported = {name for name in imported if not name.startswith(("distributed", "dask"))}
    excluded = {
        name
        for name in imported
        if any(name == one or name.startswith(f"{one}.") for one in EXCLUDED_MODULES)
    }
    assert excluded == set()


def test_importing_torch_needs_nothing_that_is_excluded() -> None:
    # What stands as None among the modules cannot be imported.
    script = (
        f"import sys; sys.modules.update(dict.fromkeys({EXCLUDED_MODULES!r}))\n"
        "import torch, safetensors.torch, rich.progress, typer, highdicom, asyncio\n"
        "import hashlib, hmac; hashlib.sha256(b''), hmac.new(b'', b'', 'sha256')"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=True)


@pytest.mark.parametrize(
    "path",
    [
        "torch/include/ATen/ATen.h",
        "PySide6/Qt/plugins/platforms/libqeglfs.so",
        "PySide6/Qt/plugins/tls/libqopensslbackend.so",
        "PySide6/Qt/lib/libQt6Network.so.6",
        "PySide6/QtNetwork.abi3.so",
        "PySide6\\plugins\\generic\\qtuiotouchplugin.dll",
        "PySide6\\plugins\\imageformats\\qtiff.dll",
        "PySide6\\plugins\\platforminputcontexts\\qtvirtualkeyboardplugin.dll",
        "PySide6\\translations\\qt_de.qm",
        "PySide6\\Qt6Network.dll",
        "PySide6\\Qt6QmlModels.dll",
        "PySide6/Qt/plugins/imageformats/libqgif.dylib",
        "PySide6/Qt/lib/QtNetwork.framework/Versions/A/QtNetwork",
        "PySide6/Qt/lib/QtNetwork.framework/Versions/Current",
        "pydicom\\data\\test_files\\CT_small.dcm",
    ],
)
def test_ballast_is_left_out(path: str) -> None:
    assert len(reasons_for(path)) == 1


@pytest.mark.parametrize(
    "path",
    [
        "torch/lib/libtorch_cpu.so",
        "torch/bin/torch_shm_manager",
        "PySide6/Qt/plugins/platforms/libqxcb.so",
        "PySide6/Qt/plugins/imageformats/libqjpeg.so",
        "PySide6/Qt/lib/libQt6Widgets.so.6",
        "PySide6/QtWidgets.abi3.so",
        "PySide6\\plugins\\platforms\\qwindows.dll",
        "PySide6\\plugins\\styles\\qmodernwindowsstyle.dll",
        "PySide6\\plugins\\imageformats\\qjpeg.dll",
        "PySide6\\plugins\\iconengines\\qsvgicon.dll",
        "PySide6\\Qt6Widgets.dll",
        "PySide6\\QtWidgets.pyd",
        "PySide6/Qt/plugins/platforms/libqcocoa.dylib",
        "PySide6/Qt/plugins/styles/libqmacstyle.dylib",
        "PySide6/Qt/lib/QtWidgets.framework/Versions/A/QtWidgets",
        "pydicom/data/charset_files/chrH32.dcm",
        "pylibjpeg-2.1.0.dist-info/entry_points.txt",
        "assets/weights/slim_unetrpp.safetensors",
    ],
)
def test_what_is_used_stays(path: str) -> None:
    assert reasons_for(path) == []


def test_a_link_goes_with_what_it_names() -> None:
    library = "PySide6/Qt/lib/libQt6Network.so.6"
    assert is_left_out("libQt6Network.so.6", library, "SYMLINK")
    assert not is_left_out("libz.so.1", f"/usr/lib/{library}", "BINARY")
    assert not is_left_out("libQt6Gui.so.6", "PySide6/Qt/lib/libQt6Gui.so.6", "SYMLINK")


def test_megabytes_are_counted_by_part(tmp_path: Path) -> None:
    (tmp_path / "_internal" / "torch" / "lib").mkdir(parents=True)
    (tmp_path / "_internal" / "torch" / "lib" / "libtorch.so").write_bytes(bytes(2 * 1024 * 1024))
    (tmp_path / "_internal" / "unheard-of").write_bytes(bytes(10))
    (tmp_path / "_internal" / "link").symlink_to("unheard-of")
    assert measure(tmp_path) == {part_of("_internal/torch/x"): 2 * 1024 * 1024, REST: 10}
    assert "| **together** | **2.0** |" in table(tmp_path)


def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names

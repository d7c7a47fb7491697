"""What may be shipped, and that everything shipped has its licence text."""

import re
from importlib.metadata import distribution
from pathlib import Path
from zlib import ZLIB_RUNTIME_VERSION

import licences
import pytest
from debian_packages import Package, package_of
from dev_errors import SetUpError
from licences import Component, collect, document, may_be_shipped
from shipped import Shipped, is_library, read_shipped


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True),
        ("BSD-3-Clause AND Apache-2.0 WITH LLVM-exception", True),
        ("LGPL-3.0-only", True),
        ("GPL-3.0-or-later", False),
        ("AGPL-3.0-only", False),
        ("MIT AND GPL-2.0-only", False),
        ("LGPL-3.0-only OR GPL-2.0-only OR GPL-3.0-only", True),
        ("GPL-3.0-or-later WITH GCC-exception-3.1", True),
        ("GNU General Public License v3 (GPLv3)", False),
        ("GNU Lesser General Public License v3", True),
        ("MIT License", True),
    ],
)
def test_gpl_is_refused_unless_there_is_a_choice_or_an_exception(
    licence: str, allowed: bool
) -> None:
    assert may_be_shipped(licence) is allowed


def test_what_the_product_depends_on_has_texts() -> None:
    names = ("numpy", "PySide6_Essentials", "pyjpegls", "torch", "vtk", "python-gdcm", "rich")
    found = collect(Shipped(tuple(map(distribution, names)), ("libstdc++.so.6",)))
    texts = {part.name: "\n".join(part.texts) for part in found}
    (runtime,) = {part.name for part in found} & {"GCC runtime", "libstdc++6"}
    assert "Lesser General Public License" in texts["PySide6_Essentials"].title()
    assert "GCC RUNTIME LIBRARY EXCEPTION" in texts[runtime]
    assert "Bootloader Exception" in texts["PyInstaller's bootloader"]
    assert all(len(text) > 500 for text in texts.values())


def test_libraries_inside_simpleitk_and_vtk_have_their_notices() -> None:
    found = {part.name: "\n".join(part.texts) for part in _python_parts("simpleitk", "vtk")}
    for notice in ("The HDF Group", "authors of zlib-ng", "V8 project", "Clark Cooper", "McGill"):
        assert notice in found["simpleitk"]
    for notice in ("Baptiste Lepilleur", "Yann Collet", "FreeType Project", "Sam Leffler"):
        assert notice in found["vtk"]
    # Debian's VTK has a part under the GPL, which no library here needs.
    assert not any(re.search(r"(?<!L)GPL-\d", text) for text in found.values())


def _python_parts(*names: str) -> list[Component]:
    return [part for part in collect(Shipped(tuple(map(distribution, names)), ())) if part.package]


def test_readline_is_refused_with_its_licence() -> None:
    with pytest.raises(SetUpError, match=r"(GNU Readline|libreadline8\w*) is under GPL"):
        collect(Shipped((), ("libreadline.so.8",)))


def test_unknown_libraries_are_refused_by_name() -> None:
    with pytest.raises(SetUpError, match=r"libsecret\.so\.1"):
        collect(Shipped((), ("libsecret.so.1", "libz.so.1")))


def test_part_without_a_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        licences, "components_table", lambda: {"distributions": {}, "libraries": []}
    )
    with pytest.raises(SetUpError, match="pyjpegls has no licence text"):
        collect(Shipped((distribution("pyjpegls"),), ()))


def test_each_text_of_the_table_exists() -> None:
    table = licences.components_table()
    entries = [*table["distributions"].values(), *table["libraries"]]
    for name in {text for entry in entries for text in entry.get("texts", ())}:
        assert len(licences._text(name)) > 200


def test_document_lists_all_parts_and_each_text_once() -> None:
    parts = [Component(name, "1.0", "MIT", ("the terms",), True) for name in ("b", "A")]
    text = document(parts)
    assert text.index("  A 1.0: MIT") < text.index("  b 1.0: MIT")
    assert text.count("the terms") == 1
    assert "\nA, b\n" in text


def test_libraries_of_the_system_name_package_version_and_source(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    package = Package("libglib2.0-0", "2.74.6-2", "amd64", "glib2.0", "2.74.6-2")
    monkeypatch.setattr(licences, "package_of", lambda name: package if "glib" in name else None)
    system = {"ID": "debian", "VERSION_ID": "12"}
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: system)
    found = collect(Shipped((), ("libglib-2.0.so.0", "libgmodule-2.0.so.0", "libz.so.1")))
    glib, zlib = (part for part in found if part.name in {"libglib2.0-0", "zlib"})
    assert (glib.version, glib.licence) == ("2.74.6-2", "LGPL-2.1-or-later")
    assert glib.purl == "pkg:deb/debian/libglib2.0-0@2.74.6-2?arch=amd64&distro=debian-12"
    assert zlib.version == ZLIB_RUNTIME_VERSION
    source = "source: https://snapshot.debian.org/package/glib2.0/2.74.6-2/"
    assert f"libglib2.0-0 2.74.6-2: LGPL-2.1-or-later; {source}" in document(found)


_PYTHON = "CPython and the libraries built into it"


@pytest.mark.parametrize(("prefix", "named"), [("/usr", "libpython3.11"), ("/opt", _PYTHON)])
def test_only_the_system_s_own_python_is_told_as_its_package(
    monkeypatch: pytest.MonkeyPatch, prefix: str, named: str
) -> None:
    package = Package("libpython3.11", "3.11.2-6", "amd64", "python3.11", "3.11.2-6")
    monkeypatch.setattr(licences, "package_of", lambda _name: package)
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: {"ID": "debian"})
    monkeypatch.setattr("sys.base_prefix", prefix)
    files = ("libpython3.11.so.1.0", "_ctypes.cpython-311-x86_64-linux-gnu.so")
    names = {part.name for part in collect(Shipped((), files))}
    assert names == {named, "PyInstaller's bootloader"}


@pytest.mark.skipif(not Path("/var/lib/dpkg/info").is_dir(), reason="needs a system with dpkg")
def test_packages_of_libraries_are_found() -> None:
    package = package_of("libstdc++.so.6")
    assert package is not None
    assert package.name == "libstdc++6"
    assert package.source.startswith("gcc")
    assert "GCC" in package.text
    assert package_of("libnobody.so.1") is None


def test_native_code_is_told_by_its_name() -> None:
    assert all(map(is_library, ("a.so", "a.so.6", "a.dll", "a.dylib", "a.pyd")))
    assert not any(map(is_library, ("a.py", "sofa.txt", "a.json")))


def test_a_folder_that_is_no_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetUpError, match="no frozen program"):
        read_shipped(tmp_path)

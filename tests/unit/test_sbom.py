"""The bill of materials: complete, by what is looked up, and the same each time."""

import json
import platform
import sys
from importlib.metadata import distribution
from pathlib import Path

import carried as carried_module
import pytest
from carried import Carried, carried, version_in
from dev_errors import SetUpError
from frozen_contents import EXCLUDED_MODULES
from licences import Component, collect, components_table
from PIL import features
from sbom import bill
from shipped import Shipped, is_library

_EPOCH_S = 1_700_000_000
_PARTS = [
    Component("torch", "2.0.0+cpu", "BSD-3-Clause", ("text",), True),
    Component("PySide6_Essentials", "6.1", "LGPL-3.0-only", ("text",), True),
    Component("A library", "", "Some words of its own", ("text",), False),
]
_CARRIED = {"torch": [Carried("openmp", "1.2", "pkg:generic/openmp@1.2", licence="MIT")]}


def _bill() -> str:
    return bill(_PARTS, _CARRIED, "0.1.0", _EPOCH_S)


def test_two_bills_of_the_same_parts_are_the_same() -> None:
    assert _bill() == _bill()


def test_bill_names_product_parts_and_what_they_carry() -> None:
    content = json.loads(_bill())
    assert content["metadata"]["component"]["version"] == "0.1.0"
    assert content["metadata"]["timestamp"].startswith("2023-11-14T22:13:20")
    purls = {part["name"]: part.get("purl") for part in content["components"]}
    assert purls == {
        "A library": None,
        "PySide6_Essentials": "pkg:pypi/pyside6-essentials@6.1",
        "openmp": "pkg:generic/openmp@1.2",
        "torch": "pkg:pypi/torch@2.0.0",
    }
    depends = {entry["ref"]: entry.get("dependsOn", []) for entry in content["dependencies"]}
    assert depends["pkg:pypi/torch@2.0.0"] == ["pkg:generic/openmp@1.2"]
    assert len(depends["gliascope@0.1.0"]) == 3


def test_known_licences_are_expressions_and_others_names() -> None:
    said = {part["name"]: part.get("licenses") for part in json.loads(_bill())["components"]}
    assert said["torch"] == [{"expression": "BSD-3-Clause"}]
    assert said["A library"] == [{"license": {"name": "Some words of its own"}}]


def test_parts_are_named_as_lists_of_weaknesses_name_them() -> None:
    part = Component(
        "zlib", "1.3", "Zlib", ("text",), False, "pkg:generic/zlib@1.3", "cpe:2.3:a:zlib:zlib:1.3"
    )
    (entry,) = json.loads(bill([part], {}, "0.1.0", _EPOCH_S))["components"]
    assert (entry["purl"], entry["cpe"]) == ("pkg:generic/zlib@1.3", "cpe:2.3:a:zlib:zlib:1.3")


def test_carried_libraries_have_their_licences() -> None:
    licences = {part["name"]: part.get("licenses") for part in json.loads(_bill())["components"]}
    assert licences["openmp"] == [{"expression": "MIT"}]


def test_of_what_pillow_lists_only_what_is_inside_counts() -> None:
    found = {library.name for library in carried(Shipped((distribution("pillow"),), ()))["pillow"]}
    assert {"libtiff", "OpenJPEG", "PIL._imaging"} <= found
    assert not found & {"libimagequant", "libavif", "FreeType", "PIL._webp", "pybind11"}
    out = components_table()["distributions"]["pillow"]["not_inside"]
    modules = {name for name in out if name.startswith("PIL.")} - {"PIL._imagingtk"}
    assert modules <= set(EXCLUDED_MODULES)
    assert not features.check("libimagequant")


def test_a_carried_library_under_the_gpl_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {"distributions": {}, "carried": []}
    monkeypatch.setattr(carried_module, "components_table", lambda: table)
    with pytest.raises(SetUpError, match="libimagequant in pillow is under GPL"):
        carried(Shipped((distribution("pillow"),), ()))


def test_the_part_of_vtk_under_the_gpl_is_refused() -> None:
    with pytest.raises(SetUpError, match="Xdmf 2 in vtk is under GPL"):
        carried(Shipped((distribution("vtk"),), (), (Path("libvtkxdmf2.so"),)))


def _libraries(name: str) -> tuple[Path, ...]:
    part = distribution(name)
    return tuple(
        Path(str(part.locate_file(file))) for file in part.files or () if is_library(file.name)
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the wheels for Linux")
def test_libraries_inside_wheels_are_found_with_their_versions() -> None:
    names = ("vtk", "python-gdcm", "numpy", "scipy")
    parts = tuple(distribution(name) for name in names)
    # All of the wheels but what the program leaves out.
    libraries = (file for name in names for file in _libraries(name))
    files = tuple(file for file in libraries if "xdmf2" not in file.name)
    found = carried(Shipped(parts, (), files))
    versions = {name: {one.name: one for one in found[name]} for name in names}
    assert versions["vtk"]["libpng"].version.startswith("1.")
    assert versions["vtk"]["libpng"].cpe.startswith("cpe:2.3:a:libpng:libpng:1.")
    assert versions["vtk"]["zlib"].purl.startswith("pkg:generic/zlib@1.")
    assert versions["numpy"]["OpenBLAS"].version.startswith("0.")
    assert versions["scipy"]["OpenBLAS"].version.startswith("0.")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the wheels for Linux")
@pytest.mark.parametrize(
    "entry",
    [one for one in components_table()["carried"] if "version" in one],
    ids=lambda entry: f"{entry['name']} in {entry['in']}",
)
def test_versions_of_the_table_can_be_read(entry: dict[str, str]) -> None:
    files = [
        file
        for file in _libraries(entry["in"])
        if any(file.match(pattern) for pattern in entry["files"])
    ]
    assert files
    assert version_in(files[0], entry["version"])


def test_libraries_that_are_not_in_the_program_are_not_listed() -> None:
    assert carried(Shipped((distribution("vtk"),), ()))["vtk"] == []


def test_python_itself_has_its_version() -> None:
    parts = collect(Shipped((), ("x.cpython-3.so",)))
    (python,) = (part for part in parts if part.name.startswith("CPython"))
    assert python.version == platform.python_version()
    assert python.cpe.startswith("cpe:2.3:a:python:python:3.")

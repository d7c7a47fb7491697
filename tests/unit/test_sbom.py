"""The bill of materials: complete, and the same each time."""

import json
from importlib.metadata import distribution

from licences import Component
from sbom import bill, carried
from shipped import Shipped

_EPOCH_S = 1_700_000_000
_PARTS = [
    Component("torch", "2.0.0+cpu", "BSD-3-Clause", ("text",), True),
    Component("PySide6_Essentials", "6.1", "LGPL-3.0-only", ("text",), True),
    Component("A library", "", "Some words of its own", ("text",), False),
]
_CARRIED = {"torch": [("openmp", "1.2", "pkg:generic/openmp@1.2")]}


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


def test_what_wheels_say_of_themselves_is_read() -> None:
    found = carried(Shipped((distribution("pillow"),), ()))
    assert "FreeType" in {name for name, _, _ in found["pillow"]}

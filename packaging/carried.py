"""The libraries inside wheels: what a wheel's own bill of materials tells, and what ours adds.

Wheels that link other people's libraries into their own say so at best in a bill of their own
(PEP 770), which also lists what could have been built in and was not. ``components.toml`` says
which lines those are, and which libraries the other wheels hold; their versions are read out of
the files themselves.
"""

import json
import mmap
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

from dev_errors import SetUpError
from licences import components_table, may_be_shipped
from shipped import Shipped


@dataclass(frozen=True, slots=True, order=True)
class Carried:
    """A library inside a wheel.

    Parameters
    ----------
    name, version
        As its makers have them; the version is empty where nothing tells it.
    purl, cpe
        Its package URL and its name in the list of weaknesses; empty where unknown.
    licence
        An SPDX expression; empty where the wheel's bill does not say.
    """

    name: str
    version: str
    purl: str = ""
    cpe: str = ""
    licence: str = ""


def carried(shipped: Shipped) -> dict[str, list[Carried]]:
    """Return the libraries inside each distribution, by its name.

    Raises
    ------
    SetUpError
        Where one of them may not be shipped under its licence.
    """
    found = {
        part.metadata["Name"]: sorted({*_told_by(part), *_known_of(part, shipped.files)})
        for part in shipped.distributions
    }
    refused = [
        f"{library.name} in {name} is under {library.licence}"
        for name, libraries in found.items()
        for library in libraries
        if library.licence and not may_be_shipped(library.licence)
    ]
    if refused:
        raise SetUpError(
            "Not everything in the program may be shipped as it is.",
            "; ".join(refused),
            "Leave the library out, or name it under `not_inside` in components.toml if it is out.",
        )
    return found


def _told_by(part: Distribution) -> Iterator[Carried]:
    """Yield what a wheel's own bill tells, without what is not in the program."""
    own = _normal(part.metadata["Name"])
    out = set(
        components_table()["distributions"].get(part.metadata["Name"], {}).get("not_inside", ())
    )
    for file in part.files or ():
        if "sboms" not in file.parts or file.suffix != ".json":
            continue
        listed: dict[str, Any] = json.loads(Path(str(part.locate_file(file))).read_text("utf-8"))
        for entry in listed.get("components", ()):
            name = entry["name"]
            # What only took part in building has this scope (CycloneDX 1.6).
            if _normal(name) == own or name in out or entry.get("scope") == "excluded":
                continue
            yield Carried(
                name,
                entry.get("version") or "",
                entry.get("purl") or "",
                entry.get("cpe") or "",
                _licence_of(entry),
            )


def _known_of(part: Distribution, files: Iterable[Path]) -> Iterator[Carried]:
    """Yield what our own table tells of a wheel, as far as its files are in the program."""
    for entry in components_table()["carried"]:
        if entry["in"] != part.metadata["Name"]:
            continue
        for file in files:
            if any(fnmatchcase(file.name, pattern) for pattern in entry["files"]):
                version = version_in(file, entry["version"]) if "version" in entry else ""
                yield library(entry["name"], version, entry["licence"], entry.get("cpe", ""))
                break


def library(name: str, version: str, licence: str, maker: str = "") -> Carried:
    """Return a library that is on no package index; `maker` as ``MAKER:PRODUCT`` of its CPE."""
    from packageurl import PackageURL

    purl = PackageURL("generic", name=name.lower().replace(" ", "-"), version=version or None)
    cpe = f"cpe:2.3:a:{maker}:{version}:*:*:*:*:*:*:*" if maker and version else ""
    return Carried(name, version, purl.to_string(), cpe, licence)


def version_in(file: Path, pattern: str) -> str:
    """Return the version that a library's own text tells; empty where it does not.

    Parameters
    ----------
    file
        The library.
    pattern
        Regular expression with the version as its only group.
    """
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = re.search(pattern.encode(), data)
        return found[1].decode() if found else ""


def _licence_of(entry: dict[str, Any]) -> str:
    said = entry.get("licenses") or ()
    names = [
        one.get("expression") or one["license"].get("id") or one["license"].get("name", "")
        for one in said
    ]
    return " AND ".join(names)


def _normal(name: str) -> str:
    return name.lower().replace("_", "-")

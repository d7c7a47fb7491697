"""Collects the licence texts of everything inside the frozen program into one file.

The build stops where a part has no text, is unknown, or is under the GPL without an exception that
lets it be shipped with a program under other terms. What the parts do not say themselves stands in
``licence_texts/components.toml``.
"""

import argparse
import platform
import pyexpat
import re
import sqlite3
import ssl
import sys
import sysconfig
import tomllib
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

from debian_packages import package_of
from dev_errors import SetUpError
from shipped import Shipped, contents_folder, read_shipped

HERE = Path(__file__).resolve().parent
TEXTS = HERE / "licence_texts"
PRODUCT_LICENCE = HERE.parent / "LICENSE"
FILE_NAME = "THIRD_PARTY_LICENCES.txt"
PRODUCT = "gliascope"

_LICENCE_FILE = re.compile(r"(licen[cs]e|copying|notice)", re.IGNORECASE)
# The GPL and AGPL, by identifier or in words; not the LGPL.
_GPL = re.compile(r"(?<!L)\bA?GPL|GNU (Affero )?General Public", re.IGNORECASE)
# What the Python that the program is frozen with knows of the libraries that came with it.
_BUILT_IN: dict[str, Callable[[], str]] = {
    "python": platform.python_version,
    "openssl": lambda: ssl.OPENSSL_VERSION.split()[1],
    "sqlite": lambda: sqlite3.sqlite_version,
    "zlib": lambda: zlib.ZLIB_RUNTIME_VERSION,
    "expat": lambda: pyexpat.EXPAT_VERSION.removeprefix("expat_"),
}
_RULE = "=" * 100


@dataclass(frozen=True, slots=True)
class Component:
    """One part of what is shipped.

    Parameters
    ----------
    name, version
        As its makers have them; the version is empty where a file does not tell it.
    licence
        An SPDX expression, or the words of its metadata.
    texts
        Licence texts, each once.
    package
        Whether it is a Python distribution, to be found on the package index.
    purl, cpe
        Of other parts the package URL and the name in the list of weaknesses; empty where unknown.
    source
        The address of its source, where that is another one than its makers'.
    """

    name: str
    version: str
    licence: str
    texts: tuple[str, ...]
    package: bool
    purl: str = ""
    cpe: str = ""
    source: str = ""


def collect(shipped: Shipped) -> list[Component]:
    """Return every part of a frozen program with its licence and texts.

    Raises
    ------
    SetUpError
        Where a part has no text, is unknown, or may not be shipped under its licence.
    """
    found = [_python_component(part) for part in shipped.distributions if not _is_product(part)]
    found += _library_components(shipped.libraries)
    found.append(_bootloader())
    problems = [problem for component in found for problem in _problems(component)]
    if problems:
        raise SetUpError(
            "Not everything in the program may be shipped as it is.",
            "; ".join(problems),
            "Leave the part out of the program, or complete licence_texts/components.toml.",
        )
    return found


def write_licences(onedir: Path) -> Path:
    """Write the licences of a frozen program into it, and return the file.

    Parameters
    ----------
    onedir
        Its folder; on macOS the one beside the bundle.

    Raises
    ------
    SetUpError
        As for `collect`, or where this is no frozen program.
    """
    path = contents_folder(onedir) / FILE_NAME
    path.write_text(document(collect(read_shipped(onedir))), "utf-8")
    return path


def document(components: Iterable[Component]) -> str:
    """Return the file's text: a list of all parts, then each text once, with its parts."""
    parts = sorted(components, key=lambda part: part.name.lower())
    users: dict[str, list[str]] = {}
    for part in parts:
        for text in part.texts:
            users.setdefault(text, []).append(part.name)
    head = [
        "Gliascope is licensed under the Apache License 2.0, in the file LICENSE beside this one.",
        "It is shipped with the parts below, made by others, each under its own licence.",
        "",
        *(_line(part) for part in parts),
        "",
    ]
    for text, names in users.items():
        head += [_RULE, ", ".join(names), _RULE, "", text, ""]
    return "\n".join(head)


def _line(part: Component) -> str:
    line = f"  {part.name} {part.version}".rstrip() + f": {part.licence}"
    return f"{line}; source: {part.source}" if part.source else line


def may_be_shipped(licence: str) -> bool:
    """Tell whether a licence lets a part be shipped with a program under other terms.

    Of alternatives one has to, of what applies together all have to. The GPL does where an
    exception is named with it.
    """
    from license_expression import ExpressionError, get_spdx_licensing

    licensing = get_spdx_licensing()
    try:
        expression = licensing.parse(licence, validate=False)
    except ExpressionError:
        return not _GPL.search(licence)
    return expression is not None and _allows(expression)


def _allows(expression: Any) -> bool:
    from license_expression import LicenseWithExceptionSymbol

    if expression.isliteral:
        if isinstance(expression, LicenseWithExceptionSymbol):
            return True
        return not _GPL.search(expression.key)
    verdicts = [_allows(part) for part in expression.args]
    return any(verdicts) if expression.operator.strip() == "OR" else all(verdicts)


def _problems(component: Component) -> list[str]:
    found = []
    if not component.texts:
        found.append(f"{component.name} has no licence text")
    if not component.licence:
        found.append(f"{component.name} does not say its licence")
    elif not may_be_shipped(component.licence):
        found.append(f"{component.name} is under {component.licence}")
    return found


def _is_product(part: Distribution) -> bool:
    return part.metadata["Name"].lower() == PRODUCT


@cache
def components_table() -> dict[str, Any]:
    """Return ``components.toml``."""
    with (TEXTS / "components.toml").open("rb") as stream:
        return tomllib.load(stream)


def _python_component(part: Distribution) -> Component:
    name = part.metadata["Name"]
    entry = components_table()["distributions"].get(name, {})
    own = [
        Path(str(part.locate_file(file))).read_text("utf-8", "replace").strip()
        for file in part.files or ()
        if _LICENCE_FILE.search(file.name) and file.suffix not in {".py", ".pyc", ".json"}
    ]
    texts = own + [_text(file) for file in entry.get("texts", ())]
    return Component(
        name=name,
        version=part.version,
        licence=entry.get("licence") or stated_licence(part),
        texts=tuple(dict.fromkeys(texts)),
        package=True,
    )


def stated_licence(part: Distribution) -> str:
    """Return what a distribution's metadata say: the expression, a short text, or a classifier."""
    metadata = part.metadata.json
    said = str(metadata.get("license_expression") or metadata.get("license") or "").strip()
    if said and "\n" not in said and len(said) < 100:
        return said
    classifiers = part.metadata.get_all("Classifier") or []
    names = [line.rpartition(" :: ")[2] for line in classifiers if line.startswith("License :: ")]
    return ", ".join(names)


def _library_components(libraries: Iterable[str]) -> list[Component]:
    files: dict[int, list[str]] = {}
    entries = components_table()["libraries"]
    unknown = []
    for library in libraries:
        for index, entry in enumerate(entries):
            if any(fnmatchcase(library.lower(), pattern.lower()) for pattern in entry["files"]):
                files.setdefault(index, []).append(library)
                break
        else:
            unknown.append(library)
    if unknown:
        raise SetUpError(
            "The program holds libraries of unknown origin.",
            ", ".join(unknown),
            "Leave them out, or name them in licence_texts/components.toml.",
        )
    return [
        part for index, found in files.items() for part in _library_parts(entries[index], found)
    ]


def _library_parts(entry: dict[str, Any], files: list[str]) -> list[Component]:
    """Return one part for each package that the files come from, and one for all others."""
    named = [_text(file) for file in entry.get("texts", ())]
    # A Python beside the system's has files of the same names, in a version of its own.
    is_beside = entry.get("built_in") == "python" and sys.base_prefix != "/usr"
    found = {file: None if is_beside else package_of(file) for file in files}
    packages = {package.name: package for package in found.values() if package}
    parts = [
        Component(
            name=package.name,
            version=package.version,
            licence=entry["licence"],
            texts=tuple(dict.fromkeys([*named, *filter(None, [package.text])])),
            package=False,
            purl=package.purl,
            source=package.source_address,
        )
        for package in packages.values()
    ]
    if None in found.values():
        version = _BUILT_IN[entry["built_in"]]() if "built_in" in entry else ""
        maker = entry.get("cpe", "")
        parts.append(
            Component(
                name=entry["name"],
                version=version,
                licence=entry["licence"],
                texts=tuple(named),
                package=False,
                purl=f"pkg:generic/{entry['built_in']}@{version}" if version else "",
                cpe=f"cpe:2.3:a:{maker}:{version}:*:*:*:*:*:*:*" if maker and version else "",
            )
        )
    return parts


def _bootloader() -> Component:
    """Return PyInstaller's part that starts the program; its licence lets it be embedded."""
    pyinstaller = distribution("pyinstaller")
    return Component(
        name="PyInstaller's bootloader",
        version=pyinstaller.version,
        licence="GPL-2.0-or-later WITH Bootloader-exception",
        texts=_python_component(pyinstaller).texts,
        package=False,
    )


def _text(name: str) -> str:
    if name == "python":
        path = _python_licence()
    else:
        # The product's own text is that of every part under the Apache License 2.0.
        path = PRODUCT_LICENCE if name == "product" else TEXTS / name
    return path.read_text("utf-8", "replace").strip()


def _python_licence() -> Path:
    places = (Path(sysconfig.get_path("stdlib")), Path(sys.base_prefix))
    debian = f"/usr/share/doc/python{sys.version_info[0]}.{sys.version_info[1]}/copyright"
    candidates = [place / "LICENSE.txt" for place in places] + [Path(debian)]
    for path in candidates:
        if path.is_file():
            return path
    raise SetUpError(
        "Python's licence was not found.",
        ", ".join(map(str, candidates)),
        "Build with a Python that was installed whole.",
    )


def main(arguments: list[str]) -> int:
    """Write a frozen program's licences into it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("onedir", type=Path, help="the frozen program's folder")
    try:
        print(write_licences(parser.parse_args(arguments).onedir))
    except SetUpError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

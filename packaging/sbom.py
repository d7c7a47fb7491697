"""Writes the bill of materials of a frozen program, in CycloneDX's JSON.

It names what is really inside, with versions and licences, and the libraries that wheels carry, as
far as `carried.py` knows them. Its time is the commit's and its number follows
from what is in it, so that two builds of one commit have the same.
"""

import argparse
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from carried import Carried, carried
from dev_errors import SetUpError
from licences import Component, collect
from make_installers import commit_epoch_s
from shipped import read_shipped

PRODUCT = "gliascope"


def write_sbom(onedir: Path, version: str, epoch_s: int, path: Path) -> Path:
    """Write the bill of materials of a frozen program, and return its path.

    Parameters
    ----------
    onedir
        The frozen program's folder; on macOS the one beside the bundle.
    version
        The product's, as pyproject.toml has it.
    epoch_s
        The commit's time, in seconds since 1970, which it bears.
    path
        The file to write, by custom ``NAME.cdx.json``.

    Raises
    ------
    SetUpError
        Where this is no frozen program, or a part of it may not be shipped.
    """
    shipped = read_shipped(onedir)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(bill(collect(shipped), carried(shipped), version, epoch_s), "utf-8")
    return path


def bill(
    components: list[Component],
    carried_libraries: dict[str, list[Carried]],
    version: str,
    epoch_s: int,
) -> str:
    """Return the bill of materials as JSON; `epoch_s` as for `write_sbom`."""
    from cyclonedx.model.bom import Bom
    from cyclonedx.output.json import JsonV1Dot6

    product = _product(version)
    parts = []
    links: dict[Any, list[Any]] = {}
    for component in components:
        part = _part(component)
        parts.append(part)
        links[part] = [_library(entry) for entry in carried_libraries.get(component.name, ())]
    identity = "".join(f"{part.bom_ref.value}\n" for part in parts)
    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"{PRODUCT}@{version}\n{identity}"))
    bom.metadata.component = product
    bom.metadata.timestamp = datetime.fromtimestamp(epoch_s, UTC)
    for part in parts:
        bom.components.add(part)
        bom.components.update(links[part])
        bom.register_dependency(part, links[part])
    bom.register_dependency(product, parts)
    return str(JsonV1Dot6(bom).output_as_string(indent=1)) + "\n"


def _product(version: str) -> Any:
    from cyclonedx.model.component import Component as Part
    from cyclonedx.model.component import ComponentType
    from cyclonedx.model.license import DisjunctiveLicense

    return Part(
        name=PRODUCT,
        version=version,
        type=ComponentType.APPLICATION,
        bom_ref=f"{PRODUCT}@{version}",
        licenses=[DisjunctiveLicense(id="Apache-2.0")],
    )


def _part(component: Component) -> Any:
    from cyclonedx.model.component import Component as Part
    from cyclonedx.model.component import ComponentType
    from packageurl import PackageURL

    purl = PackageURL.from_string(component.purl) if component.purl else None
    if component.package:
        name = component.name.lower().replace("_", "-")
        purl = PackageURL("pypi", name=name, version=component.version.partition("+")[0])
    return Part(
        name=component.name,
        version=component.version or None,
        type=ComponentType.LIBRARY,
        bom_ref=str(purl or component.name),
        purl=purl,
        cpe=component.cpe or None,
        licenses=[_licence(component.licence)],
    )


def _licence(said: str) -> Any:
    from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
    from license_expression import ExpressionError, get_spdx_licensing

    try:
        known = get_spdx_licensing().validate(said)
    except ExpressionError:
        return DisjunctiveLicense(name=said)
    return DisjunctiveLicense(name=said) if known.errors else LicenseExpression(said)


def _library(library: Carried) -> Any:
    from cyclonedx.model.component import Component as Part
    from cyclonedx.model.component import ComponentType
    from packageurl import PackageURL

    return Part(
        name=library.name,
        version=library.version or None,
        type=ComponentType.LIBRARY,
        bom_ref=library.purl or f"{library.name}@{library.version}",
        purl=PackageURL.from_string(library.purl) if library.purl else None,
        cpe=library.cpe or None,
        licenses=[_licence(library.licence)] if library.licence else None,
    )


def main(arguments: list[str]) -> int:
    """Write a frozen program's bill of materials."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("onedir", type=Path, help="the frozen program's folder")
    parser.add_argument("--version", required=True, help="the product's")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")
    options = parser.parse_args(arguments)
    try:
        epoch_s = commit_epoch_s()
        print(write_sbom(options.onedir, options.version, epoch_s, options.output))
    except SetUpError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What dpkg knows of a system's library: its package, version, licence text and source.

On systems without dpkg, and of libraries that no package holds, it knows nothing.
"""

import platform
import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

_LISTS = Path("/var/lib/dpkg/info")
_DOCUMENTS = Path("/usr/share/doc")
_FIELDS = ("binary:Package", "Version", "Architecture", "source:Package", "source:Version")
# Where the linker looks by itself; other folders hold a program's private copies.
_LINKED = re.compile(r"(/usr)?/lib(/[a-z0-9_]+-linux-gnu)?/[^/]+")


@dataclass(frozen=True, slots=True)
class Package:
    """A package of Debian or of a system made from it.

    Parameters
    ----------
    name, version, architecture
        Its own, as dpkg has them.
    source, source_version
        Of the source package that it was built from.
    """

    name: str
    version: str
    architecture: str
    source: str
    source_version: str

    @property
    def purl(self) -> str:
        """The package URL by which weaknesses are looked up."""
        from packageurl import PackageURL

        system = platform.freedesktop_os_release()
        qualifiers = {"arch": self.architecture}
        if "VERSION_ID" in system:
            qualifiers["distro"] = f"{system['ID']}-{system['VERSION_ID']}"
        return PackageURL(
            "deb", system["ID"], self.name, self.version, qualifiers=qualifiers
        ).to_string()

    @property
    def source_address(self) -> str:
        """Where the source of this version is kept for good."""
        if platform.freedesktop_os_release()["ID"] == "ubuntu":
            return f"https://launchpad.net/ubuntu/+source/{self.source}/{self.source_version}"
        return f"https://snapshot.debian.org/package/{self.source}/{self.source_version}/"

    @property
    def text(self) -> str:
        """Its copyright file; empty where there is none."""
        path = _DOCUMENTS / self.name / "copyright"
        return path.read_text("utf-8", "replace").strip() if path.is_file() else ""


def package_of(library: str) -> Package | None:
    """Return the package that holds a library of this file name."""
    owner = _owners().get(library)
    return _read(owner) if owner else None


@cache
def _owners() -> dict[str, str]:
    """Return the package of every library's file name, from dpkg's own lists."""
    owners: dict[str, str] = {}
    private: dict[str, str] = {}
    for listing in sorted(_LISTS.glob("*.list")):
        for line in listing.read_text("utf-8", "replace").splitlines():
            if ".so" in line and "/lib/" in line:
                found = owners if _LINKED.fullmatch(line) else private
                found.setdefault(PurePosixPath(line).name, listing.stem)
    return private | owners


@cache
def _read(owner: str) -> Package:
    wanted = "\\t".join(f"${{{field}}}" for field in _FIELDS)
    command = ["dpkg-query", "--show", f"--showformat={wanted}", owner]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    name, *others = told.split("\t")
    return Package(name.partition(":")[0], *others)

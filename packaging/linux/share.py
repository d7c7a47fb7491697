"""What a desktop is told of the program: menu entry, icons, file types, manual, licence."""

import gzip
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from icons import ICON, draw_png

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# Debian's policy (5.6.2) asks for an address. There is no mailbox yet, so this one takes no mail.
MAINTAINER_ADDRESS = "gliascope@users.noreply.github.com"
# https://specifications.freedesktop.org/icon-theme-spec: the sizes that desktops ask for.
ICON_SIDES = (16, 22, 24, 32, 48, 64, 128, 256, 512)


@dataclass(frozen=True, slots=True)
class Release:
    """What is being packed.

    Parameters
    ----------
    version
        As pyproject.toml has it.
    epoch_s
        The commit's time, in seconds since 1970; the time of every packed file.
    variant
        ``cpu`` or ``cuda``: the build of torch inside.
    """

    version: str
    epoch_s: int
    variant: str = "cpu"

    @property
    def date(self) -> str:
        """The day of the commit, in UTC, as YYYY-MM-DD."""
        return datetime.fromtimestamp(self.epoch_s, UTC).date().isoformat()

    @property
    def changelog_date(self) -> str:
        """The commit's time as a Debian changelog writes it (RFC 5322)."""
        return datetime.fromtimestamp(self.epoch_s, UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")

    @property
    def package(self) -> str:
        """The package's name; both variants install the same program, so only one at a time."""
        return "gliascope" if self.variant == "cpu" else f"gliascope-{self.variant}"


def filled(name: str, release: Release) -> str:
    """Return one of the files beside this module with version and date filled in."""
    text = (HERE / name).read_text("utf-8")
    values = {"VERSION": release.version, "DATE": release.date, "YEAR": release.date[:4]}
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text


def write_icons(hicolor: Path) -> None:
    """Write the icon in every size below a folder of the theme ``hicolor``."""
    for side in ICON_SIDES:
        _write(hicolor / f"{side}x{side}" / "apps" / "gliascope.png", draw_png(side))
    _write(hicolor / "scalable" / "apps" / "gliascope.svg", ICON.read_bytes())


def write_share(share: Path, release: Release) -> None:
    """Write everything that goes below ``/usr/share``."""
    _write(share / "applications" / "gliascope.desktop", (HERE / "gliascope.desktop").read_bytes())
    _write(
        share / "mime" / "packages" / "gliascope.xml", (HERE / "gliascope-mime.xml").read_bytes()
    )
    metainfo = filled("gliascope.metainfo.xml", release).encode()
    _write(share / "metainfo" / "org.gliascope.Gliascope.metainfo.xml", metainfo)
    _write(share / "man" / "man1" / "gliascope.1.gz", _packed(filled("gliascope.1", release)))
    write_icons(share / "icons" / "hicolor")
    _write_documents(share / "doc" / release.package, release)


def write_share_of_user(share: Path) -> None:
    """Write what the installer for one user copies into that user's folders."""
    _write(share / "gliascope.desktop", _given("gliascope.desktop"))
    _write(share / "mime" / "gliascope.xml", _given("gliascope-mime.xml"))
    write_icons(share / "icons" / "hicolor")


def _write_documents(documents: Path, release: Release) -> None:
    _write(documents / "copyright", filled("copyright", release).encode())
    entry = (
        f"{release.package} ({release.version}) unstable; urgency=medium\n\n"
        f"  * Version {release.version}; what is new stands in CHANGELOG.md.\n\n"
        f" -- The Gliascope developers <{MAINTAINER_ADDRESS}>  {release.changelog_date}\n"
    )
    _write(documents / "changelog.gz", _packed(entry))
    shutil.copyfile(ROOT / "CHANGELOG.md", documents / "CHANGELOG.md")


def _given(name: str) -> bytes:
    return (HERE / name).read_bytes()


def _packed(text: str) -> bytes:
    return gzip.compress(text.encode(), 9, mtime=0)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)

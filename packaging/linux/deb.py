"""The Debian package: the frozen program below /usr/lib, a command, and what a desktop shows."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from linux.elf import Needs, debian_packages, read_needs
from linux.share import HERE, MAINTAINER_ADDRESS, Release, write_share
from linux.tree import installed_kib, settle

ARCHITECTURE = "amd64"
PROGRAM = "/usr/lib/gliascope"
# Loaded by name while running, which no list of needed libraries shows: the window on X11 and
# Wayland, OpenGL, the fonts; see docs/PACKAGING.md.
LOADED_BY_NAME = ("fontconfig-config", "libegl1", "libgl1", "shared-mime-info")
RECOMMENDS = "fonts-dejavu-core, fonts-droid-fallback, desktop-file-utils, xdg-utils"
# xz, which Debian's own checkers insist on; above level 2 it takes three times as long for a tenth.
# A fixed number of threads: it divides the work, and with it shapes the result.
PACKER_OPTIONS = ("-Zxz", "-z2", "--threads-max=2")

_CONTROL = """\
Package: {package}
Version: {version}
Architecture: {architecture}
Maintainer: The Gliascope developers <{address}>
Installed-Size: {size_kib}
Depends: {depends}
Recommends: {recommends}
Conflicts: {other}
Replaces: {other}
Section: science
Priority: optional
Description: outline and measure brain tumours in MR studies
 Gliascope opens a brain-tumour MR study as it left the scanner, outlines
 necrosis, oedema and enhancing tumour, measures them and writes masks,
 volumes and a report. Everything is computed on this computer.
 .
 For research use. Not a medical device.
"""


def control_text(release: Release, needs: Needs, size_kib: int) -> str:
    """Return the package's control file.

    Parameters
    ----------
    needs
        What the program needs from the system.
    size_kib
        What it takes on the disk once installed.
    """
    packages = {*debian_packages(needs.sonames), *LOADED_BY_NAME} - {"libc6"}
    major, minor = needs.glibc
    return _CONTROL.format(
        package=release.package,
        version=release.version,
        architecture=ARCHITECTURE,
        address=MAINTAINER_ADDRESS,
        size_kib=size_kib,
        depends=", ".join([f"libc6 (>= {major}.{minor})", *sorted(packages)]),
        recommends=RECOMMENDS,
        other="gliascope-cuda" if release.variant == "cpu" else "gliascope",
    )


def build_deb(onedir: Path, release: Release, output: Path) -> Path:
    """Pack the frozen program as ``gliascope_VERSION_amd64.deb``.

    Parameters
    ----------
    onedir
        The frozen program's folder.
    output
        Folder for the package; made where it is missing.
    """
    output.mkdir(parents=True, exist_ok=True)
    target = output / f"{release.package}_{release.version}_{ARCHITECTURE}.deb"
    with tempfile.TemporaryDirectory(prefix="deb-", dir=output) as folder:
        root = Path(folder) / "root"
        _fill(root, onedir, release)
        control = root / "DEBIAN"
        _write_scripts(control)
        size_kib = installed_kib(root)
        control.joinpath("control").write_text(
            control_text(release, read_needs(onedir), size_kib), "utf-8"
        )
        settle(root, release.epoch_s)
        made = Path(folder) / target.name
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", *PACKER_OPTIONS, "--build", str(root), str(made)],
            env={**os.environ, "SOURCE_DATE_EPOCH": str(release.epoch_s)},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        made.replace(target)
    return target


def _fill(root: Path, onedir: Path, release: Release) -> None:
    program = root / PROGRAM.lstrip("/")
    # Hard links: a gigabyte is not copied only to be packed.
    shutil.copytree(onedir, program, symlinks=True, copy_function=os.link)
    command = root / "usr" / "bin" / "gliascope"
    command.parent.mkdir(parents=True)
    command.symlink_to("../lib/gliascope/gliascope")
    write_share(root / "usr" / "share", release)
    overrides = root / "usr" / "share" / "lintian" / "overrides" / release.package
    overrides.parent.mkdir(parents=True)
    text = (HERE / "lintian-overrides").read_text("utf-8")
    overrides.write_text(text.replace("gliascope: ", f"{release.package}: "), "utf-8")
    _write_checksums(root)


def _write_scripts(control: Path) -> None:
    """Have dpkg neither upgrade nor remove the program while it runs."""
    text = (HERE / "not-while-running.sh").read_text("utf-8")
    for name in ("preinst", "prerm"):
        script = control / name
        script.write_text(text.replace("@PROGRAM@", f"{PROGRAM}/gliascope"), "utf-8")
        script.chmod(0o755)


def _write_checksums(root: Path) -> None:
    """Write the list that ``dpkg --verify`` compares with; dpkg knows no hash but MD5."""
    lines = []
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "md5").hexdigest()
            lines.append(f"{digest}  {path.relative_to(root)}\n")
    control = root / "DEBIAN"
    control.mkdir()
    control.joinpath("md5sums").write_text("".join(lines), "utf-8")

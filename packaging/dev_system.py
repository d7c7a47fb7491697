"""System libraries and displays: what pip cannot install."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dev_errors import SetUpError

# What Qt and VTK load at run time, as verified in a bare Debian 12: first what drawing off
# screen needs, then what a window on X11 (real or virtual) needs on top.
DEBIAN_LIBRARIES = (
    "libglib2.0-0",
    "libgl1",
    "libegl1",
    "libxkbcommon0",
    "libdbus-1-3",
    "libfontconfig1",
    "libfreetype6",
    "fonts-dejavu-core",
    "fonts-droid-fallback",  # patients' names in Chinese, Japanese and Korean
    "libxcb-cursor0",
    "libxkbcommon-x11-0",
    "libxcb-icccm4",
    "libxcb-keysyms1",
    "libxcb-xkb1",
    "libxcb-image0",
    "libxcb-render-util0",
    "libxcb-randr0",
    "libxcb-shape0",
    "libx11-xcb1",
    "xvfb",
    "xauth",
)
# Programs with which the tests read the product's files back; without them those tests skip.
DEBIAN_TEST_PROGRAMS = ("dicom3tools", "poppler-utils")
# What freezing and packing need, and what installing into a clean system and judging it needs.
DEBIAN_PACKAGING_PROGRAMS = ("binutils", "dpkg")
DEBIAN_INSTALLER_TEST_PROGRAMS = (
    "appstream",
    "debootstrap",
    "desktop-file-utils",
    "lintian",
    "util-linux",
)

# Elsewhere: the libraries to look for, and the line that installs them.
SONAMES = ("libGL.so.1", "libEGL.so.1", "libxkbcommon.so.0", "libdbus-1.so.3", "libxcb-cursor.so.0")
OTHER_INSTALLERS = {
    "dnf": "sudo dnf install mesa-libGL mesa-libEGL libxkbcommon-x11 dbus-libs xcb-util-cursor "
    "xcb-util-wm xcb-util-keysyms xcb-util-image xcb-util-renderutil fontconfig "
    "dejavu-sans-fonts xorg-x11-server-Xvfb",
    "zypper": "sudo zypper install Mesa-libGL1 Mesa-libEGL1 libxkbcommon-x11-0 libdbus-1-3 "
    "libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-image0 libxcb-render-util0 "
    "fontconfig dejavu-fonts xorg-x11-server-Xvfb",
    "pacman": "sudo pacman -S --needed libglvnd mesa libxkbcommon-x11 dbus xcb-util-cursor "
    "xcb-util-wm xcb-util-keysyms xcb-util-image xcb-util-renderutil fontconfig ttf-dejavu "
    "xorg-server-xvfb",
}


def is_debian() -> bool:
    """Tell whether packages come from apt here (Debian, Ubuntu and their kin)."""
    return bool(shutil.which("dpkg-query") and shutil.which("apt-get"))


def is_root() -> bool:
    """Tell whether this process may install system packages."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def missing_debian_packages(wanted: tuple[str, ...]) -> list[str]:
    """Return those of the wanted packages that no installed package is or provides."""
    listing = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status}\t${Package}\t${Provides}\n"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return missing_from_listing(listing, wanted)


def missing_from_listing(listing: str, wanted: tuple[str, ...]) -> list[str]:
    """Return the wanted packages absent from lines of ``status<TAB>name<TAB>provides``.

    ``provides`` counts because releases rename packages: ``libglib2.0-0t64`` provides
    ``libglib2.0-0``.
    """
    present: set[str] = set()
    for line in listing.splitlines():
        status, name, provides = line.split("\t")
        if status == "installed":
            present.add(name)
            present.update(item.split()[0] for item in provides.split(",") if item.strip())
    return [name for name in wanted if name not in present]


def apt_install(packages: list[str]) -> None:
    """Install Debian packages without asking; refresh the lists only when they are stale."""
    print("Installing system packages:", " ".join(packages), flush=True)
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    done = _run_apt(install)
    if done.returncode != 0:
        _run_apt(["apt-get", "update", "-qq"])
        done = _run_apt(install)
    if done.returncode == 0:
        return
    complaints = [line for line in done.stderr.splitlines() if line.startswith("E:")]
    raise SetUpError(
        "System packages could not be installed.",
        complaints[-1] if complaints else " ".join(install),
        f"Check the network and /etc/apt, or run by hand: apt-get install {' '.join(packages)}",
    )


def _run_apt(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def ensure_system_libraries(*, for_tests: bool) -> None:
    """See to the libraries of Qt and VTK on Linux; other systems bring them along.

    Raises
    ------
    SetUpError
        When packages are missing, this is root on a Debian system, and apt cannot install them.
    """
    if not sys.platform.startswith("linux"):
        return
    if not is_debian():
        _advise_other_distribution()
        return
    missing = missing_debian_packages(DEBIAN_LIBRARIES)
    optional = missing_debian_packages(DEBIAN_TEST_PROGRAMS) if for_tests else []
    if not is_root():
        if missing or optional:
            _advise("sudo apt-get install " + " ".join(missing + optional))
        return
    if missing:
        apt_install(missing)
    if optional:
        try:
            apt_install(optional)
        except SetUpError as error:
            print(f"{error}\nThe tests that need them will be skipped.", file=sys.stderr)


def ensure_packaging_programs(*, for_tests: bool) -> None:
    """See to the programs that make installers on Linux, and with `for_tests` that try them.

    Raises
    ------
    SetUpError
        When packages are missing, this is root on a Debian system, and apt cannot install them.
    """
    if not (sys.platform.startswith("linux") and is_debian()):
        return
    wanted = DEBIAN_PACKAGING_PROGRAMS + (DEBIAN_INSTALLER_TEST_PROGRAMS if for_tests else ())
    missing = missing_debian_packages(wanted)
    if missing and is_root():
        apt_install(missing)
    elif missing:
        line = "sudo apt-get install " + " ".join(missing)
        print(f"Programs that make and try installers are missing here. Run:\n  {line}", flush=True)


def _advise_other_distribution() -> None:
    ldconfig = shutil.which("ldconfig") or "/sbin/ldconfig"
    if not Path(ldconfig).exists():
        return
    known = subprocess.run([ldconfig, "-p"], capture_output=True, text=True, check=False).stdout
    if all(name in known for name in SONAMES):
        return
    for program, line in OTHER_INSTALLERS.items():
        if shutil.which(program):
            _advise(line)
            return


def _advise(line: str) -> None:
    print(f"The window needs system libraries that are missing here. Run:\n  {line}", flush=True)


def has_display() -> bool:
    """Tell whether a window can be shown: always on Windows and macOS, else with a display."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@contextmanager
def virtual_display() -> Iterator[dict[str, str]]:
    """Run a virtual X server; yield the variables that point to it (none without Xvfb).

    It is used even where there is a real display: tests and screenshots must not depend on the
    size of somebody's screen, nor pop up on it.
    """
    program = shutil.which("Xvfb") if sys.platform.startswith("linux") else None
    if program is None:
        yield {}
        return
    read_end, write_end = os.pipe()
    server = subprocess.Popen(
        [program, "-displayfd", str(write_end), "-screen", "0", "1920x1200x24", "-nolisten", "tcp"],
        pass_fds=[write_end],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write_end)
    try:
        with os.fdopen(read_end) as answer:
            number = answer.readline().strip()
        if not number:
            raise SetUpError(
                "The virtual screen could not be started.",
                f"{program} ended with code {server.wait(timeout=10)}",
                "Set DISPLAY to an X server of your own, or reinstall xvfb.",
            )
        yield {"DISPLAY": f":{number}", "WAYLAND_DISPLAY": ""}
    finally:
        server.terminate()
        server.wait(timeout=10)

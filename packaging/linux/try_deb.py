"""The Debian package tried: installed, used, upgraded, removed, and read by Debian's checkers."""

import re
import shutil
import subprocess
from pathlib import Path

from linux.clean_root import CleanRoot, clean_root
from linux.deb import PROGRAM
from linux.trial_steps import (
    expect,
    expect_loadable,
    expect_no_python,
    expect_user_data,
    field,
    step,
    use,
)

OLD_VERSION = "0.0.1"
OLD_NAME = "older.deb"
# Takes a package while the program runs, and keeps the exit code; the program ends with it.
WHILE_RUNNING = """\
mkdir -p /empty /out
gliascope batch /empty --output /out --watch --quiet & batch=$!
until [ "$(readlink /proc/$batch/exe)" = /usr/lib/gliascope/gliascope ]; do sleep 0.1; done
"$@"; code=$?
kill -TERM $batch; wait $batch; exit $code"""


def try_deb(deb: Path, work: Path, reference: Path) -> None:
    """Install, use, upgrade, remove and purge the Debian package in a clean system.

    Parameters
    ----------
    deb
        The package.
    work
        Folder for the clean system and for what it leaves: screenshots, reports.
    reference
        Labels (NIfTI) of the sample study as segmented from source on this machine.

    Raises
    ------
    TrialError
        At the first thing that is not as it should be.
    """
    package = field(deb, "Package")
    with clean_root(work) as root:
        expect_no_python(root)
        shutil.copyfile(deb, root.inside(deb.name))
        shutil.move(_older(deb, work), root.inside(OLD_NAME))
        with step("apt installs an older version, with what it depends on"):
            root.run("apt-get", "update", "-qq")
            root.run(*_apt_install(f"/{OLD_NAME}"))
            expect(_version(root, package) == OLD_VERSION, "another version is installed")
            expect_no_python(root)
        with step("neither upgraded nor removed while it runs"):
            for change in (_apt_install(f"/{deb.name}"), ["dpkg", "--remove", package]):
                done = root.attempt("sh", "-c", WHILE_RUNNING, "sh", *change)
                expect(done.returncode != 0 and "Gliascope is running" in done.stdout, done.stdout)
                expect(_version(root, package) == OLD_VERSION, "it was exchanged while running")
                expect(root.run("dpkg", "--verify", package) == "", "installed files differ")
        with step("apt upgrades it; files of the older version are gone"):
            root.run(*_apt_install(f"/{deb.name}"))
            expect(_version(root, package) == field(deb, "Version"), "it was not upgraded")
            expect(not root.inside(f"{PROGRAM}/only-in-old").exists(), "an old file stayed")
            expect(root.run("dpkg", "--verify", package) == "", "installed files differ")
        expect_loadable(root, PROGRAM)
        use(root, "gliascope", PROGRAM, work / "deb", reference)
        with step("removed and purged; the user's data stay"):
            root.run("apt-get", "remove", "-qq", "-y", package)
            expect(not root.inside(PROGRAM).exists(), "/usr/lib/gliascope stayed")
            root.run("dpkg", "--purge", package)
            left = root.run("find", "/usr", "/etc", "/opt", "/var/lib", "-iname", "*gliascope*")
            expect(left == "", f"left behind: {left.split()}")
            expect_user_data(root)


def judge_deb(deb: Path, work: Path) -> None:
    """Have Debian's and freedesktop.org's own checkers read the package."""
    with step("lintian: no errors"):
        done = subprocess.run(
            ["lintian", "--fail-on", "error", str(deb)], capture_output=True, text=True, check=False
        )
        (work / "lintian.txt").write_text(done.stdout + done.stderr, "utf-8")
        expect(done.returncode == 0, done.stdout)
    unpacked = work / "judged"
    subprocess.run(["dpkg-deb", "--extract", str(deb), str(unpacked)], check=True)
    try:
        share = unpacked / "usr" / "share"
        for command in (
            ["desktop-file-validate", *map(str, share.glob("applications/*.desktop"))],
            ["appstreamcli", "validate", "--no-net", *map(str, share.glob("metainfo/*.xml"))],
        ):
            with step(f"{command[0]}: no errors"):
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                expect(done.returncode == 0, done.stdout + done.stderr)
    finally:
        shutil.rmtree(unpacked)


def _older(deb: Path, work: Path) -> Path:
    """Return the same package under an older version, with a file that the new one lacks."""
    folder = work / "older"
    subprocess.run(["dpkg-deb", "--raw-extract", str(deb), str(folder)], check=True)
    control = folder / "DEBIAN" / "control"
    text = re.sub(r"^Version: .*$", f"Version: {OLD_VERSION}", control.read_text(), flags=re.M)
    control.write_text(text)
    (folder / "usr" / "lib" / "gliascope" / "only-in-old").touch()
    target = work / OLD_NAME
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(folder), str(target)],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    shutil.rmtree(folder)
    return target


def _apt_install(what: str) -> list[str]:
    return ["apt-get", "install", "-qq", "-y", "--no-install-recommends", what]


def _version(root: CleanRoot, package: str) -> str:
    return root.run("dpkg-query", "--show", "--showformat=${Version}", package)

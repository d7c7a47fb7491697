"""A clean Debian to install into: made once by debootstrap, unpacked anew for each trial."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev_errors import SetUpError

# What is built on a system is to run on newer ones too, whose graphics drivers need newer
# libraries.
SUITE = "bookworm"
NEWER_SUITE = "trixie"
MIRROR = "http://deb.debian.org/debian"
USER = "clinician"
HOME = f"/home/{USER}"
# Mounts belong to the command's own namespace and vanish with it, however it ends. The shell stays
# as the namespace's first process: a virtual screen does not tell one with number 1 that it is up.
_ENTER = (
    'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && '
    'mount --bind "$1" "$0/var/cache/apt/archives" && shift || exit 125; '
    'chroot "$0" /usr/bin/env -i "$@"; exit $?'
)


class TrialError(Exception):
    """Something in a clean system is not as it should be."""


@dataclass(frozen=True, slots=True)
class CleanRoot:
    """A system of its own below a folder.

    Parameters
    ----------
    path
        Its root folder.
    packages
        Folder in which downloaded packages are kept from one trial to the next.
    """

    path: Path
    packages: Path

    def attempt(
        self, *command: str, user: str = "root", timeout_s: float = 1800
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside and return how it ended, with both streams in ``stdout``."""
        home = HOME if user == USER else "/root"
        inside = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", f"HOME={home}", "LANG=C.UTF-8"]
        inside += ["DEBIAN_FRONTEND=noninteractive"]
        if user != "root":
            inside += ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        inside += ["sh", "-c", 'cd "$HOME" && exec "$@"', "sh", *command]
        enter = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _ENTER]
        return subprocess.run(
            [*enter, str(self.path), str(self.packages), *inside],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )

    def run(self, *command: str, user: str = "root", timeout_s: float = 1800) -> str:
        """Run a command inside and return what it printed.

        Raises
        ------
        TrialError
            When its exit code is not 0; with the last lines of what it printed.
        """
        done = self.attempt(*command, user=user, timeout_s=timeout_s)
        if done.returncode != 0:
            last = "\n    ".join(done.stdout.strip().splitlines()[-40:])
            raise TrialError(f"{shlex.join(command)}: exit code {done.returncode}\n    {last}")
        return done.stdout

    def inside(self, path: str) -> Path:
        """Return where a path of that system lies in this one."""
        return self.path / path.lstrip("/")


@contextmanager
def clean_root(work: Path, suite: str = SUITE) -> Iterator[CleanRoot]:
    """Unpack a clean system with one ordinary user, and remove it afterwards.

    Parameters
    ----------
    work
        Folder for the system, the archive it is unpacked from, and downloaded packages.
    suite
        The version of Debian.
    """
    archive = _ensure_archive(work, suite)
    path = work / "root"
    if path.exists():
        shutil.rmtree(path)
    path.mkdir(mode=0o755)
    packages = work / f"packages-{suite}"
    packages.mkdir(exist_ok=True)
    try:
        subprocess.run(["tar", "-xzf", str(archive), "-C", str(path)], check=True)
        shutil.copyfile("/etc/resolv.conf", path / "etc" / "resolv.conf")
        # What is thrown away after the trial need not reach the disk.
        path.joinpath("etc/dpkg/dpkg.cfg.d/trial").write_text("force-unsafe-io\n", "utf-8")
        root = CleanRoot(path, packages)
        root.run("useradd", "--create-home", "--user-group", "--shell", "/bin/sh", USER)
        yield root
    finally:
        shutil.rmtree(path)


def _ensure_archive(work: Path, suite: str) -> Path:
    archive = work / f"debian-{suite}.tar.gz"
    if archive.is_file():
        return archive
    if os.geteuid() != 0:
        raise SetUpError(
            "A clean system can only be made and entered by root.",
            str(work),
            "Run the same command as root, in a container or virtual machine of its own.",
        )
    work.mkdir(parents=True, exist_ok=True)
    folder = work / "bootstrap"
    if folder.exists():
        shutil.rmtree(folder)
    print(f"Making a clean Debian ({suite}); this is done once.", flush=True)
    with (work / "debootstrap.log").open("w") as log:
        done = subprocess.run(
            ["debootstrap", "--variant=minbase", suite, str(folder), MIRROR],
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0:
        raise SetUpError(
            "The clean Debian could not be made.", log.name, "Check the network to the mirror."
        )
    # Stale lists would send apt to packages that the mirror has replaced.
    shutil.rmtree(folder / "var" / "lib" / "apt" / "lists")
    fresh = archive.with_suffix(".new")
    subprocess.run(["tar", "-C", str(folder), "-czf", str(fresh), "."], check=True)
    fresh.replace(archive)
    shutil.rmtree(folder)
    return archive

"""The self-extracting file for users without administrator rights."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from linux.elf import read_needs
from linux.share import HERE, Release, write_share_of_user
from linux.tree import installed_kib, settle, write_tar_gz

LIST_NAME = ".gliascope-files"
UNINSTALLER = "uninstall.sh"


def build_run_file(onedir: Path, release: Release, output: Path) -> Path:
    """Pack the frozen program as ``Gliascope-VERSION-linux-x86_64.run``.

    gzip, since it is the one packer that every bare Debian, Ubuntu and Fedora has.

    Parameters
    ----------
    onedir
        The frozen program's folder.
    output
        Folder for the file; made where it is missing.
    """
    output.mkdir(parents=True, exist_ok=True)
    suffix = "" if release.variant == "cpu" else f"-{release.variant}"
    target = output / f"Gliascope-{release.version}-linux-x86_64{suffix}.run"
    with tempfile.TemporaryDirectory(prefix="run-", dir=output) as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(onedir, tree, symlinks=True, copy_function=os.link)
        write_share_of_user(tree / "share")
        tree.joinpath(LIST_NAME).write_text(file_list(tree), "utf-8")
        settle(tree, release.epoch_s)
        payload = Path(folder) / "payload.tar.gz"
        write_tar_gz(tree, payload, release.epoch_s)
        made = Path(folder) / target.name
        with made.open("wb") as stream, payload.open("rb") as content:
            glibc = ".".join(map(str, read_needs(onedir).glibc))
            stream.write(stub(release, payload, installed_kib(tree), glibc).encode())
            shutil.copyfileobj(content, stream)
        made.chmod(0o755)
        made.replace(target)
    return target


def file_list(tree: Path) -> str:
    """Return the list by which the program is removed again: one relative path a line.

    Raises
    ------
    ValueError
        For a name with a line break, which the list could not hold.
    """
    names = [str(path.relative_to(tree)) for path in sorted(tree.rglob("*")) if not is_dir(path)]
    if any("\n" in name for name in names):
        raise ValueError("a file's name has a line break")
    return "".join(f"{name}\n" for name in [*names, UNINSTALLER])


def is_dir(path: Path) -> bool:
    """Tell a real folder from a file or a link."""
    return path.is_dir() and not path.is_symlink()


def stub(release: Release, payload: Path, size_kib: int, glibc: str) -> str:
    """Return the script that goes before the payload, with everything filled in.

    Parameters
    ----------
    payload
        The packed program.
    size_kib
        What it takes on the disk once installed.
    glibc
        The oldest C library that will do.
    """
    with payload.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    script = (HERE / "run-stub.sh").read_text("utf-8")
    values = {
        "VERSION": release.version,
        "PAYLOAD_LINE": str(script.count("\n") + 1),
        "PAYLOAD_BYTES": str(payload.stat().st_size),
        "PAYLOAD_SHA256": digest,
        "INSTALLED_KIB": str(size_kib),
        "GLIBC": glibc,
    }
    for name, value in values.items():
        script = script.replace(f"@{name}@", value)
    return script

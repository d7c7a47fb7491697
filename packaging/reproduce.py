"""Builds one commit twice, in clones of their own, and compares every file of both.

Started by ``dev.py compare-builds``; ``--folders A B`` compares two builds that are there.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from freeze import FOLDER
from make_installers import INSTALLER_ENDINGS

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "output" / "reproduce"
ABSENT = "absent"


def main(arguments: list[str]) -> int:
    """Build where asked, compare, and return 1 if anything differs."""
    parser = argparse.ArgumentParser(prog="dev.py compare-builds", description=__doc__)
    parser.add_argument("--folders", type=Path, nargs=2, metavar="DIR", help="two outputs of build")
    parser.add_argument("--commit", default="HEAD", help="what to build")
    parser.add_argument("--only", choices=("app", "deb", "run"), help="one kind instead of all")
    parser.add_argument("--sample", type=Path, required=True, help="the sample study's folder")
    options = parser.parse_args(arguments)
    folders = options.folders or [
        _build(WORK / name, options.commit, options.only, options.sample)
        for name in ("first", "second")
    ]
    first, second = (contents(folder) for folder in folders)
    differences = list(differing(first, second))
    for difference in differences:
        print(difference)
    print(f"{len(first)} and {len(second)} files and links; {len(differences)} differ")
    return 1 if differences else 0


def contents(output: Path) -> dict[str, str]:
    """Return a hash of each file, or each link's target, by relative path.

    Rights are those of the installers, which pack them and whose hashes count too.

    Parameters
    ----------
    output
        Folder that ``dev.py build`` wrote: the frozen program and the installers in it count.
    """
    program = (path for path in (output / FOLDER).rglob("*") if path.is_symlink() or path.is_file())
    installers = (path for path in output.iterdir() if path.suffix in INSTALLER_ENDINGS)
    return {
        path.relative_to(output).as_posix(): _what(path) for path in sorted([*program, *installers])
    }


def differing(first: dict[str, str], second: dict[str, str]) -> Iterator[str]:
    """Yield a line for each path that is not the same on both sides."""
    for path in sorted(first.keys() | second.keys()):
        one, other = first.get(path, ABSENT), second.get(path, ABSENT)
        if one != other:
            yield f"{path}: {one} and {other}"


def _what(path: Path) -> str:
    if path.is_symlink():
        return f"link to {path.readlink()}"
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _build(folder: Path, commit: str, only: str | None, sample: Path) -> Path:
    if folder.exists():
        shutil.rmtree(folder)
    source = folder / "source"
    subprocess.run(["git", "clone", "--quiet", "--no-checkout", str(ROOT), str(source)], check=True)
    revision = subprocess.run(
        ["git", "rev-parse", commit], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    subprocess.run(["git", "checkout", "--quiet", "--detach", revision], cwd=source, check=True)
    command = [sys.executable, str(source / "packaging" / "make_installers.py")]
    command += ["--sample", str(sample.resolve()), "--output", str(folder / "installers")]
    command += ["--only", only] if only else []
    # The environment knows the project by its checkout; the clone comes first.
    variables = {**os.environ, "PYTHONPATH": str(source)}
    subprocess.run(command, cwd=source, env=variables, check=True)
    return folder / "installers"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

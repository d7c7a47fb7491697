"""Makes the installers of the system it runs on: freeze, then pack. Started by ``dev.py build``."""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from carried import carried
from dev_errors import SetUpError
from freeze import FOLDER, freeze
from licences import write_licences
from megabytes import table
from shipped import read_shipped
from smaller import compress_sample

ROOT = Path(__file__).resolve().parents[1]
OUTPUT = ROOT / "output" / "installers"
KINDS = ("app", "deb", "run")
INSTALLER_ENDINGS = {".deb", ".run", ".exe", ".dmg"}


def main(arguments: list[str]) -> int:
    """Build what was asked for, and say what became of it."""
    parser = argparse.ArgumentParser(prog="dev.py build", description=__doc__)
    parser.add_argument("--only", choices=KINDS, help="on Linux: one kind instead of all")
    parser.add_argument(
        "--reuse-app", action="store_true", help="pack the program frozen the last time"
    )
    parser.add_argument("--sample", type=Path, required=True, help="the sample study's folder")
    parser.add_argument("--output", type=Path, default=OUTPUT, metavar="DIR")
    parser.add_argument("--version", default=project_version(), help="for tests of upgrades")
    options = parser.parse_args(arguments)
    options.output = options.output.resolve()
    try:
        made = _build(options)
    except SetUpError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"\n{table(options.output / FOLDER)}\n")
    for path in made:
        print(f"{path.stat().st_size / 1e6:8.1f} MB  {path}")
    return 0


def _build(options: argparse.Namespace) -> list[Path]:
    onedir: Path = options.output / FOLDER
    if not options.reuse_app:
        sample = _sample(options)
        with _timed("Freezing the program"):
            onedir = freeze(sample, options.version, commit_epoch_s(), options.output)
        write_licences(onedir)
        # Refuses what wheels carry and may not be shipped.
        carried(read_shipped(onedir))
    elif not onedir.is_dir():
        raise SetUpError("There is no frozen program yet.", str(onedir), "Leave --reuse-app out.")
    return [] if options.only == "app" else _pack(onedir, options)


def project_version() -> str:
    """Return the version, which stands in pyproject.toml."""
    with (ROOT / "pyproject.toml").open("rb") as stream:
        version: str = tomllib.load(stream)["project"]["version"]
    return version


def commit_epoch_s() -> int:
    """Return the time that every packed file bears: the commit's, or what the caller sets."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    done = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SetUpError(
            "The commit's time is unknown, without which two builds would differ.",
            str(ROOT),
            "Build from a git checkout, or set SOURCE_DATE_EPOCH.",
        )
    return int(done.stdout)


def torch_variant() -> str:
    """Return ``cuda`` where torch was installed with CUDA, else ``cpu``."""
    import torch

    return "cpu" if torch.version.cuda is None else "cuda"


def _sample(options: argparse.Namespace) -> Path:
    """Copy the sample study and add what this source finds in it; the self-test compares."""
    sample: Path = options.output / "sample-study"
    if sample.is_dir():
        shutil.rmtree(sample)
    shutil.copytree(options.sample, sample)
    # Imported late: it brings the whole program along.
    from expected_sample import add_expected

    with _timed("Segmenting the sample study from source"):
        add_expected(sample)
    compress_sample(sample / "dicom")
    return sample


def _pack(onedir: Path, options: argparse.Namespace) -> list[Path]:
    made = list(_pack_here(onedir, options))
    _write_checksums(options.output)
    return made


def _write_checksums(output: Path) -> None:
    """List every installer in the folder, also those of an earlier ``--only``."""
    found = sorted(path for path in output.iterdir() if path.suffix in INSTALLER_ENDINGS)
    lines = []
    for path in found:
        with path.open("rb") as stream:
            lines.append(f"{hashlib.file_digest(stream, 'sha256').hexdigest()}  {path.name}\n")
    output.joinpath("SHA256SUMS").write_text("".join(lines), "utf-8")


def _pack_here(onedir: Path, options: argparse.Namespace) -> Iterator[Path]:
    if sys.platform == "win32":
        from windows.installer import build_installer

        with _timed("Packing the installer"):
            yield build_installer(onedir, options.version, options.output)
        return
    if sys.platform == "darwin":
        from macos.installer import build_installer as build_image

        with _timed("Packing the disk image"):
            yield build_image(onedir, options.version, options.output)
        return
    from linux.deb import build_deb
    from linux.run_file import build_run_file
    from linux.share import Release

    release = Release(options.version, commit_epoch_s(), torch_variant())
    if options.only in (None, "deb"):
        with _timed("Packing the Debian package"):
            yield build_deb(onedir, release, options.output)
    if options.only in (None, "run"):
        with _timed("Packing the self-extracting file"):
            yield build_run_file(onedir, release, options.output)


@contextmanager
def _timed(what: str) -> Iterator[None]:
    print(f"{what} ...", flush=True)
    started = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

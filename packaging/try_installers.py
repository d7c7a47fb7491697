"""Tries this system's installers in clean systems. Started by ``dev.py test-installers``."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from dev_errors import SetUpError

ROOT = Path(__file__).resolve().parents[1]
INSTALLERS = ROOT / "output" / "installers"
WORK = ROOT / "output" / "try-installers"


def main(arguments: list[str]) -> int:
    """Try what was built, and say what was tried; the exit code is 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="dev.py test-installers", description=__doc__)
    parser.add_argument("--only", choices=("deb", "run"), help="one kind instead of all")
    parser.add_argument(
        "--windows", action="store_true", help="the Windows installer instead, under Wine"
    )
    parser.add_argument("--installers", type=Path, default=INSTALLERS, metavar="DIR")
    options = parser.parse_args(arguments)
    try:
        if options.windows:
            return _try_windows()
        return _try_linux(options)
    except SetUpError as error:
        print(error, file=sys.stderr)
        return 2


def _try_windows() -> int:
    check = Path(__file__).parent / "windows" / "check_installer.py"
    return subprocess.call(
        [sys.executable, str(check)], env={**os.environ, "PYTHONPATH": str(check.parents[1])}
    )


def _try_linux(options: argparse.Namespace) -> int:
    from linux.clean_root import TrialError
    from linux.try_deb import judge_deb, try_deb
    from linux.try_run_file import try_run_file

    deb = _built(options.installers, "*.deb")
    WORK.mkdir(parents=True, exist_ok=True)
    try:
        reference = _labels_from_source(options.installers)
        if options.only != "run":
            print(f"{deb.name}: {deb.stat().st_size / 1e6:.1f} MB")
            judge_deb(deb, WORK)
            try_deb(deb, WORK, reference)
        if options.only != "deb":
            run_file = _built(options.installers, "*.run")
            print(f"{run_file.name}: {run_file.stat().st_size / 1e6:.1f} MB")
            try_run_file(run_file, deb, WORK, reference)
    except TrialError as error:
        print(f"test-installers: FAILED: {error}", file=sys.stderr)
        return 1
    print(f"test-installers: everything passed; pictures and reports: {WORK}")
    return 0


def _built(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime)
    if not found:
        raise SetUpError(
            f"There is no {pattern} to try.", str(folder), "Make it: python3 packaging/dev.py build"
        )
    return found[-1]


def _labels_from_source(installers: Path) -> Path:
    """Return the sample study's labels as the source made them on this machine for the build."""
    labels = installers / "sample-study" / "expected" / "segmentation.nii.gz"
    if not labels.is_file():
        raise SetUpError(
            "The sample study's labels from source are missing.",
            str(labels),
            "Build first: python3 packaging/dev.py build",
        )
    return labels


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

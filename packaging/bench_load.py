"""How long a series takes from its files to a volume: ours beside other readers.

``dev.py bench --load`` writes the largest series of the sample study, once plain and once
compressed without loss, and lets every reader load it in processes of its own, in turns, so that
what disturbs one disturbs all. The seconds are those from the folder to the volume, without the
start of Python and its imports. dcm2niix, a program, counts as a whole; it and dicom2nifti write
their volume to disk, since they offer nothing else.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.uid import JPEGLSLossless
from rich.console import Console
from rich.table import Table

from model.synthetic.dicom import StudyIdentity, series_header, write_stack
from model.synthetic.series import plan_study

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 3

_TIMED = """
import os, sys, tempfile, time
from pathlib import Path
folder = sys.argv[1]
{imports}
if __name__ == "__main__":
    started, before = time.perf_counter(), sum(os.times()[:4])
{work}
    print(time.perf_counter() - started, sum(os.times()[:4]) - before)
"""
# Imports of a reader, and what it has to do between them and the volume.
_READERS = {
    "gliascope": (
        "from desktop_app.io.scan import scan\nfrom desktop_app.io.load import load_series",
        "found = scan(Path(folder), use_cache=False)\n"
        "volume = load_series(found.studies[0].series[0])",
    ),
    "SimpleITK": (
        "import SimpleITK as sitk",
        "reader = sitk.ImageSeriesReader()\n"
        "reader.SetFileNames(reader.GetGDCMSeriesFileNames(folder))\n"
        "volume = reader.Execute()",
    ),
    "dicom2nifti": (
        "from dicom2nifti import convert_dicom",
        "with tempfile.TemporaryDirectory() as output:\n"
        "    convert_dicom.dicom_series_to_nifti(folder, output + '/a.nii')",
    ),
    "dcm2niix": (
        "import subprocess\nimport dcm2niix",
        "with tempfile.TemporaryDirectory() as output:\n"
        "    command = [dcm2niix.bin, '-b', 'n', '-z', 'n', '-o', output, folder]\n"
        "    subprocess.run(command, check=True, capture_output=True)\n"
        "    assert list(Path(output).glob('*.nii'))",
    ),
}


@dataclass(frozen=True, slots=True)
class LoadFigures:
    """One reader on one series.

    Parameters
    ----------
    seconds, cpu_seconds
        The least of the rounds, by the clock and of processor time with that of the processes it
        starts, which load by others disturbs less; ``None`` where the reader is not installed or
        fails.
    why
        The last line of what it said then.
    """

    reader: str
    stored: str
    seconds: float | None
    cpu_seconds: float | None = None
    why: str = ""


def write_series(folder: Path) -> dict[str, Path]:
    """Write one series in two transfer syntaxes; return the folder of each."""
    identity = StudyIdentity(0)
    plan = max(plan_study(), key=lambda one: int(np.prod(one.grid.shape_kji)))
    rng = np.random.default_rng(0)
    k, j, i = np.indices(plan.grid.shape_kji, dtype=np.float32)
    centre = (np.array(plan.grid.shape_kji) - 1) / 2
    head = sum(((x - c) / c) ** 2 for x, c in zip((k, j, i), centre, strict=True)) < 0.8
    noise = rng.normal(0, 12, plan.grid.shape_kji).astype(np.float32)
    stored = np.clip(30 + 600 * head * (1 + 0.3 * np.sin(j / 9)) + noise, 0, 4095)
    folders = {"plain": folder / "plain", "JPEG-LS": folder / "jpeg-ls"}
    header = series_header(plan, identity)
    for target in folders.values():
        write_stack(target, header, stored.astype(np.uint16), plan.grid, identity)
    for path in folders["JPEG-LS"].iterdir():
        dataset = dcmread(path)
        dataset.compress(JPEGLSLossless, generate_instance_uid=False)
        dataset.save_as(path)
    return folders


def measure(folders: dict[str, Path], rounds: int = ROUNDS) -> list[LoadFigures]:
    """Let every reader load every folder, in turns."""
    figures = []
    for stored, folder in folders.items():
        answers: dict[str, list[LoadFigures]] = {reader: [] for reader in _READERS}
        # The first round only brings the files into the disk's cache.
        for _ in range(rounds + 1):
            for reader, answer in answers.items():
                answer.append(_load(reader, stored, folder))
        for reader, answer in answers.items():
            done = [one for one in answer[1:] if one.seconds is not None]
            if len(done) < rounds:
                figures.append(answer[-1])
                continue
            seconds = min(one.seconds or 0.0 for one in done)
            cpu = min(one.cpu_seconds or 0.0 for one in done)
            figures.append(LoadFigures(reader, stored, seconds, cpu))
    return figures


def _load(reader: str, stored: str, folder: Path) -> LoadFigures:
    imports, work = _READERS[reader]
    script = _TIMED.format(imports=imports, work=textwrap.indent(work, "    "))
    with tempfile.TemporaryDirectory() as place:
        # A file of its own: processes that are spawned read it again.
        path = Path(place) / "load.py"
        path.write_text(script, encoding="utf-8")
        environment = {**os.environ, "GLIASCOPE_USER_DATA": place}
        command = [sys.executable, str(path), str(folder)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment
        )
    if done.returncode != 0:
        why = done.stderr.strip().splitlines()[-1]
        return LoadFigures(reader, stored, None, why=why)
    seconds, cpu = map(float, done.stdout.splitlines()[-1].split())
    return LoadFigures(reader, stored, seconds, cpu)


def print_figures(figures: list[LoadFigures], slices: int) -> None:
    """Print one row a reader, one column a transfer syntax."""
    kinds = list(dict.fromkeys(one.stored for one in figures))
    table = Table(title=f"{slices} slices to a volume, least of {ROUNDS} (processor time)")
    table.add_column("reader")
    for kind in kinds:
        table.add_column(kind, justify="right")
    for reader in _READERS:
        cells = [
            f"{one.seconds:.2f} s ({one.cpu_seconds:.2f})" if one.seconds is not None else one.why
            for one in figures
            if one.reader == reader
        ]
        table.add_row(reader, *cells)
    Console().print(table)


def main(arguments: list[str] | None = None) -> int:
    """Measure and return the exit code."""
    parser = argparse.ArgumentParser(prog="dev.py bench --load", description=__doc__)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        folders = write_series(Path(folder))
        figures = measure(folders)
        slices = len(list(folders["plain"].iterdir()))
    if options.json:
        sys.stdout.write(json.dumps([asdict(one) for one in figures], indent=2) + "\n")
    else:
        print_figures(figures, slices)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How long a scan takes: ours, cold and from its cache, beside other readers of DICOM folders.

``dev.py bench --scan`` writes a folder of files as scanners write them, without a patient behind
them, and lets every reader look through it in a process of its own. What is compared is the time
until the series are known: SimpleITK and dicom2nifti are asked for nothing but that, dcm2niix is
told to write no images. Each comes after one that has warmed the disk's cache.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import psutil
from bench import children_cpu_seconds
from pydicom import config
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
FILES = 10_000

# What 10,000 files from a warm disk may take on two processor cores, and a second time.
AIMS_SECONDS = {"gliascope, first time": 15.0, "gliascope, again": 2.0}

_SLICES = 100
_SERIES_PER_STUDY = 10
_SIDE = 128
# A scanner's private elements: as many and as long as in a slice of a Siemens Prisma.
_PRIVATE_ELEMENTS = 90
_PRIVATE_BYTES = 30_000
_UID_MARK = "1.2.826.0.1.3680043.8.498.10000000000001"
_POSITION_MARK = "-1234567890.1234"
_NUMBER_MARK = "87654321"

_PROTOCOLS = {
    "t1_mprage_sag_p2_iso": ("GR", 2300.0, 2.3, 900.0, ""),
    "t1_mprage_sag_p2_iso KM": ("GR", 2300.0, 2.3, 900.0, "Gadobutrol"),
    "t2_space_sag_p2_iso": ("SE", 3200.0, 408.0, 0.0, ""),
    "t2_space_dark-fluid_sag_p2_iso": ("SE\\IR", 5000.0, 387.0, 1800.0, ""),
}

_OURS = """
import sys
from pathlib import Path
from desktop_app.io.scan import scan
if __name__ == "__main__":
    print(sum(len(study.series) for study in scan(Path(sys.argv[1])).studies))
"""
_SIMPLEITK = """
import os, sys
from SimpleITK import ImageSeriesReader
count = 0
for folder, _, files in os.walk(sys.argv[1]):
    for uid in ImageSeriesReader.GetGDCMSeriesIDs(folder) if files else ():
        count += bool(ImageSeriesReader.GetGDCMSeriesFileNames(folder, uid))
print(count)
"""
_DICOM2NIFTI = """
import os, sys
import pydicom
from dicom2nifti import common
series = set()
for folder, _, files in os.walk(sys.argv[1]):
    for name in files:
        path = os.path.join(folder, name)
        if common.is_dicom_file(path):
            series.add(pydicom.dcmread(path, stop_before_pixels=True).SeriesInstanceUID)
print(len(series))
"""


@dataclass(frozen=True, slots=True)
class ScanFigures:
    """One reader's look through the folder.

    Parameters
    ----------
    seconds
        Wall time of the whole process, its start included; the least of the runs.
    cpu_seconds
        Processor time of the process and those it started, which load by others disturbs less;
        ``None`` where the system does not tell.
    series
        How many it found.
    """

    reader: str
    seconds: float
    cpu_seconds: float | None
    series: int


def write_files(folder: Path, count: int) -> int:
    """Write a folder of MR images of several patients and return how many series they make."""
    pixels = np.random.default_rng(0).integers(0, 900, (_SIDE, _SIDE)).astype("<u2").tobytes()
    written = series = 0
    while written < count:
        study, number = divmod(series, _SERIES_PER_STUDY)
        target = folder / f"PAT{study:04d}" / f"S{number:03d}"
        target.mkdir(parents=True)
        template = _template(study, number, pixels)
        for k in range(min(_SLICES, count - written)):
            data = template.replace(_UID_MARK.encode(), f"{_UID_MARK[:-6]}{written:06d}".encode())
            data = data.replace(_POSITION_MARK.encode(), f"{-80 + 1.6 * k:016.6f}".encode())
            data = data.replace(_NUMBER_MARK.encode(), f"{k + 1:08d}".encode())
            (target / f"IM{k:06d}").write_bytes(data)
            written += 1
        series += 1
    return series


def _template(study: int, number: int, pixels: bytes) -> bytes:
    description, (sequence, repetition, echo, inversion, agent) = list(_PROTOCOLS.items())[
        number % len(_PROTOCOLS)
    ]
    entropy = ["scan benchmark", str(study)]
    image = Dataset()
    image.SOPClassUID, image.SOPInstanceUID = MRImageStorage, _UID_MARK
    image.ImageType = ["ORIGINAL", "PRIMARY", "M", "NORM", "DIS2D"]
    image.StudyDate = image.SeriesDate = image.AcquisitionDate = "20260105"
    image.StudyTime, image.SeriesTime = "090000", f"09{number:02d}00"
    image.AcquisitionTime = f"09{number:02d}30.123000"
    image.Modality, image.Manufacturer = "MR", "Benchmark"
    image.ManufacturerModelName, image.StudyDescription = "Benchmark", "Head"
    image.SeriesDescription = image.ProtocolName = description
    image.PatientName, image.PatientID = f"Benchmark^{study}", f"BENCH-{study}"
    image.PatientBirthDate, image.PatientSex = "19600101", "O"
    image.ScanningSequence, image.SequenceVariant = sequence.split("\\"), ["SK", "SP", "MP"]
    image.MRAcquisitionType, image.SliceThickness = "3D", 1.6
    image.RepetitionTime, image.EchoTime, image.FlipAngle = repetition, echo, 9.0
    if inversion:
        image.InversionTime = inversion
    if agent:
        image.ContrastBolusAgent = agent
    image.StudyInstanceUID = generate_uid(entropy_srcs=entropy)
    image.SeriesInstanceUID = generate_uid(entropy_srcs=[*entropy, str(number)])
    image.FrameOfReferenceUID = generate_uid(entropy_srcs=[*entropy, "frame"])
    image.SeriesNumber, image.AcquisitionNumber = number + 1, 1
    image.ImageOrientationPatient, image.PixelSpacing = [1, 0, 0, 0, 1, 0], [1.8, 1.8]
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.Rows = image.Columns = _SIDE
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 12, 11
    image.PixelRepresentation, image.PixelData = 0, pixels
    for group in (0x0019, 0x0029, 0x0051):
        block = image.private_block(group, "GLIASCOPE BENCHMARK", create=True)
        for element in range(_PRIVATE_ELEMENTS // 3):
            block.add_new(element, "LO", f"{group} {element}")
    image.private_block(0x0029, "GLIASCOPE BENCHMARK").add_new(0x80, "OB", bytes(_PRIVATE_BYTES))
    return _as_file(image)


def _as_file(image: Dataset) -> bytes:
    """Return the image as a file, with marks where its slices differ."""
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    with config.disable_value_validation():
        image.ImagePositionPatient = ["-110.000000", "-120.000000", _POSITION_MARK]
        image.InstanceNumber = _NUMBER_MARK
        file = DicomBytesIO()
        image.save_as(file, enforce_file_format=True)
    return file.getvalue()


def readers(folder: Path, user_data: Path) -> list[tuple[str, list[str], dict[str, str]]]:
    """Return name, command and environment of every reader that is installed.

    The two runs of the program come one after the other: the second finds the first one's cache.
    """
    own = {"GLIASCOPE_USER_DATA": str(user_data)}
    script = user_data / "scan.py"
    script.write_text(_OURS, encoding="utf-8")
    found = [(name, [sys.executable, str(script), str(folder)], own) for name in AIMS_SECONDS]
    found.append(("SimpleITK, series of a folder", _python(_SIMPLEITK, folder), {}))
    if importlib.util.find_spec("dicom2nifti") is not None:
        found.append(("dicom2nifti, headers by series", _python(_DICOM2NIFTI, folder), {}))
    if importlib.util.find_spec("dcm2niix") is not None:
        program = __import__("dcm2niix").bin
        # Down to three folders, and only say what would be converted.
        found.append(
            ("dcm2niix, list of series", [program, "-n", "-1", "-d", "9", str(folder)], {})
        )
    return found


def measure(folder: Path, repeats: int) -> list[ScanFigures]:
    """Let every reader look through the folder, so many times each, and keep the least time."""
    best: dict[str, ScanFigures] = {}
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as user_data:
            for name, command, extra in readers(folder, Path(user_data)):
                figures = _run(name, command, extra)
                if name not in best or figures.seconds < best[name].seconds:
                    best[name] = figures
    return list(best.values())


def _run(name: str, command: list[str], extra: dict[str, str]) -> ScanFigures:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **extra}
    started, cpu_before = time.perf_counter(), children_cpu_seconds()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    cpu = None if cpu_before is None else (children_cpu_seconds() or 0.0) - cpu_before
    if done.returncode != 0:
        raise SystemExit(f"{name} failed:\n{done.stderr}")
    lines = done.stdout.split()
    own_count = lines[-1] if lines else ""
    series = int(own_count) if own_count.isdigit() else _listed(done.stdout)
    return ScanFigures(name, seconds, cpu, series)


def _listed(text: str) -> int:
    """Return how many series dcm2niix lists: a line each that begins with its number."""
    return sum(1 for line in text.splitlines() if line.strip().split("\t")[0].isdigit())


def _python(code: str, folder: Path) -> list[str]:
    return [sys.executable, "-W", "ignore", "-c", code, str(folder)]


def _warm(folder: Path) -> None:
    """Bring the files into memory, so that no reader pays for the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            path.read_bytes()


def _print(figures: list[ScanFigures], files: int) -> None:
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    cores = psutil.cpu_count(logical=False)
    table = Table(title=f"{files} files: {cores} cores{load}")
    table.add_column("")
    for title in ("seconds", "of processor", "series", "aim"):
        table.add_column(title, justify="right")
    for one in figures:
        aim = AIMS_SECONDS.get(one.reader)
        told = f"≤ {aim:.0f} s" if aim is not None and files == FILES else ""
        cpu = "" if one.cpu_seconds is None else f"{one.cpu_seconds:.2f}"
        table.add_row(one.reader, f"{one.seconds:.2f}", cpu, str(one.series), told)
    Console().print(table)


def main(arguments: list[str]) -> int:
    """Measure and return the exit code."""
    parser = argparse.ArgumentParser(prog="bench --scan", description=__doc__)
    parser.add_argument("--files", type=int, default=FILES, metavar="N")
    parser.add_argument("--repeats", type=int, default=2, metavar="N", help="the least time counts")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "files"
        written = write_files(folder, options.files)
        _warm(folder)
        # Files changed in the last two seconds are never kept in a cache.
        time.sleep(2.5)
        figures = measure(folder, options.repeats)
    if options.json:
        print(json.dumps([asdict(one) for one in figures], indent=2))
    else:
        _print(figures, options.files)
    wrong = [one.reader for one in figures if one.reader in AIMS_SECONDS and one.series != written]
    if wrong:
        print(f"Series were lost by: {', '.join(wrong)}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

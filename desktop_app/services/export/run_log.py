"""`run.log`: how one study was processed, without a word that tells who the patient is."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import desktop_app
from desktop_app.domain.dates import readable_instant
from desktop_app.domain.provenance import NAMELESS_FILE, Provenance
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region
from desktop_app.domain.study import Sequence
from desktop_app.io.atomic import NO_LETTER, atomic_path
from desktop_app.services.measuring.targets import standing_warnings
from desktop_app.services.opening.study_identity import new_mark
from desktop_app.services.privacy import Redactor
from desktop_app.services.results.label_checksum import labels_checksum

RUN_LOG = "run.log"
CORRECTED = "Labels corrected by hand"
OPENED = f"Labels of {NAMELESS_FILE}"
_MARK = "Checksum of the study: "
_LABELS = "Checksum of the labels: "
_STEP = "Step: "
_WARNING = "Warning: "
_PROGRAM = re.compile(r"Gliascope (?P<app_version>.*), \d{4}-\d\d-\d\d [\d:]+ UTC[-+:\d]*")
_MODEL = re.compile(r"Model (?P<model_id>.*), sha256 (?P<weights_sha256>\w*)")
_DEVICE = re.compile(r"Device (?P<device>.*), precision (?P<precision>.*)")


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """What a log says of how a result came about; its times are not read."""

    provenance: Provenance
    warnings: tuple[str, ...]


def write_run_log(
    result: StudyResult,
    files: Iterable[str],
    folder: Path,
    *,
    anonymise: bool = False,
    created: datetime | None = None,
) -> Path:
    """Write the log of a finished study into its folder.

    Parameters
    ----------
    files
        Names of the result's files in the folder.
    anonymise
        Leave out the mark, by which whoever has the study knows its results again.
    created
        When they were made, with its zone; now if not given.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    path = folder / RUN_LOG
    with atomic_path(path) as temporary:
        redactor = Redactor.for_study(result.study)
        lines = [redactor.redact(line) for line in _lines(result, created)]
        if not anonymise:
            lines.append(f"{_MARK}{new_mark(result.study)}")
        segmentation = result.segmentation
        checksum = labels_checksum(segmentation.labels_kji, segmentation.geometry)
        lines.append(f"{_LABELS}{checksum}")
        lines += [f"Written: {file}" for file in files]
        temporary.write_text("\n".join([*lines, ""]), "utf-8", NO_LETTER)
    return path


def read_run(folder: Path) -> LoggedRun | None:
    """Return how the result in a folder came about; ``None`` where no log tells it."""
    lines = _read_lines(folder)
    found: dict[str, str] = {}
    for line in lines:
        for pattern in (_PROGRAM, _MODEL, _DEVICE):
            match = pattern.fullmatch(line)
            if match is not None:
                found = match.groupdict() | found
    if len(found) < sum(one.groups for one in (_PROGRAM, _MODEL, _DEVICE)):
        return None
    steps, warnings = (
        tuple(line.removeprefix(kind) for line in lines if line.startswith(kind))
        for kind in (_STEP, _WARNING)
    )
    provenance = Provenance(
        model_id=found["model_id"],
        weights_sha256=found["weights_sha256"],
        app_version=found["app_version"],
        device=found["device"],
        precision=found["precision"],
        steps=steps,
        edited=CORRECTED in lines,
        labels_of=NAMELESS_FILE if OPENED in lines else "",
    )
    return LoggedRun(provenance, warnings)


def read_mark(folder: Path) -> str:
    """Return the mark in a folder's log, see `new_mark`; empty where there is none."""
    return _said(folder, _MARK)


def read_checksum(folder: Path) -> str:
    """Return the checksum of the labels that a folder was given; empty where no log tells it."""
    return _said(folder, _LABELS)


def _said(folder: Path, what: str) -> str:
    lines = _read_lines(folder)
    return next((line.removeprefix(what) for line in lines if line.startswith(what)), "")


def _read_lines(folder: Path) -> list[str]:
    try:
        return (folder / RUN_LOG).read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return []


def _lines(result: StudyResult, created: datetime | None) -> Iterable[str]:
    provenance = result.segmentation.provenance
    yield f"Gliascope {provenance.app_version}, {readable_instant(created or datetime.now())}"
    yield desktop_app.DISCLAIMER
    yield f"Model {provenance.model_id}, sha256 {provenance.weights_sha256}"
    yield f"Device {provenance.device}, precision {provenance.precision}"
    if provenance.labels_of:
        yield OPENED
    if provenance.edited:
        yield CORRECTED
    for sequence in Sequence:
        yield f"{sequence}: {_grid(result, sequence)}"
    for step in provenance.steps:
        yield f"{_STEP}{step}"
    for warning in standing_warnings(result):
        yield f"{_WARNING}{warning}"
    voxel_mm3 = result.segmentation.geometry.voxel_volume_mm3
    for region in Region:
        voxels = int(result.segmentation.mask_kji(region).sum())
        yield f"{region}: {voxels} voxels, {voxels * voxel_mm3:.1f} mm3"
    for stage, seconds in provenance.seconds.items():
        yield f"Seconds, {stage}: {seconds:.2f}"


def _grid(result: StudyResult, sequence: Sequence) -> str:
    volume = result.prepared.volumes.get(sequence)
    if volume is None:
        return "missing"
    shape = " x ".join(str(n) for n in volume.geometry.shape_kji)
    spacing = " x ".join(f"{mm:.3f}" for mm in volume.geometry.spacing_mm)
    return f"{shape} voxels of {spacing} mm (k, j, i)"

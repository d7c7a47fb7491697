"""What the files of an earlier result say: its labels, its origin, its numbers."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.measurement import (
    Interval,
    Measurement,
    MeasurementKind,
    Unfamiliarity,
)
from desktop_app.domain.provenance import UNKNOWN, Provenance
from desktop_app.domain.segmentation import Region, Segmentation
from desktop_app.errors import InputError
from desktop_app.io.result_errors import result_of_other_images, unusable_result
from desktop_app.services.export_formats import FILE_NAMES, ExportFormat
from desktop_app.services.export_lacks import is_about_export
from desktop_app.services.kept_results import LABEL_FILES
from desktop_app.services.label_comparison import corrections_of
from desktop_app.services.run_log import read_run
from desktop_app.services.targets import TARGETS_LOST, read_targets

LABELS_FILE = FILE_NAMES[ExportFormat.NIFTI]
SEG_FILE = FILE_NAMES[ExportFormat.SEG]
NUMBERS_FILE = FILE_NAMES[ExportFormat.JSON]

NO_NUMBERS = (
    f"The earlier result has no {NUMBERS_FILE}: its volumes were measured anew, without ranges, "
    "and which series it was made from is not known; please check them."
)
"""What is said of labels that came alone."""

# Enhancing tumour as BraTS wrote it before 2023; inside the program it is 3.
_OLD_ET_LABEL = 4


@dataclass(frozen=True, slots=True, eq=False)
class ReadLabels:
    """Labels of a result.

    Parameters
    ----------
    labels_kji
        (k, j, i) uint8.
    provenance
        What the file itself says of their origin, if it does.
    """

    labels_kji: NDArray[np.uint8]
    provenance: Provenance | None = None


def can_reopen(files: Collection[str]) -> bool:
    """Whether a result of these files, by name, can be opened again."""
    return not LABEL_FILES.isdisjoint(files)


def labels_file(folder: Path) -> Path | None:
    """Return the file that the labels of a result are read from, if it has one."""
    files = (folder / name for name in (LABELS_FILE, SEG_FILE))
    return next((file for file in files if file.is_file()), None)


def read_labels(folder: Path, geometry: Geometry) -> ReadLabels:
    """Read the labels of a result, from NIfTI or else from DICOM SEG.

    Parameters
    ----------
    geometry
        Of the images that they have to lie on.

    Raises
    ------
    InputError
        If there are none, or they are damaged or of other images.
    """
    file = labels_file(folder)
    if file is None:
        raise unusable_result("The result holds no labels.", folder)
    if file.name == SEG_FILE:
        from desktop_app.io.seg_labels import read_seg

        stored = read_seg(file, geometry)
        return ReadLabels(stored.labels_kji, stored.provenance)
    return ReadLabels(_read_nifti(file, geometry))


def _read_nifti(file: Path, geometry: Geometry) -> NDArray[np.uint8]:
    from desktop_app.io.nifti import read_nifti

    labels = read_nifti(file)
    if not labels.geometry.matches(geometry, tolerance_mm=0.1):
        raise result_of_other_images(file)
    values_kji = np.asarray(labels.array_kji)
    unknown = np.setdiff1d(np.unique(values_kji), (0, 1, 2, 3, _OLD_ET_LABEL))
    if unknown.size:
        raise unusable_result(f"The result holds unknown labels: {unknown.tolist()}.", file)
    labels_kji = values_kji.astype(np.uint8)
    labels_kji[labels_kji == _OLD_ET_LABEL] = 3
    return labels_kji


def read_document(file: Path) -> dict[str, Any] | None:
    """Return the numbers of a result; ``None`` where they were never written.

    Raises
    ------
    InputError
        If they are damaged.
    """
    try:
        document: dict[str, Any] = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(file) from error
    return document


def read_origin(
    folder: Path, document: dict[str, Any] | None, labels: ReadLabels
) -> tuple[Provenance, tuple[str, ...]]:
    """Return how a result came about, and its warnings.

    The numbers say it, else the log beside them, else the file with the labels.

    Raises
    ------
    InputError
        If the numbers are damaged.
    """
    if document is not None:
        return _said_by_numbers(document, folder / NUMBERS_FILE)
    run = read_run(folder)
    if run is not None:
        before = (one for one in run.warnings if one != NO_NUMBERS)
        return run.provenance, (*_lasting(before), NO_NUMBERS)
    nobody = Provenance(UNKNOWN, "", UNKNOWN, UNKNOWN, UNKNOWN)
    return labels.provenance or nobody, (NO_NUMBERS,)


def with_ranges(
    measurements: tuple[Measurement, ...], document: dict[str, Any] | None, folder: Path
) -> tuple[tuple[Measurement, ...], Unfamiliarity | None]:
    """Add what the network said of its error; without numbers, nothing.

    Raises
    ------
    InputError
        If the numbers are damaged.
    """
    if document is None:
        return measurements, None
    try:
        stored = document["uncertainty"]
        unlike = stored["unfamiliarity"]
        ranges = {
            region: document["regions"][region.value]["volume_range_mm3"] for region in Region
        }
        unfamiliarity = None
        if unlike is not None:
            unfamiliarity = Unfamiliarity(float(unlike["score"]), str(unlike["reason"]))
        intervals = {
            region: Interval(
                float(low), float(high), float(stored["coverage"]), int(stored["patients"])
            )
            for region, (low, high) in ((r, found) for r, found in ranges.items() if found)
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unreadable(folder / NUMBERS_FILE) from error
    return tuple(
        replace(one, interval=intervals.get(one.region))
        if one.kind is MeasurementKind.VOLUME
        else one
        for one in measurements
    ), unfamiliarity


def targets_of(
    document: dict[str, Any] | None, segmentation: Segmentation, folder: Path
) -> tuple[int, ...] | None:
    """Return the target lesions that a reader chose for a result.

    ``None`` where the labels hold such a lesion no longer.

    Raises
    ------
    InputError
        If the numbers are damaged.
    """
    if document is None:
        return ()
    try:
        return read_targets(document, segmentation)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unreadable(folder / NUMBERS_FILE) from error


def _said_by_numbers(document: dict[str, Any], file: Path) -> tuple[Provenance, tuple[str, ...]]:
    try:
        stored = document["provenance"]
        provenance = Provenance(
            model_id=stored["model_id"],
            weights_sha256=stored["weights_sha256"],
            app_version=stored["app_version"],
            device=stored["device"],
            precision=stored["precision"],
            steps=tuple(str(step) for step in stored["steps"]),
            edited=stored["edited"],
            seconds=dict(stored["seconds"]),
            corrections=corrections_of(stored.get("corrections")),
        )
        return provenance, _lasting(document["warnings"])
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable(file) from error


def _lasting(warnings: Iterable[str]) -> tuple[str, ...]:
    """Return the warnings of a result that are true of it whenever it is read.

    What an export left out, the next one tells for itself; a choice is lost at one reading only.
    """
    return tuple(one for one in warnings if one != TARGETS_LOST and not is_about_export(one))


def _unreadable(file: Path) -> InputError:
    return unusable_result("The result's numbers cannot be read.", file)

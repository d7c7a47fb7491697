"""The files of a result that hold labels, and whether another program has changed them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.axes import turned
from desktop_app.domain.geometry import Geometry
from desktop_app.domain.provenance import Provenance
from desktop_app.errors import InputError
from desktop_app.io.result_errors import result_of_other_images, unusable_result
from desktop_app.services.export.formats import FILE_NAMES, LABEL_FORMATS, ExportFormat
from desktop_app.services.export.run_log import read_checksum
from desktop_app.services.results.label_checksum import labels_checksum

LABELS_FILE = FILE_NAMES[ExportFormat.NIFTI]
SEG_FILE = FILE_NAMES[ExportFormat.SEG]
LABEL_FILES = frozenset(FILE_NAMES[one] for one in LABEL_FORMATS)

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
    seg_differs
        Whether a DICOM SEG beside the file holds others.
    """

    labels_kji: NDArray[np.uint8]
    provenance: Provenance | None = None
    seg_differs: bool = False


def labels_file(folder: Path) -> Path | None:
    """Return the file that the labels of a result are read from, if it has one."""
    files = (folder / name for name in (LABELS_FILE, SEG_FILE))
    return next((file for file in files if file.is_file()), None)


def read_labels(folder: Path, geometry: Geometry) -> ReadLabels:
    """Read the labels of a result, from NIfTI or else from DICOM SEG.

    Parameters
    ----------
    geometry
        Of the images that they have to lie on; the file may have its axes in another order.

    Raises
    ------
    InputError
        If there are none, or they are damaged or of other images.
    """
    file = labels_file(folder)
    if file is None:
        raise unusable_result("The result holds no labels.", folder)
    if file.name == SEG_FILE:
        from desktop_app.io.dicom.seg_labels import read_seg

        stored = read_seg(file, geometry)
        return ReadLabels(stored.labels_kji, stored.provenance)
    labels_kji, grid = turned(*_read_nifti(file), geometry.direction_lps)
    if not grid.matches(geometry, tolerance_mm=0.1):
        raise result_of_other_images(file)
    seg_differs = (folder / SEG_FILE).is_file() and not _seg_holds(labels_kji, folder, geometry)
    return ReadLabels(np.ascontiguousarray(labels_kji), seg_differs=seg_differs)


def _seg_holds(labels_kji: NDArray[np.uint8], folder: Path, geometry: Geometry) -> bool:
    from desktop_app.io.dicom.seg_labels import read_seg

    try:
        return np.array_equal(read_seg(folder / SEG_FILE, geometry).labels_kji, labels_kji)
    except InputError:
        return False


def written_checksum(folder: Path) -> str:
    """Return the checksum of the labels that this program wrote to a folder.

    Empty where nothing beside the labels tells it.
    """
    return _said_by_numbers(_numbers(folder)) or read_checksum(folder)


def are_changed(folder: Path, checksum: str = "") -> bool:
    """Whether a file of labels in a folder holds others than this program wrote there.

    Parameters
    ----------
    checksum
        Of the labels that were written, where the caller knows it.
    """
    checksum = checksum or written_checksum(folder)
    if not checksum:
        return False
    try:
        return any(
            one != checksum
            for one in (_nifti_checksum(folder / LABELS_FILE), _seg_checksum(folder))
            if one
        )
    except InputError:
        return True  # no values of ours, or no file of ours


def _nifti_checksum(file: Path) -> str:
    return labels_checksum(*_read_nifti(file)) if file.is_file() else ""


def _seg_checksum(folder: Path) -> str:
    """Return the checksum of the labels in a SEG; empty where nothing tells on which grid."""
    file = folder / SEG_FILE
    try:
        stored = _numbers(folder)["geometry"]
        k, j, i = stored["shape_kji"]
        grid = Geometry((k, j, i), np.array(stored["affine_lps_mm"]))
    except (KeyError, TypeError, ValueError):
        return ""
    if not file.is_file():
        return ""
    from desktop_app.io.dicom.seg_labels import read_seg

    return labels_checksum(read_seg(file, grid).labels_kji, grid)


def _read_nifti(file: Path) -> tuple[NDArray[np.uint8], Geometry]:
    from desktop_app.io.nifti.files import read_nifti

    labels = read_nifti(file)
    values_kji = np.asarray(labels.array_kji)
    values = np.unique(values_kji)
    # Beside a 3 it is something else that a person added: a cavity, say.
    known = (0, 1, 2, 3) if 3 in values else (0, 1, 2, _OLD_ET_LABEL)
    unknown = np.setdiff1d(values, known)
    if unknown.size:
        named = ", ".join(f"{value:g}" for value in unknown)
        raise unusable_result(f"The result holds unknown labels: {named}.", file)
    labels_kji = values_kji.astype(np.uint8)
    labels_kji[labels_kji == _OLD_ET_LABEL] = 3
    return labels_kji, labels.geometry


def _numbers(folder: Path) -> Any:
    try:
        return json.loads((folder / FILE_NAMES[ExportFormat.JSON]).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def _said_by_numbers(document: Any) -> str:
    try:
        return str(document["provenance"]["labels_sha256"])
    except (KeyError, TypeError):
        return ""

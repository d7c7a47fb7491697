"""Reads patients from folders in BraTS' layout.

A case is a folder of NIfTI files whose names end in the sequence: ``t1|t1n``, ``t1ce|t1c``,
``t2|t2w``, ``flair|t2f``, with ``seg`` for the reference labels and, where only a slab was
annotated or acquired, ``coverage`` (non-zero = known). Both BraTS numberings are read: enhancing
tumour is 4 up to 2022 and 3 from 2023 on. From 2024 on a 4 may be the resection cavity, of which
the networks know nothing: such references are refused.
"""

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from nibabel.filebasedimages import ImageFileError
from nibabel.loadsave import load as load_nifti
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform
from nibabel.spatialimages import HeaderDataError, SpatialImage

from model.spec import (
    SEQUENCES,
    WORK_SPACING_MM,
    FloatArray,
    Label,
    LabelArray,
    MaskArray,
    Sequence,
)

LEGACY_ET: Final = 4
SPACING_TOLERANCE: Final = 0.02
"""Share of the working grid's spacing by which voxels may differ from it."""
LPS: Final = axcodes2ornt(("L", "P", "S"))  # type: ignore[no-untyped-call]
"""The orientation of every array here, as nibabel says it."""
_FILE: Final = re.compile(
    r"(?:^|[_\-.])(t1ce|t1c|t1n|t1|t2w|t2f|t2|flair|seg|coverage)\.nii(?:\.gz)?$", re.IGNORECASE
)
_NAMED_SINCE_2023: Final = re.compile(r"BraTS-[A-Za-z]", re.IGNORECASE)
_SCAN_SINCE_2023: Final = re.compile(r"(BraTS(?:-[A-Za-z]+)+-\d{4,5})-\d{1,3}", re.IGNORECASE)
_ROLES: Final[dict[str, Sequence]] = {
    "t1": Sequence.T1,
    "t1n": Sequence.T1,
    "t1ce": Sequence.T1C,
    "t1c": Sequence.T1C,
    "t2": Sequence.T2,
    "t2w": Sequence.T2,
    "flair": Sequence.FLAIR,
    "t2f": Sequence.FLAIR,
}


class CaseError(ValueError):
    """A case folder that cannot be used; the message names the folder."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One patient on one grid, LPS.

    Attributes
    ----------
    name
        The folder's name.
    images_ckji
        Raw intensities, shape ``(4, k, j, i)``; a missing sequence is all zero.
    labels_kji
        Reference labels (:class:`model.spec.Label`), or None.
    coverage_kji
        Where images and labels are known, or None for everywhere.
    spacing_kji_mm
        Size of a voxel along k, j, i.
    """

    name: str
    images_ckji: FloatArray
    labels_kji: LabelArray | None
    coverage_kji: MaskArray | None
    spacing_kji_mm: tuple[float, float, float]

    def __post_init__(self) -> None:
        """Make the arrays read-only and check that they share a grid.

        Raises
        ------
        CaseError
            If they do not.
        """
        for array in (self.images_ckji, self.labels_kji, self.coverage_kji):
            if array is None:
                continue
            if array.shape[-3:] != self.images_ckji.shape[1:]:
                msg = f"{self.name}: images, labels and coverage differ in shape"
                raise CaseError(msg)
            array.setflags(write=False)

    @property
    def missing(self) -> tuple[Sequence, ...]:
        """The sequences that the case does not have."""
        return tuple(
            sequence
            for sequence, image in zip(SEQUENCES, self.images_ckji, strict=True)
            if not image.any()
        )


def find_cases(root: Path) -> list[Path]:
    """Return the case folders at or directly below `root`, sorted by name.

    Raises
    ------
    CaseError
        If there is none.
    """
    if not root.is_dir():
        msg = f"{root}: no such folder"
        raise CaseError(msg)
    folders = [root, *sorted(p for p in root.iterdir() if p.is_dir())]
    cases = [folder for folder in folders if _has_sequences(folder)]
    if not cases:
        msg = f"{root}: no folder with NIfTI files named by sequence (t1, t1ce, t2, flair)"
        raise CaseError(msg)
    return cases


def load_case(folder: Path) -> Case:
    """Read one case.

    Parameters
    ----------
    folder
        Holds the NIfTI files of one patient.

    Raises
    ------
    CaseError
        If it has no sequence, two files for one, or files on different grids.
    """
    files = _files_by_role(folder)
    sequences = {_ROLES[role]: path for role, path in files.items() if role in _ROLES}
    if not sequences:
        msg = f"{folder}: no sequence found"
        raise CaseError(msg)
    arrays = {sequence: load_lps(path) for sequence, path in sequences.items()}
    first, affine = next(iter(arrays.values()))
    if first.ndim != 3:
        msg = f"{folder}: a sequence must be a three-dimensional image, not {first.shape}"
        raise CaseError(msg)
    images = np.zeros((len(SEQUENCES), *first.shape), dtype=np.float32)
    for index, sequence in enumerate(SEQUENCES):
        if sequence in arrays:
            images[index] = _same_grid(folder, arrays[sequence], first.shape, affine)
    labels = coverage = None
    if "seg" in files:
        seg = _same_grid(folder, load_lps(files["seg"]), first.shape, affine)
        labels = reference_labels(files["seg"], seg)
    if "coverage" in files:
        coverage = _same_grid(folder, load_lps(files["coverage"]), first.shape, affine) != 0
    i, j, k = np.linalg.norm(affine[:3, :3], axis=0).tolist()
    return Case(folder.name, images, labels, coverage, (k, j, i))


def case_files(folder: Path) -> list[Path]:
    """Return the files that `load_case` reads.

    Raises
    ------
    CaseError
        If there is no such folder, or two files for one sequence.
    """
    return sorted(_files_by_role(folder).values())


def patient_of(name: str) -> str:
    """Return whose scan a case is: names of BraTS since 2023 end in the number of the scan."""
    found = _SCAN_SINCE_2023.fullmatch(name)
    return found[1] if found else name


def of_patients(names: Iterable[str], others: Iterable[str]) -> frozenset[str]:
    """Return those of the cases `names` whose patient is one of the cases' `others`."""
    patients = {patient_of(name) for name in others}
    return frozenset(name for name in names if patient_of(name) in patients)


def require_references(folders: Iterable[Path]) -> None:
    """Refuse cases without reference labels, before any time is spent on the others.

    Raises
    ------
    CaseError
        Naming all of them.
    """
    without = [folder.name for folder in folders if "seg" not in _files_by_role(folder)]
    if without:
        msg = f"{', '.join(without)}: no reference labels (…seg.nii.gz)"
        raise CaseError(msg)


def require_work_grid(case: Case) -> None:
    """Refuse a case that does not lie on the grid that the networks for tumours see.

    Raises
    ------
    CaseError
        Naming the size of its voxels.
    """
    sides = case.spacing_kji_mm
    if any(abs(side - WORK_SPACING_MM) > SPACING_TOLERANCE * WORK_SPACING_MM for side in sides):
        told = "×".join(f"{side:.3g}" for side in sides)
        msg = (
            f"{case.name}: voxels of {told} mm (k, j, i); the network needs "
            f"{WORK_SPACING_MM:g} mm: resample the images first"
        )
        raise CaseError(msg)


def origin_of(files: list[Path], **settings: Any) -> dict[str, Any]:
    """Return what tells whether something kept is still what these files would give.

    Names, sizes and dates of the files, and the settings by which it was made.
    """
    stats = [(path.name, path.stat()) for path in sorted(files)]
    return {
        "files": [[name, stat.st_size, stat.st_mtime_ns] for name, stat in stats],
        **settings,
    }


def load_lps(path: Path) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.float64]]:
    """Read an image on an LPS grid.

    Returns
    -------
    tuple of ndarray
        The array in k, j, i order, with a leading channel axis where the file has four; the (RAS)
        affine of i, j, k.

    Raises
    ------
    CaseError
        If the file is no image in space, or is damaged.
    """
    try:
        return _read_lps(path)
    except (OSError, EOFError, zlib.error, ImageFileError, HeaderDataError, ValueError) as error:
        msg = f"{path}: {error}"
        raise CaseError(msg) from error


def _read_lps(path: Path) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.float64]]:
    image = load_nifti(path)
    if (
        not isinstance(image, SpatialImage)
        or image.affine is None
        or len(image.shape) not in (3, 4)
    ):
        raise ValueError("not an image with three axes in space and an orientation")
    turn = ornt_transform(io_orientation(image.affine), LPS)  # type: ignore[no-untyped-call]
    turned = image.as_reoriented(turn)
    return np.asanyarray(turned.dataobj).T, np.asarray(turned.affine)


def reference_labels(path: Path, array: npt.NDArray[np.generic]) -> LabelArray:
    """Return a file's labels as `model.spec.Label`, whichever year's numbering it has.

    Raises
    ------
    CaseError
        If it has other labels than 0 to 4, or what its 4 means is not clear.
    """
    with np.errstate(invalid="ignore"):  # not a number: refused below
        labels = np.asarray(array).astype(np.uint8)
    if labels.max(initial=0) > LEGACY_ET or not np.array_equal(labels, array):
        msg = f"{path}: labels other than 0 to 4 in the reference"
        raise CaseError(msg)
    legacy = labels == LEGACY_ET
    new_numbering = (labels == Label.ET).any() or _NAMED_SINCE_2023.match(path.name)
    if new_numbering and legacy.any():
        msg = (
            f"{path}: with enhancing tumour counted as 3, as BraTS does since 2023, label 4 is the "
            "resection cavity, which the network does not know; before, 4 was enhancing tumour"
        )
        raise CaseError(msg)
    labels[legacy] = Label.ET
    return labels


def _matches(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.iterdir()):
        found = _FILE.search(path.name)
        if found and path.is_file():
            yield found.group(1).lower(), path


def _has_sequences(folder: Path) -> bool:
    return any(role in _ROLES for role, _ in _matches(folder))


def _files_by_role(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        msg = f"{folder}: no such folder"
        raise CaseError(msg)
    files: dict[str, Path] = {}
    taken: dict[object, Path] = {}
    for role, path in _matches(folder):
        meaning = _ROLES.get(role, role)
        if meaning in taken:
            msg = f"{folder}: both {taken[meaning].name} and {path.name} claim to be {meaning}"
            raise CaseError(msg)
        taken[meaning] = path
        files[role] = path
    return files


def _same_grid(
    folder: Path,
    loaded: tuple[npt.NDArray[np.generic], npt.NDArray[np.float64]],
    shape: tuple[int, ...],
    affine: npt.NDArray[np.float64],
) -> npt.NDArray[np.generic]:
    array, own_affine = loaded
    if array.shape != shape or not np.allclose(own_affine, affine, atol=1e-2):
        msg = f"{folder}: the files of a case must share one grid"
        raise CaseError(msg)
    return array

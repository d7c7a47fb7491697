"""NIfTI files: read into and written from LPS volumes. RAS is turned to LPS here and only here."""

import gzip
import logging
import math
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.stopping import Check, go_on
from desktop_app.domain.volume import SIDES_UNKNOWN, Volume
from desktop_app.errors import InputError
from desktop_app.io.atomic import atomic_path
from desktop_app.io.dicom.geometry import MAX_VOXELS, is_possible_spacing, why_too_long

NIFTI_SUFFIXES = (".nii", ".nii.gz")
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_REMEDY = "Export the file again, or choose another one."
_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    OverflowError,
    zlib.error,
    ImageFileError,
    HeaderDataError,
)
_CHUNK_BYTES = 1 << 20
# Further apart than rounding and resampling of headers put the same voxel.
_DISAGREEMENT_MM = 1.0
# Less is what single precision rounds off.
_SLANT_TOLD_MM = 0.1
# nifti1.h, xyzt_units: the unit of length stands in the lowest three bits.
_UNIT_OF_LENGTH = 0x07


class _Unit(NamedTuple):
    code: int
    name: str
    length_mm: float


# NIfTI-1 knows two besides millimetres; nibabel leaves sizes in them as they are.
_OTHER_UNITS = (_Unit(1, "metres", 1000.0), _Unit(3, "micrometres", 0.001))


def is_nifti_path(path: Path) -> bool:
    """Whether the name ends like a NIfTI file's."""
    return path.name.lower().endswith(NIFTI_SUFFIXES)


def read_nifti_geometry(path: Path) -> Geometry:
    """Read the grid of a NIfTI file without its voxels.

    Raises
    ------
    InputError
        If the file is not NIfTI, holds no single 3D image, or its grid is unusable.
    """
    return _geometry(path, _open(path))


def read_nifti(path: Path, *, check: Check = go_on) -> Volume:
    """Read a NIfTI file.

    Parameters
    ----------
    path
        ``.nii`` or ``.nii.gz`` with one 3D image (a 4th axis of length 1 is dropped).
    check
        Called often; raises to stop.

    Returns
    -------
    Volume
        float32 after the header's scaling; values that are not finite become 0. `notes` tell that,
        and what the header leaves open or contradicts itself in.

    Raises
    ------
    InputError
        If the file cannot be read, is truncated or too large, or holds no single 3D image.
    """
    image = _open(path)
    geometry = _geometry(path, image)
    try:
        _check_content(path, image, check)
        values = np.asarray(image.dataobj, dtype=np.float32)
    except _UNREADABLE as error:
        raise InputError("A NIfTI file is truncated or damaged.", str(path), _REMEDY) from error
    array_ijk = values.reshape(values.shape[:3])
    notes = _doubts(image)
    finite = np.isfinite(array_ijk)
    if not finite.all():
        count = int(array_ijk.size - finite.sum())
        notes = (*notes, f"{count} voxels without a finite value set to 0.")
        array_ijk = np.where(finite, array_ijk, np.float32(0))
    array_kji = np.ascontiguousarray(array_ijk.transpose(2, 1, 0))
    return Volume(array_kji, geometry, source=path.name, notes=notes)


def write_nifti(volume: Volume, path: Path, *, labels: str = "") -> Path:
    """Write a volume as NIfTI-1; the file appears under its name only when it is whole.

    Parameters
    ----------
    volume
        Values of a type NIfTI knows; both sform and qform are written, code 1 (scanner).
    path
        Ends in ``.nii`` or ``.nii.gz``.
    labels
        What the values stand for, in at most 79 bytes, where they are labels: viewers then show
        them as such.

    Raises
    ------
    OutputError
        If there is no room or no permission.
    """
    affine_ras = _RAS_TO_LPS @ volume.geometry.affine_lps_mm
    array_ijk = np.asarray(volume.array_kji).transpose(2, 1, 0)
    image: Any = nibabel.Nifti1Image(array_ijk, affine_ras)  # type: ignore[no-untyped-call]
    image.set_sform(affine_ras, code=1)
    image.set_qform(affine_ras, code=1)
    image.header.set_xyzt_units(xyz="mm")
    if labels:
        # nifti1.h: NIFTI_INTENT_LABEL
        image.header.set_intent(1002)
        image.header["descrip"] = labels.encode()
    with atomic_path(path) as beside:
        nibabel.save(image, beside)
    return path


def _open(path: Path) -> Any:
    # nibabel reports each header field it mends; what matters is judged here.
    logging.getLogger("nibabel.global").setLevel(logging.CRITICAL)
    try:
        # Not mapped into memory: that would hold the file as long as its image, and a share that
        # goes away would end the program.
        image: Any = nibabel.load(path, mmap=False)
    except _UNREADABLE as error:
        raise InputError("A file is not readable as NIfTI.", str(path), _REMEDY) from error
    if image.get_data_dtype().kind not in "iuf":
        raise InputError(
            "A NIfTI file holds colours or complex numbers instead of grey values.",
            str(path),
            "Save the magnitude image of each sequence.",
        )
    shape = image.shape
    if len(shape) < 3 or any(n != 1 for n in shape[3:]):
        what = "×".join(map(str, shape))
        raise InputError(
            "A NIfTI file does not hold one 3D image.",
            f"{path} ({what})",
            "Save each sequence as its own 3D file.",
        )
    if math.prod(shape) > MAX_VOXELS:
        what = "×".join(map(str, shape))
        raise InputError(
            "A NIfTI file holds more voxels than any scan of a head.",
            f"{path} ({what})",
            "Save the image at the resolution it was acquired in.",
        )
    return image


def _check_content(path: Path, image: Any, check: Check) -> None:
    """Read to the end, where the check sum of a compressed file stands that nibabel never reaches.

    Raises
    ------
    EOFError
        If there are fewer voxels than the header says, before memory is reserved for them.
    """
    size = 0
    compressed = path.name.lower().endswith(".gz")
    with gzip.open(path) if compressed else path.open("rb") as opened:
        while chunk := opened.read(_CHUNK_BYTES):
            check()
            size += len(chunk)
    wanted = math.prod(image.shape) * image.get_data_dtype().itemsize
    if size < wanted:
        raise EOFError(f"{size} of {wanted} bytes")


def _doubts(image: Any) -> tuple[str, ...]:
    """Return what the header leaves open about the place and size of the image."""
    header = image.header
    if "sform_code" not in header:
        return (SIDES_UNKNOWN,)
    sform_code, qform_code = int(header["sform_code"]), int(header["qform_code"])
    notes = []
    if sform_code <= 0 and qform_code <= 0:
        notes.append(SIDES_UNKNOWN)
    if sform_code > 0 and qform_code > 0 and _forms_disagree(image):
        notes.append("The header places the image in two different ways; the sform was used.")
    affine = np.asarray(image.affine, dtype=np.float64)
    unit = _unit(header)
    moved_mm = _farthest_mm(affine, _orthogonal(affine), image.shape)
    moved_mm *= unit.length_mm if unit is not None else 1.0
    if moved_mm > _SLANT_TOLD_MM:
        notes.append(
            f"The header's axes are not at right angles; the grid was squared, which moves its "
            f"corners by up to {moved_mm:.1f} mm."
        )
    if unit is not None:
        notes.append(f"The header gives its sizes in {unit.name}; turned to millimetres.")
    return tuple(notes)


def _forms_disagree(image: Any) -> bool:
    try:
        qform = image.header.get_qform()
    except _UNREADABLE:
        # A quaternion that is none; the sform stands for itself.
        return False
    return _farthest_mm(image.header.get_sform(), qform, image.shape) > _DISAGREEMENT_MM


def _unit(header: Any) -> "_Unit | None":
    code = int(header["xyzt_units"]) & _UNIT_OF_LENGTH
    return next((unit for unit in _OTHER_UNITS if unit.code == code), None)


def _farthest_mm(
    one: NDArray[np.float64], other: NDArray[np.float64], shape: tuple[int, ...]
) -> float:
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape[:3]])).reshape(3, -1)
    difference = (one - other) @ np.vstack([corners, np.ones(corners.shape[1])])
    return float(np.linalg.norm(difference[:3], axis=0).max())


def _geometry(path: Path, image: Any) -> Geometry:
    ni, nj, nk = (int(n) for n in image.shape[:3])
    affine_lps = _RAS_TO_LPS @ np.asarray(image.affine, dtype=np.float64)
    unit = _unit(image.header) if "xyzt_units" in image.header else None
    if unit is not None:
        affine_lps[:3] *= unit.length_mm
    try:
        geometry = Geometry((nk, nj, ni), _orthogonal(affine_lps))
    except ValueError as error:
        raise InputError(
            "A NIfTI file has an unusable grid.", f"{path}: {error}", _REMEDY
        ) from error
    why = why_too_long(geometry)
    if not is_possible_spacing(geometry.spacing_mm):
        why = "voxels of " + "×".join(f"{mm:.3g}" for mm in geometry.spacing_mm[::-1]) + " mm"
    if min(geometry.shape_kji) < 2:
        why = "it has only one slice"
    if why:
        raise InputError("A NIfTI file has an unusable grid.", f"{path}: {why}", _REMEDY)
    return geometry


def _orthogonal(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round off the small shear that single-precision headers carry."""
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.isfinite(affine).all() or lengths.min() <= 0:
        return affine
    axes = affine[:3, :3] / lengths
    if np.abs(axes.T @ axes - np.eye(3)).max() > 0.01:
        return affine
    left, _, right = np.linalg.svd(axes)
    cleaned = affine.copy()
    cleaned[:3, :3] = (left @ right) * lengths
    # An axis-aligned grid stays exactly so.
    return affine if np.abs(cleaned - affine).max() < 1e-9 else cleaned

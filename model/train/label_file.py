"""Writes labels so that they lie over the image they were found in."""

from pathlib import Path

import numpy as np
from nibabel.loadsave import load as load_nifti
from nibabel.loadsave import save as save_nifti
from nibabel.nifti1 import Nifti1Image
from nibabel.orientations import apply_orientation, io_orientation, ornt_transform

from model.data import LPS, CaseError
from model.spec import LabelArray


def save_labels_like(labels_kji: LabelArray, image: Path, path: Path) -> None:
    """Write labels found on an LPS grid with the axes of their image, and its matrices and codes.

    The file appears under its name when it is whole.

    Parameters
    ----------
    labels_kji
        On the grid that `model.data.load_lps` made of the image.
    image
        NIfTI.
    path
        Of the new file, ``.nii.gz``.

    Raises
    ------
    CaseError
        If the image is no NIfTI, or of another shape.
    """
    like = load_nifti(image)
    if not isinstance(like, Nifti1Image):
        msg = f"{image}: not NIfTI"
        raise CaseError(msg)
    back = ornt_transform(LPS, io_orientation(like.affine))  # type: ignore[no-untyped-call]
    array_ijk = apply_orientation(labels_kji.T, back)  # type: ignore[no-untyped-call]
    if array_ijk.shape != like.shape[:3]:
        msg = f"{image}: {like.shape[:3]} voxels, the labels {array_ijk.shape}"
        raise CaseError(msg)
    found = Nifti1Image(np.ascontiguousarray(array_ijk), like.affine)  # type: ignore[no-untyped-call]
    for kind in ("sform", "qform"):
        matrix, code = getattr(like, f"get_{kind}")(coded=True)
        getattr(found, f"set_{kind}")(matrix, int(code))
    found.header.set_xyzt_units("mm")  # type: ignore[no-untyped-call]
    part = path.with_name(f".{path.name}.part.nii.gz")
    save_nifti(found, part)
    part.replace(path)

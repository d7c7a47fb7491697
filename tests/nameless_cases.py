"""A synthetic patient in four files whose names tell nothing."""

from pathlib import Path

import nibabel as nib
import numpy as np

from desktop_app.domain.study import Sequence
from model.synthetic import make_head
from tests.brats_heads import as_brats_case

# In an order that tells nothing.
FILES = {"b": Sequence.T1, "d": Sequence.T1C, "a": Sequence.T2, "c": Sequence.FLAIR}


def nameless_images() -> dict[Sequence, np.ndarray]:
    """Images of 1 mm without the skull."""
    case = as_brats_case(make_head(2, spacing_mm=2.0), 2)
    fine = case.channels_ckji.repeat(2, axis=1).repeat(2, axis=2).repeat(2, axis=3)
    return dict(zip(Sequence, fine, strict=True))


def write_nameless(images: dict[Sequence, np.ndarray], folder: Path) -> None:
    """Write the images as NIfTI by the names of `FILES`."""
    folder.mkdir(parents=True)
    for name, sequence in FILES.items():
        array = images[sequence].transpose(2, 1, 0)[::-1, ::-1]
        nib.save(nib.nifti1.Nifti1Image(array, np.eye(4)), folder / f"{name}.nii.gz")

"""Labels as a NIfTI file on the scanner's grid."""

from pathlib import Path

import numpy as np

from desktop_app.domain.segmentation import Region, Segmentation
from desktop_app.domain.volume import Volume
from desktop_app.io.nifti.files import write_nifti

# BraTS used 4 for enhancing tumour until 2021 and 3 since 2023.
ET_LABELS = (3, 4)


def write_nifti_labels(segmentation: Segmentation, path: Path, *, et_label: int = 3) -> Path:
    """Write label values as uint8; 1 NCR, 2 ED, 3 (or 4) ET.

    Parameters
    ----------
    path
        Ends in ``.nii.gz`` or ``.nii``.
    et_label
        Value written for enhancing tumour: 3, or 4 for tools that expect BraTS up to 2021.

    Raises
    ------
    ValueError
        If `et_label` is neither 3 nor 4.
    OutputError
        If the file cannot be written.
    """
    if et_label not in ET_LABELS:
        raise ValueError(f"et_label must be 3 or 4, not {et_label}")
    values = np.arange(256, dtype=np.uint8)
    for definition in segmentation.definitions:
        if definition.region is Region.ET:
            values[definition.value] = et_label
    labels_kji = values[segmentation.labels_kji]
    meanings = [f"{values[one.value]} {one.region.value}" for one in segmentation.meanings]
    return write_nifti(
        Volume(labels_kji, segmentation.geometry, source="labels"),
        path,
        labels=f"{', '.join(meanings)}. For research use.",
    )

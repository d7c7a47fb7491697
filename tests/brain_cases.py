"""A head small enough for tests of training: scalp, bone, fluid, cortex, white matter."""

from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from model.brain.config import BrainTrainConfig
from model.network import BrainUNetConfig

SIDE = 72
BRAIN_RADIUS = 22
TINY = BrainUNetConfig(stem=8, channels=(8, 8))


def head_labels() -> NDArray[np.int16]:
    """Balls in each other, in FreeSurfer's and CHARM's labels, axes k, j, i."""
    grid = np.indices((SIDE, SIDE, SIDE)) - (SIDE - 1) / 2
    radius = np.sqrt((grid**2).sum(axis=0))
    labels = np.zeros((SIDE, SIDE, SIDE), dtype=np.int16)
    for outer, label in ((34, 511), (31, 507), (29, 515), (26, 24), (22, 3), (18, 2), (5, 4)):
        labels[radius < outer] = label
    return labels


def write_data(folder: Path, *names: str) -> Path:
    """Write maps of heads and one tumour's mask as training reads them."""
    ras = np.diag([-1.0, -1.0, 1.0, 1.0])
    (folder / "heads" / "labelmaps").mkdir(parents=True)
    (folder / "shapes").mkdir()
    for name in names:
        image = nib.Nifti1Image(head_labels().transpose(2, 1, 0), ras)
        nib.save(image, folder / "heads" / "labelmaps" / f"{name}.nii.gz")
    tumour = np.zeros((24, 24, 24), dtype=np.uint8)
    tumour[4:20, 4:20, 4:20] = 2
    tumour[8:16, 8:16, 8:16] = 4
    nib.save(nib.Nifti1Image(tumour, ras), folder / "shapes" / "one_seg.nii.gz")
    return folder


def tiny_config(**changes: object) -> BrainTrainConfig:
    """Return a training of seconds."""
    settings: dict[str, object] = {
        "name": "tiny",
        "steps": 2,
        "network": TINY,
        "crops": ((16, 16, 16),),
        "kept": 1,
        **changes,
    }
    return BrainTrainConfig(**settings)  # type: ignore[arg-type] # what tests choose

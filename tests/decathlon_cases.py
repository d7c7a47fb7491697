"""A made-up set of the Decathlon, and a recipe for it."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np

from model.network import UNETRppConfig
from model.train.config import (
    AugmentConfig,
    DatasetConfig,
    Layout,
    OptimiserConfig,
    SourceConfig,
    StageConfig,
    TrainConfig,
    ValidationConfig,
)

SHAPE_IJK = (40, 36, 12)
SPACING_IJK = (0.8, 0.8, 2.5)
CONFIG = TrainConfig(
    name="organ",
    steps=30,
    sources=(SourceConfig("Task99_Blobs"),),
    stages=(StageConfig(1.0, patch=(8, 32, 32)),),
    network=UNETRppConfig(
        in_channels=2,
        out_channels=3,
        stem_stride=(1, 4, 4),
        reference=(8, 32, 32),
        dims=(8, 8, 8, 8),
        depths=(1, 1, 1, 1),
        heads=2,
        projected=(8, 8, 8, 8),
        full_resolution_channels=8,
    ),
    dataset=DatasetConfig(Layout.DECATHLON),
    validation=ValidationConfig(0.25),
    optimiser=OptimiserConfig(learning_rate=2e-2, warm_up_steps=2, ema_decay=0.8),
    augment=AugmentConfig(flip_ap=0.0, flip_si=0.0, affine=0.2, scale_shift=0.5, noise=0.2),
    focal_gamma=0.0,
)


def write_image(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    affine = np.diag([-SPACING_IJK[0], -SPACING_IJK[1], SPACING_IJK[2], 1.0])
    nib.save(nib.Nifti1Image(array, affine), path)


def write_blob(root: Path, name: str, seed: int, *, split: bool = False) -> None:
    rng = np.random.default_rng(seed)
    labels = np.zeros(SHAPE_IJK, dtype=np.uint8)
    i, j = rng.integers(4, 12, size=2)
    labels[i : i + 20, j : j + 18, 2:10] = 1
    labels[i + 6 : i + 14, j + 6 : j + 12, 4:8] = 2
    ct = -100.0 + 200.0 * (labels == 1) + 400.0 * (labels == 2) + rng.normal(0, 20, SHAPE_IJK)
    pet = 5.0 + 3.0 * (labels == 2) + rng.normal(0, 0.3, SHAPE_IJK)
    channels = np.stack([ct, pet], axis=-1).astype(np.float32)
    if split:
        for n in range(2):
            write_image(root / "imagesTr" / f"{name}_{n:04d}.nii.gz", channels[..., n])
    else:
        write_image(root / "imagesTr" / f"{name}.nii.gz", channels)
    write_image(root / "labelsTr" / f"{name}.nii.gz", labels)


def write_set(root: Path) -> Path:
    """Write four cases of two modalities, one of them with a file for each."""
    names = ["blob_1", "blob_2", "blob_3", "blob_4"]
    for seed, name in enumerate(names):
        write_blob(root, name, seed, split=name == "blob_3")
    training = [
        {"image": f"./imagesTr/{name}.nii.gz", "label": f"./labelsTr/{name}.nii.gz"}
        for name in names
    ]
    describe(root, training=training)
    return root


def describe(root: Path, **changes: object) -> None:
    path = root / "dataset.json"
    document = {
        "name": "Blobs",
        "modality": {"0": "CT", "1": "PET"},
        "labels": {"0": "background", "1": "organ", "2": "tumour"},
    }
    if path.exists():
        document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, **changes}))

"""Reads folders in the Medical Segmentation Decathlon's layout: any modalities, any labels.

``dataset.json`` names the modalities, the labels and the training cases; an image is one file
with a fourth axis for its modalities, or one file per modality, ``NAME_0000.nii.gz`` and so on, as
nnU-Net keeps them. Source: Antonelli et al., Nature Communications 2022,
doi 10.1038/s41467-022-30695-9.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.data import Case, CaseError, load_lps
from model.spec import FloatArray

DESCRIPTION = "dataset.json"
_SUFFIX = re.compile(r"\.nii(\.gz)?$")
_FIRST = re.compile(r"(.+)_0000(\.nii(?:\.gz)?)")


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """Where the images of one case lie.

    Attributes
    ----------
    name
        File name without suffix.
    images
        One file with all modalities, or one for each.
    """

    name: str
    images: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class CaseFiles(ImageFiles):
    """Where one case lies.

    Attributes
    ----------
    labels
        The reference.
    """

    labels: Path


@dataclass(frozen=True, slots=True)
class DecathlonSet:
    """What a folder's description says.

    Attributes
    ----------
    name
        Of the data set.
    modalities
        In the order of the channels; ``CT`` is treated as such.
    labels
        Names by value, background first.
    cases
        Those with reference labels, by name.
    """

    name: str
    modalities: tuple[str, ...]
    labels: tuple[str, ...]
    cases: tuple[CaseFiles, ...]

    def load(self, files: CaseFiles) -> Case:
        """Read one case on an LPS grid.

        Raises
        ------
        CaseError
            If a file cannot be read, modalities or labels are others than described, or the files
            lie on different grids.
        """
        named = ImageFiles(files.name, files.images)
        images, affine = read_images(named, len(self.modalities))
        labels, own = load_lps(files.labels)
        if labels.ndim != 3:
            msg = f"{files.labels}: labels must be three-dimensional, not {labels.shape}"
            raise CaseError(msg)
        if not _same_grid(labels, own, images, affine):
            msg = f"{files.name}: images and labels must share one grid"
            raise CaseError(msg)
        values = np.unique(labels)
        if not np.isin(values, np.arange(len(self.labels))).all():
            msg = (
                f"{files.name}: labels {values.tolist()}, described are 0 to {len(self.labels) - 1}"
            )
            raise CaseError(msg)
        i, j, k = np.linalg.norm(affine[:3, :3], axis=0).tolist()
        return Case(files.name, images, labels.astype(np.uint8), None, (k, j, i))


def read_images(files: ImageFiles, modalities: int) -> tuple[FloatArray, NDArray[np.float64]]:
    """Read the images of one case.

    Returns
    -------
    tuple of ndarray
        Intensities ``(c, k, j, i)`` on an LPS grid; the (RAS) affine of i, j, k.

    Raises
    ------
    CaseError
        If a file cannot be read, or there are more or fewer modalities, on one grid or several.
    """
    parts = [load_lps(path) for path in files.images]
    first, affine = parts[0]
    if not all(_same_grid(array, own, first, affine) for array, own in parts):
        msg = f"{files.name}: all images must share one grid"
        raise CaseError(msg)
    channels = [array if array.ndim == 4 else array[None] for array, _ in parts]
    images = np.concatenate(channels).astype(np.float32)
    if len(images) != modalities:
        msg = f"{files.name}: {len(images)} modalities instead of {modalities}"
        raise CaseError(msg)
    if not np.isfinite(images).all():
        msg = f"{files.name}: intensities must be finite numbers"
        raise CaseError(msg)
    return images, affine


def find_images(folder: Path, modalities: int) -> tuple[ImageFiles, ...]:
    """Return the cases of a folder of images without description, by name.

    Files ``NAME_0000.nii.gz``, ``NAME_0001.nii.gz`` and so on are the modalities of one case; any
    other ``NAME.nii.gz`` is a case by itself.

    Raises
    ------
    CaseError
        If there is none, or a case lacks a modality.
    """
    found: dict[str, tuple[Path, ...]] = {}
    parts: set[Path] = set()
    for path in sorted(folder.glob("[!.]*.nii*")):
        if path in parts or not _SUFFIX.search(path.name):
            continue
        name = _SUFFIX.sub("", path.name)
        images: tuple[Path, ...] = (path,)
        if first := _FIRST.fullmatch(path.name):
            name, suffix = first.groups()
            images = tuple(folder / f"{name}_{n:04d}{suffix}" for n in range(modalities))
            parts.update(images)
        if name in found:
            msg = f"{path}: a second case of the name {name}"
            raise CaseError(msg)
        found[name] = images
    if missing := sorted(str(path) for path in parts if not path.is_file()):
        msg = f"not there: {', '.join(missing)}"
        raise CaseError(msg)
    if not found:
        msg = f"{folder}: no images (NAME.nii.gz, or NAME_0000.nii.gz for each modality)"
        raise CaseError(msg)
    return tuple(ImageFiles(name, images) for name, images in sorted(found.items()))


def _same_grid(
    array: NDArray[np.generic],
    own: NDArray[np.float64],
    other: NDArray[np.generic],
    affine: NDArray[np.float64],
) -> bool:
    return array.shape[-3:] == other.shape[-3:] and np.allclose(own, affine, atol=1e-2)


def read_set(root: Path) -> DecathlonSet:
    """Read the description of a folder and find its cases.

    Raises
    ------
    CaseError
        If the description is missing, no JSON, or lacks something, or a file is not there.
    """
    path = root / DESCRIPTION
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"{path}: {error}"
        raise CaseError(msg) from error
    if not isinstance(document, dict):
        msg = f"{path}: not a description of a data set"
        raise CaseError(msg)
    modalities = _named(path, document, ("modality", "channel_names"))
    labels = _named(path, document, ("labels",))
    training = document.get("training")
    if not isinstance(training, list) or not training:
        msg = f"{path}: no list of training cases"
        raise CaseError(msg)
    cases = [_case_files(root, path, item, len(modalities)) for item in training]
    name = str(document.get("name") or root.name)
    return DecathlonSet(name, modalities, labels, tuple(sorted(cases, key=lambda case: case.name)))


def _named(path: Path, document: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[str, ...]:
    """Return names by number from ``{"0": name}`` or, as nnU-Net turns it, ``{name: 0}``."""
    found: Mapping[str, Any] = next(
        (document[key] for key in keys if isinstance(document.get(key), dict)), {}
    )
    try:
        by_number = {
            int(value) if isinstance(value, int) else int(key): str(
                key if isinstance(value, int) else value
            )
            for key, value in found.items()
        }
    except (TypeError, ValueError) as error:
        msg = f"{path}: {keys[0]} must be numbered: {error}"
        raise CaseError(msg) from error
    if not by_number or sorted(by_number) != list(range(len(by_number))):
        msg = f"{path}: {keys[0]} must be numbered from 0 without gaps"
        raise CaseError(msg)
    return tuple(by_number[number] for number in range(len(by_number)))


def _case_files(root: Path, description: Path, item: Any, modalities: int) -> CaseFiles:
    if not isinstance(item, dict) or not {"image", "label"} <= set(item):
        msg = f"{description}: a training case needs image and label, got {item}"
        raise CaseError(msg)
    image, labels = root / str(item["image"]), root / str(item["label"])
    name = _SUFFIX.sub("", image.name)
    split = tuple(image.with_name(f"{name}_{n:04d}.nii.gz") for n in range(modalities))
    images = (image,) if image.is_file() else split
    for path in (*images, labels):
        if not path.is_file():
            msg = f"{path}: named in {description.name}, but not there"
            raise CaseError(msg)
    return CaseFiles(name, images, labels)

"""Simulated patients in the form of BraTS: co-registered, 1 mm, brain extracted, labelled."""

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from model.spec import Label, Sequence
from model.synthetic.acquisition import receive
from model.synthetic.fields import FloatArray
from model.synthetic.phantom import HeadPhantom, simulate
from model.synthetic.signal import PROTOCOLS
from model.synthetic.tissues import BRAIN_TISSUES, Tissue

_NAMES = {Sequence.T1: "t1", Sequence.T1C: "t1ce", Sequence.T2: "t2", Sequence.FLAIR: "flair"}
# The 2021 release calls enhancing tumour 4.
_STORED_LABEL = {Label.NCR: 1, Label.ED: 2, Label.ET: 4}
_MARGIN_MM = 6.0
_CSF_KEPT_MM = 1.2
_CLOSED_MM = 6.0
_LOWEST_MM = -62.0
_WHITE_MATTER = 400.0
# Registration to an atlas interpolates; in voxels.
_BLUR = 0.55


@dataclass(frozen=True, slots=True, eq=False)
class BratsCase:
    """Four co-registered channels and their labels.

    Parameters
    ----------
    channels_ckji
        float32; T1, T1c, T2, FLAIR in this order, exactly 0 outside the brain.
    labels_kji
        uint8; 1 NCR, 2 ED, 3 ET.
    spacing_mm
        Along k, j and i.
    affine_lps_mm
        4 × 4, maps (i, j, k, 1) to LPS millimetres; the axes are those of the head.
    """

    channels_ckji: FloatArray
    labels_kji: NDArray[np.uint8]
    spacing_mm: tuple[float, float, float]
    affine_lps_mm: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.channels_ckji.shape != (len(Sequence), *self.labels_kji.shape):
            raise ValueError("a case needs four channels of the shape of its labels")
        self.channels_ckji.setflags(write=False)
        self.labels_kji.setflags(write=False)
        self.affine_lps_mm.setflags(write=False)


def brain_mask(phantom: HeadPhantom) -> NDArray[np.bool_]:
    """Brain with its ventricles and the CSF in its sulci, as a brain extractor keeps it.

    Brainstem below the cerebellum is cut off where BraTS cuts it, at the foramen magnum.
    """
    spacing = phantom.box.spacing_mm
    _, _, z = phantom.box.axes_mm()
    is_brain = np.zeros(max(Tissue) + 1, dtype=bool)
    is_brain[list(BRAIN_TISSUES)] = True
    tissue = is_brain[phantom.tissues_kji] & (z > _LOWEST_MM)
    reach = max(1, round(_CLOSED_MM / spacing))
    found = ndimage.find_objects(tissue.astype(np.uint8))[0]
    room = tuple(slice(max(s.start - reach - 2, 0), s.stop + reach + 2) for s in found)
    closed = ndimage.binary_closing(tissue[room], iterations=reach)
    filled = ndimage.binary_fill_holes(closed | tissue[room])
    grown = ndimage.binary_dilation(filled, iterations=max(1, round(_CSF_KEPT_MM / spacing)))
    parts, _ = ndimage.label(grown)
    mask = np.zeros(tissue.shape, dtype=bool)
    mask[room] = parts == 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))
    return mask


def as_brats_case(phantom: HeadPhantom, seed: int, *, noise: float = 0.03) -> BratsCase:
    """Picture a head as a BraTS case on the grid of the phantom, cropped to its brain.

    Parameters
    ----------
    phantom
        The head; ``make_head(seed, spacing_mm=2)`` makes a small case.
    seed
        Of noise and shading.
    noise
        Standard deviation relative to white matter.
    """
    mask = brain_mask(phantom)
    margin = round(_MARGIN_MM / phantom.box.spacing_mm)
    crop = tuple(
        slice(max(part.start - margin, 0), part.stop + margin)
        for part in ndimage.find_objects(mask.astype(np.uint8))[0]
    )
    rng = np.random.default_rng(np.random.SeedSequence([seed, 3]))
    channels = []
    for sequence in Sequence:
        clean = ndimage.gaussian_filter(simulate(phantom, PROTOCOLS[sequence])[crop], _BLUR)
        received = receive(clean, rng, noise=noise, shading=0.1)
        channels.append(np.where(mask[crop], np.maximum(received, 1e-3) * _WHITE_MATTER, 0))
    affine = phantom.affine_lps_mm
    affine[:3, 3] += [part.start * phantom.box.spacing_mm for part in reversed(crop)]
    return BratsCase(
        np.stack(channels).astype(np.float32),
        phantom.tumour_kji[crop] * mask[crop],
        phantom.spacing_mm,
        affine,
    )


def write_brats_case(folder: Path, name: str, case: BratsCase) -> Path:
    """Write ``NAME/NAME_{t1,t1ce,t2,flair,seg}.nii.gz`` with the labels 1, 2 and 4.

    Parameters
    ----------
    folder
        Gets a folder of the case's name.
    name
        Of the case.
    case
        What to write.

    Returns
    -------
    case_folder
        The folder made.
    """
    case_folder = folder / name
    case_folder.mkdir(parents=True)
    affine_ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ case.affine_lps_mm
    stored = np.zeros_like(case.labels_kji)
    for label, value in _STORED_LABEL.items():
        stored[case.labels_kji == label] = value
    arrays: dict[str, NDArray[np.generic]] = {"seg": stored}
    for sequence, channel in zip(Sequence, case.channels_ckji, strict=True):
        arrays[_NAMES[sequence]] = np.rint(channel).astype(np.int16)
    for suffix, array in arrays.items():
        image = nib.nifti1.Nifti1Image(  # type: ignore[no-untyped-call]
            array.transpose(2, 1, 0), affine_ras
        )
        image.header.set_xyzt_units("mm")  # type: ignore[no-untyped-call]
        nib.save(image, case_folder / f"{name}_{suffix}.nii.gz")
    return case_folder

"""Noise, ghosts and displaced slices, measured in the image itself."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from desktop_app.domain.stopping import Check, go_on
from desktop_app.domain.volume import Volume
from desktop_app.imaging.stripped import air_value, background_value

_T = TypeVar("_T")
_Slice = NDArray[np.float32]
_Mask = NDArray[np.bool_]

_MOST_SLICES = 24
# The share of the bright end that parts tissue from air.
_TISSUE_SHARE = 0.15
# Of the slice with most tissue: smaller ones show the vertex or the neck.
_BIG_SLICE = 0.4
# Blurred skin and chemical shift reach about this far into the air.
_AIR_MARGIN_MM = 8.0
_MIN_AIR_PIXELS = 1000
_MIN_TISSUE_PIXELS = 300
_MIN_RUN = 6
# Median of |x| over the standard deviation of normal noise.
_MAD_TO_SIGMA = 0.6745
_LAPLACIAN = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)
_LAPLACIAN_GAIN = 6.0


@dataclass(frozen=True, slots=True)
class ImageQuality:
    """What disturbs an image.

    Parameters
    ----------
    noise_share
        Standard deviation of the noise over the signal of the tissue above the air.
    ghost_share
        Brightness of the air on one side pair of the head above that on the other, over the signal
        of the tissue; ``None`` where the air was blackened or lies outside the image.
    zigzag_mm
        How far slices lie to and fro against their neighbours; ``None`` for too few slices.
    """

    noise_share: float
    ghost_share: float | None
    zigzag_mm: float | None


def measure_quality(volume: Volume, *, check: Check = go_on) -> ImageQuality:
    """Measure an image of a head or of a brain without its skull.

    Noise: the median response, within tissue, to the difference of two Laplacians (Immerkær 1996,
    doi 10.1006/cviu.1996.0060), which takes the median instead of the mean so that edges do not
    count (Donoho & Johnstone 1994, doi 10.1093/biomet/81.3.425). Images that the scanner or a
    program has interpolated show less noise than was acquired, never more.

    Ghosts: percent signal ghosting of the American College of Radiology's phantom test (large
    phantom, test 6), with air beside the head along rows and along columns in place of the
    phantom's four regions. A ghost lies along the direction of phase encoding only; noise on all
    sides cancels.

    Displaced slices: the second difference of the centre of the tissue from slice to slice, halved
    (of slices taken in two passes every second one moves with the patient); its median over the
    head.

    Parameters
    ----------
    volume
        Any contrast, grid and orientation. Slices are the planes across the axis of the widest
        spacing, k of equal ones.
    check
        Called at every slice; raises to stop.

    Returns
    -------
    ImageQuality
        All zero for a blank image.
    """
    each = _Asked(check)
    axis = _slice_axis(volume)
    slices = np.moveaxis(volume.array_kji, axis, 0)
    spacing_mm = tuple(np.delete(volume.geometry.spacing_mm, axis))
    # An offset of the values (a rescale intercept, z-scores) is no signal.
    air = air_value(volume)
    bright = float(np.percentile(slices[:, ::3, ::3], 98)) - air
    level = air + _TISSUE_SHARE * bright
    areas = np.array([np.count_nonzero(one > level) for one in each(slices)])
    if areas.max() < _MIN_TISSUE_PIXELS or bright <= 0:
        return ImageQuality(0.0, None, None)
    big = np.flatnonzero(areas > _BIG_SLICE * areas.max())
    chosen = big[:: max(1, math.ceil(len(big) / _MOST_SLICES))]
    tissues = [slices[number] > level for number in chosen]
    pictures = [np.asarray(slices[number], dtype=np.float32) - np.float32(air) for number in chosen]
    signal = float(
        np.median(np.concatenate([p[t] for p, t in zip(pictures, tissues, strict=True)]))
    )
    both = tuple(zip(pictures, tissues, strict=True))
    noise = float(np.median([_noise(picture, tissue) for picture, tissue in each(both)]))
    return ImageQuality(
        noise_share=noise / signal,
        ghost_share=_ghost_share(each(both), spacing_mm, background_value(volume) - air, signal),
        zigzag_mm=_zigzag_mm(slices, level, big, spacing_mm, each),
    )


class _Asked:
    """Goes through slices, and asks before each whether to go on."""

    def __init__(self, check: Check) -> None:
        self._check = check

    def __call__(self, slices: Iterable[_T]) -> Iterator[_T]:
        for one in slices:
            self._check()
            yield one


def _slice_axis(volume: Volume) -> int:
    spacing = np.round(volume.geometry.spacing_mm, 2)
    return int(np.argmax(spacing))


def _noise(picture: _Slice, tissue: _Mask) -> float:
    inner = ndimage.binary_erosion(tissue, iterations=2)
    if np.count_nonzero(inner) < _MIN_TISSUE_PIXELS:
        inner = tissue
    response = ndimage.convolve(picture, _LAPLACIAN, mode="nearest")
    return float(np.median(np.abs(response[inner]))) / _MAD_TO_SIGMA / _LAPLACIAN_GAIN


def _ghost_share(
    both: Iterable[tuple[_Slice, _Mask]],
    spacing_mm: tuple[float, ...],
    background: float,
    signal: float,
) -> float | None:
    beside_rows, beside_columns = [], []
    for picture, tissue in both:
        head = ndimage.binary_opening(tissue, iterations=2)
        rows, columns = head.any(axis=1), head.any(axis=0)
        if not rows.any():
            continue
        margin = [max(1, round(_AIR_MARGIN_MM / mm)) for mm in spacing_mm]
        near = ndimage.binary_dilation(rows, iterations=margin[0])
        near_columns = ndimage.binary_dilation(columns, iterations=margin[1])
        known = (picture != background) & ~tissue
        beside_rows.append(picture[rows][:, ~near_columns][known[rows][:, ~near_columns]])
        beside_columns.append(picture[~near][:, columns][known[~near][:, columns]])
    along_rows = np.concatenate(beside_rows or [np.empty(0, np.float32)])
    along_columns = np.concatenate(beside_columns or [np.empty(0, np.float32)])
    if min(along_rows.size, along_columns.size) < _MIN_AIR_PIXELS:
        return None
    return abs(float(np.median(along_rows)) - float(np.median(along_columns))) / signal


def _zigzag_mm(
    slices: NDArray[np.generic],
    level: float,
    big: NDArray[np.intp],
    spacing_mm: tuple[float, ...],
    each: _Asked,
) -> float | None:
    run = max(np.split(big, np.flatnonzero(np.diff(big) > 1) + 1), key=len)
    if len(run) < _MIN_RUN:
        return None
    centres = np.array([ndimage.center_of_mass(slices[number] > level) for number in each(run)])
    second = np.diff(centres * np.array(spacing_mm), n=2, axis=0) / 2
    return float(np.median(np.linalg.norm(second, axis=1)))

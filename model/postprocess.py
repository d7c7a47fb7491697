"""From region probabilities to labels, on any grid; free of torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.cropping import occupied_box
from model.spec import REGIONS, Label, Region

_Mask = NDArray[np.bool_]
ENHANCING_MM3 = 1000.0
PEAK_MM3 = 100.0
SATELLITE_PEAK = 0.9
LEAST_CHANCE = 0.25

_OUTSIDE_IN = {Region.WT: Label.ED, Region.TC: Label.NCR, Region.ET: Label.ET}
_ANY_NEIGHBOUR = np.ones((3, 3, 3), dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class PostprocessSettings:
    """How probabilities become labels; a model card may bring its own.

    Parameters
    ----------
    thresholds
        Per region in the order of `model.spec.REGIONS` (TC, WT, ET): a voxel belongs to the
        region where its probability exceeds this; to TC also where it exceeds
        `threshold_in_doubt` of what is seen inside WT. Where a network is in doubt throughout, as
        of a core that does not enhance, half a guess comes nearer to the truth than none; of a
        core that it is certain of, hardly anything changes.
    min_component_mm3
        Per region: connected parts (26 neighbours) smaller than this are dropped. A dropped part
        of ET stays TC, one of TC stays WT.
    min_total_mm3
        Per region: where less than this is left of it, and nothing of the region inside it, it
        is dropped as a whole. A speck of oedema without a core may be the white matter of an
        elderly brain; one with a core stays.
    core_threshold_if_enhancing
        Threshold of TC where at least `ENHANCING_MM3` enhances; what enhances is then core in any
        case. The core of an enhancing glioma is what enhancement encloses, that of another is
        most of it: a network in doubt which of the two it sees need not be asked. ``None``: the
        same threshold for both.
    min_peak
        Per region: it is dropped in the same way unless `PEAK_MM3` of it exceed this probability.
        Of enhancement that is there a network is certain somewhere; what it marks in a tumour
        without enhancement is doubtful throughout. 0: no such test.
    min_satellite_mm3
        Connected parts of WT smaller than this, apart from the largest one and without core, are
        dropped: white-matter lesions and artefacts look like that; tumour that grows in another
        place has a core. So are larger ones whose probability nowhere exceeds `SATELLITE_PEAK`.
        0: all parts stay.

    Raises
    ------
    ValueError
        If a threshold is not between 0 and 1 or a size is negative.
    """

    thresholds: tuple[float, float, float] = (0.5, 0.5, 0.5)
    min_component_mm3: tuple[float, float, float] = (20.0, 50.0, 10.0)
    min_total_mm3: tuple[float, float, float] = (0.0, 0.0, 0.0)
    core_threshold_if_enhancing: float | None = None
    min_peak: tuple[float, float, float] = (0.0, 0.0, 0.0)
    min_satellite_mm3: float = 1000.0

    def __post_init__(self) -> None:
        core = self.core_threshold_if_enhancing
        thresholds = self.thresholds if core is None else (*self.thresholds, core)
        if not all(0 < threshold < 1 for threshold in thresholds):
            raise ValueError(f"thresholds must lie between 0 and 1: {thresholds}")
        if not all(0 <= peak < 1 for peak in self.min_peak):
            raise ValueError(f"thresholds of peaks must be at least 0 and below 1: {self.min_peak}")
        sizes = (*self.min_component_mm3, *self.min_total_mm3, self.min_satellite_mm3)
        if not all(size >= 0 for size in sizes):
            raise ValueError(f"sizes must not be negative: {sizes}")

    @classmethod
    def from_card(cls, document: Mapping[str, Any]) -> "PostprocessSettings":
        """Read the ``postprocess`` section of a model card; what it leaves out is the default.

        The section maps ``thresholds``, ``min_component_mm3``, ``min_total_mm3`` and ``min_peak``
        to objects by region name.

        Raises
        ------
        ValueError
            If a value is out of range.
        """
        section = document.get("postprocess", {})
        default = cls()
        return cls(
            _by_region(section.get("thresholds", {}), default.thresholds),
            _by_region(section.get("min_component_mm3", {}), default.min_component_mm3),
            _by_region(section.get("min_total_mm3", {}), default.min_total_mm3),
            section.get("core_threshold_if_enhancing"),
            _by_region(section.get("min_peak", {}), default.min_peak),
            float(section.get("min_satellite_mm3", default.min_satellite_mm3)),
        )

    def as_section(self) -> dict[str, Any]:
        """Return the ``postprocess`` section that `from_card` reads."""
        section: dict[str, Any] = {
            name: dict(zip((r.value for r in REGIONS), getattr(self, name), strict=True))
            for name in ("thresholds", "min_component_mm3", "min_total_mm3", "min_peak")
        }
        section["min_satellite_mm3"] = self.min_satellite_mm3
        if self.core_threshold_if_enhancing is not None:
            section["core_threshold_if_enhancing"] = self.core_threshold_if_enhancing
        return section


DEFAULT_SETTINGS = PostprocessSettings()


def labels_from_probabilities(
    probabilities_ckji: NDArray[np.floating[Any]],
    *,
    spacing_mm: tuple[float, float, float],
    settings: PostprocessSettings = DEFAULT_SETTINGS,
) -> NDArray[np.uint8]:
    """Turn the network's probabilities into one label a voxel.

    The regions are nested: TC is a part of WT, ET of TC (Menze et al. 2015, doi
    10.1109/TMI.2014.2377694), each cleaned of parts too small to believe.

    Parameters
    ----------
    probabilities_ckji
        (3, k, j, i) in the order of `model.spec.REGIONS`, any float type.
    spacing_mm
        Voxel size along k, j and i.
    settings
        Thresholds and smallest sizes.

    Returns
    -------
    ndarray
        (k, j, i) uint8, values of `model.spec.Label`.

    Raises
    ------
    ValueError
        If there are not three channels, or the spacing is not positive.
    """
    if probabilities_ckji.ndim != 4 or probabilities_ckji.shape[0] != len(REGIONS):
        raise ValueError(f"expected (3, k, j, i) probabilities, got {probabilities_ckji.shape}")
    if min(spacing_mm) <= 0:
        raise ValueError(f"spacing_mm must be positive: {spacing_mm}")
    labels_kji = np.zeros(probabilities_ckji.shape[1:], dtype=np.uint8)
    masks = {
        region: probabilities > threshold
        for region, probabilities, threshold in zip(
            REGIONS, probabilities_ckji, settings.thresholds, strict=True
        )
    }
    whole = masks[Region.WT] | masks[Region.TC]
    box = occupied_box(whole)
    if box is None:
        return labels_kji
    voxel_mm3 = float(np.prod(spacing_mm))
    inside = dict(zip(REGIONS, probabilities_ckji[(slice(None), *box)], strict=True))
    masks = {region: mask[box] for region, mask in masks.items()}
    masks[Region.WT] = whole[box]
    enhancing = masks[Region.ET] & masks[Region.WT]
    is_in_doubt = True
    core_threshold = settings.core_threshold_if_enhancing
    if core_threshold is not None and _enhances(enhancing, inside[Region.ET], settings, voxel_mm3):
        masks[Region.TC] = (inside[Region.TC] > core_threshold) | enhancing
        is_in_doubt = False
    smallest = dict(zip(REGIONS, settings.min_component_mm3, strict=True))
    least = dict(zip(REGIONS, settings.min_total_mm3, strict=True))
    peaks = dict(zip(REGIONS, settings.min_peak, strict=True))
    parent = masks[Region.WT] = without_satellites(
        masks[Region.WT],
        masks[Region.TC],
        inside[Region.WT] > SATELLITE_PEAK,
        settings.min_satellite_mm3 / voxel_mm3,
    )
    if is_in_doubt:
        masks[Region.TC] |= inside[Region.TC] > threshold_in_doubt(inside[Region.TC][parent])
    nested: dict[Region, _Mask] = {}
    for region in _OUTSIDE_IN:
        mask = masks[region] & parent
        parent = nested[region] = _without_small_parts(mask, smallest[region] / voxel_mm3)
    for region in reversed(_OUTSIDE_IN):
        mask = nested[region]
        believed = np.count_nonzero(mask) * voxel_mm3 >= max(least[region], voxel_mm3)
        if believed and _has_peak(mask, inside[region], peaks[region], voxel_mm3):
            break
        del nested[region]
    for region, mask in nested.items():
        labels_kji[box][mask] = _OUTSIDE_IN[region]
    return labels_kji


def threshold_in_doubt(probabilities: NDArray[np.floating[Any]]) -> float:
    """Return the threshold whose mask has the greatest expected Dice.

    Among all masks it is that of the voxels whose chance exceeds half of that Dice (Lipton et al.
    2014, doi 10.1007/978-3-662-44851-9_15), each voxel's chance taken for itself. It is not lowered
    beyond `LEAST_CHANCE`: a network that gives a region less than that everywhere sees none.

    Parameters
    ----------
    probabilities
        Of the region, any shape; at least one.

    Returns
    -------
    float
        Between `LEAST_CHANCE` and 0.5.
    """
    falling = np.sort(probabilities, axis=None)[::-1].astype(np.float64)
    likely = np.cumsum(falling)
    voxels = np.arange(1, falling.size + 1)
    return max(float((likely / (voxels + likely[-1])).max()), LEAST_CHANCE)


def without_satellites(tumour: _Mask, core: _Mask, certain: _Mask, min_voxels: float) -> _Mask:
    """Return a tumour less the parts that have no core and are small or nowhere certain.

    Its largest part stays in any case.
    """
    # Imported where used: requests carry settings, and the window's start must not wait for it.
    from scipy import ndimage

    parts, count = ndimage.label(tumour, structure=_ANY_NEIGHBOUR)
    if count < 2 or min_voxels == 0:
        return tumour
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    sizes[0] = 0
    has_core, is_certain = (
        np.bincount(parts[mask], minlength=count + 1) > 0 for mask in (core, certain)
    )
    keep = ((sizes >= min_voxels) & is_certain) | has_core
    keep[sizes.argmax()] = True
    keep[0] = False
    kept: _Mask = keep[parts]
    return kept


def _enhances(
    enhancing: _Mask,
    probabilities: NDArray[np.floating[Any]],
    settings: PostprocessSettings,
    voxel_mm3: float,
) -> bool:
    peak = settings.min_peak[REGIONS.index(Region.ET)]
    enough = int(np.count_nonzero(enhancing)) * voxel_mm3 >= ENHANCING_MM3
    return enough and _has_peak(enhancing, probabilities, peak, voxel_mm3)


def _has_peak(
    mask: _Mask, probabilities: NDArray[np.floating[Any]], peak: float, voxel_mm3: float
) -> bool:
    if peak == 0:
        return True
    return int(np.count_nonzero(mask & (probabilities > peak))) * voxel_mm3 >= PEAK_MM3


def _without_small_parts(mask: _Mask, min_voxels: float) -> _Mask:
    # Imported where used: requests carry settings, and the window's start must not wait for it.
    from scipy import ndimage

    if min_voxels <= 1:
        return mask
    parts, count = ndimage.label(mask, structure=_ANY_NEIGHBOUR)
    if count == 0:
        return mask
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    keep = sizes >= min_voxels
    keep[0] = False
    kept: _Mask = keep[parts]
    return kept


def _by_region(
    values: Mapping[str, float], default: tuple[float, float, float]
) -> tuple[float, float, float]:
    tc, wt, et = (float(values.get(r, d)) for r, d in zip(REGIONS, default, strict=True))
    return tc, wt, et

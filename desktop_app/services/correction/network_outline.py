"""Regions drawn wider or tighter by the network's own chances, around what a hand has drawn."""

import zlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from desktop_app.domain.chances import CHANCE_REGIONS, Chances
from desktop_app.domain.correction import Edit
from desktop_app.domain.geometry import Geometry
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import REGION_LABELS, Region
from desktop_app.domain.volume import Volume
from desktop_app.imaging.resample import resample
from desktop_app.services.correction.label_editor import LabelEditor, Labels

Mask = NDArray[np.bool_]

SMALLEST_NEW_PART_MM3 = {Region.WT: 1000.0, Region.TC: 100.0, Region.ET: 100.0}
"""A new part apart from all tumour that is smaller is not drawn, as in `model.postprocess`: without
core it looks like a white-matter lesion."""

# From the outermost to the innermost: what a voxel becomes that is added, and that is taken away.
_GAINED_AND_LOST = {
    Region.WT: (REGION_LABELS[Region.ED][0], 0),
    Region.TC: (REGION_LABELS[Region.NCR][0], REGION_LABELS[Region.ED][0]),
    Region.ET: (REGION_LABELS[Region.ET][0], REGION_LABELS[Region.NCR][0]),
}
_ANY_NEIGHBOUR = np.ones((3, 3, 3), dtype=np.bool_)
_USUAL = 0.5
# Not the least: few voxels are of a region only because one within it is (`model.postprocess`).
_RIM_PERCENTILE = 0.1
# Half a step of a slider: nearer to where the mark begins, it is as marked.
_AS_MARKED = 0.005


class NetworkOutline:
    """The labels a network led to, and those other limits of its chances would have led to.

    Parameters
    ----------
    chances
        What the network gave each region.
    marked_kji
        The labels it led to, uint8; not changed.
    geometry
        Their grid.
    """

    def __init__(self, chances: Chances, marked_kji: Labels, geometry: Geometry) -> None:
        self._marked_kji = marked_kji
        self._box = _reach(chances, geometry)
        target = geometry.cropped(self._box)
        self._chances = {
            region: resample(Volume(channel.astype(np.float32), chances.geometry), target).array_kji
            for region, channel in zip(CHANCE_REGIONS, chances.array_ckji, strict=True)
        }
        self._voxel_mm3 = geometry.voxel_volume_mm3
        self._usual = {region: self._least(region) for region in _GAINED_AND_LOST}

    @property
    def usual(self) -> dict[Region, float]:
        """About the least chance of the voxels marked as each region: where it begins.

        The rules that led to the labels may have moved it from one half (`model.postprocess`). A
        region that the network knows nothing of is left out.
        """
        return {one: least for one, least in self._usual.items() if self._chances[one].any()}

    def _least(self, region: Region) -> float:
        marked = np.isin(self._marked_kji[self._box], REGION_LABELS[region])
        if not marked.any():
            return _USUAL
        return float(np.percentile(self._chances[region][marked], _RIM_PERCENTILE))

    def labels(self, limits: Mapping[Region, float]) -> Labels:
        """Return the labels with regions drawn where their chance exceeds a limit.

        Parameters
        ----------
        limits
            For WT, TC and ET, 0 to 1. Below where the mark begins (`usual`) a region grows, above
            it shrinks. One that is not named stays as it was marked, as far as the others let it:
            what is added to a region lies in those around it too, what is taken away in none
            within.

        Returns
        -------
        ndarray
            (k, j, i) uint8, new.
        """
        labels_kji = self._marked_kji.copy()
        inside = labels_kji[self._box]
        for region, (gained, lost) in _GAINED_AND_LOST.items():
            if region not in limits:
                continue
            moved = limits[region] - self._usual[region]
            wanted = self._chances[region] > limits[region]
            there = np.isin(inside, REGION_LABELS[region])
            # Towards wider nothing goes, towards tighter nothing comes that the rules left out.
            if moved < -_AS_MARKED:
                smallest = SMALLEST_NEW_PART_MM3[region] / self._voxel_mm3
                inside[_worth_drawing(wanted & ~there, inside != 0, smallest)] = gained
            elif moved > _AS_MARKED:
                inside[there & ~wanted] = lost
        return labels_kji


class _Noted(NamedTuple):
    edit: Edit
    limits: dict[Region, float]
    by_hand: bytes


class NetworkLimits:
    """The limits a person chose for the network's chances, known again after undo and redo.

    Parameters
    ----------
    result
        With `chances`.
    """

    def __init__(self, result: StudyResult) -> None:
        if result.chances is None:
            raise ValueError("without the network's chances there are no limits to choose")
        before = result.segmentation
        self._outline = NetworkOutline(result.chances, before.labels_kji, before.geometry)
        self._shape_kji = before.labels_kji.shape
        self._noted: list[_Noted] = []

    def chosen(self, done: Iterable[Edit]) -> dict[Region, float]:
        """Return the limits chosen in the steps that stand; regions without one are as marked."""
        last = self._last(done)
        return dict(last.limits) if last is not None else {}

    def shown(self, done: Iterable[Edit]) -> dict[Region, float]:
        """Return the limit of every region: the one chosen, or where the network's mark begins.

        But for regions that the network knows nothing of.
        """
        return self._outline.usual | self.chosen(done)

    def by_hand(self, labels_kji: Labels, done: Iterable[Edit]) -> Mask:
        """Return where labels are not what the limits alone lead to, now or when last chosen.

        What a hand drew and a limit reached later is the hand's still.
        """
        last = self._last(done)
        mask: Mask = labels_kji != self.labels(self.chosen(done))
        if last is not None:
            bits = np.frombuffer(zlib.decompress(last.by_hand), np.uint8)
            mask |= np.unpackbits(bits, count=mask.size).view(np.bool_).reshape(self._shape_kji)
        return mask

    def note(self, edit: Edit, limits: Mapping[Region, float], by_hand: Mask) -> None:
        """Remember which limits a step led to, and what around it was drawn by hand."""
        packed = zlib.compress(np.packbits(by_hand).tobytes(), 1)
        self._noted.append(_Noted(edit, dict(limits), packed))

    def _last(self, done: Iterable[Edit]) -> "_Noted | None":
        standing = {id(edit) for edit in done}
        noted = (one for one in reversed(self._noted) if id(one.edit) in standing)
        return next(noted, None)

    def labels(self, limits: Mapping[Region, float]) -> Labels:
        """Return the labels that limits lead to, as `NetworkOutline.labels`."""
        return self._outline.labels(limits)


class Redrawing:
    """One step in which a region is drawn by another limit.

    Parameters
    ----------
    limits
        Those chosen so far.
    editor
        Before the step begins.
    region
        WT, TC or ET.
    hidden
        Labels out of sight, which stay as they are.
    """

    def __init__(
        self,
        limits: NetworkLimits,
        editor: LabelEditor,
        region: Region,
        hidden: frozenset[int] = frozenset(),
    ) -> None:
        self.region = region
        self.limit = limits.shown(editor.done)[region]
        self._limits = limits
        self._chosen = limits.chosen(editor.done)
        self._before_kji = editor.settled_kji()
        self._hidden = list(hidden)
        self._by_hand = limits.by_hand(self._before_kji, editor.done)
        self._stays = self._by_hand | np.isin(self._before_kji, self._hidden)

    def to(self, limit: float) -> Labels:
        """Return the labels that a limit leads to, but for what stays."""
        self.limit = limit
        self._chosen[self.region] = limit
        after = self._limits.labels(self._chosen)
        stays = self._stays | np.isin(after, self._hidden) if self._hidden else self._stays
        after[stays] = self._before_kji[stays]
        return after

    def note(self, edit: Edit | None) -> None:
        """Remember the limits of the step that came of it, if one did."""
        if edit is not None:
            self._limits.note(edit, self._chosen, self._by_hand)


def _worth_drawing(new: Mask, tumour: Mask, smallest: float) -> Mask:
    """Leave specks out that hang together with no tumour."""
    parts, count = ndimage.label(new | tumour, structure=_ANY_NEIGHBOUR)
    keep = np.bincount(parts.ravel(), minlength=count + 1) >= smallest
    keep |= np.bincount(parts[tumour], minlength=count + 1) > 0
    worth: Mask = new & keep[parts]
    return worth


def _reach(chances: Chances, geometry: Geometry) -> tuple[slice, slice, slice]:
    """Return the box of a grid that the chances cover; at least one voxel."""
    ends = np.array([(0, count - 1) for count in chances.geometry.shape_kji], np.float64)
    corners = np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, 3)
    at = geometry.to_index_kji(chances.geometry.to_patient_mm(corners))
    k, j, i = (
        slice(
            int(np.clip(np.floor(low), 0, count - 1)), int(np.clip(np.ceil(high), 0, count - 1)) + 1
        )
        for low, high, count in zip(at.min(axis=0), at.max(axis=0), geometry.shape_kji, strict=True)
    )
    return k, j, i

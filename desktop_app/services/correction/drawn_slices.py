"""Which slices a region was drawn in by hand, so that it can be filled between them."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.correction import Edit
from desktop_app.imaging.morphology import Mask
from desktop_app.imaging.strokes import Patch


@dataclass(frozen=True, slots=True, eq=False)
class _Stroke:
    """What a stroke meant in the slices it was drawn on; `edit` is what it changed, if anything."""

    axis: int
    value: int
    patches: tuple[Patch, ...]
    edit: Edit | None


@dataclass(frozen=True, slots=True, eq=False)
class _Filling:
    """A region was filled between the slices drawn in."""

    axis: int
    value: int
    edit: Edit


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """What was drawn of a region in the slices of one direction.

    Parameters
    ----------
    axis
        Through the slices: 0 = k, 1 = j, 2 = i.
    shapes
        (row, column) masks by slice.
    fresh
        Slices drawn in since the region was filled last.
    """

    axis: int
    shapes: dict[int, Mask]
    fresh: frozenset[int]


class DrawnSlices:
    """Remembers strokes, in the order they were made, with those taken back."""

    def __init__(self) -> None:
        self._steps: list[_Stroke | _Filling] = []
        self._patches: dict[int, list[Patch]] = {}
        self._axis: int | None = None

    @property
    def axis(self) -> int | None:
        """Axis (0 = k, 1 = j, 2 = i) through the slices drawn on last; ``None`` before any."""
        return self._axis

    def add(self, patch: Patch, axis: int, level: int) -> None:
        """Note what a stroke means in the slice it is drawn on."""
        inside = level - patch.start_kji[axis]
        if 0 <= inside < patch.mask_kji.shape[axis]:
            start = list(patch.start_kji)
            start[axis] = level
            flat = np.take(patch.mask_kji, [inside], axis)
            k, j, i = start
            self._patches.setdefault(level, []).append(Patch((k, j, i), flat))

    def end(self, axis: int, value: int, edit: Edit | None) -> None:
        """End a stroke, which painted a value or erased, and changed something or nothing."""
        merged = tuple(_merged(patches) for patches in self._patches.values())
        self._patches = {}
        if merged:
            self._axis = axis if value else self._axis
            self._steps.append(_Stroke(axis, value, merged, edit))

    def cancel(self) -> None:
        """Forget the stroke that has not ended."""
        self._patches = {}

    def note_filling(self, value: int, edit: Edit) -> None:
        """Note that a region was filled between the slices drawn in so far."""
        if self._axis is not None:
            self._steps.append(_Filling(self._axis, value, edit))

    def standing(
        self, labels_kji: NDArray[np.uint8], done: Collection[Edit]
    ) -> list[tuple[int, Patch]]:
        """Return what was painted or erased, slice by slice in order, and is still there.

        With the label each; 0 for what was erased, or was unmarked and erased all the same.

        Parameters
        ----------
        done
            Edits that were not taken back.
        """
        standing = {id(edit) for edit in done}
        found = []
        for step in self._steps:
            if isinstance(step, _Filling) or (step.edit and id(step.edit) not in standing):
                continue
            for patch in step.patches:
                there = patch.within(labels_kji[patch.box] == step.value)
                if there.mask_kji.any():
                    found.append((step.value, there))
        return found

    def of(self, value: int, labels_kji: NDArray[np.uint8], done: Collection[Edit]) -> Drawn | None:
        """Return what was drawn of a region, in the plane drawn in last, and is still there.

        Parameters
        ----------
        done
            Edits that were not taken back.
        """
        axis = self._axis
        if axis is None:
            return None
        standing = {id(edit) for edit in done}
        size = [count for one, count in enumerate(labels_kji.shape) if one != axis]
        shapes: dict[int, Mask] = {}
        fresh: set[int] = set()
        for step in self._steps:
            if (step.axis, step.value) != (axis, value):
                continue
            if step.edit is not None and id(step.edit) not in standing:
                continue
            if isinstance(step, _Filling):
                fresh.clear()
                continue
            for patch in step.patches:
                level = patch.start_kji[axis]
                rows, columns = (one for at, one in enumerate(patch.box) if at != axis)
                is_there = labels_kji[patch.box] == value
                drawn = (patch.mask_kji & is_there).squeeze(axis)
                shape = shapes.setdefault(level, np.zeros(size, np.bool_))
                shape[rows, columns] |= drawn
                fresh.add(level)
        shapes = {level: shape for level, shape in shapes.items() if shape.any()}
        return Drawn(axis, shapes, frozenset(fresh & shapes.keys()))


def _merged(patches: list[Patch]) -> Patch:
    """Return all that is marked in some patches of one slice."""
    low = np.min([one.start_kji for one in patches], axis=0)
    high = np.max([np.add(one.start_kji, one.mask_kji.shape) for one in patches], axis=0)
    mask = np.zeros(high - low, np.bool_)
    for one in patches:
        k, j, i = (
            slice(start - first, start - first + count)
            for start, first, count in zip(
                one.start_kji, low.tolist(), one.mask_kji.shape, strict=True
            )
        )
        mask[k, j, i] |= one.mask_kji
    k0, j0, i0 = (int(one) for one in low)
    return Patch((k0, j0, i0), mask)

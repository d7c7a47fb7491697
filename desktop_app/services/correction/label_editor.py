"""Labels under a person's hands, with undo and redo."""

import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.correction import Edit
from desktop_app.imaging.strokes import Patch
from model.cropping import Box, occupied_box

# All that can be taken back together; a stroke takes a few hundred bytes, a smoothing some
# ten thousand.
MAX_UNDO_BYTES = 64 << 20

Labels = NDArray[np.uint8]


class LabelEditor:
    """A copy of labels that changes in place.

    Everything between `begin` and `end` is one edit: it is undone in one step.

    Parameters
    ----------
    labels_kji
        (k, j, i) uint8; copied.
    max_undo_bytes
        Beyond this the oldest edits can no longer be taken back.
    """

    def __init__(self, labels_kji: Labels, max_undo_bytes: int = MAX_UNDO_BYTES) -> None:
        self._labels = np.array(labels_kji, np.uint8)
        self._max_undo_bytes = max_undo_bytes
        self._done: list[Edit] = []
        self._undone: list[Edit] = []
        self._forgotten = 0
        self._title = ""
        self._before: Labels | None = None
        self._touched: Box | None = None

    @property
    def labels_kji(self) -> Labels:
        """The labels now, read-only; the same memory throughout."""
        labels = self._labels.view()
        labels.setflags(write=False)
        return labels

    @property
    def done(self) -> tuple[Edit, ...]:
        """The edits that can be taken back, in order."""
        return tuple(self._done)

    @property
    def edit_count(self) -> int:
        """How many edits lie between the first labels and those now."""
        return self._forgotten + len(self._done)

    @property
    def undo_title(self) -> str:
        """What the next undo takes back; empty if nothing can be."""
        return self._done[-1].title if self._done else ""

    @property
    def redo_title(self) -> str:
        """What the next redo does again; empty if nothing can be."""
        return self._undone[-1].title if self._undone else ""

    @property
    def is_editing(self) -> bool:
        """Whether an edit has begun and not ended."""
        return self._before is not None

    def settled_kji(self) -> Labels:
        """Return a copy of the labels without the edit that has begun, if one has."""
        return (self._labels if self._before is None else self._before).copy()

    def begin(self, title: str) -> None:
        """Begin an edit.

        Raises
        ------
        RuntimeError
            If one has begun already.
        """
        if self._before is not None:
            raise RuntimeError("an edit has begun already")
        self._title = title
        self._before = self._labels.copy()
        self._touched = None

    def paint(self, patch: Patch, value: int, changeable: NDArray[np.bool_] | None = None) -> bool:
        """Give voxels a value within the edit that has begun; return whether any changed.

        Parameters
        ----------
        changeable
            (256,) which values may be painted over; all if not given.

        Raises
        ------
        RuntimeError
            If no edit has begun.
        """
        self._require_begun()
        there = self._labels[patch.box]
        may = patch.mask_kji & (there != value)
        if changeable is not None:
            may &= changeable[there]
        if not may.any():
            return False
        there[may] = value
        self._touch(patch.box)
        return True

    def replace(self, labels_kji: Labels) -> bool:
        """Take over other labels within the edit that has begun; return whether any changed.

        Raises
        ------
        RuntimeError
            If no edit has begun.
        ValueError
            If they have another shape.
        """
        self._require_begun()
        if labels_kji.shape != self._labels.shape:
            raise ValueError(f"labels are {labels_kji.shape}, the grid {self._labels.shape}")
        changed = occupied_box(self._labels != labels_kji)
        if changed is None:
            return False
        self._touch(changed)
        self._labels[...] = labels_kji
        return True

    def end(self) -> Edit | None:
        """Finish the edit; return it, or ``None`` where nothing changed."""
        before, touched = self._before, self._touched
        self._before = self._touched = None
        if before is None or touched is None:
            return None
        inner = occupied_box(before[touched] != self._labels[touched])
        if inner is None:
            return None
        k, j, i = (
            slice(outer.start + one.start, outer.start + one.stop)
            for outer, one in zip(touched, inner, strict=True)
        )
        delta = before[k, j, i] ^ self._labels[k, j, i]
        edit = Edit(
            self._title,
            (k.start, j.start, i.start),
            (delta.shape[0], delta.shape[1], delta.shape[2]),
            zlib.compress(delta.tobytes(), 1),
        )
        self._undone.clear()
        self._remember(edit)
        return edit

    def cancel(self) -> None:
        """Give the edit that has begun up: the labels are as before it."""
        if self._before is not None and self._touched is not None:
            self._labels[self._touched] = self._before[self._touched]
        self._before = self._touched = None

    def undo(self) -> Edit | None:
        """Take the last edit back; return it, or ``None`` where there is none."""
        return self._step(self._done, self._undone.append)

    def redo(self) -> Edit | None:
        """Do the edit that was taken back last again; return it, or ``None``."""
        return self._step(self._undone, self._remember)

    def apply(self, edit: Edit) -> None:
        """Do an edit that was made elsewhere on the same labels.

        Raises
        ------
        ValueError
            If it does not fit the grid, or is damaged.
        """
        self._flip(edit)
        self._undone.clear()
        self._remember(edit)

    def _step(self, source: list[Edit], put: Callable[[Edit], None]) -> Edit | None:
        if not source or self._before is not None:
            return None
        edit = source.pop()
        self._flip(edit)
        put(edit)
        return edit

    def _flip(self, edit: Edit) -> None:
        stop_kji = np.add(edit.start_kji, edit.shape_kji)
        if min(edit.start_kji) < 0 or (stop_kji > self._labels.shape).any():
            raise ValueError(f"the edit lies outside the grid: {edit.start_kji} {edit.shape_kji}")
        self._labels[edit.box_kji] ^= edit.delta_kji()

    def _remember(self, edit: Edit) -> None:
        self._done.append(edit)
        while len(self._done) > 1 and sum(len(one.packed) for one in self._done) > (
            self._max_undo_bytes
        ):
            self._done.pop(0)
            self._forgotten += 1

    def _touch(self, box: Box) -> None:
        if self._touched is not None:
            k, j, i = (
                slice(min(one.start, two.start), max(one.stop, two.stop))
                for one, two in zip(self._touched, box, strict=True)
            )
            box = (k, j, i)
        self._touched = box

    def _require_begun(self) -> None:
        if self._before is None:
            raise RuntimeError("no edit has begun")

"""One stroke of a tool: which voxels it means, from its beginning to its end."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.correction import PaintOver, Tool, ToolSettings
from desktop_app.imaging.strokes import Patch, brush_patch, outline_patch, part_patch
from desktop_app.services.correction.similar_tissue import SimilarTissue
from desktop_app.services.correction.words import ENDLESS_TISSUE, NOTHING_THERE, grown_in_words


class Stroke:
    """What a tool draws over labels; changes nothing itself.

    Parameters
    ----------
    labels_kji
        (k, j, i) the labels, which may change meanwhile.
    tissue
        What is similarly bright, on their grid.
    start_kji
        (3,) fractional voxel index of the first point.
    flat_axis
        Axis (0 = k, 1 = j, 2 = i) through the slice that is drawn on.
    """

    def __init__(
        self,
        settings: ToolSettings,
        labels_kji: NDArray[np.uint8],
        tissue: SimilarTissue,
        start_kji: NDArray[np.float64],
        flat_axis: int,
    ) -> None:
        self.settings = settings
        self.flat_axis = flat_axis
        self.outcome = ""
        """What is to be said of it; mostly nothing."""
        self._labels = labels_kji
        self._geometry = tissue.geometry
        self._tissue = tissue
        self._way = [start_kji]

    @property
    def level(self) -> int:
        """The slice that was drawn on last."""
        return int(np.rint(self._way[-1][self.flat_axis]))

    @property
    def changeable(self) -> NDArray[np.bool_]:
        """(256,) whether it may change a voxel of each label."""
        settings = self.settings
        if settings.tool is Tool.PART:
            # Whoever points at a part means all of it, whatever drawing may change
            only_over = None if settings.value else settings.only_over
            settings = replace(settings, over=PaintOver.EVERYTHING, only_over=only_over)
        return settings.changeable

    def begin(self) -> Patch | None:
        """Return what its first point means."""
        match self.settings.tool:
            case Tool.BRUSH:
                return self._brushed(self._way[0], self._way[0])
            case Tool.PART:
                return self._part()
            case Tool.OUTLINE:
                return None

    def extend(self, at_kji: NDArray[np.float64]) -> Patch | None:
        """Return what it means in going on to a point."""
        self._way.append(at_kji)
        return self._brushed(*self._way[-2:]) if self.settings.tool is Tool.BRUSH else None

    def end(self) -> Patch | None:
        """Return what it means now that it is whole."""
        if self.settings.tool is not Tool.OUTLINE:
            return None
        patch = outline_patch(self._geometry, self._way, self.flat_axis)
        if patch is not None and self._keeps_to_similar:
            patch = self._tissue.like(patch, patch)
        return patch

    def _brushed(self, start: NDArray[np.float64], end: NDArray[np.float64]) -> Patch | None:
        settings = self.settings
        flat = None if settings.is_ball else self.flat_axis
        patch = brush_patch(self._geometry, start, end, settings.radius_mm, flat)
        if patch is not None and self._keeps_to_similar:
            patch = self._tissue.brushed(patch, start, end, settings.radius_mm, self.flat_axis)
        return patch

    def _part(self) -> Patch | None:
        labels, at = self._labels, self._way[0]
        k, j, i = (int(one) for one in np.rint(at))
        if not all(0 <= one < size for one, size in zip((k, j, i), labels.shape, strict=True)):
            return None
        clicked = labels[k, j, i]
        if not clicked:
            return self._grown(at)
        # Removing takes the whole island with all its regions, else a rim of oedema would stay.
        wanted = labels == clicked if self.settings.value else labels != 0
        return part_patch(wanted, (k, j, i))

    def _grown(self, at: NDArray[np.float64]) -> Patch | None:
        """Return the unmarked tissue that is clicked, if drawing keeps to similar brightness."""
        if not self._keeps_to_similar:
            self.outcome = NOTHING_THERE if self.settings.value else ""
            return None
        patch = self._tissue.grown(at, self._labels == 0)
        if patch is None:
            self.outcome = ENDLESS_TISSUE
            return None
        volume_mm3 = float(patch.mask_kji.sum()) * self._geometry.voxel_volume_mm3
        self.outcome = grown_in_words(volume_mm3)
        return patch

    @property
    def _keeps_to_similar(self) -> bool:
        settings = self.settings
        is_free = settings.value == 0 or settings.only_over is not None
        return settings.over is PaintOver.SIMILAR and not is_free

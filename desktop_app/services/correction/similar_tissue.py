"""What is about as bright as where a hand points, and hangs together with it."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.correction import GROWING_MM
from desktop_app.domain.geometry import Geometry
from desktop_app.domain.volume import Volume
from desktop_app.imaging.brightness import Brightness, Greys, alike, grey_range
from desktop_app.imaging.morphology import Mask, filled
from desktop_app.imaging.resample import resample
from desktop_app.imaging.strokes import Patch, brush_patch, connected_patch

# Around where a stroke begins: enough voxels to tell noise from tissue, few enough to be of one.
_BEGINNING_MM = 2.0


class SimilarTissue:
    """What one stroke may mark where it keeps to similar brightness.

    Parameters
    ----------
    image
        Says what is bright.
    geometry
        Grid of the labels.
    """

    def __init__(self, image: Volume, geometry: Geometry) -> None:
        self._image = image
        self.geometry = geometry
        self._alike: Brightness | None = None
        self._reached: Patch | None = None

    def brushed(
        self,
        patch: Patch,
        start_kji: NDArray[np.float64],
        end_kji: NDArray[np.float64],
        radius_mm: float,
        flat_axis: int,
    ) -> Patch:
        """Return what a brush reaches: as bright as where it began, and connected with its way.

        Parameters
        ----------
        patch
            All that the brush covers on its way.
        start_kji, end_kji
            (3,) fractional voxel indices of the way.
        radius_mm, flat_axis
            Of the brush, and the axis through the slice it is in.
        """
        beginning = brush_patch(
            self.geometry, start_kji, start_kji, min(radius_mm / 2, _BEGINNING_MM), flat_axis
        )
        near = self._alike_in(patch, beginning or patch, is_outline=False)
        seeds = [brush_patch(self.geometry, start_kji, end_kji, 0.0, flat_axis), self._reached]
        reached = connected_patch(near, [one for one in seeds if one is not None])
        if self._reached is None and not reached.mask_kji.any() and beginning is not None:
            # Noise under the pointer itself
            reached = connected_patch(near, [beginning])
        self._reached = reached
        return reached

    def grown(self, at_kji: NDArray[np.float64], free_kji: Mask) -> Patch | None:
        """Return all that is as bright as a place and connected with it, with what it encloses.

        Parameters
        ----------
        at_kji
            (3,) fractional voxel index on the grid.
        free_kji
            (k, j, i) where it may grow.

        Returns
        -------
        Patch or None
            ``None`` where it goes on beyond `GROWING_MM` in some direction.
        """
        reach = np.ceil(GROWING_MM / np.array(self.geometry.spacing_mm)).astype(int)
        at = np.rint(at_kji).astype(int)
        low, high = np.maximum(at - reach, 0), np.minimum(at + reach + 1, free_kji.shape)
        k, j, i = (slice(a, b) for a, b in zip(low.tolist(), high.tolist(), strict=True))
        around = Patch((k.start, j.start, i.start), free_kji[k, j, i])
        beginning = brush_patch(self.geometry, at_kji, at_kji, _BEGINNING_MM)
        near = self._alike_in(around, beginning or around, is_outline=False)
        seeds = [brush_patch(self.geometry, at_kji, at_kji, 0.0), beginning]
        for seed in seeds:  # the second where there is noise under the pointer itself
            grown = connected_patch(near, [seed] if seed is not None else [])
            if grown.mask_kji.any():
                break
        if _goes_on(grown, free_kji.shape):
            return None
        return replace(grown, mask_kji=filled(grown.mask_kji) & around.mask_kji)

    def like(self, patch: Patch, example: Patch) -> Patch:
        """Return what of a patch is as bright as most of another, which may be itself."""
        return self._alike_in(patch, example, is_outline=True)

    def _alike_in(self, patch: Patch, asked: Patch, *, is_outline: bool) -> Patch:
        if self._alike is None:
            values = self._greys(asked)[asked.mask_kji]
            self._alike = alike(values, grey_range(self._image), enclosed=is_outline)
        return patch.within(self._alike.holds(self._greys(patch)))

    def _greys(self, patch: Patch) -> Greys:
        return resample(self._image, self.geometry.cropped(patch.box)).array_kji


def _goes_on(patch: Patch, shape_kji: tuple[int, ...]) -> bool:
    """Whether a patch reaches a side of its box that is no end of the grid."""
    mask = patch.mask_kji
    return any(
        (one.start > 0 and mask.take(0, axis).any())
        or (one.stop < size and mask.take(-1, axis).any())
        for axis, (one, size) in enumerate(zip(patch.box, shape_kji, strict=True))
    )

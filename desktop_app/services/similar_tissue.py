"""Of what is drawn over an image, the part that is about as bright and hangs together."""

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.volume import Volume
from desktop_app.imaging.brightness import Brightness, Greys, alike, grey_range
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
        self._geometry = geometry
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
            self._geometry, start_kji, start_kji, min(radius_mm / 2, _BEGINNING_MM), flat_axis
        )
        near = self._alike_in(patch, beginning or patch, is_outline=False)
        seeds = [brush_patch(self._geometry, start_kji, end_kji, 0.0, flat_axis), self._reached]
        reached = connected_patch(near, [one for one in seeds if one is not None])
        if self._reached is None and not reached.mask_kji.any() and beginning is not None:
            # Noise under the pointer itself
            reached = connected_patch(near, [beginning])
        self._reached = reached
        return reached

    def like(self, patch: Patch, example: Patch) -> Patch:
        """Return what of a patch is as bright as most of another, which may be itself."""
        return self._alike_in(patch, example, is_outline=True)

    def _alike_in(self, patch: Patch, asked: Patch, *, is_outline: bool) -> Patch:
        if self._alike is None:
            values = self._greys(asked)[asked.mask_kji]
            self._alike = alike(values, grey_range(self._image), enclosed=is_outline)
        return patch.within(self._alike.holds(self._greys(patch)))

    def _greys(self, patch: Patch) -> Greys:
        return resample(self._image, self._geometry.cropped(patch.box)).array_kji

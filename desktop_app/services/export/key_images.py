"""Pictures for the report: three planes through the tumour, its regions outlined."""

from collections.abc import Mapping
from collections.abc import Sequence as Many
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

from desktop_app.domain.change_marks import Hatch, hatching
from desktop_app.domain.geometry import Geometry
from desktop_app.domain.measurement import AnatomicalPlane, Diameters, Point
from desktop_app.domain.readable import readable_diameters, readable_position
from desktop_app.domain.segmentation import Region, Segmentation
from desktop_app.domain.study import Series
from desktop_app.domain.volume import Volume
from desktop_app.services.measuring.diameters import image_number

SIZE_PX = 480
_MARGIN_MM = 6.0
_FILL_OPACITY = 0.1
_OUTLINE_PX = 2
_RIM = 0.35
# Darker than this share of the bright end is air: it decides only how far the picture reaches.
_AIR = 0.1
_WINDOW_PERCENT = (1.0, 99.3)

FloatArray = NDArray[np.float64]


class PatientAxis(IntEnum):
    """Axes of LPS coordinates."""

    LEFT = 0
    POSTERIOR = 1
    SUPERIOR = 2


@dataclass(frozen=True, slots=True)
class PlaneKind:
    """An anatomical plane in radiological convention.

    Parameters
    ----------
    normal, right, down
        Patient axes across the plane, towards the right and towards the bottom of the picture.
    right_sign, down_sign
        Whether the picture runs along or against the axis.
    letters
        Side letters: left, right, top, bottom of the picture.
    """

    plane: AnatomicalPlane
    normal: PatientAxis
    right: PatientAxis
    right_sign: int
    down: PatientAxis
    down_sign: int
    letters: tuple[str, str, str, str]


_L, _P, _S = PatientAxis.LEFT, PatientAxis.POSTERIOR, PatientAxis.SUPERIOR
PLANES = (
    PlaneKind(AnatomicalPlane.AXIAL, _S, _L, 1, _P, 1, ("R", "L", "A", "P")),
    PlaneKind(AnatomicalPlane.CORONAL, _P, _L, 1, _S, -1, ("R", "L", "S", "I")),
    PlaneKind(AnatomicalPlane.SAGITTAL, _L, _P, 1, _S, -1, ("A", "P", "S", "I")),
)


@dataclass(frozen=True, slots=True, eq=False)
class KeyImage:
    """One square picture; side letters and scale bar are drawn by who shows it.

    Parameters
    ----------
    rgb_yxc
        (SIZE_PX, SIZE_PX, 3) uint8.
    pixel_mm
        Size of a pixel in the patient.
    letters
        Side letters: left, right, top, bottom.
    lines
        Diameters: two ends each, (x, y) as shares of the picture from its upper left corner.
    """

    caption: str
    rgb_yxc: NDArray[np.uint8]
    pixel_mm: float
    letters: tuple[str, str, str, str]
    lines: tuple[tuple[tuple[float, float], tuple[float, float]], ...] = ()


@dataclass(frozen=True, slots=True)
class Paint:
    """How the voxels of one value are painted; their outline is solid."""

    rgb: tuple[int, int, int]
    fill_opacity: float = _FILL_OPACITY
    hatch: Hatch = Hatch.NONE


@dataclass(frozen=True, slots=True, eq=False)
class Marked:
    """What is painted over a picture.

    Parameters
    ----------
    labels_kji
        (k, j, i) uint8, on the grid of the labels that the cuts follow.
    paints
        By value.
    """

    labels_kji: NDArray[np.uint8]
    paints: Mapping[int, Paint]


class KeyImageMaker:
    """Cuts pictures of one study: all on the same planes and to the same scale.

    Parameters
    ----------
    segmentation
        Labels; the cuts follow the axes of its grid that are nearest to the patient's, through
        the plane of each orientation that shows most tumour (its core counts twice).
    reference
        Image on the same grid; where there is no tumour, its middle is shown.
    series
        What the reference was read from, to name its images as archives do.
    """

    def __init__(self, segmentation: Segmentation, reference: Volume, series: Series) -> None:
        self._segmentation = segmentation
        paints = {one.value: Paint(one.rgb) for one in segmentation.definitions}
        self._marked = Marked(segmentation.labels_kji, paints)
        self._reference = reference
        self._series = series
        self._geometry = reference.geometry
        self._axes = _index_axes(reference.geometry)
        head = _head_box(reference)
        self._centre_kji = head.mean(axis=0)
        spacing = np.array(reference.geometry.spacing_mm)
        self._field_mm = float(((head[1] - head[0] + 1) * spacing).max()) + 2 * _MARGIN_MM
        self._cuts = self._best_cuts()

    def make(
        self,
        name: str,
        volume: Volume,
        *,
        marked: Marked | None = None,
        planes: Many[PlaneKind] = PLANES,
    ) -> tuple[KeyImage, ...]:
        """Cut an image along planes.

        Parameters
        ----------
        name
            Name of the sequence, for the caption.
        volume
            The image; it may lie on another grid than the labels.
        marked
            What is painted over it; the labels that the cuts follow if not given.
        """
        window = _window(volume)
        return tuple(
            KeyImage(
                caption=f"{name}, {plane.plane.value}, {self._where(plane, volume)}",
                rgb_yxc=self._cut(volume, plane, self._cuts[plane.normal], window, marked),
                pixel_mm=self._field_mm / SIZE_PX,
                letters=plane.letters,
            )
            for plane in planes
        )

    def make_measured(self, volume: Volume, found: Diameters) -> KeyImage:
        """Cut an image where diameters lie, with both of their lines.

        Parameters
        ----------
        found
            Of the labels that the cuts follow.
        """
        plane = next(one for one in PLANES if one.plane is found.plane)
        lengths = readable_diameters(found.long_mm, found.short_mm, found.least_mm)
        number = ""
        # As `_where` has it: another series has other images.
        if found.slice_axis == 0 and volume is self._reference:
            number = image_number(self._series.image_on(self._geometry, found.slice_index))
        where = (readable_position(found.plane, found.position_mm), number)
        return KeyImage(
            caption=", ".join((f"{found.region} {lengths}", *(one for one in where if one))),
            rgb_yxc=self._cut(volume, plane, found.slice_index, _window(volume), None),
            pixel_mm=self._field_mm / SIZE_PX,
            letters=plane.letters,
            lines=tuple(
                (self._share(one, plane), self._share(other, plane))
                for one, other in (found.long_ends, found.short_ends)
            ),
        )

    def _cut(
        self,
        volume: Volume,
        plane: PlaneKind,
        cut: int,
        window: tuple[float, float],
        marked: Marked | None,
    ) -> NDArray[np.uint8]:
        index_kji = self._pixels_kji(plane, cut)
        points = self._geometry.to_patient_mm(index_kji)
        values = ndimage.map_coordinates(
            volume.array_kji,
            np.moveaxis(volume.geometry.to_index_kji(points), -1, 0),
            order=1,
            output=np.float32,
        )
        low, high = window
        grey = np.clip((values - low) / (high - low), 0, 1)
        rgb = np.repeat(grey[..., np.newaxis], 3, axis=-1)
        self._paint(rgb, plane, index_kji, marked or self._marked)
        picture: NDArray[np.uint8] = (rgb * 255).round().astype(np.uint8)
        return picture

    def _share(self, point_lps_mm: Point, plane: PlaneKind) -> tuple[float, float]:
        """Return where a point of a cut lies, across and down, as `_pixels_kji` lays them out."""
        from_centre = self._geometry.to_index_kji(np.array(point_lps_mm)) - self._centre_kji
        x, y = (
            0.5 + from_centre[self._axes[axis]] / (self._step(axis, sign) * self._field_mm)
            for axis, sign in ((plane.right, plane.right_sign), (plane.down, plane.down_sign))
        )
        return float(x), float(y)

    def _best_cuts(self) -> dict[PatientAxis, int]:
        segmentation = self._segmentation
        cuts = {}
        for axis, index_axis in self._axes.items():
            cuts[axis] = round(float(self._centre_kji[index_axis]))
            if not segmentation.is_empty:
                others = tuple(a for a in range(3) if a != index_axis)
                whole = segmentation.mask_kji(Region.WT).sum(axis=others)
                core = segmentation.mask_kji(Region.TC).sum(axis=others)
                cuts[axis] = int(np.argmax(whole + core))
        return cuts

    def _pixels_kji(self, plane: PlaneKind, cut: int) -> FloatArray:
        """(y, x, 3) index of every pixel of a cut, in the grid of the labels."""
        offsets_mm = (np.arange(SIZE_PX) + 0.5) / SIZE_PX * self._field_mm - self._field_mm / 2
        index = np.empty((SIZE_PX, SIZE_PX, 3))
        index[..., self._axes[plane.normal]] = cut
        for axis, sign, offsets in (
            (plane.right, plane.right_sign, offsets_mm[np.newaxis, :]),
            (plane.down, plane.down_sign, offsets_mm[:, np.newaxis]),
        ):
            index_axis = self._axes[axis]
            index[..., index_axis] = self._centre_kji[index_axis] + offsets * self._step(axis, sign)
        return index

    def _step(self, axis: PatientAxis, sign: int) -> float:
        """Return by how many voxels a picture goes on in a millimetre."""
        return sign * self._direction(axis) / self._geometry.spacing_mm[self._axes[axis]]

    def _direction(self, axis: PatientAxis) -> int:
        """Whether the grid's axis runs towards the positive end of the patient's."""
        column = 2 - self._axes[axis]
        return 1 if self._geometry.direction_lps[axis, column] > 0 else -1

    def _paint(
        self,
        rgb: NDArray[np.float32],
        plane: PlaneKind,
        index_kji: FloatArray,
        marked: Marked,
    ) -> None:
        normal = self._axes[plane.normal]
        cut = round(float(index_kji[0, 0, normal]))
        labels = np.take(marked.labels_kji, cut, axis=normal)
        inside = np.moveaxis(np.delete(index_kji, normal, axis=-1), -1, 0)
        # Linear between voxels, so that outlines do not show the steps of coarse grids.
        shares = np.stack(
            [
                ndimage.map_coordinates((labels == value).astype(np.float32), inside, order=1)
                for value in marked.paints
            ]
        )
        winner = shares.argmax(axis=0)
        tumour = shares.sum(axis=0) >= 0.5
        # A dark rim keeps light outlines visible on bright tissue.
        rgb[ndimage.binary_dilation(tumour) & ~tumour] *= _RIM
        for number, paint in enumerate(marked.paints.values()):
            mask = tumour & (winner == number)
            colour = np.array(paint.rgb, dtype=np.float32) / 255
            edge = mask & ~ndimage.binary_erosion(mask, iterations=_OUTLINE_PX)
            rgb[mask] = rgb[mask] * (1 - paint.fill_opacity) + colour * paint.fill_opacity
            lines = hatching((SIZE_PX, SIZE_PX), paint.hatch, _OUTLINE_PX)
            rgb[edge | (mask & lines)] = colour

    def _where(self, plane: PlaneKind, volume: Volume) -> str:
        # The place of the cut where it crosses the two others.
        crossing = np.empty(3)
        for axis, other in self._axes.items():
            crossing[other] = self._cuts[axis]
        place_mm = float(self._geometry.to_patient_mm(crossing)[plane.normal])
        position = readable_position(plane.plane, place_mm)
        # Another series has other images, even where it was resampled onto this grid.
        if self._axes[plane.normal] != 0 or volume is not self._reference:
            return position
        cut = self._cuts[plane.normal]
        number = image_number(self._series.image_on(self._geometry, cut))
        return f"{position}, {number}" if number else position


def _index_axes(geometry: Geometry) -> dict[PatientAxis, int]:
    """Return for every patient axis the array axis (0 k, 1 j, 2 i) that is nearest to it."""
    patient, column = linear_sum_assignment(-np.abs(geometry.direction_lps))
    return {PatientAxis(int(p)): 2 - int(c) for p, c in zip(patient, column, strict=True)}


def _head_box(volume: Volume) -> FloatArray:
    """(2, 3) first and last index along k, j, i of what is not air; the grid if all is air."""
    array = volume.array_kji
    bright = float(np.percentile(array[::2, ::2, ::2], 99))
    inside = array > bright * _AIR
    if not inside.any():
        return np.array([[0.0, 0.0, 0.0], [n - 1.0 for n in array.shape]])
    found = ndimage.find_objects(inside.astype(np.uint8))[0]
    return np.array([[s.start for s in found], [s.stop - 1 for s in found]], dtype=np.float64)


def _window(volume: Volume) -> tuple[float, float]:
    array = volume.array_kji[::2, ::2, ::2]
    inside = array[array > float(np.percentile(array, 99)) * _AIR]
    if inside.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(inside, _WINDOW_PERCENT)
    return min(0.0, float(low)), max(float(high), float(low) + 1e-6)

"""A lesion completed from strokes in it: which count, how far they may grow, what came of it."""

from collections.abc import Callable
from collections.abc import Sequence as Many

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import csgraph

from desktop_app.domain.correction import GROWING_MM, Edit, ToolSettings
from desktop_app.domain.geometry import Geometry
from desktop_app.domain.result import PreparedStudy, StudyResult
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.imaging.morphology import Mask
from desktop_app.imaging.resample import Interpolation, resample
from desktop_app.imaging.seed_growing import grown
from desktop_app.imaging.strokes import Patch
from desktop_app.services.correction.label_editor import Labels
from desktop_app.services.correction.words import NO_HEALTHY, NO_STROKES, grown_from_in_words
from model.cropping import Box

# Together they show core and whole tumour.
_TELLING = (Sequence.T1C, Sequence.FLAIR)
# Finer or more voxels cost seconds.
_FINEST_MM, _MOST_VOXELS = 1.0, 120_000
_OUTSIDE = 255
# Share of what grew; some of it is under new strokes.
_REMOVED = 0.9


class EarlierGrowth:
    """What grew from strokes before, so that with more of them it grows anew."""

    def __init__(self) -> None:
        self._noted: list[tuple[Edit, Labels]] = []

    def note(self, edit: Edit, labels_kji: Labels) -> None:
        """Note what the step led to."""
        self._noted.append((edit, labels_kji[edit.box_kji].copy()))

    def without(self, labels_kji: Labels, done: Many[Edit], box: Box) -> tuple[Labels, Mask]:
        """Return a box as before what grew in it, and where it was changed since, which stays."""
        labels_kji, standing = labels_kji.copy(), {id(edit) for edit in done}
        is_changed = np.zeros(labels_kji.shape, np.bool_)
        for edit, grown_kji in reversed(self._noted):
            if id(edit) in standing and _holds(box, edit.box_kji):
                near, changed = labels_kji[edit.box_kji], is_changed[edit.box_kji]
                delta = edit.delta_kji()
                # Removed as a whole: new strokes there start afresh.
                if (near[delta != 0] == 0).mean() > _REMOVED:
                    continue
                changed |= near != grown_kji
                near[~changed] ^= delta[~changed]
        return labels_kji[box], is_changed[box]


def growing_box(strokes: Many[tuple[int, Patch]], geometry: Geometry) -> Box | None:
    """Return how far the last stroke that paints, and those near it, may grow.

    Parameters
    ----------
    strokes
        Label and voxels, in order; 0 for what was erased.
    """
    boxes = [patch.box for value, patch in strokes if value]
    if not boxes:
        return None
    low = np.array([[one.start for one in box] for box in boxes])
    high = np.array([[one.stop for one in box] for box in boxes])
    gap_mm = np.maximum(low[:, None] - high[None], 0) * geometry.spacing_mm
    # As near as their reaches meet
    near = (np.maximum(gap_mm, gap_mm.swapaxes(0, 1)) <= 2 * GROWING_MM).all(axis=2)
    _, group = csgraph.connected_components(near)
    mine = group == group[-1]
    reach = np.ceil(GROWING_MM / np.array(geometry.spacing_mm)).astype(int)
    first = np.maximum(low[mine].min(axis=0) - reach, 0)
    last = np.minimum(high[mine].max(axis=0) + reach, geometry.shape_kji)
    k, j, i = (slice(a, b) for a, b in zip(first.tolist(), last.tolist(), strict=True))
    return k, j, i


def grow(
    before_kji: Labels,
    result: StudyResult,
    settings: ToolSettings,
    strokes: Many[tuple[int, Patch]],
    without: Callable[[Box], tuple[Labels, Mask]],
) -> tuple[Labels, str]:
    """Complete regions from strokes, where the settings let them be painted.

    Parameters
    ----------
    strokes
        See `growing_box`.
    without
        Returns a box without what grew in it before, and where that was changed since.

    Returns
    -------
    tuple
        The labels, and in words what grew, or why nothing did.
    """
    geometry = result.segmentation.geometry
    box = growing_box(strokes, geometry)
    if box is None:
        return before_kji, NO_STROKES
    seeds = np.zeros(before_kji.shape, np.uint8)
    count = 0
    for value, patch in strokes:
        seeds[patch.box][patch.mask_kji] = value or _OUTSIDE
        count += value != 0 and _holds(box, patch.box)
    inside, target = seeds[box], geometry.cropped(box)
    tissue = _tissue(result.prepared, target, inside)
    found = _completed(_images(result.prepared), inside, tissue, target)
    if found is None:
        return before_kji, NO_HEALTHY
    now, (bare, is_changed) = before_kji[box], without(box)
    new = np.where(found != 0, found, bare)
    # What grew may be painted over as what it is, and as what it grew over.
    may = settings.changeable[now] | settings.changeable[bare]
    may &= (inside == 0) & ~is_changed & ~np.isin([now, new], list(settings.hidden)).any(axis=0)
    after = before_kji.copy()
    after[box][may] = new[may]
    definitions, voxel_mm3 = result.segmentation.definitions, geometry.voxel_volume_mm3
    return after, grown_from_in_words(count, before_kji, after, definitions, voxel_mm3)


def _completed(
    images: Many[Volume], seeds: NDArray[np.uint8], tissue: Mask, geometry: Geometry
) -> Labels | None:
    """Return the label that every voxel of a box belongs to; ``None`` if all would be lesion.

    Parameters
    ----------
    tissue
        Where it grows, strokes aside.
    """
    coarse = _worked_on(geometry)
    shape, spacing_mm = coarse.shape_kji, coarse.spacing_mm
    drawn = np.argwhere(seeds)
    marked = np.zeros(shape, np.uint8)
    marked[tuple((drawn * shape // seeds.shape).T)] = seeds[tuple(drawn.T)]
    middles = (
        (np.arange(new) + 0.5) * old / new for new, old in zip(shape, tissue.shape, strict=True)
    )
    domain = tissue[np.ix_(*(one.astype(int) for one in middles))] | (marked != 0)
    is_painted = (marked != 0) & (marked != _OUTSIDE)
    away_mm = ndimage.distance_transform_edt(~is_painted, sampling=spacing_mm)
    marked[(away_mm > GROWING_MM) & domain & ~is_painted] = _OUTSIDE
    values = np.unique(marked[marked != 0])
    if _OUTSIDE not in values:
        return None
    kinds = np.searchsorted(values, marked).astype(np.uint8) + np.uint8(1)
    kinds[marked == 0] = 0
    greys = [resample(image, coarse, antialias=True).array_kji for image in images]
    chances = grown(greys, kinds, domain, spacing_mm)
    if shape != seeds.shape:
        scale = np.divide(seeds.shape, shape)
        zoomed = (
            ndimage.zoom(one, scale, order=1, mode="nearest", grid_mode=True) for one in chances
        )
        chances = np.array(list(zoomed))
    found: Labels = np.append(values, 0)[chances.argmax(axis=0)].astype(np.uint8)
    found[(found == _OUTSIDE) | (chances.sum(axis=0) < 0.5)] = 0
    painted = (seeds != 0) & (seeds != _OUTSIDE)
    parts, parts_count = ndimage.label((found != 0) | painted)
    held = np.zeros(parts_count + 1, np.bool_)
    held[parts[painted]] = True
    found[~held[parts]] = 0
    return found


def _images(prepared: PreparedStudy) -> list[Volume]:
    volumes = prepared.volumes
    return [volumes[one] for one in _TELLING if one in volumes] or list(volumes.values())


def _tissue(prepared: PreparedStudy, geometry: Geometry, seeds: NDArray[np.uint8]) -> Mask:
    """Mark the brain; everything where the strokes mostly lie outside it, as in the meninges."""
    brain = Volume(prepared.brain_kji.view(np.uint8), prepared.work_geometry)
    found = resample(brain, geometry, interpolation=Interpolation.NEAREST).array_kji != 0
    painted = (seeds != 0) & (seeds != _OUTSIDE)
    mask: Mask = found if found[painted].mean() > 0.5 else np.ones_like(found)
    return mask


def _worked_on(geometry: Geometry) -> Geometry:
    """Return a grid over the same box that is coarse enough to work on."""
    old, counts = np.array(geometry.spacing_mm), np.array(geometry.shape_kji)
    finest = _FINEST_MM
    while True:
        wanted = np.maximum(old, finest)
        new = np.maximum(1, np.round(counts * old / wanted).astype(int))
        if new.prod() <= _MOST_VOXELS:
            break
        finest *= 1.1
    if (new == counts).all():
        return geometry
    scale = counts / new
    affine = geometry.affine_lps_mm.copy()
    affine[:3, 3] = geometry.to_patient_mm((scale - 1) / 2)
    affine[:3, :3] *= scale[::-1]
    k, j, i = (int(one) for one in new)
    return Geometry((k, j, i), affine, geometry.frame_of_reference_uid)


def _holds(outer: Box, inner: Box) -> bool:
    return all(a.start <= b.start and b.stop <= a.stop for a, b in zip(outer, inner, strict=True))

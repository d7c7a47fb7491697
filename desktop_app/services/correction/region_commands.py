"""Commands on a whole region or tumour: the labels they lead to, and what they did in words."""

import math

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.correction import PaintOver, ToolSettings
from desktop_app.domain.segmentation import Segmentation
from desktop_app.imaging.label_changes import narrowed, smoothed, widened, without_specks
from desktop_app.imaging.morphology import Mask
from desktop_app.imaging.slice_filling import filled_between
from desktop_app.imaging.strokes import Patch, part_patch
from desktop_app.services.correction.drawn_slices import Drawn
from desktop_app.services.correction.similar_tissue import SimilarTissue
from desktop_app.services.correction.words import (
    changes_in_words,
    filled_in_words,
    moved_in_words,
    not_moved_in_words,
    nothing_filled_in_words,
    removed_in_words,
    smoothed_in_words,
)
from desktop_app.services.measuring.diameters import plane_across
from model.cropping import occupied_box

Labels = NDArray[np.uint8]


def smooth(
    labels_kji: Labels, segmentation: Segmentation, hidden: frozenset[int]
) -> tuple[Labels, str]:
    """Even out ragged borders, but for those of hidden labels."""
    definitions, geometry = segmentation.definitions, segmentation.geometry
    after = smoothed(labels_kji, tuple(one.value for one in definitions), geometry.spacing_mm)
    if hidden:
        kept = list(hidden)
        is_kept = np.isin(labels_kji, kept) | np.isin(after, kept)
        after = np.where(is_kept, labels_kji, after)
    return after, smoothed_in_words(labels_kji, after, definitions, geometry.voxel_volume_mm3)


def remove_specks(
    labels_kji: Labels, segmentation: Segmentation, smallest_mm3: float, hidden: frozenset[int]
) -> tuple[Labels, str]:
    """Take small parts away, but for the largest and those with hidden labels."""
    voxel_mm3 = segmentation.geometry.voxel_volume_mm3
    after, parts = without_specks(labels_kji, math.ceil(smallest_mm3 / voxel_mm3), hidden)
    volume_mm3 = float(np.count_nonzero(labels_kji != after)) * voxel_mm3
    return after, removed_in_words(parts, volume_mm3, smallest_mm3, has_hidden=bool(hidden))


def move_border(
    labels_kji: Labels,
    segmentation: Segmentation,
    settings: ToolSettings,
    by_mm: float,
    tissue: SimilarTissue,
    *,
    at_kji: tuple[int, int, int] | None = None,
) -> tuple[Labels, str]:
    """Make a region wider by millimetres, or narrower where they are negative.

    It grows over what the settings let be painted over. What it gives up becomes what lies nearest
    outside.

    Parameters
    ----------
    tissue
        What is similarly bright, where the settings ask for that.
    at_kji
        A voxel of the one connected part to move; ``None`` for all of the region.
    """
    value, geometry = settings.value, segmentation.geometry
    definition = next(one for one in segmentation.definitions if one.value == value)
    name = definition.name.lower()
    if value in settings.hidden:
        return labels_kji, f"Nothing changed: {name} is hidden."
    part = labels_kji == value
    if at_kji is not None:
        part = _part_at(part, at_kji)
    spacing_mm, after, is_there = geometry.spacing_mm, labels_kji, bool(part.any())
    if by_mm > 0:
        may = settings.changeable
        after = widened(labels_kji, part, value, by_mm, spacing_mm, changeable=may)
        box = occupied_box(after == value)
        if settings.over is PaintOver.SIMILAR and box and is_there:
            start = (box[0].start, box[1].start, box[2].start)
            gained = Patch(start, (after != labels_kji)[box])
            is_like = tissue.like(gained, Patch(start, part[box])).mask_kji
            after[box][gained.mask_kji & ~is_like] = labels_kji[box][gained.mask_kji & ~is_like]
    elif settings.only_over in (None, value):
        after = narrowed(labels_kji, part, -by_mm, spacing_mm, settings.hidden)
    is_left = bool((after[part] == value).any())
    changes = changes_in_words(
        labels_kji, after, segmentation.definitions, geometry.voxel_volume_mm3
    )
    if is_left and changes:
        return after, moved_in_words(definition.name, by_mm, changes)
    return labels_kji, not_moved_in_words(
        name,
        by_mm,
        min(spacing_mm),
        is_there=is_there,
        is_part=at_kji is not None,
        would_go=is_there and not is_left,
    )


def _part_at(region_kji: Mask, at_kji: tuple[int, int, int]) -> Mask:
    """Return the connected part of a region that holds a voxel; nothing where none does."""
    part = np.zeros_like(region_kji)
    is_inside = all(0 <= at < size for at, size in zip(at_kji, part.shape, strict=True))
    patch = part_patch(region_kji, at_kji) if is_inside else None
    if patch is not None:
        part[patch.box] = patch.mask_kji
    return part


def fill_between(
    labels_kji: Labels,
    segmentation: Segmentation,
    settings: ToolSettings,
    drawn: Drawn | None,
    tissue: SimilarTissue | None,
) -> tuple[Labels, str]:
    """Fill a region between the slices it was drawn in, where the settings let it be painted.

    Parameters
    ----------
    drawn
        ``None`` where nothing was drawn yet.
    tissue
        What is similarly bright, where the settings ask for that.
    """
    value, geometry = settings.value, segmentation.geometry
    definition = next(one for one in segmentation.definitions if one.value == value)
    name = definition.name.lower()
    if drawn is None:
        return labels_kji, nothing_filled_in_words(name, None, 0, is_between=False)
    plane = plane_across(geometry, drawn.axis)
    within_mm = list(geometry.spacing_mm)
    apart_mm = within_mm.pop(drawn.axis)
    between = filled_between(drawn.shapes, drawn.fresh, apart_mm, (within_mm[0], within_mm[1]))
    after = labels_kji.copy()
    stack, slices = np.moveaxis(after, drawn.axis, 0), 0
    for level, mask in between.items():
        may = mask & settings.changeable[stack[level]] & (stack[level] != value)
        if tissue is not None and settings.over is PaintOver.SIMILAR:
            may &= _similar(tissue, drawn, level, mask)
        stack[level][may] = value
        slices += bool(may.any())
    if not slices:
        count = len(drawn.shapes)
        return after, nothing_filled_in_words(name, plane, count, is_between=bool(between))
    volume_mm3 = float(np.count_nonzero(after != labels_kji)) * geometry.voxel_volume_mm3
    return after, filled_in_words(slices, plane, definition, volume_mm3)


def _similar(tissue: SimilarTissue, drawn: Drawn, level: int, mask: Mask) -> Mask:
    """Mark what of a slice is as bright as most of the largest shape drawn."""
    largest = max(drawn.shapes, key=lambda one: int(drawn.shapes[one].sum()))
    patch, example = (
        _flat_patch(drawn.axis, at, shape)
        for at, shape in ((level, mask), (largest, drawn.shapes[largest]))
    )
    similar: Mask = tissue.like(patch, example).mask_kji.squeeze(drawn.axis)
    return similar


def _flat_patch(axis: int, level: int, mask_yx: Mask) -> Patch:
    start = [0, 0, 0]
    start[axis] = level
    return Patch((start[0], start[1], start[2]), np.expand_dims(mask_yx, axis))

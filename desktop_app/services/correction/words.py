"""What was done to labels by hand, in one line each for people."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.correction import GROWING_MM, Edit
from desktop_app.domain.measurement import AnatomicalPlane
from desktop_app.domain.provenance import Provenance
from desktop_app.domain.readable import readable_change, readable_share, readable_volume
from desktop_app.domain.segmentation import (
    REGION_LABELS,
    REGION_TITLES,
    LabelDefinition,
    Region,
)

Labels = NDArray[np.uint8]

MM3_PER_CM3 = 1000.0

NOTHING_THERE = (
    "Nothing is marked there. With “Over similar only” a click marks the tissue as bright as here."
)
ENDLESS_TISSUE = (
    f"Nothing was marked: what is as bright as here goes on for more than {GROWING_MM:g} mm."
)
NO_STROKES = (
    "Nothing to grow: brush a stroke into each region of the lesion first, in some of its slices."
)
NO_HEALTHY = (
    "Nothing grew: first draw a stroke with the eraser in healthy tissue around the lesion."
)
NOTHING_SMOOTHED = "No border was ragged: nothing changed."


def smoothed_in_words(
    before_kji: Labels,
    after_kji: Labels,
    definitions: Iterable[LabelDefinition],
    voxel_mm3: float,
) -> str:
    """Return ``Borders smoothed: ET 28.80 → 28.10 cm³``: every region whose voxels changed."""
    told = changes_in_words(before_kji, after_kji, definitions, voxel_mm3)
    return f"Borders smoothed: {told}." if told else NOTHING_SMOOTHED


def changes_in_words(
    before_kji: Labels,
    after_kji: Labels,
    definitions: Iterable[LabelDefinition],
    voxel_mm3: float,
) -> str:
    """Return ``ET 28.80 → 28.10 cm³``, for every region whose voxels changed."""
    changed = before_kji != after_kji
    old, new = before_kji[changed], after_kji[changed]
    told = []
    for one in definitions:
        if (old == one.value).any() or (new == one.value).any():
            was, now = (
                readable_volume(np.count_nonzero(labels == one.value) * voxel_mm3)
                for labels in (before_kji, after_kji)
            )
            told.append(f"{one.region} {was} → {now} cm³")
    return ", ".join(told)


def moved_in_words(name: str, by_mm: float, changes: str) -> str:
    """Return ``Enhancing tumour 2 mm wider: ET 2.10 → 3.40 cm³.``."""
    return f"{name} {abs(by_mm):g} mm {'wider' if by_mm > 0 else 'narrower'}: {changes}."


def not_moved_in_words(
    name: str, by_mm: float, least_mm: float, *, is_there: bool, is_part: bool, would_go: bool
) -> str:
    """Return why the border of a region was not moved.

    Parameters
    ----------
    least_mm
        The least distance of two voxels.
    is_there, is_part
        Whether anything is marked, and whether only the part at the crosshair was asked for.
    would_go
        Whether nothing would be left.
    """
    if not is_there:
        where = "at the crosshair" if is_part else "marked"
        return f"Nothing changed: there is no {name} {where}."
    if would_go:
        return f"Nothing changed: {-by_mm:g} mm narrower, nothing would be left of {name}."
    if abs(by_mm) < least_mm:
        return f"Nothing changed: voxels lie {least_mm:.2g} mm apart, farther than {abs(by_mm):g}."
    return f"Nothing changed: what lies around {name} may not be changed."


def removed_in_words(
    parts: int, volume_mm3: float, smallest_mm3: float, *, has_hidden: bool
) -> str:
    """Return ``3 parts removed, 0.12 cm³``, or why none was."""
    if not parts:
        spared = " Parts with hidden regions stay." if has_hidden else ""
        below = f"{smallest_mm3 / MM3_PER_CM3:g} cm³"
        return f"Nothing removed: no part but the largest is below {below}.{spared}"
    count = "1 part" if parts == 1 else f"{parts} parts"
    return f"{count} removed, {readable_volume(volume_mm3)} cm³."


def stepped_in_words(
    verb: str, edit: Edit, now_kji: Labels, definitions: Iterable[LabelDefinition], voxel_mm3: float
) -> str:
    """Return ``Undone: paint enhancing tumour; ET 28.80 → 28.50 cm³.``, the labels being as now."""
    after = now_kji[edit.box_kji]
    before = after ^ edit.delta_kji()
    told = []
    for one in definitions:
        gained = np.count_nonzero(after == one.value) - np.count_nonzero(before == one.value)
        if gained:
            count = np.count_nonzero(now_kji == one.value)
            was, now = (readable_volume(n * voxel_mm3) for n in (count - gained, count))
            told.append(f"{one.region} {was} → {now} cm³")
    title = edit.title[:1].lower() + edit.title[1:]
    return f"{verb}: {title}{'; ' if told else ''}{', '.join(told)}."


def redrawn_in_words(
    region: Region, limit: float, before_kji: Labels, after_kji: Labels, voxel_mm3: float
) -> str:
    """Return ``Whole tumour where the network is more than 30 % sure: 85.20 → 97.10 cm³``."""
    was, now = (
        readable_volume(np.count_nonzero(np.isin(labels, REGION_LABELS[region])) * voxel_mm3)
        for labels in (before_kji, after_kji)
    )
    volumes = f"{was} → {now} cm³" if was != now else f"{now} cm³, as before"
    sure = f"more than {readable_share(limit)} sure"
    return f"{REGION_TITLES[region]} where the network is {sure}: {volumes}."


def filled_in_words(
    slices: int, plane: AnatomicalPlane, definition: LabelDefinition, volume_mm3: float
) -> str:
    """Return ``Filled 8 axial slices: ET +1.20 cm³``."""
    count = f"1 {plane} slice" if slices == 1 else f"{slices} {plane} slices"
    return f"Filled {count}: {definition.region} {readable_change(volume_mm3)} cm³."


def nothing_filled_in_words(
    name: str, plane: AnatomicalPlane | None, slices: int, *, is_between: bool
) -> str:
    """Return why nothing was filled.

    Parameters
    ----------
    slices
        How many the region was drawn in, along the plane.
    is_between
        Whether there was anything between them.
    """
    if plane is None or slices < 2:
        which = f"{plane} slices" if plane is not None else "slices of one plane"
        return f"Nothing to fill: draw {name} in two {which} or more and leave some out between."
    if not is_between:
        return (
            f"Nothing to fill between the {plane} slices drawn in: none was left out since, "
            "or the shapes lie too far apart."
        )
    return f"Nothing to fill: between the {plane} slices all is {name}, or may not be changed."


def grown_in_words(volume_mm3: float) -> str:
    """Return how much tissue a click marked."""
    return f"Marked {readable_volume(volume_mm3)} cm³ of similar tissue."


def grown_from_in_words(
    strokes: int,
    before_kji: Labels,
    after_kji: Labels,
    definitions: Iterable[LabelDefinition],
    voxel_mm3: float,
) -> str:
    """Return ``Grown from 6 strokes: ET 0.40 → 5.20 cm³.``, or that nothing was added."""
    told = changes_in_words(before_kji, after_kji, definitions, voxel_mm3)
    count = "1 stroke" if strokes == 1 else f"{strokes} strokes"
    if not told:
        return f"Nothing grew from {count}: what is like them around may not be changed."
    return f"Grown from {count}: {told}. Too much? Erase some of it and grow again."


def corrected_in_words(provenance: Provenance, voxel_mm3: float) -> str:
    """Return how far a person changed the network's labels; empty without a person or network."""
    if not provenance.edited or provenance.labels_of:
        return ""
    if not provenance.corrections:
        return "How far the network's labels were changed is not known: they were corrected before."
    regions = "; ".join(
        f"{one.region} +{readable_volume(one.added_voxels * voxel_mm3)} "
        f"−{readable_volume(one.removed_voxels * voxel_mm3)} cm³, Dice {one.dice:.3f}"
        for one in provenance.corrections
    )
    return f"Against the network's own labels: {regions}."

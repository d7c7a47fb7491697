"""Spacing, slice gap and plane of a grid: what a stack of slices can show of a tumour."""

from dataclasses import dataclass

import numpy as np

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.preflight import Aspect, Check, Light

# The consensus brain tumour protocol asks for slices of at most 4 mm without gap for T2 and FLAIR,
# and 3D T1 with voxels of at most 1.5 mm (Ellingson et al. 2015, doi 10.1093/neuonc/nov095).
MAX_DISTANCE_MM = 4.0
MAX_IN_PLANE_MM = 1.5
# RANO counts a lesion as measurable from 10 mm on, or twice the slice distance where that is more
# (Wen et al. 2010, doi 10.1200/JCO.2009.26.3541): slices 10 mm apart may miss one altogether.
MAX_USABLE_DISTANCE_MM = 10.0
# Radiographers leave a tenth of the thickness free against cross-talk between slices.
MAX_GAP_SHARE = 0.1
# Then as much of the brain is left out as is seen.
MAX_USABLE_GAP_SHARE = 1.0
# Voxels longer than this come in slices; shorter ones can be looked at from any side.
_ISOTROPIC_RATIO = 1.5
_MAX_TILT_DEG = 30.0

_PLANES = ("sagittal", "coronal", "axial")


@dataclass(frozen=True, slots=True)
class SlicePlane:
    """How the slices lie: the nearest anatomical plane, and how far they are turned from it."""

    name: str
    tilt_deg: float


def slice_axis(geometry: Geometry) -> int:
    """Return the array axis across the slices: that of the widest spacing, k of equal ones."""
    return int(np.argmax(np.round(geometry.spacing_mm, 2)))


def slice_plane(geometry: Geometry) -> SlicePlane:
    """Return the plane of the slices."""
    normal = np.abs(geometry.direction_lps[:, 2 - slice_axis(geometry)])
    axis = int(np.argmax(normal))
    return SlicePlane(_PLANES[axis], float(np.degrees(np.arccos(min(normal[axis], 1.0)))))


def check_spacing(geometry: Geometry) -> Check:
    """Judge the distance of the slices and the size of their pixels; see the thresholds above."""
    axis = slice_axis(geometry)
    distance = geometry.spacing_mm[axis]
    in_plane = max(mm for n, mm in enumerate(geometry.spacing_mm) if n != axis)
    if distance <= MAX_IN_PLANE_MM:
        size = " × ".join(f"{mm:.1f}" for mm in sorted(geometry.spacing_mm))
        return Check(Aspect.SPACING, Light.GOOD, f"Voxels of {size} mm.")
    what = f"Slices {distance:.1f} mm apart, pixels of {in_plane:.1f} mm"
    if distance > MAX_USABLE_DISTANCE_MM:
        lost = f"a tumour below {2 * distance:.0f} mm cannot be measured"
        return Check(Aspect.SPACING, Light.POOR, f"{what}: {lost}.")
    if distance > MAX_DISTANCE_MM:
        return Check(Aspect.SPACING, Light.FAIR, f"{what}: small lesions can be missed.")
    if in_plane > MAX_IN_PLANE_MM:
        return Check(Aspect.SPACING, Light.FAIR, f"{what}: outlines are coarse.")
    return Check(Aspect.SPACING, Light.GOOD, f"{what}.")


def check_gap(geometry: Geometry, thickness_mm: float | None) -> Check:
    """Judge what lies unseen between the slices.

    Parameters
    ----------
    thickness_mm
        Slice Thickness of the header; ``None`` where it is not known.
    """
    if thickness_mm is None or thickness_mm <= 0:
        return Check(Aspect.GAP, Light.UNKNOWN, "The slice thickness is not known.")
    gap = geometry.spacing_mm[slice_axis(geometry)] - thickness_mm
    # Rounded headers, and slices that overlap, as most 3D series have.
    if gap < 0.05:
        return Check(Aspect.GAP, Light.GOOD, f"{thickness_mm:.1f} mm slices without gap.")
    what = f"{thickness_mm:.1f} mm slices with {gap:.1f} mm gap"
    if gap >= MAX_USABLE_GAP_SHARE * thickness_mm:
        return Check(Aspect.GAP, Light.POOR, f"{what}: half of the brain or more is unseen.")
    if gap > MAX_GAP_SHARE * thickness_mm + 0.05:
        return Check(Aspect.GAP, Light.FAIR, f"{what}: small lesions can be missed.")
    return Check(Aspect.GAP, Light.GOOD, f"{what}.")


def check_orientation(geometry: Geometry) -> Check:
    """Judge the plane of the slices.

    The consensus protocol (above) takes T2 and FLAIR axially; thick slices of another plane cut a
    tumour differently in each sequence. Thin slices can be looked at from any side.
    """
    plane = slice_plane(geometry)
    tilt = f", tilted by {plane.tilt_deg:.0f}°" if plane.tilt_deg >= 1 else ""
    what = f"{plane.name.capitalize()} slices{tilt}"
    spacing = geometry.spacing_mm
    if max(spacing) <= max(_ISOTROPIC_RATIO * min(spacing), MAX_IN_PLANE_MM):
        return Check(Aspect.ORIENTATION, Light.GOOD, f"{what}; thin enough for every plane.")
    if plane.name != "axial":
        why = "outlines in other planes are coarse"
        return Check(Aspect.ORIENTATION, Light.FAIR, f"{what}: {why}.")
    if plane.tilt_deg > _MAX_TILT_DEG:
        why = "far from axial, check the position"
        return Check(Aspect.ORIENTATION, Light.FAIR, f"{what}: {why}.")
    return Check(Aspect.ORIENTATION, Light.GOOD, f"{what}.")

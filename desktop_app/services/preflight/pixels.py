"""What the images themselves show before they are registered: cut heads, noise, motion."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.preflight import Aspect, Check, Light, Source
from desktop_app.domain.readable import readable_share
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.jobs.cancel import NEVER, CancelToken
from desktop_app.jobs.events import ProgressCallback, silent
from desktop_app.services.opening.loaded_study import PreparationMemory
from desktop_app.services.preflight.headers import BRAIN_SIZE_LPS_MM

if TYPE_CHECKING:
    from desktop_app.imaging.image_quality import ImageQuality

# Rose (1948, doi 10.1364/JOSA.38.000196): a difference is seen with certainty from five times the
# noise on. Below 5 this holds for no two tissues. The noisiest of 112 real images measured 14.5,
# so below 12 an image is noisier than any of them.
LEAST_SIGNAL_TO_NOISE = 12.0
LEAST_USABLE_SIGNAL_TO_NOISE = 5.0
# The American College of Radiology's limit for its phantom, and twice that. Real heads measured up
# to 0.010; a periodic motion of 4 pixels makes 0.030 of an image with 0.003.
MAX_GHOST_SHARE = 0.025
MAX_USABLE_GHOST_SHARE = 0.05
# A voxel of the work grid, and the least edge of lesion that a measurement needs on three slices.
# Real series measured up to 0.44 mm, thick slices most.
MAX_ZIGZAG_MM = 1.0
MAX_USABLE_ZIGZAG_MM = 3.0
# Of the largest slice. Of a ball as large as a head, a slice of a quarter of the middle one's area
# lies 12 mm deep, where scalp and skull end and the brain begins.
_MAX_TOP_AREA = 0.25
_TISSUE_SHARE = 0.15


@dataclass(frozen=True, slots=True, eq=False)
class PixelLook:
    """What one image shows.

    Parameters
    ----------
    thumbnail_yx
        Grey values of its middle axial slice; see `axial_thumbnail`.
    """

    checks: tuple[Check, ...]
    thumbnail_yx: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Reach:
    """How far up an image and the head in it reach, mm along S."""

    top: float
    bottom: float
    head_top: float
    is_cut: bool


def look_at_pixels(
    volumes: Mapping[Sequence, Volume],
    *,
    memory: PreparationMemory | None = None,
    progress: ProgressCallback = silent,
    token: CancelToken = NEVER,
) -> dict[Sequence, PixelLook]:
    """Measure the images as loaded; takes seconds for each that is fine.

    Parameters
    ----------
    memory
        Keeps what was measured.

    Raises
    ------
    Cancelled
        If `token` was cancelled.
    """
    # SciPy loads slowly; a window that only starts need not wait for it.
    from desktop_app.imaging.thumbnail import axial_thumbnail

    memory = memory or PreparationMemory()
    check = token.raise_if_cancelled
    reaches = {sequence: _reach(volume) for sequence, volume in volumes.items()}
    looks = {}
    for number, (sequence, volume) in enumerate(volumes.items()):
        check()
        progress(number / len(volumes), f"Looking at {sequence}")
        checks = (_coverage(sequence, volumes, reaches), check_quality(volume, memory, check))
        found = tuple(check for check in checks if check is not None)
        looks[sequence] = PixelLook(found, axial_thumbnail(volume))
    return looks


def check_coverage(sequence: Sequence, volumes: Mapping[Sequence, Volume]) -> Check | None:
    """Return how much of the head an image lacks; ``None`` where nothing is missing.

    Parameters
    ----------
    volumes
        As loaded, `sequence` among them; those in its frame of reference show the head's top.
    """
    return _coverage(sequence, volumes, {one: _reach(volume) for one, volume in volumes.items()})


def check_quality(volume: Volume, memory: PreparationMemory, check: Callable[[], None]) -> Check:
    """Return what noise and motion do to an image.

    Parameters
    ----------
    memory
        Of what was measured before.
    check
        Called often while measuring; raises to stop.
    """
    # As above.
    from desktop_app.imaging.image_quality import measure_quality

    return judge_quality(memory.quality(volume, lambda: measure_quality(volume, check=check)))


def judge_quality(quality: "ImageQuality") -> Check:
    """Return the light and sentence for what was measured; see the thresholds above."""
    if quality.noise_share <= 0:
        return _quality(Light.UNKNOWN, "Nothing in the image to measure noise and motion in.")
    ratio = 1 / quality.noise_share
    ghost, zigzag = quality.ghost_share or 0.0, quality.zigzag_mm or 0.0
    shifted = f"Slices lie {zigzag:.1f} mm to and fro: the patient moved"
    ghosted = f"Ghosts of {readable_share(ghost, 1)} of the signal beside the head: motion or flow"
    noisy = f"Noisy (signal to noise {ratio:.0f})"
    poor = Light.POOR
    grades = (
        (zigzag > MAX_USABLE_ZIGZAG_MM, poor, f"{shifted}; outlines are torn."),
        (ghost > MAX_USABLE_GHOST_SHARE, poor, f"{ghosted}; they may pass for lesions."),
        (ratio < LEAST_USABLE_SIGNAL_TO_NOISE, poor, f"{noisy}: tissues cannot be told apart."),
        (zigzag > MAX_ZIGZAG_MM, Light.FAIR, f"{shifted}."),
        (ghost > MAX_GHOST_SHARE, Light.FAIR, f"{ghosted}."),
        (ratio < LEAST_SIGNAL_TO_NOISE, Light.FAIR, f"{noisy}: fine detail is lost."),
    )
    for applies, light, sentence in grades:
        if applies:
            return _quality(light, sentence)
    background = "" if quality.ghost_share is not None else "; no air around it to see ghosts in"
    return _quality(Light.GOOD, f"Signal to noise {ratio:.0f}{background}.")


def _quality(light: Light, sentence: str) -> Check:
    return Check(Aspect.QUALITY, light, sentence, Source.PIXELS)


def _reach(volume: Volume) -> _Reach:
    # As above.
    from desktop_app.imaging.stripped import air_value

    geometry = volume.geometry
    axis = 2 - int(np.argmax(np.abs(geometry.direction_lps[2])))
    stacked = np.moveaxis(volume.array_kji, axis, 0)
    if geometry.direction_lps[2, 2 - axis] < 0:
        stacked = stacked[::-1]
    coarse = stacked[:, ::2, ::2]
    air = air_value(volume)
    level = air + _TISSUE_SHARE * (float(np.percentile(coarse, 98)) - air)
    areas = np.count_nonzero(coarse > level, axis=(1, 2)) / max(1, coarse[0].size)
    largest = float(areas.max())
    middle = (np.array(geometry.shape_kji) - 1) / 2
    ends = []
    for end in (-0.5, geometry.shape_kji[axis] - 0.5):
        middle[axis] = end
        ends.append(float(geometry.to_patient_mm(middle)[2]))
    bottom, top = sorted(ends)
    rows = np.flatnonzero(areas > 0.02 * largest)
    share = (rows[-1] + 1) / len(areas) if len(rows) else 1.0
    cut = largest > 0 and float(areas[-1]) > _MAX_TOP_AREA * largest
    return _Reach(top, bottom, bottom + share * (top - bottom), cut)


def _coverage(
    sequence: Sequence, volumes: Mapping[Sequence, Volume], reaches: Mapping[Sequence, _Reach]
) -> Check | None:
    """Compare with the head's top, as the series with the same frame of reference show it.

    Returns
    -------
    Check or None
        ``None`` where nothing is missing: what the headers said holds.
    """
    own = reaches[sequence]
    frame = volumes[sequence].geometry.frame_of_reference_uid
    same_frame = {
        other: reach
        for other, reach in reaches.items()
        if other is sequence or (frame and volumes[other].geometry.frame_of_reference_uid == frame)
    }
    whole = {other: reach for other, reach in same_frame.items() if not reach.is_cut}
    if own.is_cut:
        higher = max(whole, key=lambda one: whole[one].head_top, default=None)
        if higher is None:
            # Scalp and skull end here as often as brain: there is no image to tell.
            return _short(Light.FAIR, "The top of the head is not in the image", "may be missing")
        missing = whole[higher].head_top - own.top
        return _short(Light.FAIR, f"Ends {missing:.0f} mm below the top of the head in {higher}")
    height = max(reach.head_top for reach in whole.values()) - own.bottom
    if height < BRAIN_SIZE_LPS_MM[2]:
        return _short(Light.FAIR, f"Reaches only {height:.0f} mm down from the top of the head")
    return None


def _short(light: Light, what: str, missing: str = "is missing") -> Check:
    sentence = f"{what}: part of the brain {missing}."
    return Check(Aspect.COVERAGE, light, sentence, Source.PIXELS)

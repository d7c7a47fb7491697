"""What the rules make of one series, and how they read its header."""

from collections.abc import Iterable
from dataclasses import dataclass

from desktop_app.domain.study import Sequence, Series

# Within a class candidates are about as sure: words and timing agree; one of both, or contrast told
# by a single sign; a guess. What contradicts itself is in none.
_CLASSES = (0.9, 0.7, 0.46)
# A whole brain that is guessed comes before part of a brain that is sure.
_CLASSES_LOST_BY_SLAB = 2
_SOUND_CLASS = 2
# Image Types of what a scanner derives from one acquisition: parts of a Dixon series that are like
# others of their weighting, and the combined image of an MP2RAGE.
_OF_ONE_ACQUISITION = frozenset({"DIXON", "WATER", "W", "IN_PHASE", "IP", "UNI"})
# Image Types of other slices through one acquisition: all there is where it was not archived.
_REFORMATS = frozenset({"MPR", "CSA MPR", "REFORMATTED"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the rules think one series is.

    Parameters
    ----------
    role
        ``None`` where the series is none of the four; `reason` then says what it is.
    quality
        Orders candidates that are as sure of the same role, higher is better.
    is_slab
        Whether it covers only part of the brain.
    is_derived
        Whether it was computed from other images.
    is_reformat
        Whether it shows one acquisition in other slices.
    is_3d
        Whether it was acquired as a whole, not slice by slice.
    """

    series_uid: str
    role: Sequence | None
    confidence: float
    reason: str
    quality: float = 0.0
    is_slab: bool = False
    is_derived: bool = False
    is_reformat: bool = False
    is_3d: bool = False

    @property
    def rank(self) -> tuple[int, bool, float]:
        """Orders candidates for the same role, higher is better: how sure, how much, how good."""
        sure = sum(self.confidence >= least for least in _CLASSES)
        return sure - _CLASSES_LOST_BY_SLAB * self.is_slab, not self.is_slab, self.quality

    @property
    def is_sound(self) -> bool:
        """Whether neither a doubt nor a missing part of the brain speaks against it."""
        return self.rank[0] >= _SOUND_CLASS


def best_of(rivals: Iterable[Candidate]) -> Candidate:
    """Return the best of several candidates for a role.

    A derived image may be surer than an original, by its words, and finer; it is no better. Only
    a finer reformat of a 3D acquisition is, beside originals taken slice by slice: it cannot be
    of them, and shows what one acquisition did. Slices interpolated from thick ones tell no more.
    """
    ordered = sorted(rivals, key=lambda one: one.rank, reverse=True)
    originals = [one for one in ordered if not one.is_derived and one.is_sound]
    if not originals:
        return ordered[0]
    best = originals[0]
    if any(one.is_3d for one in originals):
        return best
    reformats = (one for one in ordered if one.is_reformat and one.is_3d)
    finer = (one for one in reformats if one.quality > best.quality)
    return max(best, next(finer, best), key=lambda one: one.rank)


def is_derived(series: Series) -> bool:
    """Whether a series was computed from others, so not what a scanner makes of one."""
    types = _image_types(series)
    return "DERIVED" in types and _OF_ONE_ACQUISITION.isdisjoint(types)


def is_reformat(series: Series) -> bool:
    """Whether a series shows one acquisition in other slices."""
    return not _REFORMATS.isdisjoint(_image_types(series))


def is_3d(series: Series) -> bool:
    """Whether a series was acquired as a whole, not slice by slice."""
    return "3D" in series.attributes.get("MRAcquisitionType", "")


def header_number(series: Series, keyword: str) -> float | None:
    """Return the first value of a numerical header element, ``None`` where there is none."""
    try:
        return float(series.attributes.get(keyword, "").split("\\")[0])
    except ValueError:
        return None


def _image_types(series: Series) -> set[str]:
    image_type = series.attributes.get("ImageType", "").upper()
    return {part.strip() for part in image_type.split("\\")}

"""Why a series can be none of the four: its header, its name, its timing, its place in time."""

from desktop_app.domain.study import Sequence, Series
from desktop_app.io.sequences.candidate import header_number
from desktop_app.io.sequences.names import examined_elsewhere, own_name, own_weighting
from desktop_app.io.sequences.repeats import MANY_TIME_POINTS, TimePoint
from desktop_app.io.sequences.text import not_anatomical, weighting_in
from desktop_app.io.sequences.timing import (
    is_inverted,
    is_plain,
    not_t2,
    other_acquisition_contrast,
    short_inversion,
)

MIN_SLICES = 10

_EXCLUDED_TYPES = {
    "ADC": "a diffusion map",
    "TRACEW": "a diffusion map",
    "FA": "a diffusion map",
    "EXP": "a diffusion map",
    "DIFFUSION": "diffusion",
    "MIP": "a projection",
    "MNIP": "a projection",
    "PROJECTION IMAGE": "a projection",
    "PROJECTION": "a projection",
    "SUB": "a subtraction",
    "SUBTRACTION": "a subtraction",
    "PERFUSION": "perfusion",
    "CBF": "perfusion",
    "CBV": "perfusion",
    "MTT": "perfusion",
    "LOCALIZER": "a localizer",
    "SCREEN SAVE": "a screen save",
    "MAP": "a map",
    # Parts of a Dixon series; its water and in-phase images are like others of their weighting.
    "FAT": "a fat image",
    "F": "a fat image",
    "FAT_FRACTION": "a map of fat",
    "FF": "a map of fat",
    "OUT_PHASE": "an opposed-phase image",
    "OPP_PHASE": "an opposed-phase image",
    "OP": "an opposed-phase image",
}
_EXCLUDED_COMPONENTS = {
    "PHASE": "a phase image",
    "IMAGINARY": "an imaginary image",
    # After inversion it tells what the magnitude cannot: on which side of zero a tissue is.
    "REAL": "a real image without inversion",
}


def exclusion(series: Series, physics: Sequence | None, when: TimePoint | None = None) -> str:
    """Return why a series cannot be any of the four, empty if it can.

    Parameters
    ----------
    physics
        The weighting that its timing tells.
    when
        Which of several time points it is, if it is one.
    """
    return (
        excluded_by_header(series)
        or named_for_another(series, physics)
        or short_inversion(series)
        or not_t2(series, physics, own_weighting(series))
        or _one_of_many(when)
        or too_few_slices(series)
    )


def excluded_by_header(series: Series) -> str:
    """Return what the header names the series instead, not by its timing; else empty."""
    types = {part.strip().upper() for part in series.attributes.get("ImageType", "").split("\\")}
    # T1 MAP, T2_STAR MAP, R2_MAP
    types |= {"MAP"} if any(part.endswith("MAP") for part in types) else set()
    types |= {"SUBTRACTION"} if any(part.startswith("SUBTR") for part in types) else set()
    what = next((what for name, what in _EXCLUDED_TYPES.items() if name in types), "")
    if what:
        return what
    component = series.attributes.get("ComplexImageComponent", "")
    if component in _EXCLUDED_COMPONENTS and not (component == "REAL" and is_inverted(series)):
        return _EXCLUDED_COMPONENTS[component]
    b_value = header_number(series, "DiffusionBValue")
    if b_value is not None and b_value > 0:
        return f"diffusion with b = {b_value:.0f}"
    if "EP" in series.attributes.get("ScanningSequence", "").split("\\"):
        return "echo planar"
    contrast = other_acquisition_contrast(series)
    if contrast:
        return contrast
    burned_in = series.attributes.get("BurnedInAnnotation", "").upper() == "YES"
    return "text burned into its pixels" if burned_in else ""


def named_for_another(series: Series, physics: Sequence | None) -> str:
    """Return what a series' own name says it is instead, or its region; else empty."""
    name = own_name(series)
    plain = is_plain(series, physics, weighting_in(name))
    original = series.attributes.get("ImageType", "").upper().startswith("ORIGINAL")
    what = not_anatomical(name, physics, is_plain=plain, is_original=original)
    return what or examined_elsewhere(series)


def too_few_slices(series: Series) -> str:
    """Return that there are too few slices, empty if there are enough."""
    count = series.geometry.shape_kji[0] if series.geometry else 0
    return f"only {count} slices" if count < MIN_SLICES else ""


def _one_of_many(when: TimePoint | None) -> str:
    if when is None or when.count < MANY_TIME_POINTS:
        return ""
    return f"one of {when.count} time points of the same place"

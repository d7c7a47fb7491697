"""What timing and kind of sequence tell: T1, T2, FLAIR or none of them, and how plainly.

A scanner may also name the contrast in one element. It is optional and coarse: a FLAIR, which is
weighted by T2, bears T2 in it. So timing that only one of the four has goes before it.
"""

from desktop_app.domain.study import Sequence, Series
from desktop_app.io.sequences.candidate import header_number

_TIMING_KEYS = ("RepetitionTime", "EchoTime")
# Fat is nulled at 150 to 250 ms, cerebrospinal fluid at 1500 ms and more.
_MAX_FAT_INVERSION_MS = 400.0
# Before gradient echoes 400 to 1300 ms make a T1; the second inversion of an MP2RAGE comes at 2000
# and more, and looks like proton density.
_T1_PREPARATION_MS = (300.0, 1500.0)
# Acquisition Contrast of enhanced images, PS3.3 C.8.13.3.1.2
_BY_ACQUISITION_CONTRAST = {
    "T1": Sequence.T1,
    "T2": Sequence.T2,
    "FLUID_ATTENUATED": Sequence.FLAIR,
}
# The same element where it says that an image is none of the four; UNKNOWN and MIXED say nothing.
_OTHER_ACQUISITION_CONTRASTS = {
    "DIFFUSION": "diffusion",
    "FLOW_ENCODED": "a flow image",
    "PERFUSION": "perfusion",
    "PROTON_DENSITY": "proton density",
    "STIR": "fat-suppressed by short inversion",
    "T2_STAR": "susceptibility",
    "TAGGING": "a tagged image",
    "TOF": "angiography",
}
# Both echoes of a series may bear the contrast of the first.
_DENIED_BY_LATE_SPIN_ECHO = frozenset({"PROTON_DENSITY", "T2_STAR"})
_DENIED_BY_FLAIR = _DENIED_BY_LATE_SPIN_ECHO | {"STIR"}
# Longer inversion than before a T2: that of a FLAIR, or of nothing.
MAX_T2_INVERSION_MS = 1200.0
# Of gradient echoes that are weighted by T2*; later ones are odd and prove nothing.
_T2_STAR_ECHO_MS = (15.0, 60.0)
_MAX_PROTON_DENSITY_ECHO_MS = 40.0
_LONG_REPETITION_MS = 2000.0
# They write EP among the kinds of sequence of every echo planar image; others may not.
_TELL_ECHO_PLANAR = ("GE ", "SIEMENS")


def has_timing(series: Series) -> bool:
    """Whether the header tells repetition and echo time."""
    return all(header_number(series, key) is not None for key in _TIMING_KEYS)


def weighting_by_physics(series: Series) -> tuple[Sequence | None, str]:
    """Return the weighting that timing and sequence type tell, and how.

    T1 stands for T1 with contrast, too. Windows follow usual practice at 1.5 and 3 T.
    """
    timed, timing = _timed(series)
    contrast = _acquisition_contrast(series)
    if contrast in _BY_ACQUISITION_CONTRAST and timed is not Sequence.FLAIR:
        return _BY_ACQUISITION_CONTRAST[contrast], f"acquisition contrast {contrast}"
    return timed, timing


def other_acquisition_contrast(series: Series) -> str:
    """Return what the scanner names an image of another contrast, empty if it names none.

    Nor where the timing denies it: no proton density has a late spin echo.
    """
    contrast = _acquisition_contrast(series)
    timed, _ = _timed(series)
    is_denied = (timed is Sequence.FLAIR and contrast in _DENIED_BY_FLAIR) or (
        timed is Sequence.T2 and contrast in _DENIED_BY_LATE_SPIN_ECHO and _is_spin(series)
    )
    if is_denied or contrast not in _OTHER_ACQUISITION_CONTRASTS:
        return ""
    return f"{_OTHER_ACQUISITION_CONTRASTS[contrast]} (acquisition contrast {contrast})"


def not_t2(series: Series, physics: Sequence | None, words: Sequence | None) -> str:
    """Recognise what is called T2 and is weighted by T2* or proton density; else empty.

    Parameters
    ----------
    physics, words
        As in `is_plain`.
    """
    tr, te = header_number(series, "RepetitionTime"), header_number(series, "EchoTime")
    if tr is None or te is None or {physics, words} - {None} != {Sequence.T2}:
        return ""
    least, most = _T2_STAR_ECHO_MS
    if is_gradient(series) and least <= te <= most:
        return f"T2* by gradient echo (TE {te:.0f} ms)"
    is_early = 0 < te < _MAX_PROTON_DENSITY_ECHO_MS and tr > _LONG_REPETITION_MS
    if physics is None and is_early and _is_spin(series):
        return f"proton density by its timing (TR {tr:.0f}, TE {te:.0f} ms)"
    return ""


def is_plain(series: Series, physics: Sequence | None, words: Sequence | None) -> bool:
    """Whether timing tells a weighting as no diffusion, perfusion or functional series has it.

    Then words such as *perfusion* tell what the series was taken after, or for. Perfusion by T1 is
    a gradient echo without inversion; diffusion and perfusion by T2 have the timing of T2 and tell
    themselves apart as echo planar, if the scanner writes that.

    Parameters
    ----------
    physics
        What `weighting_by_physics` tells.
    words
        The weighting that the description names.
    """
    if physics is None or words not in (None, physics):
        return False
    tells = series.attributes.get("Manufacturer", "").upper().startswith(_TELL_ECHO_PLANAR)
    if physics is Sequence.T2:
        return words is not None and _is_spin(series) and tells
    if physics is Sequence.FLAIR:
        return tells or header_number(series, "DiffusionBValue") is None
    if _is_spin(series):
        return True
    least, most = _T1_PREPARATION_MS
    return words is not None and least <= (header_number(series, "InversionTime") or 0.0) <= most


def short_inversion(series: Series) -> str:
    """Recognise STIR by its timing; T1 by gradient echo also inverts, but repeats faster."""
    tr, ti = header_number(series, "RepetitionTime"), header_number(series, "InversionTime")
    if ti is None or tr is None or is_gradient(series):
        return ""
    is_stir = 0 < ti < _MAX_FAT_INVERSION_MS and tr > 2000
    return f"fat-suppressed by short inversion (TI {ti:.0f} ms)" if is_stir else ""


def is_gradient(series: Series) -> bool:
    """Whether the sequence is one of gradient echoes."""
    kinds = _kinds(series)
    return ("GR" in kinds or "GRADIENT" in kinds) and "SE" not in kinds


def is_inverted(series: Series) -> bool:
    """Whether the sequence begins with an inversion."""
    is_told = series.attributes.get("InversionRecovery") == "YES" or "IR" in _kinds(series)
    return is_told or (header_number(series, "InversionTime") or 0.0) > 0


def _acquisition_contrast(series: Series) -> str:
    return series.attributes.get("AcquisitionContrast", "").strip().upper()


def _timed(series: Series) -> tuple[Sequence | None, str]:
    """Return the weighting that timing alone tells, and the timing."""
    tr, te, ti = (header_number(series, k) for k in ("RepetitionTime", "EchoTime", "InversionTime"))
    if te is None or tr is None:
        return None, "no timing in the header"
    timing = f"TR {tr:.0f}, TE {te:.0f}" + (f", TI {ti:.0f} ms" if ti else " ms")
    return _weighting_by_timing(tr, te, ti or 0.0, is_gradient(series)), timing


def _is_spin(series: Series) -> bool:
    kinds = _kinds(series)
    return "SE" in kinds or "SPIN" in kinds


def _kinds(series: Series) -> list[str]:
    kinds = series.attributes.get("ScanningSequence", "").split("\\")
    return [*kinds, series.attributes.get("EchoPulseSequence", "")]


def _weighting_by_timing(tr: float, te: float, ti: float, gradient: bool) -> Sequence | None:
    """Apply the windows (ms); ``None`` for proton density, T2* and whatever lies between."""
    if 1500 <= ti <= 3000 and tr >= 4000 and te > 70:
        return Sequence.FLAIR
    if gradient and ti > _T1_PREPARATION_MS[1]:
        return None
    if (600 <= ti <= 1200 and te < 30) or (gradient and te < 15):
        return Sequence.T1
    if gradient:
        return None
    if tr < 1200 and te < 40:
        return Sequence.T1
    is_t2 = tr > _LONG_REPETITION_MS and te > 60 and ti <= MAX_T2_INVERSION_MS
    return Sequence.T2 if is_t2 else None

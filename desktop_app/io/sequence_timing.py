"""What timing and kind of sequence tell: T1, T2, FLAIR or none of them, and how plainly."""

from desktop_app.domain.study import Sequence, Series
from desktop_app.io.sequence_candidate import header_number

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
# They write EP among the kinds of sequence of every echo planar image; others may not.
_TELL_ECHO_PLANAR = ("GE ", "SIEMENS")


def has_timing(series: Series) -> bool:
    """Whether the header tells repetition and echo time."""
    return all(header_number(series, key) is not None for key in _TIMING_KEYS)


def weighting_by_physics(series: Series) -> tuple[Sequence | None, str]:
    """Return the weighting that timing and sequence type tell, and how.

    T1 stands for T1 with contrast, too. Windows follow usual practice at 1.5 and 3 T.
    """
    contrast = series.attributes.get("AcquisitionContrast", "").upper()
    if contrast in _BY_ACQUISITION_CONTRAST:
        return _BY_ACQUISITION_CONTRAST[contrast], f"acquisition contrast {contrast}"
    tr, te, ti = (header_number(series, k) for k in ("RepetitionTime", "EchoTime", "InversionTime"))
    if te is None or tr is None:
        return None, "no timing in the header"
    timing = f"TR {tr:.0f}, TE {te:.0f}" + (f", TI {ti:.0f} ms" if ti else " ms")
    return _weighting_by_timing(tr, te, ti or 0.0, is_gradient(series)), timing


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
    return Sequence.T2 if tr > 2000 and te > 60 and ti <= 1200 else None

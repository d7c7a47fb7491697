"""Which series is which: T1, T1 with contrast, T2, FLAIR; proposed, never decided for the user.

Physics (timing and sequence type) weighs more than words, because about a tenth of descriptions in
glioma cohorts are wrong. Timing windows follow usual practice at 1.5 and 3 T.
"""

from collections.abc import Iterable

from desktop_app.domain.study import RoleProposal, Sequence, Series
from desktop_app.io.sequence_candidate import Candidate, header_number
from desktop_app.io.sequence_contrast import settle_contrast, with_contrast
from desktop_app.io.sequence_text import names_something_else, not_anatomical, weighting_in

FILE_ROLE_KEYWORD = "SequenceInFileName"
MIN_SLICES = 10
MIN_COVERAGE_MM = 80.0
# Fat is nulled at 150 to 250 ms, cerebrospinal fluid at 1500 ms and more.
MAX_FAT_INVERSION_MS = 400.0

_TIMING_KEYS = ("RepetitionTime", "EchoTime")

_EXCLUDED_TYPES = {
    "ADC": "a diffusion map",
    "TRACEW": "a diffusion map",
    "FA": "a diffusion map",
    "EXP": "a diffusion map",
    "DIFFUSION": "diffusion",
    "PHASE": "a phase image",
    "P": "a phase image",
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
    # Parts of a Dixon series; its water and in-phase images are like others of their weighting.
    "FAT": "a fat image",
    "F": "a fat image",
    "FAT_FRACTION": "a map of fat",
    "FF": "a map of fat",
    "OUT_PHASE": "an opposed-phase image",
    "OPP_PHASE": "an opposed-phase image",
    "OP": "an opposed-phase image",
}
# Acquisition Contrast of enhanced images, PS3.3 C.8.13.3.1.2
_BY_ACQUISITION_CONTRAST = {
    "T1": Sequence.T1,
    "T2": Sequence.T2,
    "FLUID_ATTENUATED": Sequence.FLAIR,
}


def propose_roles(
    series: Iterable[Series],
) -> tuple[dict[Sequence, RoleProposal], tuple[Candidate, ...]]:
    """Propose a series for each sequence.

    Parameters
    ----------
    series
        The series of one study.

    Returns
    -------
    roles
        Per sequence the best candidate; a sequence with none is absent and never filled by another.
    candidates
        What each series was taken for, and why.
    """
    usable = [one for one in series if one.usable]
    candidates = [_classify(one) for one in usable]
    candidates = settle_contrast(usable, candidates)
    roles: dict[Sequence, RoleProposal] = {}
    for role in Sequence:
        rivals = sorted(
            (c for c in candidates if c.role is role), key=lambda c: c.rank, reverse=True
        )
        if rivals:
            best = rivals[0]
            reason = best.reason
            if len(rivals) > 1:
                reason = f"{reason[:-1]}; the best of {len(rivals)} candidates."
            roles[role] = RoleProposal(best.series_uid, round(best.confidence, 2), reason)
    return roles, tuple(candidates)


def is_without_hint(series: Series) -> bool:
    """Whether neither timing nor words say what a series is, nor that it is something else."""
    if series.is_nifti:
        named = series.attributes.get(FILE_ROLE_KEYWORD) or names_something_else(series.description)
        return not named and not _too_few_slices(series)
    has_timing = all(header_number(series, key) is not None for key in _TIMING_KEYS)
    is_excluded = _excluded_by_header(series) or _too_few_slices(series)
    words = _words(series)
    told = weighting_in(words) or not_anatomical(words) or has_timing
    return not (told or is_excluded or _weighting_by_physics(series)[0])


def _classify(series: Series) -> Candidate:
    if series.is_nifti:
        return _classify_by_name(series)
    physics, why = _weighting_by_physics(series)
    exclusion = _exclusion(series, physics)
    if exclusion:
        return Candidate(series.series_uid, None, 0.9, f"Left out: {exclusion}.")
    words = weighting_in(_words(series))
    knows_inversion = bool(header_number(series, "InversionTime"))
    role, confidence, reason = _agree(words, physics, why, knows_inversion=knows_inversion)
    if role is Sequence.T1:
        role, confidence, reason = with_contrast(series, confidence, reason)
    rank = _quality(series) + 20 * confidence
    if _coverage_mm(series) < MIN_COVERAGE_MM:
        # A slab is as surely of its kind; another series of that kind comes before it.
        rank -= 10 * confidence
        reason = f"{reason[:-1]}; covers only {_coverage_mm(series):.0f} mm."
    return Candidate(series.series_uid, role, confidence, reason, rank)


def _classify_by_name(series: Series) -> Candidate:
    name = series.attributes.get(FILE_ROLE_KEYWORD)
    if not name:
        return Candidate(series.series_uid, None, 0.5, "Left out: its name tells no sequence.")
    rank = 100.0 - len(series.description)
    return Candidate(series.series_uid, Sequence(name), 0.9, "The file's name says so.", rank)


def _words(series: Series) -> str:
    return f"{series.description} {series.attributes.get('ProtocolName', '')}"


def _coverage_mm(series: Series) -> float:
    if series.geometry is None:
        return 0.0
    return series.geometry.shape_kji[0] * series.geometry.spacing_mm[0]


def _exclusion(series: Series, physics: Sequence | None) -> str:
    """Return why a series cannot be any of the four, empty if it can."""
    return (
        _excluded_by_header(series)
        or not_anatomical(_words(series), physics)
        or _short_inversion(series)
        or _too_few_slices(series)
    )


def _excluded_by_header(series: Series) -> str:
    types = {part.strip().upper() for part in series.attributes.get("ImageType", "").split("\\")}
    what = next((what for name, what in _EXCLUDED_TYPES.items() if name in types), "")
    if what:
        return what
    b_value = header_number(series, "DiffusionBValue")
    if b_value is not None and b_value > 0:
        return f"diffusion with b = {b_value:.0f}"
    if "EP" in series.attributes.get("ScanningSequence", "").split("\\"):
        return "echo planar"
    burned_in = series.attributes.get("BurnedInAnnotation", "").upper() == "YES"
    return "text burned into its pixels" if burned_in else ""


def _short_inversion(series: Series) -> str:
    """Recognise STIR by its timing; T1 by gradient echo also inverts, but repeats faster."""
    tr, ti = header_number(series, "RepetitionTime"), header_number(series, "InversionTime")
    if ti is None or tr is None or _is_gradient(series):
        return ""
    is_stir = 0 < ti < MAX_FAT_INVERSION_MS and tr > 2000
    return f"fat-suppressed by short inversion (TI {ti:.0f} ms)" if is_stir else ""


def _is_gradient(series: Series) -> bool:
    kinds = series.attributes.get("ScanningSequence", "").split("\\")
    kinds.append(series.attributes.get("EchoPulseSequence", ""))
    return ("GR" in kinds or "GRADIENT" in kinds) and "SE" not in kinds


def _too_few_slices(series: Series) -> str:
    count = series.geometry.shape_kji[0] if series.geometry else 0
    return f"only {count} slices" if count < MIN_SLICES else ""


def _weighting_by_physics(series: Series) -> tuple[Sequence | None, str]:
    """Return the weighting that timing and sequence type tell, and how."""
    contrast = series.attributes.get("AcquisitionContrast", "").upper()
    if contrast in _BY_ACQUISITION_CONTRAST:
        return _BY_ACQUISITION_CONTRAST[contrast], f"acquisition contrast {contrast}"
    tr, te, ti = (header_number(series, k) for k in ("RepetitionTime", "EchoTime", "InversionTime"))
    if te is None or tr is None:
        return None, "no timing in the header"
    timing = f"TR {tr:.0f}, TE {te:.0f}" + (f", TI {ti:.0f} ms" if ti else " ms")
    return _weighting_by_timing(tr, te, ti or 0.0, _is_gradient(series)), timing


def _weighting_by_timing(tr: float, te: float, ti: float, is_gradient: bool) -> Sequence | None:
    """Apply the windows (ms); ``None`` for proton density, T2* and whatever lies between."""
    if 1500 <= ti <= 3000 and tr >= 4000 and te > 70:
        return Sequence.FLAIR
    if (600 <= ti <= 1200 and te < 30) or (is_gradient and te < 15):
        return Sequence.T1
    if is_gradient:
        return None
    if tr < 1200 and te < 40:
        return Sequence.T1
    return Sequence.T2 if tr > 2000 and te > 60 and ti <= 1200 else None


def _agree(
    words: Sequence | None, physics: Sequence | None, why: str, *, knows_inversion: bool
) -> tuple[Sequence | None, float, str]:
    if physics is None and words is None:
        return None, 0.5, f"Left out: neither timing ({why}) nor words tell the sequence."
    if physics is None:
        return words, 0.6, f"Its description says {words}; {why}."
    if words is None:
        return physics, 0.8, f"Timing of {physics} ({why})."
    if words is physics:
        return physics, 0.95, f"Description and timing say {physics} ({why})."
    # Without inversion time in the header a FLAIR has the timing of T2.
    if words is Sequence.FLAIR and physics is Sequence.T2 and not knows_inversion:
        return words, 0.75, f"Its description says FLAIR; timing fits ({why})."
    return physics, 0.45, f"Timing of {physics} ({why}), though its description says {words}."


def _quality(series: Series) -> float:
    """Rank towards 3D, thin slices, many of them, originals, and (by a hair) the latest."""
    is_3d = "3D" in series.attributes.get("MRAcquisitionType", "")
    derived = "DERIVED" in series.attributes.get("ImageType", "").upper()
    if series.geometry is None:
        return 0.0
    spacing = series.geometry.spacing_mm
    return (
        6.0 * is_3d
        - 4.0 * derived
        - min(max(spacing), 8.0)
        + min(series.geometry.shape_kji[0], 200) / 100
        + min(series.number, 9999) * 1e-6
    )

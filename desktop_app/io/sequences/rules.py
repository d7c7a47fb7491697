"""Which series is which: T1, T1 with contrast, T2, FLAIR; proposed, never decided for the user.

Physics (timing and sequence type) weighs more than words, because about a tenth of descriptions in
glioma cohorts are wrong. Timing windows follow usual practice at 1.5 and 3 T.
"""

from collections.abc import Iterable

from desktop_app.domain.study import RoleProposal, Sequence, Series
from desktop_app.io.sequences.candidate import (
    Candidate,
    best_of,
    header_number,
    is_3d,
    is_derived,
    is_reformat,
)
from desktop_app.io.sequences.contrast import doubt_time_points, settle_contrast, with_contrast
from desktop_app.io.sequences.exclusion import (
    excluded_by_header,
    exclusion,
    named_for_another,
    too_few_slices,
)
from desktop_app.io.sequences.names import (
    own_name,
    own_weighting,
    without_names_of_examination,
)
from desktop_app.io.sequences.repeats import TimePoint, time_points
from desktop_app.io.sequences.text import names_something_else, quality_of_mp2rage
from desktop_app.io.sequences.timing import MAX_T2_INVERSION_MS, has_timing, weighting_by_physics

FILE_ROLE_KEYWORD = "SequenceInFileName"
MIN_COVERAGE_MM = 80.0


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
    usable = [one for one in without_names_of_examination(list(series)) if one.usable]
    when = time_points(usable)
    candidates = [_classify(one, when.get(one.series_uid)) for one in usable]
    candidates = doubt_time_points(settle_contrast(usable, candidates), when)
    roles: dict[Sequence, RoleProposal] = {}
    for role in Sequence:
        rivals = [c for c in candidates if c.role is role]
        if rivals:
            best = best_of(rivals)
            reason = best.reason
            if len(rivals) > 1:
                reason = f"{reason[:-1]}; the best of {len(rivals)} candidates."
            roles[role] = RoleProposal(best.series_uid, round(best.confidence, 2), reason)
    return roles, tuple(candidates)


def is_without_hint(series: Series) -> bool:
    """Whether neither timing nor words say what a series is, nor that it is something else."""
    if series.is_nifti:
        named = series.attributes.get(FILE_ROLE_KEYWORD) or names_something_else(series.description)
        return not named and not too_few_slices(series)
    is_excluded = excluded_by_header(series) or too_few_slices(series)
    told = own_weighting(series) or named_for_another(series, None) or has_timing(series)
    return not (told or is_excluded or weighting_by_physics(series)[0])


def _classify(series: Series, when: TimePoint | None) -> Candidate:
    if series.is_nifti:
        return _classify_by_name(series)
    physics, why = weighting_by_physics(series)
    excluded = exclusion(series, physics, when)
    if excluded:
        return Candidate(series.series_uid, None, 0.9, f"Left out: {excluded}.")
    words = own_weighting(series)
    inversion_ms = header_number(series, "InversionTime") or 0.0
    is_no_flair = 0 < inversion_ms <= MAX_T2_INVERSION_MS
    role, confidence, reason = _agree(words, physics, why, is_no_flair=is_no_flair)
    confidence *= quality_of_mp2rage(own_name(series)) or 1.0
    if role is Sequence.T1:
        role, confidence, reason = with_contrast(series, confidence, reason)
    is_slab = _coverage_mm(series) < MIN_COVERAGE_MM
    if is_slab:
        reason = f"{reason[:-1]}; covers only {_coverage_mm(series):.0f} mm."
    return Candidate(
        series.series_uid,
        role,
        confidence,
        reason,
        _quality(series, when),
        is_slab=is_slab,
        is_derived=is_derived(series),
        is_reformat=is_reformat(series),
        is_3d=is_3d(series),
    )


def _classify_by_name(series: Series) -> Candidate:
    name = series.attributes.get(FILE_ROLE_KEYWORD)
    if not name:
        return Candidate(series.series_uid, None, 0.5, "Left out: its name tells no sequence.")
    quality = 100.0 - len(series.description)
    return Candidate(series.series_uid, Sequence(name), 0.9, "The file's name says so.", quality)


def _coverage_mm(series: Series) -> float:
    if series.geometry is None:
        return 0.0
    return series.geometry.shape_kji[0] * series.geometry.spacing_mm[0]


def _agree(
    words: Sequence | None, physics: Sequence | None, why: str, *, is_no_flair: bool
) -> tuple[Sequence | None, float, str]:
    if physics is None and words is None:
        return None, 0.5, f"Left out: neither timing ({why}) nor words tell the sequence."
    if physics is None:
        return words, 0.6, f"Its description says {words}; {why}."
    if words is None:
        return physics, 0.8, f"Timing of {physics} ({why})."
    if words is physics:
        return physics, 0.95, f"Description and timing say {physics} ({why})."
    # Without inversion time in the header a FLAIR has the timing of T2, and the scanner's name.
    if words is Sequence.FLAIR and physics is Sequence.T2 and not is_no_flair:
        return words, 0.75, f"Its description says FLAIR; timing fits ({why})."
    return physics, 0.45, f"Timing of {physics} ({why}), though its description says {words}."


def _quality(series: Series, when: TimePoint | None) -> float:
    """Rank towards magnitude, 3D, thin slices, many, originals, and (by a hair) the latest."""
    image_type = series.attributes.get("ImageType", "").upper()
    is_real = series.attributes.get("ComplexImageComponent") == "REAL"
    if series.geometry is None:
        return 0.0
    spacing = series.geometry.spacing_mm
    return (
        6.0 * is_3d(series)
        - 4.0 * ("DERIVED" in image_type)
        - 20.0 * is_real
        - min(max(spacing), 8.0)
        + min(series.geometry.shape_kji[0], 200) / 100
        + min(series.number, 9999) * 1e-6
        + (when.number if when else 0) * 1e-8
    )

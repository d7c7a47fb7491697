"""What the headers say of the chosen series, at once and without reading a pixel."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.missing import WITHOUT
from desktop_app.domain.preflight import (
    Aspect,
    Check,
    Light,
    Preflight,
    SequencePreflight,
    Source,
)
from desktop_app.domain.readable import readable_share
from desktop_app.domain.study import RoleProposal, Sequence, Series, Study
from desktop_app.services.opening.nameless_series import series_without_hint
from desktop_app.services.preflight.agent import check_agent
from desktop_app.services.preflight.slices import check_gap, check_orientation, check_spacing

# Above it the rules name the sequence from more than one header value that agree.
SURE_CONFIDENCE = 0.7
# Along L, P and S: the smallest of 25 adults' brains, measured on images without the skull (22 of
# BraTS 2021, 3 of Ljubljana); the largest measured 145 × 182 × 146 mm.
BRAIN_SIZE_LPS_MM = (120.0, 144.0, 120.0)
# Half of a large brain is outside then; also the least that the rules take for a head.
_USABLE_SHARE = 2 / 3
_AXES = ("from side to side", "from front to back", "from bottom to top")


def check_headers(
    study: Study,
    roles: Mapping[Sequence, Series],
    chosen_by_user: frozenset[Sequence] = frozenset(),
) -> Preflight:
    """Judge a choice of series by headers alone.

    Parameters
    ----------
    roles
        The series per sequence; a missing sequence is absent.
    chosen_by_user
        Sequences whose series the user set, or left out.
    """
    sequences = {}
    for sequence in Sequence:
        by_user = sequence in chosen_by_user
        series = roles.get(sequence)
        if series is None:
            nameless = len(series_without_hint(study, roles))
            sequences[sequence] = _missing(sequence, nameless, by_user=by_user)
        else:
            checks = _checks(study, sequence, series, by_user=by_user)
            empty = SequencePreflight(sequence, series.series_uid, ())
            sequences[sequence] = empty.updated(checks)
    return Preflight(sequences, why_too_few(roles))


def why_too_few(roles: Mapping[Sequence, Series]) -> str:
    """Return why these are too few; empty where they are not.

    The rule of `segment.require_sequences`, which loads slowly.
    """
    if len(roles) >= 2 and (Sequence.T1C in roles or Sequence.FLAIR in roles):
        return ""
    return "Cannot be segmented: that takes T1c or FLAIR, and one sequence more."


def _missing(sequence: Sequence, nameless: int, *, by_user: bool) -> SequencePreflight:
    if by_user:
        sentence = "Left out by you."
    elif nameless:
        several = f"one of the {nameless} series" if nameless > 1 else "the series"
        sentence = f"No header names it; {several} without a description may be it."
    else:
        sentence = f"No such series was found: {WITHOUT[sequence]}."
    source = Source.USER if by_user else Source.HEADERS
    return SequencePreflight(sequence, "", (Check(Aspect.SERIES, Light.UNKNOWN, sentence, source),))


def _checks(
    study: Study, sequence: Sequence, series: Series, *, by_user: bool
) -> tuple[Check, ...]:
    checks = [_series_check(study, sequence, series, by_user=by_user)]
    if series.geometry is not None:
        checks += [
            _coverage(series.geometry),
            check_spacing(series.geometry),
            check_gap(series.geometry, _thickness_mm(series)),
            check_orientation(series.geometry),
        ]
    contrast = check_agent(sequence, series)
    return (*checks, contrast) if contrast else tuple(checks)


def _series_check(study: Study, sequence: Sequence, series: Series, *, by_user: bool) -> Check:
    """Say why this series, and what was repaired in it."""
    proposal = study.roles.get(sequence)
    light, source, sentences = Light.GOOD, Source.HEADERS, []
    if by_user:
        source = Source.USER
        sentences.append("Chosen by you.")
    elif proposal is not None and proposal.series_uid == series.series_uid:
        sentences.append(_proposed(proposal))
        light = Light.GOOD if proposal.confidence >= SURE_CONFIDENCE else Light.FAIR
        source = Source.PIXELS if proposal.by_pixels else Source.HEADERS
    else:
        sentences.append("Not the series that the headers propose.")
        light = Light.FAIR
    if series.problems:
        light = Light.FAIR
        sentences = [*series.problems, *sentences]
    return Check(Aspect.SERIES, light, " ".join(sentences), source)


def _proposed(proposal: RoleProposal) -> str:
    # How sure the images are was asked once, against a limit; it is no share of anything.
    sure = "" if proposal.by_pixels else f" ({readable_share(proposal.confidence)} sure)"
    return f"{proposal.reason}{sure}"


def _coverage(geometry: Geometry) -> Check:
    """Compare the field of view with the size of a brain."""
    field = field_lps_mm(geometry)
    shares = field / np.array(BRAIN_SIZE_LPS_MM)
    worst = int(np.argmin(shares))
    size = " × ".join(f"{mm:.0f}" for mm in field)
    if shares[worst] >= 1:
        return Check(Aspect.COVERAGE, Light.GOOD, f"{size} mm, room for a whole brain.")
    what = f"Only {field[worst]:.0f} mm {_AXES[worst]}"
    if shares[worst] < _USABLE_SHARE:
        return Check(Aspect.COVERAGE, Light.POOR, f"{what}: much of the brain is outside.")
    return Check(Aspect.COVERAGE, Light.FAIR, f"{what}: part of the brain may be outside.")


def field_lps_mm(geometry: Geometry) -> NDArray[np.float64]:
    """Return the length of the grid along its axes, each given to the nearest of L, P and S."""
    field = np.zeros(3)
    free = [0, 1, 2]
    for array_axis, (count, mm) in enumerate(
        zip(geometry.shape_kji, geometry.spacing_mm, strict=True)
    ):
        direction = np.abs(geometry.direction_lps[:, 2 - array_axis])
        nearest = max(free, key=lambda axis: direction[axis])
        free.remove(nearest)
        field[nearest] = count * mm
    return field


def _thickness_mm(series: Series) -> float | None:
    try:
        return float(series.attributes.get("SliceThickness", "").split("\\")[0])
    except ValueError:
        return None

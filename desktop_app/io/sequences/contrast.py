"""Which T1 was taken with contrast agent: by words, by the header, by the order of series."""

import math
import re
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as Items
from dataclasses import replace

from desktop_app.domain.study import Sequence, Series
from desktop_app.io.sequences.candidate import Candidate, header_number, is_derived
from desktop_app.io.sequences.repeats import TimePoint
from desktop_app.io.sequences.text import contrast_in

# It may be with contrast, or without.
DOUBTED = 0.5
# How much is left of the confidence where one sign of contrast stands alone.
SINGLE_SIGN = 0.8


def _said_of_contrast(series: Series) -> bool | None:
    """Ask the description first: a protocol's name may be that of the whole examination."""
    said = contrast_in(series.description)
    return contrast_in(series.attributes.get("ProtocolName", "")) if said is None else said


def _administered(series: Series) -> str:
    """Return YES or NO of the enhanced header, empty where it does not tell."""
    value = series.attributes.get("ContrastAdministered", "").upper()
    return value if value in {"YES", "NO"} else ""


def _contrast_votes(series: Series) -> tuple[int, list[str], bool]:
    """Weigh what speaks for contrast agent (positive) or against, and whether that disagrees."""
    grounds: list[str] = []
    attributes = series.attributes
    agents = (attributes.get("ContrastBolusAgent"), attributes.get("ContrastBolusAgentSequence"))
    named = [a for a in agents if a and a.strip().upper() not in {"NONE", "NO", "N", "0", "NEIN"}]
    if named:
        grounds.append(f"agent {named[0]}")
    if attributes.get("ContrastBolusStartTime"):
        grounds.append("an injection time")
    # Scanners write both once for the examination, on the images before the injection too.
    votes = int(bool(grounds))
    # What is computed from images is computed after them.
    is_late = votes > 0 and is_derived(series)
    disagrees = False
    administered = _administered(series)
    if administered:
        votes += 2 if administered == "YES" else -2
        grounds.append(f"agent administered: {administered.lower()}")
    said = _said_of_contrast(series)
    if said is not None:
        disagrees = administered == ("NO" if said else "YES") or (is_late and not said)
        votes += 2 if said else -3
        grounds.append("a description with contrast" if said else "a description without contrast")
    return votes, grounds, disagrees


def with_contrast(series: Series, confidence: float, reason: str) -> tuple[Sequence, float, str]:
    """Tell T1c from T1 for one series taken for a T1.

    Returns
    -------
    tuple
        The sequence, the confidence lowered where little speaks for it, and the reason with what
        does.
    """
    votes, grounds, disagrees = _contrast_votes(series)
    because = f"{reason[:-1]}; {', '.join(grounds) or 'no sign of contrast agent'}."
    if disagrees:
        confidence = min(confidence, DOUBTED)
        because = f"{because[:-1]}; these disagree, please confirm."
    if votes >= 2:
        return Sequence.T1C, confidence, because
    if votes == 1:
        return Sequence.T1C, confidence * SINGLE_SIGN, because
    # Silence is weaker than a word: many post-contrast series name no agent.
    return Sequence.T1, confidence * (1.0 if votes < 0 else 0.85), because


def doubt_time_points(
    candidates: Iterable[Candidate], when: Mapping[str, TimePoint]
) -> list[Candidate]:
    """Doubt that a time point was taken with contrast agent, or without: the first lies before it.

    Parameters
    ----------
    when
        By UID, which of several time points a series is.
    """

    def doubted(one: Candidate) -> Candidate:
        point = when.get(one.series_uid)
        if point is None or one.role not in (Sequence.T1, Sequence.T1C):
            return one
        if one.role is Sequence.T1 and point.number == 1:
            return one
        return _doubted(one, f"time point {point.number} of {point.count}")

    return [doubted(one) for one in candidates]


def settle_contrast(series: Items[Series], candidates: list[Candidate]) -> list[Candidate]:
    """Tell by their time which T1s were taken with contrast agent, where nothing else does.

    Of two T1s of one protocol that only the examination's bolus tags, or nothing at all, speak for,
    the later is taken for the one with contrast. Where their protocols differ too, the doubt is
    told, unless one was taken after another that is known to be with contrast.
    """
    by_uid = {one.series_uid: one for one in series if not one.is_nifti}
    t1s = {
        c.series_uid: c
        for c in candidates
        if c.role in (Sequence.T1, Sequence.T1C) and c.series_uid in by_uid
    }
    undecided = {uid for uid in t1s if _is_undecided(by_uid[uid])}
    roles = {c.role for c in t1s.values()}
    all_with = roles == {Sequence.T1C}
    if len(t1s) < 2:
        return candidates
    if len(roles) == 1:
        rivals = [by_uid[uid] for uid in t1s]
        changed = {uid for uid in undecided if _is_extreme(by_uid[uid], rivals, first=all_with)}
        if changed:
            return [_exchanged(c) if c.series_uid in changed else c for c in candidates]
    injected = [
        by_uid[uid].acquired
        for uid, c in t1s.items()
        if c.role is Sequence.T1C and uid not in undecided
    ]

    def settled(one: Candidate) -> Candidate:
        is_decided = one.series_uid not in undecided
        if one.series_uid not in t1s or (is_decided and one.role is Sequence.T1C):
            return one
        is_after = any("" < time < by_uid[one.series_uid].acquired for time in injected)
        return _by_what_came_before(one, is_after=is_after, all_with=all_with)

    return [settled(one) for one in candidates]


def _exchanged(one: Candidate) -> Candidate:
    """Give the last of several T1s, or the first of several T1cs, the other role."""
    is_t1 = one.role is Sequence.T1
    role, order = (Sequence.T1C, "later") if is_t1 else (Sequence.T1, "earlier")
    reason = f"The {order} of two T1s of the same protocol; please confirm."
    return replace(one, role=role, confidence=DOUBTED, reason=reason)


def _by_what_came_before(one: Candidate, *, is_after: bool, all_with: bool) -> Candidate:
    """Weigh whether a T1 was taken after one that is said to be with contrast."""
    if one.role is Sequence.T1:
        return _doubted(one, "after a series with contrast agent") if is_after else one
    if is_after:
        return replace(one, confidence=one.confidence / SINGLE_SIGN)
    return _doubted(one, "it may precede the contrast agent") if all_with else one


def _is_undecided(series: Series) -> bool:
    return _said_of_contrast(series) is None and not _administered(series)


def _is_extreme(one: Series, others: Iterable[Series], *, first: bool) -> bool:
    """Whether a series is the first (or last) of several of its protocol."""
    rivals = [other for other in others if _same_protocol(one, other)]
    # Several images may be made of one acquisition, under numbers of their own.
    known = all(other.acquired for other in rivals)
    times = [(other.acquired, 0 if known else other.number) for other in rivals]
    outermost = min(times) if first else max(times)
    own = (one.acquired, 0 if known else one.number)
    return own == outermost and times.count(outermost) < len(times)


def _doubted(candidate: Candidate, why: str) -> Candidate:
    confidence = min(candidate.confidence, DOUBTED)
    told = re.sub(r"[;,] please confirm\.$|\.$", "", candidate.reason)
    reason = f"{told}; {why}, please confirm."
    return replace(candidate, confidence=confidence, reason=reason)


def _same_protocol(one: Series, other: Series) -> bool:
    """Whether two series differ in nothing that matters: timing, plane, distance, component."""
    if one.series_uid == other.series_uid:
        return True
    pairs = [
        (header_number(one, key), header_number(other, key))
        for key in ("RepetitionTime", "EchoTime")
    ]
    if one.geometry is None or other.geometry is None:
        return False
    components = {s.attributes.get("ComplexImageComponent", "") for s in (one, other)}
    if len(components) > 1:
        return False
    pairs.append((one.geometry.spacing_mm[0], other.geometry.spacing_mm[0]))
    if any(a is None or b is None or not math.isclose(a, b, rel_tol=0.05) for a, b in pairs):
        return False
    normals = [g.direction_lps[:, 2] for g in (one.geometry, other.geometry)]
    return bool(abs(normals[0] @ normals[1]) > 0.9)

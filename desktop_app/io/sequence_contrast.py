"""Which T1 was taken with contrast agent: by words, by the header, by the order of series."""

import math
from collections.abc import Iterable
from collections.abc import Sequence as Items
from dataclasses import replace

from desktop_app.domain.study import Sequence, Series
from desktop_app.io.sequence_candidate import Candidate, header_number
from desktop_app.io.sequence_text import contrast_in


def _said_of_contrast(series: Series) -> bool | None:
    """Ask the description first: a protocol's name may be that of the whole examination."""
    said = contrast_in(series.description)
    return contrast_in(series.attributes.get("ProtocolName", "")) if said is None else said


def _administered(series: Series) -> str:
    """Return YES or NO of the enhanced header, empty where it does not tell."""
    value = series.attributes.get("ContrastAdministered", "").upper()
    return value if value in {"YES", "NO"} else ""


def _contrast_votes(series: Series) -> tuple[int, list[str]]:
    """Weigh what speaks for contrast agent (positive) and against (negative)."""
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
    administered = _administered(series)
    if administered:
        votes += 2 if administered == "YES" else -2
        grounds.append(f"agent administered: {administered.lower()}")
    said = _said_of_contrast(series)
    if said is not None:
        votes += 2 if said else -3
        grounds.append("a description with contrast" if said else "a description without contrast")
    return votes, grounds


def with_contrast(series: Series, confidence: float, reason: str) -> tuple[Sequence, float, str]:
    """Tell T1c from T1 for one series taken for a T1.

    Returns
    -------
    tuple
        The sequence, the confidence lowered where little speaks for it, and the reason with what
        does.
    """
    votes, grounds = _contrast_votes(series)
    because = f"{reason[:-1]}; {', '.join(grounds) or 'no sign of contrast agent'}."
    if votes >= 2:
        return Sequence.T1C, confidence, because
    if votes == 1:
        return Sequence.T1C, confidence * 0.8, because
    # Silence is weaker than a word: many post-contrast series name no agent.
    return Sequence.T1, confidence * (1.0 if votes < 0 else 0.85), because


def settle_contrast(series: Items[Series], candidates: list[Candidate]) -> list[Candidate]:
    """Tell T1s of one protocol apart by their time where nothing else does.

    Of two T1s that only the examination's bolus tags, or nothing at all, speak for, the later is
    taken for the one with contrast. Where their protocols differ too, the doubt is told.
    """
    by_uid = {one.series_uid: one for one in series if not one.is_nifti}
    t1s = {
        c.series_uid: c
        for c in candidates
        if c.role in (Sequence.T1, Sequence.T1C) and c.series_uid in by_uid
    }
    roles = {c.role for c in t1s.values()}
    undecided = [uid for uid in t1s if _is_undecided(by_uid[uid])]
    if len(roles) != 1 or len(t1s) < 2 or not undecided:
        return candidates
    all_with = roles == {Sequence.T1C}
    changed = {
        uid
        for uid in undecided
        if _is_extreme(by_uid[uid], [by_uid[other] for other in t1s], first=all_with)
    }
    if changed:
        role = Sequence.T1 if all_with else Sequence.T1C
        order = "earlier" if all_with else "later"
        reason = f"The {order} of two T1s of the same protocol; please confirm."
        return [
            replace(c, role=role, confidence=0.5, reason=reason) if c.series_uid in changed else c
            for c in candidates
        ]
    if not all_with:
        return candidates
    injected = [by_uid[uid].acquired for uid in t1s if uid not in undecided]
    return [
        _doubted(c)
        if c.series_uid in undecided
        and not any("" < time < by_uid[c.series_uid].acquired for time in injected)
        else c
        for c in candidates
    ]


def _is_undecided(series: Series) -> bool:
    return _said_of_contrast(series) is None and not _administered(series)


def _is_extreme(one: Series, others: Iterable[Series], *, first: bool) -> bool:
    """Whether a series is the first (or last) of several of its protocol."""
    times = [_when(other) for other in others if _same_protocol(one, other)]
    outermost = min(times) if first else max(times)
    return _when(one) == outermost and times.count(outermost) < len(times)


def _doubted(candidate: Candidate) -> Candidate:
    confidence = min(candidate.confidence, 0.5)
    reason = f"{candidate.reason[:-1]}; it may precede the contrast agent, please confirm."
    rank = candidate.rank - 20 * (candidate.confidence - confidence)
    return replace(candidate, confidence=confidence, reason=reason, rank=rank)


def _when(series: Series) -> tuple[str, int]:
    return series.acquired, series.number


def _same_protocol(one: Series, other: Series) -> bool:
    """Whether two series differ in no setting that matters: timing, plane, slice distance."""
    if one.series_uid == other.series_uid:
        return True
    pairs = [
        (header_number(one, key), header_number(other, key))
        for key in ("RepetitionTime", "EchoTime")
    ]
    if one.geometry is None or other.geometry is None:
        return False
    pairs.append((one.geometry.spacing_mm[0], other.geometry.spacing_mm[0]))
    if any(a is None or b is None or not math.isclose(a, b, rel_tol=0.05) for a, b in pairs):
        return False
    normals = [g.direction_lps[:, 2] for g in (one.geometry, other.geometry)]
    return bool(abs(normals[0] @ normals[1]) > 0.9)

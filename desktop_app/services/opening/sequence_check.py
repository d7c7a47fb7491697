"""The pixels' last word on which image is which sequence, weighed against the headers' and user's.

Within the limits below an image is confirmed, or given to another sequence and that told, or the
study is refused until somebody chooses; it is never swapped, nor left swapped, in silence.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from desktop_app.domain.sequence_choice import Finding, PixelFinding
from desktop_app.domain.study import Sequence
from desktop_app.errors import InputError
from desktop_app.imaging.contrast_evidence import BrainLook
from desktop_app.imaging.sequence_pixels import Assignment, PixelScores, score_assignments

# Log-likelihood ratios: by how much another assignment has to beat the one given, and every
# further one, before images change places; and from where on the pixels object at all.
SURE, CLEAR, UNSURE = 3.0, 2.0, 1.0
# Headers confuse T1 with T1c and T2 with FLAIR; between the two kinds their timing is rarely wrong,
# and the pixels of unusual scans are less reliable, so more is asked of these.
UNSURE_TOLD, UNSURE_ACROSS = 1.5, 2.5
_ALIKE = (frozenset({Sequence.T1, Sequence.T1C}), frozenset({Sequence.T2, Sequence.FLAIR}))
# What the headers' rules give where the description and the timing say the same.
WORDS_AND_TIMING = 0.95
# Below it the headers alone decide nothing.
MIN_HEADER_CONFIDENCE = 0.6


class SequenceDoubt(InputError):
    """Headers and pixels do not agree on which image is which, and neither is sure enough."""

    def __init__(self, sequences: tuple[Sequence, ...], detail: str) -> None:
        names = ", ".join(one.value for one in sequences[:-1]) + f" and {sequences[-1].value}"
        options = " ".join(f"--{one.value.lower()} SERIES" for one in sequences)
        super().__init__(
            f"It is not certain which image is {names}.",
            detail,
            f"Look at them and choose {names} yourself; on the command line: {options}",
        )
        self.sequences = sequences
        self._detail = detail

    def __reduce__(self) -> tuple[type["SequenceDoubt"], tuple[tuple[Sequence, ...], str]]:
        """Rebuild from its own arguments when sent between processes."""
        return (SequenceDoubt, (self.sequences, self._detail))


@dataclass(frozen=True, slots=True, eq=False)
class SequenceCheck:
    """What became of each image, by the sequence it is now."""

    findings: Mapping[Sequence, PixelFinding]

    @property
    def assignment(self) -> Assignment:
        """For each sequence, which one its image was given as."""
        return {sequence: finding.given_as for sequence, finding in self.findings.items()}

    @property
    def is_corrected(self) -> bool:
        """Whether any image serves as another sequence than it was given as."""
        return any(sequence is not given for sequence, given in self.assignment.items())

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences the user has to see."""
        told = (f.sentence for f in self.findings.values() if f.finding is not Finding.CONFIRMED)
        return tuple(dict.fromkeys(told))


def check_sequences(
    looks: Mapping[Sequence, BrainLook],
    *,
    header_confidence: Mapping[Sequence, float] | None = None,
    chosen_by_user: Collection[Sequence] = (),
) -> SequenceCheck:
    """Ask the pixels which image is which.

    Parameters
    ----------
    looks
        What the registered images show inside the brain, by the sequence they were given as; see
        `brain_looks`.
    header_confidence
        How sure the headers are, 0 to 1; sure where absent.
    chosen_by_user
        Sequences whose image the user chose: never given another, a contradiction is told.

    Raises
    ------
    SequenceDoubt
        If headers and pixels disagree and the pixels are not sure, or neither can tell.
    """
    given = {sequence: sequence for sequence in Sequence if sequence in looks}
    if len(given) < 2:
        return SequenceCheck({})
    scores = score_assignments(looks)
    best, likelihood = scores.best(fixed=chosen_by_user)
    lead = likelihood - scores.as_given
    moved = tuple(sequence for sequence in best if best[sequence] is not sequence)
    timing = 0.0 if _stays_alike(best) else _header_odds(moved, header_confidence or {})
    if lead >= SURE + timing and is_clear(scores, best):
        return _corrected(best, scores, moved)
    if lead > objection(best) + timing:
        raise SequenceDoubt(moved, "What the headers say and what the pixels show disagree.")
    _refuse_guess(scores, given, header_confidence or {}, chosen_by_user)
    overall, _ = scores.best()
    return SequenceCheck(
        {sequence: _finding(sequence, scores, given, overall, chosen_by_user) for sequence in given}
    )


def _header_odds(moved: tuple[Sequence, ...], header_confidence: Mapping[Sequence, float]) -> float:
    """Return the log-odds that the headers tell T1 kinds from T2 kinds rightly; 0 if not said.

    The pixels' log-likelihood ratio has to overcome them, as in Bayes' rule. Where description
    and timing agree for every image that would move, the pixels' doubt is told and no more.
    """
    least = min((header_confidence.get(sequence, 0.5) for sequence in moved), default=0.5)
    if least >= WORDS_AND_TIMING:
        return float("inf")
    return float(np.log(max(least, 0.5) / (1.0 - max(least, 0.5))))


def objection(best: Assignment) -> float:
    """Return from what lead on the pixels object to the images as given."""
    return UNSURE if _stays_alike(best) else UNSURE_ACROSS


def is_clear(scores: PixelScores, best: Assignment) -> bool:
    """Whether no other assignment, of the same kinds where those are undisputed, comes near."""
    margin = _margin if _stays_alike(best) else PixelScores.margin
    return min(margin(scores, best, sequence) for sequence in best) >= CLEAR


def _stays_alike(assignment: Assignment) -> bool:
    """Whether an assignment exchanges T1 with T1c and T2 with FLAIR only, if anything."""
    return all(
        sequence is given_as or any({sequence, given_as} <= alike for alike in _ALIKE)
        for sequence, given_as in assignment.items()
    )


def _margin(scores: PixelScores, assignment: Assignment, sequence: Sequence) -> float:
    """Return by how much an assignment beats an exchange of this image with the one like it."""
    alike = [
        score
        for other, score in zip(scores.assignments, scores.scores, strict=True)
        if other[sequence] is not assignment[sequence] and _stays_alike(other)
    ]
    own = scores.scores[scores.assignments.index(assignment)]
    return own - max(alike) if alike else scores.margin(assignment, sequence)


def _corrected(best: Assignment, scores: PixelScores, moved: tuple[Sequence, ...]) -> SequenceCheck:
    names = ", ".join(f"{best[sequence]} is used as {sequence}" for sequence in moved)
    sentence = (
        f"The pixels contradict the names of the series: what was taken for {names}. "
        "Check this before you rely on the result."
    )
    findings = {}
    for sequence, given_as in best.items():
        margin = scores.margin(best, sequence)
        if sequence in moved:
            finding = PixelFinding(given_as, Finding.CORRECTED, margin, sentence)
        else:
            finding = PixelFinding(
                given_as, Finding.CONFIRMED, margin, f"The pixels confirm {sequence}."
            )
        findings[sequence] = finding
    return SequenceCheck(findings)


def _refuse_guess(
    scores: PixelScores,
    given: Assignment,
    header_confidence: Mapping[Sequence, float],
    chosen_by_user: Collection[Sequence],
) -> None:
    """Refuse where the headers guessed and the pixels cannot tell."""
    guessed = tuple(
        sequence
        for sequence in given
        if sequence not in chosen_by_user
        and _margin(scores, given, sequence) < UNSURE
        and header_confidence.get(sequence, 1.0) < MIN_HEADER_CONFIDENCE
    )
    if guessed and len(given) - len(set(given) & set(chosen_by_user)) > 1:
        raise SequenceDoubt(guessed, "The headers leave it open, and the pixels cannot tell.")


def _finding(
    sequence: Sequence,
    scores: PixelScores,
    given: Assignment,
    overall: Assignment,
    chosen_by_user: Collection[Sequence],
) -> PixelFinding:
    margin = _margin(scores, given, sequence)
    is_disputed = (
        overall[sequence] is not sequence and scores.best()[1] - scores.as_given > UNSURE_TOLD
    )
    if margin >= UNSURE and not is_disputed:
        return PixelFinding(sequence, Finding.CONFIRMED, margin, f"The pixels confirm {sequence}.")
    if is_disputed and chosen_by_user:
        return PixelFinding(
            sequence,
            Finding.KEPT_BY_USER,
            margin,
            f"The image chosen for {sequence} looks like "
            f"{_looks_like(overall, sequence)}; it is used as you chose.",
        )
    if is_disputed:
        return PixelFinding(
            sequence,
            Finding.DOUBTFUL,
            margin,
            f"The image taken for {sequence} looks rather like {_looks_like(overall, sequence)}; "
            "check it.",
        )
    return PixelFinding(sequence, Finding.CANNOT_TELL, margin, _open_question(scores, given))


def _looks_like(overall: Assignment, given_as: Sequence) -> Sequence:
    return next(sequence for sequence, image in overall.items() if image is given_as)


def _open_question(scores: PixelScores, given: Assignment) -> str:
    open_ = [s for s in given if _margin(scores, given, s) < UNSURE]
    if set(open_) == {Sequence.T1, Sequence.T1C}:
        return "Pixels do not tell whether T1c shows contrast agent; its header is trusted."
    names = ", ".join(open_)
    return f"The pixels cannot tell {names} apart; their headers are trusted."

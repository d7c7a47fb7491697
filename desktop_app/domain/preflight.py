"""What a look at the images before segmenting finds: a light and a plain sentence per question."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from desktop_app.domain.study import Sequence


class Light(StrEnum):
    """Traffic light; the values name the style."""

    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"
    UNKNOWN = "unknown"

    @property
    def word(self) -> str:
        """What the light says to whom colours say nothing."""
        return _WORDS[self]

    @property
    def sign(self) -> str:
        """A shape of its own for each light."""
        return _SIGNS[self]


_WORDS = {
    Light.GOOD: "good",
    Light.FAIR: "check",
    Light.POOR: "problem",
    Light.UNKNOWN: "not known",
}
_SIGNS = {Light.GOOD: "●", Light.FAIR: "▲", Light.POOR: "✕", Light.UNKNOWN: "○"}
# From best to worst; a question without an answer spoils nothing.
_SEVERITY = (Light.UNKNOWN, Light.GOOD, Light.FAIR, Light.POOR)


class Aspect(StrEnum):
    """The questions asked of every sequence, in the order in which they are shown."""

    SERIES = "Series"
    COVERAGE = "Coverage"
    SPACING = "Spacing"
    GAP = "Slice gap"
    ORIENTATION = "Orientation"
    QUALITY = "Noise and motion"
    CONTRAST = "Contrast"
    REGISTRATION = "Registration"


class Source(StrEnum):
    """What an answer was taken from."""

    HEADERS = "headers"
    PIXELS = "pixels"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Check:
    """The answer to one question about one sequence.

    Parameters
    ----------
    sentence
        One plain sentence, without the name of the sequence.
    """

    aspect: Aspect
    light: Light
    sentence: str
    source: Source = Source.HEADERS


@dataclass(frozen=True, slots=True)
class SequencePreflight:
    """All that is known of one sequence.

    Parameters
    ----------
    series_uid
        Empty where no series is chosen.
    checks
        One per question at most, in the order of `Aspect`.
    """

    sequence: Sequence
    series_uid: str
    checks: tuple[Check, ...]

    @property
    def is_missing(self) -> bool:
        """Whether no series is chosen."""
        return not self.series_uid

    @property
    def light(self) -> Light:
        """The worst light of all questions; unknown where no series is chosen."""
        if self.is_missing:
            return Light.UNKNOWN
        return max((check.light for check in self.checks), key=_SEVERITY.index)

    @property
    def word(self) -> str:
        """The light in a word."""
        return "missing" if self.is_missing else self.light.word

    @property
    def worst(self) -> Check:
        """The answer that decides the light, the first of several."""
        return next((one for one in self.checks if one.light is self.light), self.checks[0])

    def updated(self, checks: tuple[Check, ...]) -> "SequencePreflight":
        """Return the same with these answers added, in place of older ones to the same question."""
        known = {check.aspect: check for check in (*self.checks, *checks)}
        ordered = tuple(known[aspect] for aspect in Aspect if aspect in known)
        return SequencePreflight(self.sequence, self.series_uid, ordered)


@dataclass(frozen=True, slots=True)
class Preflight:
    """All four sequences, and whether they can be segmented.

    Parameters
    ----------
    refusal
        Why nothing can be segmented, empty if it can.
    """

    sequences: Mapping[Sequence, SequencePreflight]
    refusal: str = ""

    @property
    def light(self) -> Light:
        """Red where nothing can be segmented, else the worst light of all sequences.

        One that is missing counts as amber: the result is less certain, as the sentence says.
        """
        if self.refusal:
            return Light.POOR
        lights = (Light.FAIR if s.is_missing else s.light for s in self.sequences.values())
        return max(lights, key=_SEVERITY.index)

    @property
    def sentence(self) -> str:
        """What to make of it before segmenting, in one sentence."""
        if self.refusal:
            return self.refusal
        red = self._names(Light.POOR)
        if red:
            return f"Can be segmented, but {_listed(red)} may spoil the result: check it with care."
        advice = self._advice()
        return f"Ready to segment; {advice}." if advice else "Ready to segment."

    @property
    def sentence_afterwards(self) -> str:
        """What to make of it once there is a result, in one sentence."""
        red = self._names(Light.POOR)
        if red:
            return f"Segmented, but {_listed(red)} may have spoilt the result: check it with care."
        advice = self._advice()
        return f"Segmented; {advice}." if advice else "Segmented."

    @property
    def sentence_beside_labels(self) -> str:
        """What to make of it where labels came from a file, made who knows from which images."""
        return f"Labels opened from a file. {self.sentence}"

    def _names(self, light: Light) -> list[str]:
        return [s.value for s, one in self.sequences.items() if one.light is light]

    def _advice(self) -> str:
        amber = self._names(Light.FAIR)
        missing = [s.value for s, one in self.sequences.items() if one.is_missing]
        parts = [f"please check {_listed(amber)}"] if amber else []
        parts += [f"without {_listed(missing)} the result is less certain"] if missing else []
        return "; ".join(parts)

    def updated(self, found: Mapping[Sequence, tuple[Check, ...]]) -> "Preflight":
        """Return the same with further answers, in place of older ones to the same questions."""
        sequences = {
            sequence: one if one.is_missing else one.updated(found.get(sequence, ()))
            for sequence, one in self.sequences.items()
        }
        return Preflight(sequences, self.refusal)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

"""Who said which series serves as which sequence of a finished study, and how surely."""

from enum import StrEnum

from desktop_app.domain.result import StudyResult
from desktop_app.domain.sequence_choice import Finding
from desktop_app.domain.study import Sequence


class Assigner(StrEnum):
    """Who said it last."""

    HEADERS = "headers"
    IMAGES = "images"
    USER = "user"


def assigned_by(result: StudyResult, sequence: Sequence) -> Assigner | None:
    """Return who said which series serves as a sequence; ``None`` where none does."""
    series = result.roles.get(sequence)
    if series is None:
        return None
    finding = result.prepared.findings.get(sequence)
    if finding is not None and finding.finding is Finding.CORRECTED:
        return Assigner.IMAGES
    proposal = result.study.roles.get(sequence)
    if proposal is None or proposal.series_uid != series.series_uid:
        return Assigner.USER
    return Assigner.IMAGES if proposal.by_pixels else Assigner.HEADERS


def header_confidence_of(result: StudyResult, sequence: Sequence) -> float | None:
    """Return how sure the headers' rules were; ``None`` where something else decided."""
    if assigned_by(result, sequence) is not Assigner.HEADERS:
        return None
    return result.study.roles[sequence].confidence

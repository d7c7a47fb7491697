"""What the session tells of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from desktop_app.domain.result import StudyResult
from desktop_app.domain.study import Sequence, Series, Study
from desktop_app.services.opening.loaded_study import LoadedStudy


@dataclass(frozen=True, slots=True)
class StudiesChanged:
    """Other studies are on offer."""

    studies: tuple[Study, ...]


@dataclass(frozen=True, slots=True)
class StudyChanged:
    """Another study is open, or none."""

    study: Study | None


@dataclass(frozen=True, slots=True)
class RolesChanged:
    """Other series are chosen for the sequences."""

    roles: Mapping[Sequence, Series]


@dataclass(frozen=True, slots=True)
class LoadedChanged:
    """The voxels of the chosen series are there, or no longer."""

    loaded: LoadedStudy | None


@dataclass(frozen=True, slots=True)
class ResultChanged:
    """There is a result, or no longer one; `saved` says whether its labels were exported."""

    result: StudyResult | None
    saved: bool


@dataclass(frozen=True, slots=True)
class ResultAwaited:
    """A new result is on its way and will take the place of the one shown, or no longer."""

    is_awaited: bool


@dataclass(frozen=True, slots=True)
class ResultCorrected:
    """A person changed the labels of the result."""

    result: StudyResult


@dataclass(frozen=True, slots=True)
class TargetsChosen:
    """The reader chose other target lesions."""

    targets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ResultSaved:
    """The labels of the result were exported."""

    result: StudyResult


Change = (
    StudiesChanged
    | StudyChanged
    | RolesChanged
    | LoadedChanged
    | ResultChanged
    | ResultAwaited
    | ResultCorrected
    | TargetsChosen
    | ResultSaved
)
Listener = Callable[[Change], None]

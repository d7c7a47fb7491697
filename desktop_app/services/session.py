"""The one mutable store of the window: what is open, which series were chosen, what was found."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from desktop_app.domain.result import StudyResult
from desktop_app.domain.study import Sequence, Series, Study
from desktop_app.services.opening.import_study import choose_roles
from desktop_app.services.opening.loaded_study import LoadedStudy
from desktop_app.services.result_in_hand import ResultInHand
from desktop_app.services.session_changes import (
    Change,
    Listener,
    LoadedChanged,
    ResultAwaited,
    ResultChanged,
    ResultCorrected,
    ResultSaved,
    RolesChanged,
    StudiesChanged,
    StudyChanged,
    TargetsChosen,
)


class Session:
    """Holds the state of the window and tells of every change.

    Belongs to the thread that makes it; work in other threads reads a snapshot when it starts and
    hands its answer back with the generation number of that moment. An answer to an older question
    is dropped.
    """

    def __init__(self) -> None:
        self._owner = threading.get_ident()
        self._listeners: list[Listener] = []
        self._generation = 0
        self._studies: tuple[Study, ...] = ()
        self._study: Study | None = None
        self._roles: dict[Sequence, Series] = {}
        self._chosen_by_user: set[Sequence] = set()
        self._loaded: LoadedStudy | None = None
        self._in_hand = ResultInHand()
        self._is_awaited = False

    @property
    def generation(self) -> int:
        """Number that grows whenever answers to earlier questions become worthless."""
        return self._generation

    @property
    def studies(self) -> tuple[Study, ...]:
        """What the last scan found."""
        return self._studies

    @property
    def study(self) -> Study | None:
        """The open study."""
        return self._study

    @property
    def roles(self) -> Mapping[Sequence, Series]:
        """The series chosen per sequence; a sequence without one is absent."""
        return MappingProxyType(self._roles)

    @property
    def chosen_by_user(self) -> frozenset[Sequence]:
        """Sequences whose series the user set (or emptied) over the proposal."""
        return frozenset(self._chosen_by_user)

    @property
    def loaded(self) -> LoadedStudy | None:
        """The voxels of the chosen series as acquired."""
        return self._loaded

    @property
    def result(self) -> StudyResult | None:
        """The segmentation of the open study."""
        return self._in_hand.result

    @property
    def lineage(self) -> int:
        """Number that grows with every result that is no correction of the one before."""
        return self._in_hand.lineage

    @property
    def saved(self) -> bool:
        """False while there is a result whose labels or target lesions were never exported."""
        return self._in_hand.saved

    @property
    def labels_saved(self) -> bool:
        """False while there is a result whose labels were never exported."""
        return self._in_hand.labels_saved

    @property
    def targets_saved(self) -> bool:
        """Whether the target lesions are those of the last export, or none where there was none."""
        return self._in_hand.targets_saved

    @property
    def targets(self) -> tuple[int, ...]:
        """Numbers of the lesions that the reader chose as targets."""
        return self._in_hand.targets

    @property
    def chosen(self) -> StudyResult | None:
        """The result with the reader's choice of target lesions, as it is exported."""
        return self._in_hand.chosen

    @property
    def written(self) -> Mapping[Path, StudyResult]:
        """What each folder was given of the result, or of those that it was corrected from.

        In the order of writing, the last one last.
        """
        return self._in_hand.written

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Tell `listener` of every change from now on; the returned function ends that."""
        self._require_owner()
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def set_studies(self, studies: tuple[Study, ...]) -> None:
        """Put other studies on offer and close the open one."""
        self._require_owner()
        self._studies = studies
        self._tell(StudiesChanged(studies))
        self.open_study(None)

    def replace_study(self, study: Study) -> None:
        """Put a study in the place of the one with the same identifier on offer, or alone there.

        The open one is closed.
        """
        known = [(one.study_uid, one.root) for one in self._studies]
        place = (study.study_uid, study.root)
        if place in known:
            index = known.index(place)
            others = self._studies
            self.set_studies((*others[:index], study, *others[index + 1 :]))
        else:
            self.set_studies((study,))

    def open_study(self, study: Study | None) -> None:
        """Open a study with the proposed series, or close the open one."""
        self._require_owner()
        self._study = study
        self._roles = dict(choose_roles(study, {})) if study is not None else {}
        self._chosen_by_user = set()
        self._tell(StudyChanged(study))
        self._restart()
        self._tell(RolesChanged(self.roles))

    def set_role(self, sequence: Sequence, series_uid: str | None) -> None:
        """Choose the series of a sequence over the proposal, or leave the sequence out.

        A series serves one sequence only: chosen for a second one, the first takes over what the
        second had, as a choice of the user's too; where that had none, the first is left empty.

        Raises
        ------
        KeyError
            If the open study has no such series, or no study is open.
        """
        self._require_owner()
        if self._study is None:
            raise KeyError(series_uid)
        roles = dict(self._roles)
        former = roles.pop(sequence, None)
        if series_uid is not None:
            chosen = self._study.series_by_uid(series_uid)
            other = next((one for one, series in roles.items() if series is chosen), None)
            if other is not None:
                del roles[other]
            if other is not None and former is not None:
                roles[other] = former
                self._chosen_by_user.add(other)
            roles[sequence] = chosen
        self._chosen_by_user.add(sequence)
        result = self.result
        # The pixels may have named them otherwise for the result: then this overrules the pixels.
        is_as_before = result is None or dict(result.roles) == roles
        if roles == self._roles and is_as_before:
            return
        self._roles = roles
        self._restart()
        self._tell(RolesChanged(self.roles))

    def accept_loaded(self, loaded: LoadedStudy, generation: int) -> bool:
        """Take in voxels that were asked for at `generation`; False if they came too late."""
        self._require_owner()
        if generation != self._generation:
            return False
        self._loaded = loaded
        self._tell(LoadedChanged(loaded))
        return True

    def accept_naming(self, study: Study, loaded: LoadedStudy, generation: int) -> bool:
        """Take in series that were named by their pixels, with their voxels; False if too late.

        Parameters
        ----------
        study
            The open study with further proposals.
        loaded
            Of the series chosen already, as they were, and of those named.
        """
        self._require_owner()
        if generation != self._generation or self._study is None:
            return False
        before, self._study = self._study, study
        self._studies = tuple(study if one is before else one for one in self._studies)
        if dict(loaded.roles) != self._roles:
            self._roles = dict(loaded.roles)
            self._restart()
        self._tell(RolesChanged(self.roles))
        return self.accept_loaded(loaded, self._generation)

    def await_result(self, is_awaited: bool) -> None:
        """Note that a new result is being made, or that none is any more.

        What is corrected meanwhile would be lost to it.
        """
        self._require_owner()
        if is_awaited is not self._is_awaited:
            self._is_awaited = is_awaited
            self._tell(ResultAwaited(is_awaited))

    def accept_result(
        self,
        result: StudyResult,
        generation: int,
        *,
        saved_in: Path | None = None,
        is_outdated: bool = False,
    ) -> bool:
        """Take in a result that was asked for at `generation`; False if it came too late.

        Parameters
        ----------
        saved_in
            The folder that it was read from; ``None`` if it was just found.
        is_outdated
            Whether the labels there were changed since the other files there were written.
        """
        self._require_owner()
        if generation != self._generation:
            return False
        self._in_hand.accept(result, saved_in, is_outdated=is_outdated)
        self._tell(ResultChanged(result, self.saved))
        return True

    def accept_correction(self, result: StudyResult) -> None:
        """Take in the result with labels that a person corrected, or took back to what they were.

        Raises
        ------
        RuntimeError
            If there is no result to correct.
        """
        self._require_owner()
        self._in_hand.correct(result)
        self._tell(ResultCorrected(result))

    def choose_targets(self, numbers: tuple[int, ...]) -> None:
        """Note which lesions of the result the reader chose as targets."""
        self._require_owner()
        if self._in_hand.choose_targets(numbers):
            self._tell(TargetsChosen(numbers))

    def note_written(
        self,
        result: StudyResult,
        folder: Path,
        lineage: int,
        *,
        holds_labels: bool,
        holds_choices: bool = True,
    ) -> None:
        """Note that this result was exported to a folder, with its labels or only its numbers.

        The network makes its labels again whenever it is asked; a person's are safe only in a file,
        and so are the target lesions that a person chose.

        Parameters
        ----------
        result
            As `chosen` had it when the export began.
        lineage
            Of the moment when the export began: the result may have been corrected meanwhile, but
            what was written of one before it is not noted.
        """
        self._require_owner()
        became_safe = self._in_hand.note_written(
            result, folder, lineage, holds_labels=holds_labels, holds_choices=holds_choices
        )
        if became_safe:
            self._tell(ResultSaved(result))

    def _restart(self) -> None:
        """Drop what was found for an earlier choice."""
        self._generation += 1
        if self._loaded is not None:
            self._loaded = None
            self._tell(LoadedChanged(None))
        if self._in_hand.drop():
            self._tell(ResultChanged(None, True))

    def _tell(self, change: Change) -> None:
        for listener in tuple(self._listeners):
            listener(change)

    def _require_owner(self) -> None:
        if threading.get_ident() != self._owner:
            raise RuntimeError("the session may only be used by the thread that made it")

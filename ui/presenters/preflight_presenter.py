"""The pre-flight table: headers at once, then pixels, then what registration shows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from desktop_app.domain.preflight import Check, Light, Preflight
from desktop_app.domain.result import PreparedStudy, StudyResult
from desktop_app.domain.study import Sequence, Series, Study
from desktop_app.errors import UserFacingError
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import CancelledEvent, Done, Event, Failed, ProgressCallback
from desktop_app.jobs.runner import Job, JobRunner, Lane, Work
from desktop_app.services.opening.loaded_study import LoadedStudy
from desktop_app.services.preflight.headers import check_headers
from desktop_app.services.preflight.pixels import PixelLook, look_at_pixels
from desktop_app.services.preflight.prepared import check_prepared
from desktop_app.services.session import Session
from desktop_app.services.session_changes import (
    Change,
    LoadedChanged,
    ResultChanged,
    RolesChanged,
    StudyChanged,
)
from ui.presenters.job_line import Dispatch
from ui.presenters.slots import slots_of
from ui.views.study_view import Comparison, SequenceSlot, StudyView, Verdict

_Item = TypeVar("_Item")

_NOT_PREPARED = "As their headers place them; not registered yet."
_PREPARED = "After registration."
_NAMING = "Not every series is named by its header."


@dataclass(frozen=True, slots=True, eq=False)
class _Ahead:
    """The open study, prepared before anybody asked to segment it.

    Parameters
    ----------
    checks
        What that showed, by the sequence each image was given as.
    """

    prepared: PreparedStudy
    checks: Mapping[Sequence, tuple[Check, ...]]


class PreflightPresenter:
    """Keeps the pre-flight table up to date; the study's presenter passes the session's changes on.

    The images are looked at in the background, beside whatever else runs: what was found for
    another choice of series, or too late, is dropped. Then they are registered and the brain is
    found, so that segmenting need not wait for it.

    Parameters
    ----------
    dispatch
        Queues a function onto the GUI thread.
    preparation
        Returns the work that prepares the open study, a `PreparedStudy`; ``None`` where there is
        nothing to prepare.
    """

    def __init__(
        self,
        view: StudyView,
        session: Session,
        runner: JobRunner,
        dispatch: Dispatch,
        preparation: Callable[[], Work | None],
    ) -> None:
        self._view = view
        self._session = session
        self._runner = runner
        self._dispatch = dispatch
        self._preparation = preparation
        self._ahead: _Ahead | None = None
        self._objection: Verdict | None = None
        self._is_outdated = False
        self._jobs: dict[str, Job] = {}
        self._looks: dict[str, PixelLook] = {}
        self._is_naming = False
        self.on_prepared: Callable[[], None] = lambda: None
        self._judged: StudyResult | None = None
        self._prepared: Mapping[Sequence, tuple[Check, ...]] = {}

    @property
    def busy(self) -> bool:
        """Whether the images are being looked at or prepared."""
        return bool(self._jobs)

    @property
    def is_prepared(self) -> bool:
        """Whether segmenting need not wait for the preparation."""
        return self._ahead is not None

    @property
    def can_segment(self) -> bool:
        """Whether the chosen series are enough."""
        study = self._session.study
        return study is not None and not self._preflight(study).refusal

    def cancel(self) -> None:
        """Stop looking."""
        for job in self._jobs.values():
            job.cancel()
        self._jobs.clear()

    def set_naming(self, is_naming: bool) -> None:
        """Tell whether the images are being asked which series is which; no verdict till then."""
        if is_naming is not self._is_naming:
            self._is_naming = is_naming
            self.show()
            self._prepare()

    def reconsider(self) -> None:
        """Show the table and prepare anew: the user chose, or confirmed a choice."""
        self._forget_preparation()
        # What runs is let run: only what the pixels say of the choice is asked anew.
        self._is_outdated = "prepare" in self._jobs
        self.show()
        self._prepare()

    def on_change(self, change: Change) -> None:
        """Follow the session."""
        match change:
            case StudyChanged():
                self._looks = {}
            case RolesChanged():
                self.show()
            case LoadedChanged(loaded):
                self.cancel()
                self._forget_preparation()
                if loaded is not None:
                    self._look(loaded)
            case ResultChanged(result, _) if result is not self._judged:
                self._judged, self._prepared = result, {}
                if result is not None:
                    self._judge(result)
            case _:
                pass

    def slots(self, study: Study) -> tuple[SequenceSlot, ...]:
        """Return the table as known now."""
        return slots_of(study, self._preflight(study), self._looks)

    def show(self) -> None:
        """Show the table as known now."""
        study = self._session.study
        if study is None:
            return
        preflight = self._preflight(study)
        self._view.show_slots(slots_of(study, preflight, self._looks))
        if self._is_naming:
            self._view.show_verdict(Verdict(Light.UNKNOWN, _NAMING, is_looking=True))
            return
        result = self._session.result
        if self._objection is not None and result is None:
            self._view.show_verdict(self._objection)
            return
        sentence = _sentence(preflight, result)
        refuses = bool(preflight.refusal)
        self._view.show_verdict(Verdict(preflight.light, sentence, self.busy, refuses))

    def compare(self) -> None:
        """Show two of the images over each other, if there are two."""
        comparison = self._comparison()
        if comparison is not None:
            self._view.show_comparison(comparison)

    @property
    def can_compare(self) -> bool:
        """Whether there are two images to lay over each other."""
        return self._comparison() is not None

    @property
    def registered(self) -> Comparison | None:
        """The images laid onto each other; ``None`` where that is not done yet.

        Before there is a result, they have the names they were given as.
        """
        if self._session.result is not None:
            return _registered(self._session.result.prepared)
        return None if self._ahead is None else _registered(self._ahead.prepared, as_given=True)

    def _comparison(self) -> Comparison | None:
        registered, loaded = self.registered, self._session.loaded
        if registered is not None and len(registered.volumes) > 1:
            return registered
        if loaded is None or len(loaded.volumes) < 2:
            return None
        reference = loaded.volumes.get(Sequence.T1C) or next(iter(loaded.volumes.values()))
        return Comparison(dict(loaded.volumes), reference.geometry, _NOT_PREPARED, {})

    def _preflight(self, study: Study) -> Preflight:
        roles = self._roles()
        checked = check_headers(study, roles, self._session.chosen_by_user)
        seen = {
            sequence: self._looks[series.series_uid].checks
            for sequence, series in roles.items()
            if series.series_uid in self._looks
        }
        return checked.updated(seen).updated(self._prepared)

    def _roles(self) -> Mapping[Sequence, Series]:
        result = self._session.result
        return self._session.roles if result is None else result.roles

    def _look(self, loaded: LoadedStudy) -> None:
        def work(progress: ProgressCallback, token: CancelToken) -> dict[str, PixelLook]:
            looks = look_at_pixels(
                loaded.volumes, memory=loaded.memory, progress=progress, token=token
            )
            return {loaded.roles[s].series_uid: look for s, look in looks.items()}

        def done(looks: dict[str, PixelLook]) -> None:
            self._looks |= looks
            self._prepare()

        self._start("look", work, done)

    def _prepare(self) -> None:
        """Do what segmenting does first, once there is nothing else to look at."""
        is_known = self._ahead is not None or self._objection is not None
        if is_known or self._session.result is not None or not self.can_segment:
            return
        prepare = self._preparation()
        if prepare is None or self._is_naming or self.busy:
            return

        def work(progress: ProgressCallback, token: CancelToken) -> _Ahead:
            prepared = prepare(progress, token)
            return _Ahead(prepared, _as_given(prepared, check_prepared(prepared)))

        def done(ahead: _Ahead) -> None:
            if self._session.result is not None:
                return
            if self._is_outdated:
                again()
                return
            self._ahead, self._prepared = ahead, ahead.checks
            self.on_prepared()

        def refused(error: UserFacingError) -> None:
            if self._is_outdated:
                again()
            else:
                self._objection = Verdict(Light.POOR, error.title)

        def again() -> None:
            self._is_outdated = False
            self._prepare()

        self._start("prepare", work, done, refused=refused, lane=Lane.AHEAD)

    def _forget_preparation(self) -> None:
        self._ahead = self._objection = None
        self._is_outdated = False
        if self._session.result is None:
            self._prepared = {}

    def _judge(self, result: StudyResult) -> None:
        def work(_progress: ProgressCallback, _token: CancelToken) -> object:
            return check_prepared(result.prepared)

        def done(checks: Mapping[Sequence, tuple[Check, ...]]) -> None:
            if self._session.result is result:
                self._prepared = checks

        self._start("judge", work, done)

    def _start(
        self,
        name: str,
        work: Work,
        done: Callable[[Any], None],
        *,
        refused: Callable[[UserFacingError], None] | None = None,
        lane: Lane = Lane.IO,
    ) -> None:
        """Run beside everything else, in place of the one before of this name."""
        generation = self._session.generation
        refused = refused or self._view.show_error
        if name in self._jobs:
            self._jobs[name].cancel()

        def listen(event: Event) -> None:
            if isinstance(event, Done | Failed | CancelledEvent):
                self._dispatch(lambda: end(event))

        def end(event: Event) -> None:
            if self._jobs.get(name) is not job:
                return
            del self._jobs[name]
            match event:
                case Done(result) if generation == self._session.generation:
                    done(result)
                case Failed(None, traceback):
                    self._view.show_crash(traceback)
                case Failed(error, _) if error is not None:
                    refused(error)
                case _:
                    pass
            self.show()

        job = self._jobs[name] = self._runner.submit(work, listen, lane=lane, kind=name)
        self.show()


def _sentence(preflight: Preflight, result: StudyResult | None) -> str:
    if result is None:
        return preflight.sentence
    origin = result.segmentation.provenance
    is_of_a_file = origin.labels_of or not origin.is_known
    return preflight.sentence_beside_labels if is_of_a_file else preflight.sentence_afterwards


def _registered(prepared: PreparedStudy, *, as_given: bool = False) -> Comparison:
    messages = {sequence: one.message for sequence, one in prepared.registrations.items()}
    volumes = dict(prepared.volumes)
    if as_given:
        volumes, messages = _as_given(prepared, volumes), _as_given(prepared, messages)
    return Comparison(volumes, prepared.reference.geometry, _PREPARED, messages)


def _as_given(prepared: PreparedStudy, found: Mapping[Sequence, _Item]) -> dict[Sequence, _Item]:
    """Return what belongs to images by the sequences they were given as, as the table has them."""
    given_as = {sequence: one.given_as for sequence, one in prepared.findings.items()}
    return {given_as.get(sequence, sequence): one for sequence, one in found.items()}

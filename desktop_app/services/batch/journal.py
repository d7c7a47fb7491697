"""The states of a batch's studies: in memory, on disk, and told to whoever listens."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from desktop_app.domain.study import Study
from desktop_app.errors import OutputError
from desktop_app.services.batch.records import (
    finished_state,
    finished_states,
    without_identity,
    write_state,
    write_summary,
)
from desktop_app.services.batch.state import CaseState, CaseStatus
from desktop_app.services.batch.state_news import StateNews
from desktop_app.services.results.output_room import require_room
from desktop_app.services.results.results_folder import STATE_FOLDER

CaseListener = Callable[[CaseState], None]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A study and how it stands."""

    study: Study
    state: CaseState


class Journal:
    """Keeps the states; safe across threads.

    A state of a study that is no longer listed is passed over: somebody may have exported its
    result while the studies were listed anew.

    The summary also names the studies that earlier runs into `output` have finished and whose
    images are no longer there: inboxes are emptied. What somebody else finishes or corrects in
    `output` meanwhile, in another process, is taken in.

    What cannot be written at the moment waits, and is written with what comes next: a share may
    be away for a while.

    Parameters
    ----------
    output
        Folder of the results.
    anonymise
        Write nothing that tells who a study is of.
    on_case
        Told of every change of a state, on the thread that noted it.
    """

    def __init__(
        self, output: Path, *, anonymise: bool = False, on_case: CaseListener | None = None
    ) -> None:
        self._output = output
        self._anonymise = anonymise
        self._on_case = on_case
        # The window asks for states at any time: whoever holds the first lock touches no disk.
        self._lock = threading.Lock()
        self._on_the_disk = threading.Lock()
        self._news = StateNews(output)
        self._waiting: dict[str, CaseState] = {}
        self._entries: dict[str, Entry] = {}
        self._kept: dict[str, CaseState] = {}
        self._earlier: dict[str, CaseState] | None = None

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The studies and how they stand, in the order in which they run."""
        with self._lock:
            return tuple(self._entries.values())

    @property
    def cases(self) -> tuple[CaseState, ...]:
        """The states, in the order in which their studies run."""
        return tuple(entry.state for entry in self.entries)

    @property
    def kept(self) -> tuple[CaseState, ...]:
        """The states as they are written: without identity where anonymised."""
        with self._lock:
            return tuple(self._kept.values())

    def study(self, name: str) -> Study:
        """Return the study of a case.

        Raises
        ------
        KeyError
            If there is none of this name.
        """
        with self._lock:
            return self._entries[name].study

    def state(self, name: str) -> CaseState:
        """Return how a study stands.

        Raises
        ------
        KeyError
            If there is none of this name.
        """
        with self._lock:
            return self._entries[name].state

    def take_stock(self) -> None:
        """Note which states are there, before they are read: only what comes later is news."""
        try:
            with self._on_the_disk:
                self._news.take_stock()
        except OSError as error:
            _log.info("The states cannot be looked at: %s", error)

    def begin(self, entries: Iterable[Entry]) -> None:
        """Take in the studies that were found, in place of those before; nothing is written."""
        fresh = tuple(entries)
        kept = {entry.state.name: self._on_disk(entry.study, entry.state) for entry in fresh}
        earlier = self._done_earlier()
        with self._lock:
            done = {n: one for n, one in self._kept.items() if one.status is CaseStatus.DONE}
            self._earlier = earlier | done
            self._entries = {entry.state.name: entry for entry in fresh}
            self._kept = kept

    def show(self, state: CaseState) -> None:
        """Note a passing state, such as how far a study is; nothing is written."""
        with self._lock:
            entry = self._entries.get(state.name)
            if entry is None:
                return
            self._entries[state.name] = Entry(entry.study, state)
        if self._on_case is not None:
            self._on_case(state)

    def keep(self, state: CaseState) -> None:
        """Note a state, on disk and in the summary as soon as these can be written."""
        with self._lock:
            entry = self._entries.get(state.name)
        if entry is None:
            return
        kept = self._on_disk(entry.study, state)
        with self._lock:
            self._waiting[state.name] = kept
        try:
            self.write_waiting()
        except OutputError as error:
            _log.info("A state waits to be written: %s", error.title)
        self.show(state)
        with self._lock:
            if state.name in self._entries:
                self._kept[state.name] = kept
        self.try_to_sum_up()

    def catch_up(self) -> None:
        """Take in what somebody else has finished or corrected; nothing is written.

        A study that runs is left to who runs it: results that a person corrected are kept aside.
        """
        try:
            with self._on_the_disk:
                found = [
                    finished_state(self._output, name, anonymised=self._anonymise)
                    for name in self._news.changed()
                ]
        except OSError as error:
            _log.info("The states cannot be looked at: %s", error)
            return
        for state in found:
            if state is not None:
                self._take_in(state)

    def require_output(self) -> None:
        """Find out whether results can be written, and write the states that wait.

        Raises
        ------
        OutputError
            If not.
        """
        for folder in (self._output, self._output / STATE_FOLDER):
            require_room(folder)
        self.write_waiting()

    def write_waiting(self) -> None:
        """Write the states that could not be written when they were noted.

        Raises
        ------
        OutputError
            If they cannot be written.
        """
        # One at a time, or an older state of a study might be written last.
        with self._on_the_disk:
            with self._lock:
                waiting = tuple(self._waiting.items())
            for name, kept in waiting:
                with _told(self._output):
                    self._news.note(write_state(self._output, kept))
                with self._lock:
                    if self._waiting[name] is kept:
                        del self._waiting[name]

    def follow_earlier(self, state: CaseState) -> None:
        """Note, as it is on disk, a state whose images are no longer there; nothing is written."""
        with self._lock:
            if self._earlier is not None and state.name in self._earlier:
                self._earlier[state.name] = state

    def try_to_sum_up(self) -> None:
        """Write the summary, or leave it for later: where a spreadsheet has it open, say."""
        try:
            self.sum_up()
        except OutputError as error:
            _log.info("The summary waits to be written: %s", error.title)

    def sum_up(self) -> Path:
        """Write the summary and return its path.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        self.catch_up()
        earlier = self._done_earlier()
        with self._on_the_disk, _told(self._output):
            with self._lock:
                self._earlier = self._earlier or earlier
                gone = [one for name, one in self._earlier.items() if name not in self._kept]
                states = [*gone, *self._kept.values()]
            return write_summary(self._output, states)

    def _done_earlier(self) -> dict[str, CaseState]:
        with self._lock:
            if self._earlier is not None:
                return self._earlier
        with self._on_the_disk:
            states = finished_states(self._output, anonymised=self._anonymise)
        return {state.name: state for state in states}

    def _take_in(self, state: CaseState) -> None:
        with self._lock:
            entry = self._entries.get(state.name)
            if entry is None:
                if self._earlier is not None:
                    self._earlier[state.name] = state
                return
            if entry.state.status is CaseStatus.RUNNING:
                return
            self._kept[state.name] = state
            shown = replace(state, study_uid=entry.study.study_uid, fraction=1.0)
            self._entries[state.name] = Entry(entry.study, shown)
        if self._on_case is not None:
            self._on_case(shown)

    def _on_disk(self, study: Study, state: CaseState) -> CaseState:
        return without_identity(state, study) if self._anonymise else state


@contextmanager
def _told(output: Path) -> Iterator[None]:
    """Tell what the system says of a write in three lines, also where it says something rare."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            "The records of the batch cannot be written.",
            f"{output}: {error.strerror or error}",
            "Check the folder for the results, or choose another one.",
        ) from error

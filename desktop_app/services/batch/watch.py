"""Studies that are yet to come: awaited, taken when complete, taken again when they change."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from desktop_app.domain.study import Study
from desktop_app.errors import InputError, NoStudyError, OutputError
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import ProgressCallback
from desktop_app.services.batch.folder_watch import FolderWatch
from desktop_app.services.batch.journal import Entry, Journal
from desktop_app.services.batch.options import WatchOptions
from desktop_app.services.batch.state import CaseState, CaseStatus

# A look at a large share takes long, and is then taken less often.
_LOOKING_SHARE = 0.1


class Watch:
    """Takes studies as they become complete.

    Parameters
    ----------
    list_studies
        Lists what is below the folder; a `NoStudyError` where there is no study, another
        `InputError` where the folder is away.
    state_of
        What is known of a study; told whether this watch has taken it before.
    work_through
        Segments studies and notes in the journal what comes of each.
    """

    def __init__(
        self,
        folder: FolderWatch,
        options: WatchOptions,
        journal: Journal,
        *,
        list_studies: Callable[[], Sequence[Study]],
        state_of: Callable[[Study, bool], CaseState],
        work_through: Callable[[Sequence[Study]], None],
    ) -> None:
        self._folder = folder
        self._options = options
        self._journal = journal
        self._list_studies = list_studies
        self._state_of = state_of
        self._work_through = work_through
        self._taken: dict[str, int] = {}

    def go_on(self, progress: ProgressCallback, token: CancelToken) -> None:
        """Wait and work until the token is cancelled.

        Raises
        ------
        Cancelled
            In the end.
        """
        while True:
            if problem := self._why_no_results():
                progress(0.0, f"Waiting for the folder of results: {problem}")
                token.wait(self._options.poll_seconds)
                continue
            pause_seconds = self._look(progress, token)
            ready = [study for study in self._pending() if self._folder.has_settled(study)]
            if ready:
                self._taken |= {_identity(one): self._folder.signature(one) for one in ready}
                # What it did not come to is still pending, and taken again.
                with suppress(OutputError):
                    self._work_through(ready)
            else:
                token.wait(pause_seconds)

    def _why_no_results(self) -> str:
        """Return why nothing can be written at the moment; empty where it can."""
        try:
            self._journal.require_output()
        except OutputError as error:
            return error.title
        return ""

    def _look(self, progress: ProgressCallback, token: CancelToken) -> float:
        """Look at the folder, list it where something is new; return when to look again, in s."""
        began = time.monotonic()
        reached = self._folder.look(token.raise_if_cancelled)
        looked_seconds = time.monotonic() - began
        if reached and self._folder.has_news():
            reached = self._list_again()
        progress(0.0, self._what_is_awaited(reached=reached))
        shortest = min(self._options.poll_seconds, self._options.settle_seconds)
        return max(shortest, looked_seconds / _LOOKING_SHARE)

    def _list_again(self) -> bool:
        """List the studies; False, and all that is new stays new, where the folder went away."""
        try:
            studies = self._list_studies()
        except NoStudyError:
            studies = ()  # none yet, or none any more
        except InputError:
            return False
        if not self._folder.still_has_news():
            return False
        before = {_identity(entry.study): entry for entry in self._journal.entries}
        listed = {_identity(study) for study in studies}
        # Inboxes are emptied: what was finished stays in the summary.
        gone = [e for key, e in before.items() if key not in listed and e.state.is_over]
        found = [self._entry(study, before.get(_identity(study))) for study in studies]
        self._journal.begin([*gone, *found])
        self._journal.try_to_sum_up()
        self._folder.take_news()
        return True

    def _entry(self, study: Study, before: Entry | None) -> Entry:
        signature = self._taken.get(_identity(study))
        unchanged = signature == self._folder.signature(study)
        if before is not None and before.state.is_over and unchanged:
            return before
        return Entry(study, self._state_of(study, signature is not None))

    def _pending(self) -> list[Study]:
        return [e.study for e in self._journal.entries if e.state.status is CaseStatus.PENDING]

    def _what_is_awaited(self, *, reached: bool) -> str:
        if not reached:
            return "Waiting: the folder cannot be reached"
        incomplete = [one for one in self._pending() if not self._folder.has_settled(one)]
        if not incomplete:
            return "Waiting for new studies"
        named = incomplete[0].name if len(incomplete) == 1 else f"{len(incomplete)} studies"
        return f"Waiting until {named} can be taken: files still change"


def _identity(study: Study) -> str:
    return study.study_uid or study.name

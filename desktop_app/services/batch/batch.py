"""The studies below a folder: listed, worked through, and awaited."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path

from desktop_app.domain.study import Study
from desktop_app.errors import Cancelled, InputError
from desktop_app.jobs.cancel import NEVER, CancelToken
from desktop_app.jobs.events import ProgressCallback, silent
from desktop_app.services.batch.attempt import StudyOrder, make_order
from desktop_app.services.batch.folder_watch import FolderWatch
from desktop_app.services.batch.journal import CaseListener, Entry, Journal
from desktop_app.services.batch.listing import Listing, known_state, list_studies
from desktop_app.services.batch.only_one import only_batch
from desktop_app.services.batch.options import BatchOptions, BatchOutcome, WatchOptions
from desktop_app.services.batch.place import StudyPlace
from desktop_app.services.batch.records import require_no_anonymised, write_skipped
from desktop_app.services.batch.state import CaseState, CaseStatus
from desktop_app.services.batch.watch import Watch
from desktop_app.services.models import ModelStore
from desktop_app.services.privacy import REDACTED


class Batch:
    """The studies below a folder and their states.

    First `find` lists them, then `run` works through them; stopped and run again it goes on where
    it stopped. `watch` does both, again and again, until it is stopped. All are meant for a job
    runner, `cases` for any thread.

    Parameters
    ----------
    root, output
        Made absolute: workers of a cluster have working folders of their own.
    models
        Where the weights are looked up.
    place
        Where the studies are worked through.
    on_case
        Told of every change of a study's state, on the threads that work.
    awake
        Keeps the computer awake during a block.
    """

    def __init__(
        self,
        root: Path,
        output: Path,
        options: BatchOptions,
        *,
        models: ModelStore,
        place: StudyPlace,
        on_case: CaseListener | None = None,
        awake: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.root = root.absolute()
        self.output = output.absolute()
        self.options = options
        self._anonymise = options.case.export.anonymise
        self._models = models
        self._place = place
        self._awake = awake
        self._journal = Journal(self.output, anonymise=self._anonymise, on_case=on_case)
        self._skipped: tuple[tuple[str, str], ...] = ()
        self._case_options = options.case
        self._card_sha256 = self._weights_sha256 = ""

    @property
    def cases(self) -> tuple[CaseState, ...]:
        """The studies and how they stand, in the order in which they run."""
        return self._journal.cases

    def study(self, name: str) -> Study:
        """Return the study of a case.

        Raises
        ------
        KeyError
            If there is none of this name.
        """
        return self._journal.study(name)

    def use(self, options: BatchOptions) -> None:
        """Work like this from the next run on.

        Raises
        ------
        ValueError
            If names were left out so far and are not from now on, or the other way round: whose
            results are whose depends on it.
        """
        if options.case.export.anonymise is not self._anonymise:
            raise ValueError("a batch leaves names out from its beginning or not at all")
        self.options = options

    def expected(self, name: str) -> CaseState | None:
        """Return what is to be known of a study before it is worked through, running.

        ``None`` where there is none of this name, or it cannot be read.
        """
        try:
            running = self._make_order(self.study(name)).running
        except (KeyError, InputError):
            return None
        return replace(running, study_uid="") if self._anonymise else running

    def take_in(self, state: CaseState) -> None:
        """Note that a study's result was written by somebody else, see `note_export`."""
        known = next((one for one in self.cases if one.name == state.name), None)
        if known is None:
            self._journal.follow_earlier(state)
        elif known.status is not CaseStatus.RUNNING:
            resumed = known.resumed and known.status is CaseStatus.DONE
            self._journal.keep(replace(state, study_uid=known.study_uid, resumed=resumed))

    def find(
        self, progress: ProgressCallback = silent, token: CancelToken = NEVER
    ) -> tuple[CaseState, ...]:
        """List the studies below the root and what is already known of each, failures too.

        A study's name is that of its folder of results, see `results_name`.

        Raises
        ------
        InputError
            If there is no study.
        UsageError
            If the model is not installed.
        OutputError
            If the key of anonymised names cannot be written, or names would be written to a folder
            of anonymised results.
        """
        self._begin()
        listing = self._list(progress, token)
        self._journal.begin(
            Entry(study, self._state_of(study, resume=self.options.resume, with_failures=True))
            for study in listing.studies
        )
        return self.cases

    def run(self, progress: ProgressCallback = silent, token: CancelToken = NEVER) -> BatchOutcome:
        """Work through every study that is not done.

        Raises
        ------
        InputError
            If there is no study.
        OutputError
            If nothing can be written to the folder of the results, from the start or for long, or
            another batch writes to it.
        Cancelled
            If `token` was cancelled; what is done stays done.
        """
        self._journal.require_output()
        with only_batch(self.output), self._awake():
            self._place.prepare()
            self.find(token=token)
            self._journal.try_to_sum_up()
            todo = [e.study for e in self._journal.entries if e.state.status is not CaseStatus.DONE]
            self._work_through(todo, progress, token)
            return self._outcome()

    def watch(
        self,
        progress: ProgressCallback = silent,
        token: CancelToken = NEVER,
        options: WatchOptions | None = None,
    ) -> BatchOutcome:
        """Work through the studies that are there and those that come, until `token` is cancelled.

        A study is taken once its files have settled. One that failed is tried again when its
        files change, and one that is done where its results are out of date. The progress told is
        that of the studies at hand, so it goes back when others come.

        Returns
        -------
        BatchOutcome
            After `token` was cancelled; a study that ran then is pending again.

        Raises
        ------
        InputError
            If the root is no folder.
        UsageError
            If the model is not installed.
        OutputError
            If nothing can be written to the folder of the results when it begins, another batch
            writes to it, or states or summary cannot be written when it ends. In between it is
            awaited.
        """
        if not self.root.is_dir():
            raise InputError(
                "Only a folder can be watched.",
                str(self.root),
                "Name the folder in which the studies will appear.",
            )
        self._journal.require_output()
        with only_batch(self.output):
            return self._watch(progress, token, options or WatchOptions())

    def _watch(
        self, progress: ProgressCallback, token: CancelToken, options: WatchOptions
    ) -> BatchOutcome:
        self._begin()
        self._place.prepare()
        watch = Watch(
            FolderWatch(self.root, self.output, options.settle_seconds),
            options,
            self._journal,
            list_studies=lambda: self._list(silent, token).studies,
            state_of=lambda study, again: self._state_of(
                study, resume=self.options.resume or again
            ),
            work_through=lambda studies: self._work_through(studies, progress, token),
        )
        with self._awake(), suppress(Cancelled):
            watch.go_on(progress, token)
        return self._outcome()

    def _begin(self) -> None:
        self._journal.take_stock()
        if not self._anonymise:
            require_no_anonymised(self.output)
        options = self.options.case
        model = self._models.find(options.segment.model_name)
        self._case_options = replace(
            options, segment=replace(options.segment, weights_folder=model.folder)
        )
        self._card_sha256, self._weights_sha256 = model.card_sha256, model.sha256

    def _list(self, progress: ProgressCallback, token: CancelToken) -> Listing:
        listing = list_studies(
            self.root, self.output, anonymise=self._anonymise, progress=progress, token=token
        )
        self._skipped = listing.skipped
        return listing

    def _state_of(self, study: Study, *, resume: bool, with_failures: bool = False) -> CaseState:
        if not resume:
            return CaseState(study.name, study.study_uid)
        return known_state(study, self.output, self._make_order, with_failures=with_failures)

    def _work_through(
        self, studies: Sequence[Study], progress: ProgressCallback, token: CancelToken
    ) -> None:
        self._place.work_through(
            studies, self._make_order, self._journal, progress=progress, token=token
        )

    def _make_order(self, study: Study) -> StudyOrder:
        return make_order(
            study,
            self._case_options,
            self.output,
            card_sha256=self._card_sha256,
            weights_sha256=self._weights_sha256,
        )

    def _outcome(self) -> BatchOutcome:
        written = tuple((REDACTED if self._anonymise else what, why) for what, why in self._skipped)
        self._journal.write_waiting()
        summary = self._journal.sum_up()
        write_skipped(self.output, written)
        return BatchOutcome(self.cases, summary, self._skipped, self._journal.kept, written)

"""Studies on this computer, some at a time, each lane with a model process of its own."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol

from desktop_app.domain.study import Study
from desktop_app.errors import Cancelled, ExchangedError
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import ProgressCallback
from desktop_app.jobs.priority import lower_this_thread
from desktop_app.services.batch.attempt import DefectListener, attempt, failed
from desktop_app.services.batch.journal import Journal
from desktop_app.services.batch.place import (
    PATIENCE_SECONDS,
    OrderMaker,
    SharedBar,
    wait_for_output,
)
from desktop_app.services.batch.state import CaseState, CaseStatus
from desktop_app.services.export.writers import PageRenderer
from desktop_app.services.segmenting.segment import Segmenter

_GIVES_WAY = "Waiting until the study in the window is segmented"
_LOOK_AGAIN_SECONDS = 0.2


class BatchWorker(Segmenter, Protocol):
    """A model process that the batch makes and ends."""

    def close(self) -> None:
        """End the process."""


class LocalPlace:
    """The computer that the program runs on.

    Parameters
    ----------
    make_worker
        Makes a model process; called once per lane.
    workers
        Studies at a time.
    gives_way
        Whether something more urgent wants this computer now: then no further study is begun, and
        the lanes end their processes, so that their memory is free for it.
    patience_seconds
        How long the folder of the results may be away before a run ends.

    Raises
    ------
    ValueError
        If there is not at least one worker.
    """

    def __init__(
        self,
        make_worker: Callable[[], BatchWorker],
        *,
        workers: int = 1,
        page_renderer: PageRenderer | None = None,
        on_defect: DefectListener | None = None,
        gives_way: Callable[[], bool] = lambda: False,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        if workers < 1:
            raise ValueError("a batch needs at least one worker")
        self._make_worker = make_worker
        self._workers = workers
        self._page_renderer = page_renderer
        self._on_defect = on_defect
        self._gives_way = gives_way
        self._patience_seconds = patience_seconds

    def prepare(self) -> None:
        """Nothing to find out: a device that fails is told with the first study."""

    def work_through(
        self,
        studies: Sequence[Study],
        make_order: OrderMaker,
        journal: Journal,
        *,
        progress: ProgressCallback,
        token: CancelToken,
    ) -> None:
        """Work through the studies; see `StudyPlace`."""
        run = _Run(
            studies, make_order, journal, SharedBar([s.name for s in studies], progress), token
        )
        workers = min(self._workers, max(len(studies), 1))
        with ThreadPoolExecutor(
            workers, thread_name_prefix="batch", initializer=lower_this_thread
        ) as pool:
            lanes = [pool.submit(self._lane, run) for _ in range(workers)]
        for lane in lanes:
            lane.result()
        token.raise_if_cancelled()

    def _lane(self, run: "_Run") -> None:
        worker = self._make_worker()
        try:
            for study in run.rest():
                wait_for_output(run.journal, run.share, run.token, self._patience_seconds)
                if self._gives_way():
                    worker.close()
                    run.wait_while(self._gives_way)
                    worker = self._make_worker()
                # Meanwhile a person may have segmented this very study, here or in another process.
                run.journal.catch_up()
                if run.journal.state(study.name).status is CaseStatus.DONE:
                    run.share.report(study.name, 1.0)
                else:
                    self._one(study, worker, run)
        except BaseException:
            run.stop()
            raise
        finally:
            worker.close()

    def _one(self, study: Study, worker: BatchWorker, run: "_Run") -> None:
        pending = CaseState(study.name, study.study_uid)

        def report(fraction: float, stage: str) -> None:
            run.journal.show(replace(order.running, fraction=fraction, stage=stage))
            run.share.report(study.name, fraction, stage)

        try:
            order = run.make_order(study)
        except Exception as error:  # noqa: BLE001 - a failed study never stops the rest
            state = failed(pending, error, self._on_defect)
        else:
            try:
                run.journal.keep(order.running)
                state = attempt(
                    order,
                    worker,
                    page_renderer=self._page_renderer,
                    progress=report,
                    token=run.token,
                    on_defect=self._on_defect,
                )
            except (Cancelled, ExchangedError):
                run.journal.keep(replace(order.running, status=CaseStatus.PENDING))
                raise
            except Exception as error:  # noqa: BLE001 - nor does a state that cannot be kept
                state = failed(pending, error, self._on_defect)
        run.journal.keep(state)
        run.share.report(study.name, 1.0)


class _Run:
    """What the lanes of one run share: the studies left, the bar, the wish to stop."""

    def __init__(
        self,
        studies: Sequence[Study],
        make_order: OrderMaker,
        journal: Journal,
        share: SharedBar,
        token: CancelToken,
    ) -> None:
        self.make_order = make_order
        self.journal = journal
        self.share = share
        self.token = token
        self._studies = iter(studies)
        self._lock = threading.Lock()
        self._stopped = False

    def stop(self) -> None:
        """Begin no further study."""
        self._stopped = True

    def wait_while(self, condition: Callable[[], bool]) -> None:
        """Begin nothing as long as the condition holds.

        Raises
        ------
        Cancelled
            If the run is to stop.
        """
        self.share.say(_GIVES_WAY)
        while condition():
            self.token.wait(_LOOK_AGAIN_SECONDS)

    def rest(self) -> Iterator[Study]:
        """Yield the studies that no lane has taken yet."""
        while not self._stopped:
            self.token.raise_if_cancelled()
            with self._lock:
                study = next(self._studies, None)
            if study is None:
                return
            yield study

"""Studies on the workers of a Dask cluster, which see the same folders as this computer."""

import queue
import time
import uuid
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import desktop_app
from desktop_app.domain.study import Study
from desktop_app.errors import DeviceError, InputError
from desktop_app.io.unpacked import lasting_name
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import ProgressCallback
from desktop_app.services.batch.attempt import DefectListener, StudyOrder, failed
from desktop_app.services.batch.cluster_client import connect
from desktop_app.services.batch.cluster_messages import RemoteOrder
from desktop_app.services.batch.cluster_worker import segment_on_worker
from desktop_app.services.batch.journal import Journal
from desktop_app.services.batch.place import (
    PATIENCE_SECONDS,
    OrderMaker,
    SharedBar,
    wait_for_output,
)
from desktop_app.services.batch.state import CaseState, CaseStatus

if TYPE_CHECKING:
    from distributed import Client, Future

_CONNECT_SECONDS = 10.0
_POLL_SECONDS = 0.2
# Clusters that grow on demand need a while for their first worker.
_WORKERLESS_SECONDS = 120.0
_COUNT_WORKERS_SECONDS = 5.0
# A worker asks once a second whether to stop, and ends its process within ten.
_STOP_SECONDS = 15.0


class ClusterPlace:
    """A Dask cluster.

    Parameters
    ----------
    address
        Of the scheduler, such as ``tcp://host:8786``.
    at_a_time
        Most studies handed over at a time; by default as many as the cluster takes.
    workerless_seconds
        How long the cluster may be without any worker before its studies count as failed.
    connect_seconds
        How long the scheduler may take to answer.
    patience_seconds
        How long the folder of the results may be away before a run ends.
    """

    def __init__(
        self,
        address: str,
        *,
        at_a_time: int | None = None,
        on_defect: DefectListener | None = None,
        workerless_seconds: float = _WORKERLESS_SECONDS,
        connect_seconds: float = _CONNECT_SECONDS,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._address = address
        self._at_a_time = at_a_time
        self._on_defect = on_defect
        self._workerless_seconds = workerless_seconds
        self._connect_seconds = connect_seconds
        self._patience_seconds = patience_seconds

    def prepare(self) -> None:
        """Find out whether the scheduler answers.

        Raises
        ------
        UsageError
            If the library is not installed, or this is no address.
        InputError
            If nobody answers.
        """
        with connect(self._address, self._connect_seconds):
            pass

    def work_through(
        self,
        studies: Sequence[Study],
        make_order: OrderMaker,
        journal: Journal,
        *,
        progress: ProgressCallback,
        token: CancelToken,
    ) -> None:
        """Work through the studies; see `StudyPlace`.

        Raises
        ------
        InputError
            If the scheduler no longer answers.
        """
        if not studies:
            return
        with connect(self._address, self._connect_seconds) as client:
            share = SharedBar([study.name for study in studies], progress)
            run = _Run(client, journal, share, self._workerless_seconds)
            limit = self._at_a_time or len(studies)
            waiting = deque(studies)
            try:
                while waiting or run.outstanding:
                    token.raise_if_cancelled()
                    may_hand_over = bool(waiting) and len(run.outstanding) < limit
                    if may_hand_over:
                        wait_for_output(journal, share, token, self._patience_seconds)
                        journal.catch_up()
                        study = waiting.popleft()
                        if journal.state(study.name).status is CaseStatus.DONE:
                            share.report(study.name, 1.0)
                        else:
                            self._hand_over(study, make_order, run)
                    run.turn(0.0 if may_hand_over else _POLL_SECONDS)
            finally:
                run.close()

    def _hand_over(self, study: Study, make_order: OrderMaker, run: "_Run") -> None:
        try:
            _require_shared(study)
            order = make_order(study)
        except Exception as error:  # noqa: BLE001 - a failed study never stops the rest
            run.end(failed(CaseState(study.name, study.study_uid), error, self._on_defect))
        else:
            run.submit(order)


class _Run:
    """Studies handed to a cluster, and what comes back."""

    def __init__(
        self, client: "Client", journal: Journal, share: SharedBar, workerless_seconds: float
    ) -> None:
        from distributed import Event

        self.outstanding: dict[str, tuple[StudyOrder, Future[CaseState]]] = {}
        self._client = client
        self._journal = journal
        self._share = share
        self._workerless_seconds = workerless_seconds
        self._channel = f"gliascope-{uuid.uuid4()}"
        self._stop = Event(self._channel, client=client)
        self._events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._begun: set[str] = set()
        self._counted_at = self._had_workers_at = time.monotonic()
        client.subscribe_topic(self._channel, lambda event: self._events.put(event[1]))

    def submit(self, order: StudyOrder) -> None:
        """Hand a study over."""
        name = order.study.name
        future = self._client.submit(
            segment_on_worker,
            RemoteOrder(order, desktop_app.__version__),
            self._channel,
            key=f"{self._channel}-{name}",
            pure=False,
        )
        self.outstanding[name] = (order, future)
        future.add_done_callback(lambda _: self._events.put((name,)))
        self._share.report(name, 0.0, "Waiting for a worker")

    def turn(self, seconds: float) -> None:
        """Note what happened next, waiting for it some time at most."""
        try:
            name, *advance = self._events.get(timeout=seconds)
        except queue.Empty:
            self._give_up_without_workers()
            return
        if name not in self.outstanding:
            return
        if advance:
            self._note_advance(name, *advance)
        else:
            self.end(_outcome(*self.outstanding.pop(name)))

    def end(self, state: CaseState) -> None:
        """Note that a study is over."""
        self._journal.keep(state)
        self._share.report(state.name, 1.0)

    def close(self) -> None:
        """Stop what is left and wait until it has; those studies are pending again."""
        left, self.outstanding = self.outstanding, {}
        # A scheduler that is gone has nothing left to stop.
        with suppress(OSError, TimeoutError):
            if left:
                self._stop.set()
                self._client.cancel([f for name, (_, f) in left.items() if name not in self._begun])
                deadline = time.monotonic() + _STOP_SECONDS
                begun = [future for name, (_, future) in left.items() if name in self._begun]
                while time.monotonic() < deadline and not all(f.done() for f in begun):
                    time.sleep(_POLL_SECONDS)
            self._client.unsubscribe_topic(self._channel)
        for order, _ in left.values():
            self._journal.keep(replace(order.running, status=CaseStatus.PENDING))

    def _note_advance(self, name: str, fraction: float, stage: str) -> None:
        order, _ = self.outstanding[name]
        state = replace(order.running, fraction=fraction, stage=stage)
        if name in self._begun:
            self._journal.show(state)
        else:
            self._begun.add(name)
            self._journal.keep(state)
        self._share.report(name, fraction, stage)

    def _give_up_without_workers(self) -> None:
        now = time.monotonic()
        if now - self._counted_at < _COUNT_WORKERS_SECONDS:
            return
        self._counted_at = now
        with suppress(OSError, TimeoutError):
            if self._client.nthreads():
                self._had_workers_at = now
        if now - self._had_workers_at < self._workerless_seconds:
            return
        error = DeviceError(
            "The cluster has no workers.",
            f"It was without for {self._workerless_seconds:.0f} seconds.",
            "Start workers, then start the batch again; it goes on where it stopped.",
        )
        with suppress(OSError, TimeoutError):
            self._client.cancel([future for _, future in self.outstanding.values()])
        for order, _ in self.outstanding.values():
            self.end(failed(replace(order.running, status=CaseStatus.PENDING), error))
        self.outstanding.clear()


def _require_shared(study: Study) -> None:
    # Folders, for a study has few: resolving a name on a share takes a round trip.
    folders = {instance.path.parent for series in study.series for instance in series.instances}
    if any(lasting_name(folder) != str(folder.resolve()) for folder in folders):
        raise InputError(
            "A study in an archive cannot go to a cluster.",
            f"Study {study.name}: only this computer sees where it was unpacked to.",
            "Unpack the archive into a folder that every worker sees.",
        )


def _outcome(order: StudyOrder, future: "Future[CaseState]") -> CaseState:
    """Return a study's state; what the cluster itself did wrong makes it failed."""
    from distributed import KilledWorker

    if future.status == "finished":
        state: CaseState = future.result()
        return state
    error = future.exception() if future.status == "error" else None
    study = f"Study {order.study.name}"
    if isinstance(error, KilledWorker):
        told = DeviceError(
            "The workers that took the study were lost.",
            f"{study}: last on {error.last_worker.address}.",
            "Give the workers more memory; their own logs say why they ended.",
        )
    elif error is None:
        told = DeviceError(
            "The cluster gave the study up.",
            f"{study}: the connection to the scheduler was lost, or somebody cancelled it.",
            "Start the batch again; it goes on where it stopped.",
        )
    else:
        told = DeviceError(
            "The cluster could not run the study.",
            f"{study}: {type(error).__name__}: {' '.join(str(error).split())}",
            "Install the same Gliascope on the scheduler and on every worker.",
        )
    return failed(replace(order.running, status=CaseStatus.PENDING), told)

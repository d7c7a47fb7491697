"""The network in a process of its own: warm, killable, replaced when it dies or ages."""

import contextlib
import math
import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import Enum
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from desktop_app.errors import Cancelled, DeviceError, HungError
from desktop_app.jobs.cancel import NEVER, CancelToken
from desktop_app.jobs.child import HandlerFactory, Request, Warmth, load_network, serve
from desktop_app.jobs.events import silent
from desktop_app.jobs.translate import in_the_users_terms
from desktop_app.jobs.wire import Advanced, Answer, Ready, Refusal, receive, send
from model.cropping import Box, brain_box
from model.errors import UnusableImage
from model.messages import (
    BrainRequest,
    BrainResult,
    InferenceRequest,
    InferenceResult,
    Precision,
    ProgressCallback,
)

RECYCLE_AFTER_STUDIES = 20

# Healthy work tells after every layer how far it is, seconds apart on the slowest computer; only
# loading is silent, for minutes from a slow disk.
_SILENCE_SECONDS = 1800.0
_POLL_SECONDS = 0.05
_END_SECONDS = 2.0


class WorkerState(Enum):
    """What the network's process does."""

    ABSENT = "absent"
    LOADING = "loading"
    READY = "ready"
    BUSY = "busy"


class WorkerDefect(RuntimeError):
    """The network's process met an exception nobody expects; carries its traceback."""


class ModelWorker:
    """Segments studies in a process that can be killed.

    This process never imports torch. Spawned, never forked: the application has threads, and
    CUDA does not survive a fork. One study at a time; calls from several threads queue.

    Parameters
    ----------
    weights_dir
        Folder of the weights the process loads at its start.
    recycle_after
        Number of studies after which the process is replaced, so that what native libraries
        leak over a night's batch stays bounded.
    factory
        Makes the handler inside the process; a module-level function.
    silence_seconds
        How long the process may work without a word until it counts as hung.
    """

    def __init__(
        self,
        weights_dir: Path,
        *,
        recycle_after: int = RECYCLE_AFTER_STUDIES,
        factory: HandlerFactory = load_network,
        silence_seconds: float = _SILENCE_SECONDS,
    ) -> None:
        self._warmth = Warmth(weights_dir)
        self._recycle_after = recycle_after
        self._factory = factory
        self._silence_seconds = silence_seconds
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """Process id of the process that runs now, if any."""
        child = self._child
        return child.process.pid if child is not None else None

    @property
    def state(self) -> WorkerState:
        """What the process does now, found out without waiting for it."""
        if not self._lock.acquire(blocking=False):
            return WorkerState.BUSY
        try:
            child = self._child
            if child is None or not child.process.is_alive():
                return WorkerState.ABSENT
            return child.state
        finally:
            self._lock.release()

    def warm(self, device: str = "auto", precision: str = Precision.AUTO) -> None:
        """Start the process, so that it loads the network while the user does something else.

        One that has loaded it for elsewhere, or loads it, is replaced.

        Parameters
        ----------
        device, precision
            Where the next study will run; no other device is touched.
        """
        if self._lock.acquire(blocking=False):
            try:
                self._warmth = replace(self._warmth, device=device, precision=precision)
                if self._child is not None and self._child.loaded_for != (device, precision):
                    # Nothing is lost, and no window waits for it to end by itself.
                    self._child.kill()
                    self._child = None
                self._running()
            finally:
                self._lock.release()

    def segment(
        self,
        request: InferenceRequest,
        *,
        progress: ProgressCallback = silent,
        token: CancelToken = NEVER,
    ) -> InferenceResult:
        """Segment one study.

        Parameters
        ----------
        request
            The study; its arrays are copied into the other process.
        progress
            Told the fraction done and the stage.
        token
            Cancelling it kills the process at once; the next study starts a new one.

        Raises
        ------
        Cancelled
            If the token was cancelled or the worker closed.
        DeviceError
            If the device fails, memory runs out, or the process dies or hangs.
        WorkerDefect
            On an exception that nobody expects.
        """
        with self._turn(token):
            box = _brain_box(request)
            self._warmth = replace(self._warmth, device=request.device, precision=request.precision)
            brain = np.ascontiguousarray(request.image_ckji[(slice(None), *box)])
            answer = self._ask(request.with_image(brain), progress, token)
        result: InferenceResult = answer
        return result.placed_in(box, request.shape_kji)

    def find_brain(self, request: BrainRequest, *, token: CancelToken = NEVER) -> BrainResult:
        """Tell the brain in the images of one head; raises as `segment` does.

        Parameters
        ----------
        request
            The head; its arrays are copied into the other process.
        token
            Cancelling it kills the process at once.
        """
        with self._turn(token):
            result: BrainResult = self._ask(request, silent, token)
        return result

    @contextmanager
    def _turn(self, token: CancelToken) -> Iterator[None]:
        """Wait for the process to be free, and hold it."""
        while not self._lock.acquire(timeout=_POLL_SECONDS):
            token.raise_if_cancelled()
        try:
            token.raise_if_cancelled()
            yield
        finally:
            self._lock.release()

    def close(self) -> None:
        """End the process; a study under way is cancelled."""
        self._closed = True
        child = self._child
        if child is not None:
            if self._lock.locked():
                child.process.kill()
            with self._lock:
                child.end()
                self._child = None

    def _ask(self, request: Request, progress: ProgressCallback, token: CancelToken) -> Any:
        child = self._running()
        try:
            result = child.ask(request, progress, token)
        except _Died as death:
            self._child = None
            if self._closed:
                raise Cancelled from None
            raise _death_notice(death.exit_code) from None
        except BaseException:
            if not child.is_idle:
                child.kill()
                self._child = None
            raise
        if child.answered >= self._recycle_after and not self._closed:
            child.end()
            self._child = None
            self._running()
        return result

    def _running(self) -> "_Child":
        if self._closed:
            raise Cancelled
        if self._child is not None and not self._child.process.is_alive():
            self._child.end()
            self._child = None
        if self._child is None:
            self._child = _Child(self._factory, self._warmth, self._silence_seconds)
        return self._child


class _Died(Exception):
    def __init__(self, exit_code: int | None) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code


class _Child:
    """One process and the connection to it."""

    def __init__(self, factory: HandlerFactory, warmth: Warmth, silence_seconds: float) -> None:
        self._silence_seconds = silence_seconds
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self.process = context.Process(
            target=serve, args=(theirs, factory, warmth), name="network", daemon=True
        )
        self.process.start()
        theirs.close()
        self.answered = 0
        self.loaded_for = (warmth.device, warmth.precision)
        self.is_idle = False
        self._is_ready = False
        self._unread: list[Any] = []

    @property
    def state(self) -> WorkerState:
        """Whether it has loaded the network; ABSENT if it has said that it cannot."""
        if not self._is_ready and not self._unread and self._connection.poll():
            with contextlib.suppress(EOFError, OSError):
                self._unread.append(receive(self._connection))
        if self._is_ready or any(isinstance(one, Ready) for one in self._unread):
            return WorkerState.READY
        return WorkerState.ABSENT if self._unread else WorkerState.LOADING

    def ask(self, request: Request, progress: ProgressCallback, token: CancelToken) -> Any:
        """Send a request and wait for its result."""
        self.is_idle = False
        if not self._is_ready:
            progress(0.0, "Loading the network")
            self._expect(Ready, progress, token)
            self._is_ready = True
        self._guard(lambda: send(self._connection, request))
        answer = self._expect(Answer, progress, token)
        if isinstance(request, InferenceRequest):
            self.loaded_for = (request.device, request.precision)
        # Studies are counted, and each has one segmentation.
        self.answered += isinstance(request, InferenceRequest)
        self.is_idle = True
        return answer.result

    def kill(self) -> None:
        """End the process whatever it does."""
        self.process.kill()
        self._part()

    def end(self) -> None:
        """Let an idle process end by itself; one that still loads would take seconds to notice."""
        if not self.is_idle:
            self.process.kill()
        self._part()

    def _part(self) -> None:
        self._connection.close()
        self.process.join(_END_SECONDS)
        if self.process.is_alive():
            self.process.kill()
            # One that hangs in the system itself ends whenever that lets it.
            self.process.join(_END_SECONDS)

    def _expect(self, kind: type[Any], progress: ProgressCallback, token: CancelToken) -> Any:
        while True:
            message = self._next(token)
            match message:
                case Advanced(fraction, stage):
                    progress(fraction, stage)
                case Refusal(error, remote_traceback):
                    # A network that could not be loaded ends its process; a refused study does not.
                    self.is_idle = self._is_ready
                    if error is not None:
                        raise error
                    raise WorkerDefect(remote_traceback)
                case _ if isinstance(message, kind):
                    return message
                case _:
                    raise WorkerDefect(f"unexpected {type(message).__name__}")

    def _next(self, token: CancelToken) -> Any:
        if self._unread:
            return self._unread.pop(0)
        # Looks are counted, not time: a computer that slept has not waited.
        for _ in range(math.ceil(self._silence_seconds / _POLL_SECONDS)):
            token.raise_if_cancelled()
            ready = wait([self._connection, self.process.sentinel], timeout=_POLL_SECONDS)
            if self._connection in ready:
                return self._guard(lambda: receive(self._connection))
            if ready:
                self._raise_death()
        raise HungError(
            "The segmentation hung and was stopped.",
            f"Its process gave no sign of life for {self._silence_seconds / 60:.0f} minutes.",
            "Try again; if it happens again, restart the computer or choose another device.",
        )

    def _guard(self, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except (EOFError, OSError):
            self._raise_death()

    def _raise_death(self) -> NoReturn:
        # Not killed: its own exit code says why it died.
        self._part()
        raise _Died(self.process.exitcode)


def _brain_box(request: InferenceRequest) -> Box:
    try:
        return brain_box(request.image_ckji)
    except UnusableImage as error:
        raise (in_the_users_terms(error) or error) from error


def _death_notice(exit_code: int | None) -> DeviceError:
    if exit_code == -getattr(signal, "SIGKILL", 9):
        return DeviceError(
            "The segmentation was stopped by the operating system.",
            "Its process was killed, which usually means that memory ran out.",
            "Close other programs and try again.",
        )
    return DeviceError(
        "The segmentation ended unexpectedly.",
        f"Its process ended with code {exit_code}.",
        "Try again; if it happens again, choose another device.",
    )

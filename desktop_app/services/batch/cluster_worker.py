"""What a worker of a Dask cluster does with one study."""

import queue
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import Any

import desktop_app
from desktop_app.errors import Cancelled, DeviceError, UsageError
from desktop_app.paths import program_command
from desktop_app.services.batch.attempt import StudyOrder, failed
from desktop_app.services.batch.cluster_messages import (
    COMMAND,
    Advanced,
    Message,
    RemoteOrder,
    read_messages,
    write_message,
)
from desktop_app.services.batch.state import CaseState, CaseStatus
from desktop_app.services.models import ModelStore

# The scheduler has more to do than to pass on progress.
_TELL_SECONDS = 0.5
# Asking whether to stop is a round trip to the scheduler.
_ASK_SECONDS = 1.0
# An orderly end kills the network's process and takes temporary files away.
_END_SECONDS = 10.0


def segment_on_worker(remote: RemoteOrder, channel: str) -> CaseState:
    """Segment one study on this worker; meant for ``distributed.Client.submit``.

    Parameters
    ----------
    channel
        Topic for (study's name, `Advanced`), and name of the event that tells to stop.

    Raises
    ------
    Cancelled
        If told to stop; nothing is written.
    """
    from distributed import Event, get_worker

    worker, stop = get_worker(), Event(channel)
    order = remote.order

    told_at = float("-inf")

    def tell(message: Advanced) -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= _TELL_SECONDS:
            told_at = time.monotonic()
            worker.log_event(channel, (order.study.name, message.fraction, message.stage))

    if stop.is_set():
        raise Cancelled
    tell(Advanced(0.0, f"On {worker.address}"))
    try:
        _require_version(remote)
        with _Process(remote) as process:
            asked_at = time.monotonic()
            while True:
                message = process.next(_ASK_SECONDS)
                if isinstance(message, CaseState):
                    return message
                if isinstance(message, Advanced):
                    tell(message)
                if time.monotonic() - asked_at >= _ASK_SECONDS:
                    asked_at = time.monotonic()
                    if stop.is_set():
                        raise Cancelled
    except (UsageError, DeviceError, OSError) as error:
        return failed(replace(order.running, status=CaseStatus.PENDING), error)


def with_weights_of(models: ModelStore, order: StudyOrder) -> StudyOrder:
    """Return the order with the place of the weights on this computer.

    Raises
    ------
    UsageError
        If the model is not installed here, or another one of that name.
    InputError
        If a model card is damaged.
    """
    segment = order.options.segment
    model = models.find(segment.model_name)
    if model.card_sha256 != order.card_sha256:
        raise UsageError(
            f"Another model named {model.name}, or another model card, is installed on the worker.",
            str(model.weights),
            "Install the same model on every computer of the cluster.",
        )
    options = replace(order.options, segment=replace(segment, weights_folder=model.folder))
    return replace(order, options=options)


def _require_version(remote: RemoteOrder) -> None:
    if remote.app_version != desktop_app.__version__:
        raise UsageError(
            f"The worker runs Gliascope {desktop_app.__version__}, "
            f"the batch Gliascope {remote.app_version}.",
            f"Study {remote.order.study.name}",
            "Install the same version on every computer of the cluster.",
        )


class _Process:
    """The process of one study; a context manager that ends it whatever happens."""

    def __init__(self, remote: RemoteOrder) -> None:
        self._name = remote.order.study.name
        self._process: subprocess.Popen[bytes] = subprocess.Popen(
            [*program_command(), COMMAND],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._messages: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        threading.Thread(target=self._listen, name="study", daemon=True).start()
        # A process that died at once says why by its exit code.
        with suppress(BrokenPipeError):
            write_message(self._stdin, remote)
            self._stdin.close()

    def next(self, seconds: float) -> Message | None:
        """Return what the process says within some time, if anything.

        Raises
        ------
        DeviceError
            If it ended without a word.
        """
        try:
            message = self._messages.get(timeout=seconds)
        except queue.Empty:
            return None
        if message is None:
            raise DeviceError(
                "The segmentation ended unexpectedly.",
                f"Study {self._name}: {self._how_it_ended()}.",
                "Give the worker more memory, or fewer studies at a time.",
            )
        return message

    def __enter__(self) -> "_Process":
        return self

    def __exit__(self, *_: Any) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            deadline = time.monotonic() + _END_SECONDS
            while self._process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    @property
    def _stdin(self) -> Any:
        return self._process.stdin

    def _how_it_ended(self) -> str:
        try:
            return f"its process ended with code {self._process.wait(_END_SECONDS)}"
        except subprocess.TimeoutExpired:
            return "what its process says cannot be understood"

    def _listen(self) -> None:
        stream: Any = self._process.stdout
        try:
            for message in read_messages(stream):
                self._messages.put(message)
        finally:
            self._messages.put(None)

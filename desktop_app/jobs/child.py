"""What runs inside the network's process."""

import contextlib
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from desktop_app.jobs.priority import lower_this_process
from desktop_app.jobs.translate import in_the_users_terms
from desktop_app.jobs.wire import Advanced, Answer, Ready, Refusal, receive, send
from model.messages import (
    BrainRequest,
    BrainResult,
    InferenceRequest,
    InferenceResult,
    Precision,
    ProgressCallback,
)

Request = InferenceRequest | BrainRequest
Handler = Callable[[Request, ProgressCallback], InferenceResult | BrainResult]
HandlerFactory = Callable[["Warmth"], Handler]


@dataclass(frozen=True, slots=True)
class Warmth:
    """What a process loads before its first study.

    Parameters
    ----------
    weights_dir
        Folder of the default network.
    device, precision
        Where the studies to come will run, as `InferenceRequest` has it.
    """

    weights_dir: Path
    device: str = "auto"
    precision: str = Precision.AUTO


def load_network(warmth: Warmth) -> Handler:
    """Import torch, load the default network and return what answers requests."""
    from model.allocator import keep_freed_memory, return_freed_memory
    from model.device import use_physical_cores
    from model.inference import BrainFinder, Segmenter

    use_physical_cores()
    keep_freed_memory()
    segmenter, finder = Segmenter(), BrainFinder()
    # The study may ask for other weights or another device; if not, the error meets it again.
    with contextlib.suppress(Exception):
        segmenter.warm(warmth.weights_dir, device=warmth.device, precision=warmth.precision)

    def handle(request: Request, progress: ProgressCallback) -> InferenceResult | BrainResult:
        try:
            if isinstance(request, BrainRequest):
                return finder.find(request, progress=progress)
            return segmenter.segment(request, progress=progress)
        finally:
            return_freed_memory()

    return handle


def serve(connection: Connection, factory: HandlerFactory, warmth: Warmth) -> None:
    """Answer requests until the other end closes the connection.

    Parameters
    ----------
    connection
        To the application.
    factory
        Makes the handler, here in the new process; a module-level function.
    warmth
        Given to the factory.
    """
    # Ctrl+C in a terminal, or its end, reaches every process of the group; the application decides.
    for name in ("SIGINT", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    lower_this_process()
    try:
        try:
            handler = factory(warmth)
        except Exception as exception:  # noqa: BLE001 - told to the application
            send(connection, _refusal(exception))
            return
        send(connection, Ready())
        while True:
            request = receive(connection)
            send(connection, _answer(connection, handler, request))
            del request
    except (EOFError, ConnectionError):
        return  # the application is gone or has no more use for this process


def _answer(
    connection: Connection, handler: Handler, request: InferenceRequest
) -> Answer | Refusal:
    def progress(fraction: float, stage: str) -> None:
        send(connection, Advanced(fraction, stage))

    try:
        return Answer(handler(request, progress))
    except ConnectionError:
        raise
    except Exception as exception:  # noqa: BLE001 - told to the application
        return _refusal(exception)


def _refusal(exception: Exception) -> Refusal:
    text = "".join(traceback.format_exception(exception))
    return Refusal(in_the_users_terms(exception), text)

"""What a cluster's worker and the process of one study say to each other.

The worker runs each study in a process of its own: a crash of a native library or a memory limit
costs one study and not the worker, cancelling is killing, and the report is drawn on a main thread,
as Qt wants it. Both ends are one installation, so unpickling is as safe as importing it.
"""

import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from desktop_app.services.batch.attempt import StudyOrder
from desktop_app.services.batch.state import CaseState

COMMAND = "batch-study"
"""Command of the program that segments one study; its order comes on stdin."""


@dataclass(frozen=True, slots=True)
class RemoteOrder:
    """A study's order and the version of the program that gave it."""

    order: StudyOrder
    app_version: str


@dataclass(frozen=True, slots=True)
class Advanced:
    """How far the study is: fraction 0 to 1 and stage."""

    fraction: float
    stage: str


Message = Advanced | CaseState
"""Any number of `Advanced`, then the study's state, done or failed."""


def write_message(stream: BinaryIO, message: RemoteOrder | Message) -> None:
    """Write a message and send it off."""
    pickle.dump(message, stream)
    stream.flush()


def read_order(stream: BinaryIO) -> RemoteOrder:
    """Read the one order there is."""
    order: RemoteOrder = pickle.load(stream)
    return order


def read_messages(stream: BinaryIO) -> Iterator[Message]:
    """Yield what comes until the other end closes, or dies in the middle of a word."""
    while True:
        try:
            yield pickle.load(stream)
        except (EOFError, pickle.UnpicklingError):
            return

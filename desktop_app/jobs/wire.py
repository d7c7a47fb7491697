"""Messages between the application and the network's process, arrays without copies."""

import pickle
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from desktop_app.errors import UserFacingError


@dataclass(frozen=True, slots=True)
class Ready:
    """The process has loaded the network and waits for a request."""


@dataclass(frozen=True, slots=True)
class Advanced:
    """How far the request is: fraction 0 to 1 and stage."""

    fraction: float
    stage: str


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """The result of a request."""

    result: Any


@dataclass(frozen=True, slots=True, eq=False)
class Refusal:
    """The request, or the start, failed; the process lives on.

    Parameters
    ----------
    error
        In the user's terms; ``None`` for a defect.
    traceback
        Where it happened.
    """

    error: UserFacingError | None
    traceback: str


def send(connection: Connection, message: object) -> None:
    """Write a message; arrays inside go from their own memory straight into the pipe."""
    buffers: list[pickle.PickleBuffer] = []
    head = pickle.dumps(message, protocol=5, buffer_callback=buffers.append)
    connection.send((head, len(buffers)))
    for buffer in buffers:
        with buffer.raw() as raw:
            connection.send_bytes(raw)


def receive(connection: Connection) -> Any:
    """Read a message; arrays inside are read-only.

    Both ends are our own code in one installation, so unpickling is as safe as importing it.

    Raises
    ------
    EOFError
        If the other end is gone.
    """
    head, count = connection.recv()
    buffers = [connection.recv_bytes() for _ in range(count)]
    return pickle.loads(head, buffers=buffers)

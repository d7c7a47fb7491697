"""The way to the scheduler of a Dask cluster, or plain words why there is none."""

import importlib.util
import logging
import socket
from typing import TYPE_CHECKING

from desktop_app.errors import InputError, UsageError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from distributed import Client


def connect(address: str, seconds: float) -> "AbstractContextManager[Client]":
    """Return a client of the scheduler, which closes with its block.

    Raises
    ------
    UsageError
        If the library is not installed, or this is no address.
    InputError
        If nobody answers within this time.
    """
    if importlib.util.find_spec("distributed") is None:
        raise UsageError(
            "Clusters need a library that is not installed.",
            f"--scheduler {address}: there is no Python package “distributed”.",
            "Set up a checkout of this release on every computer, as docs/BATCH.md tells.",
        )
    from distributed import Client
    from distributed.comm.addressing import get_address_host_port

    # What matters is among the states; its retries belong to no user.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        host, port = get_address_host_port(address)
    except ValueError as error:
        raise UsageError(
            "This is no address of a scheduler.",
            f"--scheduler {address}: {error}",
            "Give it as the scheduler tells it at its start, such as tcp://host:8786",
        ) from error
    try:
        # A client that never got through goes on for a while trying to close.
        socket.create_connection((host, port), seconds).close()
        client: Client = Client(address, timeout=seconds, set_as_default=False)
    except OSError as error:
        raise InputError(
            "The scheduler of the cluster does not answer.",
            f"--scheduler {address}: {error}",
            "Check that it runs, and that this computer may reach its address.",
        ) from error
    return client

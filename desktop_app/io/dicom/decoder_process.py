"""A process that decodes compressed pixels, which a bad file may take down.

The decoders of JPEG, JPEG-LS and JPEG 2000 are native code. Damaged files make them abort, run for
ever or print to the terminal, so they run apart from the program and are replaced when they die.
"""

import contextlib
import logging
import multiprocessing
import os
import time
import warnings
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from desktop_app.domain.stopping import Check, go_on
from desktop_app.io.dicom.codecs import UnreadablePixels, decoded_frames, read_whole

# Processor time for one frame; a frame of 512 × 512 takes a tenth of a second at most.
_FRAME_SECONDS = 2.0
# Wall time, where a machine is too busy to give the decoder its share.
_FRAME_WALL_SECONDS = 60.0
_START_SECONDS = 60.0
_POLL_SECONDS = 0.05
# Twice what the largest image that a scanner makes needs with its working copies.
_MEMORY_BYTES = 2 << 30


@dataclass(frozen=True, slots=True)
class Refused:
    """Sent instead of a frame: why there is none."""

    reason: str


class DecoderProcess:
    """Decodes files of one study; started with the first file that needs it.

    Use as a context manager, from one thread.
    """

    def __init__(self) -> None:
        self._process: Any = None
        self._connection: Connection | None = None

    def __enter__(self) -> "DecoderProcess":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process; the next file starts another."""
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if connection is not None:
            connection.close()
        if process is not None:
            process.kill()
            process.join()
            process.close()

    def frames(self, path: Path, check: Check = go_on) -> list[NDArray[np.generic]]:
        """Decode a file.

        Parameters
        ----------
        path
            A grey-scale image in one of the transfer syntaxes of `NATIVE_CODE`.
        check
            Called while waiting; raises to stop.

        Returns
        -------
        list of ndarray
            (rows, columns) stored values of each frame.

        Raises
        ------
        UnreadablePixels
            If the file cannot be decoded, whatever it does to the decoder.
        """
        try:
            connection = self._running(check)
            connection.send(path)
            frames: list[NDArray[np.generic]] = []
            while True:
                answer = self._answer(_FRAME_WALL_SECONDS, check)
                if answer is None:
                    return frames
                frames.append(answer)
        except (EOFError, OSError) as error:
            self.close()
            raise UnreadablePixels("damaged pixels, which the decoder could not stand") from error
        except UnreadablePixels:
            raise
        except BaseException:
            # What the process still sends belongs to a file that nobody waits for.
            self.close()
            raise

    def _running(self, check: Check) -> Connection:
        if self._connection is None:
            context = multiprocessing.get_context("spawn")
            self._connection, theirs = context.Pipe()
            self._process = context.Process(
                target=serve, args=(theirs,), name="decoder", daemon=True
            )
            self._process.start()
            theirs.close()
            self._answer(_START_SECONDS, check, spends=False)
        return self._connection

    def _answer(self, seconds: float, check: Check, *, spends: bool = True) -> Any:
        assert self._connection is not None
        stop = time.monotonic() + seconds
        spent = _cpu_seconds(self._process.pid)
        while not wait([self._connection], timeout=_POLL_SECONDS):
            check()
            over = spends and _cpu_seconds(self._process.pid) - spent > _FRAME_SECONDS
            if over or time.monotonic() > stop:
                self.close()
                raise UnreadablePixels("damaged pixels, which cannot be decoded in time")
        answer = self._connection.recv()
        if isinstance(answer, Refused):
            raise UnreadablePixels(answer.reason)
        return answer


def _cpu_seconds(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error as error:
        raise EOFError from error
    return float(times.user + times.system)


def _bound_memory() -> None:
    """Keep a code that claims a gigantic image from taking the computer's memory."""
    try:
        import resource
    except ImportError:
        # Windows has no such bound; a code that claims too much fails when memory is full.
        return
    limit = psutil.Process().memory_info().vms + _MEMORY_BYTES
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    # macOS knows the bound but does not always take it.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def serve(connection: Connection) -> None:
    """Decode what is asked for until the other end closes the connection."""
    # Libraries print what they dislike about a file; the answer says it better.
    silence = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(silence, descriptor)
    _bound_memory()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    try:
        connection.send("ready")
        while True:
            path = connection.recv()
            try:
                for frame in decoded_frames(read_whole(path)):
                    connection.send(np.ascontiguousarray(frame))
                connection.send(None)
            except UnreadablePixels as error:
                connection.send(Refused(str(error)))
            except (MemoryError, Exception) as error:  # noqa: BLE001 - told to the application
                reason = f"its pixels cannot be decoded ({type(error).__name__})"
                connection.send(Refused(reason))
    except (EOFError, OSError):
        return

"""The computer and its processes: facts, folders, what can be started."""

import os
import platform
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

import desktop_app
from desktop_app.io.atomic import atomic_path
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.worker import ModelWorker, WorkerState
from desktop_app.services.selftest.checks import CheckFailed, NotPossibleHere
from desktop_app.services.selftest.codecs import SAMPLES, headers_in_processes

_START_SECONDS = 300.0
_POLL_SECONDS = 0.05
# What a study takes at its peak; see the README's figures.
_NEEDED_BYTES = 2.5e9


def describe_program() -> str:
    """Return the version, how it is installed, and the system."""
    kind = "installed program" if getattr(sys, "frozen", False) else "source tree"
    python = platform.python_version()
    return f"Gliascope {desktop_app.__version__}, {kind}, Python {python}, {platform.platform()}"


def describe_memory() -> str:
    """Return processors and memory; too little of it is a finding."""
    memory = psutil.virtual_memory()
    cores, threads = psutil.cpu_count(logical=False), os.cpu_count()
    text = (
        f"{platform.machine()}, {cores or threads} cores, {threads} threads, "
        f"{memory.total / 1e9:.1f} GB of memory, {memory.available / 1e9:.1f} GB free"
    )
    if memory.total < _NEEDED_BYTES:
        raise CheckFailed(f"{text}; a study needs {_NEEDED_BYTES / 1e9:.1f} GB")
    return text


def check_settings(user_data: Path) -> str:
    """Write a file where the settings are, and remove it."""
    trial = user_data / f"selftest-{os.getpid()}.tmp"
    try:
        with atomic_path(trial) as temporary:
            temporary.write_text("ä 文", "utf-8")
        if trial.read_text("utf-8") != "ä 文":
            raise CheckFailed(f"{user_data} does not keep what is written")
    finally:
        with suppress(OSError):
            trial.unlink()
    return str(user_data)


def check_scan_processes() -> str:
    """Start the processes that read headers of large folders."""
    count = len(list(headers_in_processes()))
    if count != len(SAMPLES):
        raise CheckFailed(f"{count} of {len(SAMPLES)} headers came back")
    return f"{count} headers read by two further processes"


def check_worker(worker: ModelWorker, device: str, precision: str, token: CancelToken) -> str:
    """Start the network's process and wait until it has loaded the network."""
    worker.warm(device, precision)
    started = time.monotonic()
    while (state := worker.state) is WorkerState.LOADING:
        token.raise_if_cancelled()
        if time.monotonic() - started > _START_SECONDS:
            raise CheckFailed(f"not ready after {_START_SECONDS:.0f} s")
        time.sleep(_POLL_SECONDS)
    if state is not WorkerState.READY:
        raise CheckFailed("its process has ended, or could not load the network")
    return f"its process has loaded the network in {time.monotonic() - started:.1f} s"


def check_graphics_processors() -> str:
    """Name the graphics processors that the network could run on."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # torch stays out of this process.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        found = pool.submit(list_graphics_processors).result()
    if not found:
        raise NotPossibleHere("no graphics processor that can be used; the processor computes")
    return ", ".join(found)


def list_graphics_processors() -> list[str]:
    """Ask torch; meant for a process of its own."""
    from model.device import graphics_processors

    return graphics_processors()

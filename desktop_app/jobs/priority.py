"""Heavy work makes room for the window, so that it answers while every core computes."""

import os
import sys
import threading

import psutil

_NICE = 5


def lower_this_process() -> None:
    """Let other programs and the window go first."""
    process = psutil.Process()
    if sys.platform == "win32":
        process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        process.nice(max(_NICE, process.nice()))


def lower_this_thread() -> None:
    """Let the other threads go first, and with this one the threads it starts.

    Only Linux gives threads a niceness of their own; elsewhere nothing changes.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        niceness = max(_NICE, os.getpriority(os.PRIO_PROCESS, thread))
        os.setpriority(os.PRIO_PROCESS, thread, niceness)

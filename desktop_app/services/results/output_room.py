"""Whether results can be written to a folder at all."""

import errno
import os
import shutil
from pathlib import Path

from desktop_app.errors import OutputError
from desktop_app.io.atomic import output_error, takes_folders

# About what the results of one study take.
_MIN_FREE_BYTES = 5_000_000


def require_room(output: Path) -> None:
    """Refuse a folder for results in which nothing can be written, before hours of work.

    Raises
    ------
    OutputError
        If its drive or share is away, a file is in its place, it may not be written to, or the
        disk is full.
    """
    try:
        title = _why_not_in(output)
    except OSError as error:
        raise output_error(error, output) or error from None
    if title:
        raise OutputError(title, f"Writing {output}", "Choose another folder, or make room.")


def _why_not_in(output: Path) -> str:
    """Return why nothing can be written to a folder; empty where it can."""
    existing = next((path for path in (output, *output.absolute().parents) if path.exists()), None)
    if existing is None:
        raise OSError(errno.ENXIO, "there is nothing at the root of the path", str(output))
    if not existing.is_dir():
        return "A file is in the place of the output folder."
    if not os.access(existing, os.W_OK | os.X_OK):
        return "The output folder cannot be written to."
    usage = shutil.disk_usage(existing)
    # Some file systems tell no sizes, and some of these are none to write to.
    if not usage.total:
        return "" if takes_folders(existing) else "The output folder cannot be written to."
    return "There is no room left on the disk." if usage.free < _MIN_FREE_BYTES else ""

"""One batch at a time in a folder of results: two would do every study twice."""

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from desktop_app.errors import OutputError
from desktop_app.io.atomic import atomic_path, output_error, sweep
from desktop_app.io.process_mark import is_running_elsewhere, process_mark
from desktop_app.services.results.results_folder import STATE_FOLDER

_MARK = "running.mark"


@contextmanager
def only_batch(output: Path) -> Iterator[None]:
    """Mark a folder of results as written to by this process during the block.

    What earlier ones left behind when they were killed goes.

    Raises
    ------
    OutputError
        If a batch of another process of this computer writes to it, or the mark cannot be written.
    """
    file = output / STATE_FOLDER / _MARK
    made = [folder for folder in (file.parent, output) if not folder.exists()]
    mine = process_mark()
    while not _claimed(file, mine):
        mark = _read(file)
        if is_running_elsewhere(mark):
            raise OutputError(
                "Another batch writes to this folder.",
                f"{output}: process {mark['number']} of this computer",
                "Wait until it has ended or end it, or choose another folder.",
            )
        _remove(file)  # of a process that has ended, or no mark at all
    for folder in (output, file.parent):
        sweep(folder)
    try:
        yield
    finally:
        # One that stays is of a process that has ended, and counts for nothing.
        with suppress(OSError):
            if _read(file) == mine:
                file.unlink()
            for folder in made:
                folder.rmdir()  # as it was, where nothing was done


def _claimed(file: Path, mark: dict[str, Any]) -> bool:
    """Put a mark there, whole from the first moment; False where there is one already."""
    written = file.with_name(f"{uuid.uuid4().hex[:8]}.{file.name}")
    with atomic_path(written) as temporary:
        temporary.write_text(json.dumps(mark), "utf-8")
    try:
        os.link(written, file)
    except FileExistsError:
        return False
    except OSError:  # a disk that knows no second names: nothing tells who came first
        if file.exists():
            return False
        written.replace(file)
    finally:
        written.unlink(missing_ok=True)
    return True


def _remove(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise output_error(error, file) or error from error


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None

"""One batch at a time in a folder of results: two would do every study twice."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from desktop_app.errors import OutputError
from desktop_app.io.atomic import atomic_path, sweep
from desktop_app.io.process_mark import is_running_elsewhere, process_mark
from desktop_app.services.results_folder import STATE_FOLDER

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
    mark = _read(file)
    if is_running_elsewhere(mark):
        raise OutputError(
            "Another batch writes to this folder.",
            f"{output}: process {mark['number']} of this computer",
            "Wait until it has ended or end it, or choose another folder.",
        )
    made = [folder for folder in (file.parent, output) if not folder.exists()]
    with atomic_path(file) as temporary:
        temporary.write_text(json.dumps(process_mark()), "utf-8")
    for folder in (output, file.parent):
        sweep(folder)
    try:
        yield
    finally:
        # One that stays is of a process that has ended, and counts for nothing.
        with suppress(OSError):
            file.unlink(missing_ok=True)
            for folder in made:
                folder.rmdir()  # as it was, where nothing was done


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None

"""Where the trace of a defect goes, so that a user can send it."""

import platform
from datetime import UTC, datetime
from pathlib import Path

import desktop_app
from desktop_app.errors import DefectError, OutputError, UserFacingError
from desktop_app.io.atomic import NO_LETTER, atomic_path
from desktop_app.paths import exchanged_error, user_data_dir

CRASH_FOLDER = "crashes"
_KEPT = 20

# Nobody's address: who hands the program on to clinicians hears of its faults first.
PASS_ON = "whoever gave you the program"


def write_crash_report(traceback_text: str, user_data: Path) -> Path:
    """Write the trace of an unexpected exception to a file of its own; keep the last twenty.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    folder = user_data / CRASH_FOLDER
    now = datetime.now(UTC)
    path = folder / f"crash-{now:%Y%m%d-%H%M%S-%f}.txt"
    lines = (
        f"Gliascope {desktop_app.__version__}, {now:%Y-%m-%d %H:%M:%S} UTC",
        f"Python {platform.python_version()}, {platform.platform()}",
        "Check that nothing below names a patient before you send this file.",
        "",
        traceback_text,
    )
    with atomic_path(path) as temporary:
        temporary.touch(mode=0o600)  # a trace may name a patient
        temporary.write_text("\n".join(lines), "utf-8", NO_LETTER)
    for old in sorted(folder.glob("crash-*.txt"))[:-_KEPT]:
        old.unlink(missing_ok=True)
    return path


def defect_told(trace: str) -> UserFacingError:
    """Keep the trace of a defect where that can be, and return what the user is told of it."""
    exchanged = exchanged_error()
    if exchanged is not None:
        return exchanged
    title = "The program met an unexpected problem."
    try:
        path = write_crash_report(trace, user_data_dir())
    except (OutputError, OSError):
        last_line = trace.strip().splitlines()[-1]
        return DefectError(
            title,
            f"Details could not be kept: {last_line}",
            f"Please pass these lines on to {PASS_ON}; take out patients' names first.",
        )
    return DefectError(
        title,
        f"Details: {path}",
        f"Please pass this file on to {PASS_ON}; take out patients' names first.",
    )

"""Where the trace of a defect goes, so that a user can send it."""

import platform
from datetime import UTC, datetime
from pathlib import Path

import desktop_app
from desktop_app.io.atomic import atomic_path

CRASH_FOLDER = "crashes"
_KEPT = 20


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
        temporary.write_text("\n".join(lines), "utf-8")
    for old in sorted(folder.glob("crash-*.txt"))[:-_KEPT]:
        old.unlink(missing_ok=True)
    return path

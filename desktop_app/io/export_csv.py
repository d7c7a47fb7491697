"""Numbers as a table for spreadsheets and statistics programs."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from desktop_app.io.atomic import atomic_path


def write_csv(
    rows: Sequence[Mapping[str, str | int | float]], path: Path, *, columns: Sequence[str] = ()
) -> Path:
    """Write rows of equal keys as RFC 4180 CSV in UTF-8, the keys as the first line.

    Parameters
    ----------
    columns
        The keys, for a table that may have no rows.

    Raises
    ------
    ValueError
        If there are neither rows nor columns, or keys differ.
    OutputError
        If the file cannot be written.
    """
    if not rows and not columns:
        raise ValueError("a table needs rows")
    header = list(columns or rows[0])
    if any(list(row) != header for row in rows):
        raise ValueError("all rows need the same columns")
    with (
        atomic_path(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, fieldnames=header)
        writer.writeheader()
        writer.writerows(rows)
    return path

"""Numbers as a table for spreadsheets and statistics programs."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from desktop_app.io.atomic import NO_LETTER, atomic_path

# UTF-8 with the mark by which spreadsheets know it; reading takes it or leaves it.
TABLE_ENCODING = "utf-8-sig"
# Spreadsheets run as a formula what begins so.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_csv(
    rows: Sequence[Mapping[str, str | int | float]], path: Path, *, columns: Sequence[str] = ()
) -> Path:
    """Write rows of equal keys as RFC 4180 CSV in UTF-8, the keys as the first line.

    A text that a spreadsheet would take for a formula gets an apostrophe before it.

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
        temporary.open("w", encoding=TABLE_ENCODING, errors=NO_LETTER, newline="") as file,
    ):
        writer = csv.DictWriter(file, fieldnames=header)
        writer.writeheader()
        writer.writerows({name: inert(cell) for name, cell in row.items()} for row in rows)
    return path


def inert(cell: str | int | float) -> str | int | float:
    """Return a cell as a table has it: what a spreadsheet would run, after an apostrophe."""
    is_formula = isinstance(cell, str) and cell.startswith(_FORMULA_STARTS)
    return f"'{cell}" if is_formula else cell

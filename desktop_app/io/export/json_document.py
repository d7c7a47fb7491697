"""Numbers as JSON."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from desktop_app.io.atomic import NO_LETTER, atomic_path


def write_json(document: Mapping[str, Any], path: Path) -> Path:
    """Write a document as indented UTF-8 JSON.

    Raises
    ------
    ValueError
        If the document holds a number that JSON does not know (infinite, not a number).
    OutputError
        If the file cannot be written.
    """
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8", errors=NO_LETTER)
    return path

"""Names for result folders: safe on every file system, short, unique."""

import re
import unicodedata

_MAX_LENGTH = 64
# Device names that Windows does not allow as file names.
_RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|com\d|lpt\d)$")


def safe_name(text: str, fallback: str = "study") -> str:
    """Return text as a folder name: letters of any script, digits, ``-``, ``.`` and ``_``."""
    name = unicodedata.normalize("NFC", text)
    name = re.sub(r"[^\w.\-]+", "_", name).strip("._-")[:_MAX_LENGTH].rstrip("._-")
    if not name:
        return fallback
    return f"{name}_" if _RESERVED.match(name) else name


def unique_name(name: str, taken: set[str]) -> str:
    """Return the name, numbered if a name that differs at most in case is taken, and take it."""
    candidate, number = name, 2
    while candidate.casefold() in taken:
        candidate = f"{name}_{number}"
        number += 1
    taken.add(candidate.casefold())
    return candidate

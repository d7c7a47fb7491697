"""Training configurations as files: TOML, where one may say only what it has unlike another."""

import tomllib
from pathlib import Path
from typing import Any, Final

EXTENDS: Final = "extends"


def read_recipe(path: Path) -> dict[str, Any]:
    """Return a training configuration as parsed TOML, completed by the one it extends.

    ``extends = "FILE"`` names another in the same folder. Each setting and each section of this
    file takes the place of that one's as a whole; what is not mentioned is as it is there.

    Raises
    ------
    OSError
        If a file cannot be read.
    ValueError
        If one is not TOML, or the other extends a third: a reader has two files to look at.
    """
    document = _parsed(path)
    if EXTENDS not in document:
        return document
    other = path.with_name(str(document.pop(EXTENDS)))
    base = _parsed(other)
    if EXTENDS in base:
        msg = f"{other}: extends {base[EXTENDS]}, so it cannot be extended itself"
        raise ValueError(msg)
    return {**base, **document}


def _parsed(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))

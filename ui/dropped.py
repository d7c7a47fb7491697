"""What is meant by things dropped on the window."""

import os
from pathlib import Path


def common_path(paths: list[str]) -> Path | None:
    """Return the one path, or the folder that holds several; None where that is a whole disk."""
    if len(paths) == 1:
        return Path(paths[0])
    try:
        common = Path(os.path.commonpath(paths))
    except ValueError:
        return None
    return None if common == Path(common.anchor) else common

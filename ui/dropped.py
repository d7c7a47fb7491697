"""What is meant by things dropped on the window."""

import os
from pathlib import Path

from desktop_app.services.opening.whole_study import holds_everything_of_somebody


def common_path(paths: list[str]) -> Path | None:
    """Return the one path, or the folder that holds several.

    ``None`` where that is a whole disk, or all that a user has: nobody means to open that by
    dropping two things, and it would take hours.
    """
    if len(paths) == 1:
        return Path(paths[0])
    try:
        common = Path(os.path.commonpath(paths))
    except ValueError:
        return None
    is_too_much = common == Path(common.anchor) or holds_everything_of_somebody(common)
    return None if is_too_much else common

"""Where a batch's results go unless somebody says otherwise."""

import re
import tempfile
from pathlib import Path

_NO_LETTERS = re.compile(r"\W+")


def proposed_output(root: Path, home: Path) -> Path:
    """Return the folder beside the one with the studies, where one can be made there.

    A drive or a share has nothing beside it, and beside other folders not everybody may write:
    then it is a folder in `home`, named after the drive, the share or the folder.

    Parameters
    ----------
    root
        Folder with the studies.
    home
        Folder of the user.
    """
    if root.name and _takes_folders(root.parent):
        return root.with_name(_named_after(root.name))
    name = root.name or _NO_LETTERS.sub("-", root.drive).strip("-") or "studies"
    return home / _named_after(name)


def _named_after(name: str) -> str:
    return f"{name}-gliascope"


def _takes_folders(folder: Path) -> bool:
    """Whether a folder can be made there: tried, since what Windows says of rights is no answer."""
    try:
        with tempfile.TemporaryDirectory(prefix=".gliascope-", dir=folder):
            return True
    except OSError:
        return False

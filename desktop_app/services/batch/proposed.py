"""Where a batch's results go unless somebody says otherwise."""

import re
from pathlib import Path

from desktop_app.io.atomic import takes_folders

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
    if root.name and takes_folders(root.parent):
        return root.with_name(_named_after(root.name))
    name = root.name or _NO_LETTERS.sub("-", root.drive).strip("-") or "studies"
    return home / _named_after(name)


def _named_after(name: str) -> str:
    return f"{name}-gliascope"

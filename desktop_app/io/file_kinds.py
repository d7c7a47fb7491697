"""Files told apart by their names, so that no time goes into opening them."""

from pathlib import PurePath

# What operating systems and archives leave lying about; never worth a line in a report.
_CLUTTER = frozenset({"thumbs.db", "desktop.ini", ".ds_store", "__macosx", "lockfile", "version"})
_NEVER_IMAGES = frozenset(
    {".json", ".txt", ".csv", ".tsv", ".xml", ".html", ".htm", ".pdf", ".png", ".jpg", ".jpeg"}
    | {".md", ".log", ".bval", ".bvec", ".py", ".exe", ".dll", ".inf", ".ini", ".jar", ".js"}
    | {".css", ".xlsx", ".docx", ".nrrd", ".npz", ".npy"}
)
_OTHER_ARCHIVES = frozenset({".7z", ".rar", ".tar", ".tgz", ".bz2", ".xz", ".zst"})


def is_clutter(name: str) -> bool:
    """Whether nobody put the file there on purpose."""
    return name.startswith(".") or name.lower() in _CLUTTER


def why_no_image(path: PurePath) -> str | None:
    """Return the reason why a file of this name is no image that can be read, if its name tells."""
    suffix = path.suffix.lower()
    if suffix in _NEVER_IMAGES:
        return "not an image"
    return "packed; unpack it first" if suffix in _OTHER_ARCHIVES else None

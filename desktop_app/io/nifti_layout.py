"""Which NIfTI files belong to one case, told by their folders and names."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from desktop_app.io.sequence_text import names_something_else, role_in_file_name

_SUFFIX = re.compile(r"\.nii(\.gz)?$", re.IGNORECASE)
_SEPARATOR = re.compile(r"([\s_\-.]+)")
# The folder that BIDS puts between a session, or a patient, and the images.
_BIDS_ANATOMY = "anat"
_BIDS_SESSION = "ses-"


@dataclass(frozen=True, slots=True)
class NiftiFile:
    """A file, and the name that tells its sequence: its own or its folder's."""

    path: Path
    told_by: str


@dataclass(frozen=True, slots=True)
class NiftiCase:
    """Files of one case.

    Parameters
    ----------
    folder
        That holds them, or the folders they lie in.
    title
        What the case is called.
    key
        What the names of its files begin with, where `folder` holds several cases; else empty.
    """

    folder: Path
    title: str
    files: tuple[NiftiFile, ...]
    key: str = ""


def cases_of(paths: Iterable[Path]) -> tuple[NiftiCase, ...]:
    """Group files into cases.

    One folder is one case, but: folders named by sequences (``CASE/t1/image.nii.gz``) make one
    with each other, and a folder with several files of one sequence is taken apart by what the
    names begin with, if each part then has every sequence once.
    """
    in_folder: dict[Path, list[Path]] = defaultdict(list)
    for path in paths:
        in_folder[path.parent].append(path)
    together = _folders_to_join(in_folder)
    by_folder: dict[Path, list[NiftiFile]] = defaultdict(list)
    for folder, files in in_folder.items():
        for path in files:
            told_by_folder = folder in together and not names_something_else(path.name)
            told_by = folder.name if told_by_folder and not _tells(path) else path.name
            by_folder[together.get(folder, folder)].append(NiftiFile(path, told_by))
    return tuple(
        case for folder, members in sorted(by_folder.items()) for case in _split(folder, members)
    )


def _tells(path: Path) -> bool:
    return role_in_file_name(path.name) is not None


def _folders_to_join(in_folder: dict[Path, list[Path]]) -> dict[Path, Path]:
    """Return, per folder that is named by the sequence in it, the case's folder above it."""
    by_parent: dict[Path, list[Path]] = defaultdict(list)
    for folder, files in in_folder.items():
        if _is_sequence_folder(folder, files):
            by_parent[folder.parent].append(folder)
    return {
        folder: parent
        for parent, folders in by_parent.items()
        for folder in folders
        if _belong_together(folders, in_folder)
    }


def _is_sequence_folder(folder: Path, files: Sequence[Path]) -> bool:
    """Whether a folder's name tells the sequence of its images, and they tell no other."""
    role = role_in_file_name(folder.name)
    told = {role_in_file_name(path.name) for path in files} - {None}
    return (
        role is not None
        and told <= {role}
        and not all(names_something_else(path.name) for path in files)
    )


def _belong_together(folders: Sequence[Path], in_folder: dict[Path, list[Path]]) -> bool:
    """Whether folders side by side are sequences of one case and not cases named alike."""
    roles = Counter(role_in_file_name(folder.name) for folder in folders)
    if max(roles.values()) > 1:
        return False
    names_alone = not any(_tells(path) for folder in folders for path in in_folder[folder])
    return len(folders) > 1 or names_alone


def _split(folder: Path, files: list[NiftiFile]) -> list[NiftiCase]:
    """Take a folder apart that holds several cases side by side."""
    groups = _groups(files)
    if len(groups) < 2:
        return [NiftiCase(folder, _title(folder), tuple(files))]
    for file in files:
        if role_in_file_name(file.told_by) is None:
            fitting = [key for key in groups if file.path.name.startswith(key)]
            # What fits none goes with all of them, to be listed as left out.
            for key in sorted(fitting, key=len)[-1:] or groups:
                groups[key].append(file)
    return [NiftiCase(folder, key, tuple(members), key) for key, members in groups.items()]


def _groups(files: list[NiftiFile]) -> dict[str, list[NiftiFile]]:
    """Return the images that tell a sequence by what their names begin with; none if in doubt."""
    images = [file for file in files if role_in_file_name(file.told_by) is not None]
    if _once_each(images):
        return {}
    exact: dict[str, list[NiftiFile]] = defaultdict(list)
    for file in images:
        exact[_beginning(file.told_by)].append(file)
    # BIDS has more words before the sequence with contrast than without.
    joined: dict[str, list[NiftiFile]] = defaultdict(list)
    for key, members in sorted(exact.items()):
        joined[next((one for one in joined if _extends(key, one)), key)].extend(members)
    for groups in (joined, exact):
        if "" not in groups and all(_once_each(members) for members in groups.values()):
            return dict(groups)
    return {}


def _once_each(images: Iterable[NiftiFile]) -> bool:
    counts = Counter(role_in_file_name(image.told_by) for image in images)
    return not counts or max(counts.values()) == 1


def _beginning(name: str) -> str:
    """Return what stands before the words that tell the sequence."""
    parts = _SEPARATOR.split(_SUFFIX.sub("", name))
    for end in range(len(parts), 0, -1):
        beginning = "".join(parts[:end])
        if role_in_file_name(beginning) is None:
            return beginning.strip(" _-.")
    return ""


def _extends(key: str, shorter: str) -> bool:
    return key.startswith(shorter) and key[len(shorter) : len(shorter) + 1] in tuple(" _-.")


def _title(folder: Path) -> str:
    """Return a folder's name; in BIDS that of the patient and the session."""
    folder = folder.resolve()
    if folder.name.lower() != _BIDS_ANATOMY:
        return folder.name
    session = folder.parent
    if session.name.startswith(_BIDS_SESSION):
        return f"{session.parent.name}_{session.name}"
    return session.name

"""Which NIfTI files belong to one case, told by their folders and names."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from desktop_app.domain.study import Sequence as ImageSequence
from desktop_app.io.nifti.names import (
    are_numbered_series,
    beginning,
    ending,
    of_the_patient,
    without_number,
)
from desktop_app.io.sequences.text import names_something_else, role_in_file_name

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

    Folders named by sequences (``CASE/t1/image.nii.gz``) count as one folder. A folder is one
    case unless the names in it say that the images are of different patients, see
    `desktop_app.io.nifti.names`; then each patient is a case.
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
    by_case: dict[tuple[Path, tuple[str, ...]], list[Path]] = defaultdict(list)
    for folder, files in in_folder.items():
        if _is_sequence_folder(folder, files):
            by_case[folder.parent, of_the_patient(beginning(folder.name))].append(folder)
    return {
        folder: parent
        for (parent, _), folders in by_case.items()
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
    groups = _groups(folder, [file for file in files if _role(file) is not None])
    if len(groups) < 2:
        return [NiftiCase(folder, _title(folder), tuple(files))]
    for file in files:
        if _role(file) is None:
            words = of_the_patient(file.path.name)
            fitting = [patient for patient in groups if patient == words[: len(patient)]]
            # What fits none goes with all of them, to be listed as left out.
            for patient in sorted(fitting, key=len)[-1:] or groups:
                groups[patient].append(file)
    keys = {patient: _key(patient, members) for patient, members in groups.items()}
    return [
        NiftiCase(folder, keys[patient] or _title(folder), tuple(members), keys[patient])
        for patient, members in sorted(groups.items())
    ]


def _groups(folder: Path, images: Sequence[NiftiFile]) -> dict[tuple[str, ...], list[NiftiFile]]:
    """Return images by whose they are; those whose names do not tell under an empty key."""
    numbered = are_numbered_series([image.told_by for image in images])
    groups: dict[tuple[str, ...], list[NiftiFile]] = defaultdict(list)
    for image in images:
        groups[_patient(folder, image, numbered=numbered)].append(image)
    if set(groups) == {()}:
        return _by_endings(images)
    if len(groups) == 2 and () in groups:
        # One case in which some names say whose it is, unless both have the same sequences.
        nameless, named = ({_role(image) for image in members} for members in groups.values())
        if not nameless & named:
            return {(): list(images)}
    return groups


def _patient(folder: Path, image: NiftiFile, *, numbered: bool) -> tuple[str, ...]:
    """Return the words in the names of an image, and of its sequence's folder, for whose it is."""
    told_by = without_number(image.told_by) if numbered else image.told_by
    own = image.path.name if _told_by_folder(image) else beginning(told_by)
    words = of_the_patient(own)
    if image.path.parent == folder:
        return words
    above = image.path.parent.name
    above = without_number(above) if numbered else above
    of_folder = of_the_patient(beginning(above))
    return words if words[: len(of_folder)] == of_folder else of_folder + words


def _by_endings(images: Sequence[NiftiFile]) -> dict[tuple[str, ...], list[NiftiFile]]:
    """Group ``t1_anna flair_anna t1_berta flair_berta``; one group unless each has the same.

    Behind the sequence there is more often how an image was taken than whose it is.
    """
    one: dict[tuple[str, ...], list[NiftiFile]] = {(): list(images)}
    if _once_each(images):
        return one
    groups: dict[tuple[str, ...], list[NiftiFile]] = defaultdict(list)
    for image in images:
        groups[of_the_patient(ending(image.told_by))].append(image)
    roles = {frozenset(_role(image) for image in members) for members in groups.values()}
    alike = len(roles) == 1 and all(_once_each(members) for members in groups.values())
    return groups if alike and () not in groups and len(next(iter(roles))) > 1 else one


def _key(patient: tuple[str, ...], members: Sequence[NiftiFile]) -> str:
    """Return a case's words as its files write them."""
    if not patient:
        return ""
    candidates = [beginning(file.path.name) for file in members if _role(file) is not None]
    written = [text for text in candidates if of_the_patient(text) == patient]
    return min(written, key=lambda text: (len(text), text)) if written else "_".join(patient)


def _role(file: NiftiFile) -> ImageSequence | None:
    return role_in_file_name(file.told_by)


def _told_by_folder(file: NiftiFile) -> bool:
    return file.told_by != file.path.name


def _once_each(images: Iterable[NiftiFile]) -> bool:
    counts = Counter(_role(image) for image in images)
    return not counts or max(counts.values()) == 1


def _title(folder: Path) -> str:
    """Return a folder's name; in BIDS that of the patient and the session."""
    folder = folder.resolve()
    if folder.name.lower() != _BIDS_ANATOMY:
        return folder.name
    session = folder.parent
    if session.name.startswith(_BIDS_SESSION):
        return f"{session.parent.name}_{session.name}"
    return session.name

"""Folders of NIfTI files to studies: one folder, one study."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from desktop_app.domain.study import InstanceRef, PatientSummary, Series, Study
from desktop_app.errors import InputError
from desktop_app.io.naming import safe_name
from desktop_app.io.nifti import read_nifti_geometry
from desktop_app.io.sequence_rules import FILE_ROLE_KEYWORD
from desktop_app.io.sequence_text import names_something_else, role_in_file_name


def group_nifti_files(paths: Iterable[Path]) -> tuple[Study, ...]:
    """Make a study of every folder that holds NIfTI files.

    A folder named by its sequence (``CASE/t1/image.nii.gz``) counts with the folder above it,
    unless a file's own name in it tells a sequence; masks in it never stand for the sequence.

    Returns
    -------
    tuple of Study
        Without role proposals; masks and unreadable files stand in `Study.skipped`.
    """
    in_folder: dict[Path, list[Path]] = defaultdict(list)
    for path in paths:
        in_folder[path.parent].append(path)
    by_folder: dict[Path, list[tuple[Path, str]]] = defaultdict(list)
    for folder, files in in_folder.items():
        target = folder.parent if _is_sequence_folder(folder, files) else folder
        for path in files:
            own = target is folder or names_something_else(path.name)
            by_folder[target].append((path, path.name if own else folder.name))
    return tuple(_study(folder, files) for folder, files in sorted(by_folder.items()))


def _is_sequence_folder(folder: Path, files: Iterable[Path]) -> bool:
    """Whether the folder's name tells the sequence of images that do not tell it themselves."""
    names = [path.name for path in files]
    return (
        role_in_file_name(folder.name) is not None
        and all(role_in_file_name(name) is None for name in names)
        and not all(names_something_else(name) for name in names)
    )


def nifti_series(path: Path, name: str | None = None) -> Series:
    """Describe one NIfTI file as a series.

    Parameters
    ----------
    path
        The file.
    name
        What tells the sequence: the file's own name unless given.

    Raises
    ------
    InputError
        If the file is not NIfTI or holds no single 3D image.
    """
    role = role_in_file_name(name or path.name)
    return Series(
        series_uid=str(path),
        description=path.name,
        instances=(InstanceRef(path),),
        geometry=read_nifti_geometry(path),
        attributes={FILE_ROLE_KEYWORD: role.value} if role else {},
    )


def _study(folder: Path, files: list[tuple[Path, str]]) -> Study:
    series: list[Series] = []
    skipped: list[tuple[str, str]] = []
    for path, name in files:
        try:
            one = nifti_series(path, name)
        except InputError as error:
            skipped.append((str(path), error.title.rstrip(".")))
            continue
        series.append(one)
    return Study(
        study_uid=str(folder),
        name=safe_name(folder.resolve().name),
        patient=PatientSummary(),
        date="",
        description=folder.name,
        root=folder,
        series=tuple(series),
        skipped=tuple(skipped),
    )

"""Folders of NIfTI files to studies: one folder, one study."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from desktop_app.domain.study import InstanceRef, PatientSummary, Series, Study
from desktop_app.errors import InputError
from desktop_app.io.naming import safe_name
from desktop_app.io.nifti import read_nifti_geometry
from desktop_app.io.sequence_rules import FILE_ROLE_KEYWORD
from desktop_app.io.sequence_text import role_in_file_name


def group_nifti_files(paths: Iterable[Path]) -> tuple[Study, ...]:
    """Make a study of every folder that holds NIfTI files.

    A folder named by its sequence (``CASE/t1/image.nii.gz``) counts with the folder above it.

    Returns
    -------
    tuple of Study
        Without role proposals; masks and unreadable files stand in `Study.skipped`.
    """
    by_folder: dict[Path, list[tuple[Path, str]]] = defaultdict(list)
    for path in paths:
        name, folder = path.name, path.parent
        if role_in_file_name(name) is None and role_in_file_name(folder.name) is not None:
            name, folder = folder.name, folder.parent
        by_folder[folder].append((path, name))
    return tuple(_study(folder, files) for folder, files in sorted(by_folder.items()))


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

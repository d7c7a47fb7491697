"""NIfTI files to studies."""

from collections.abc import Iterable
from pathlib import Path

from desktop_app.domain.stopping import Check, go_on
from desktop_app.domain.study import InstanceRef, PatientSummary, Series, Study
from desktop_app.errors import InputError
from desktop_app.io.naming import safe_name
from desktop_app.io.nifti.files import read_nifti_geometry
from desktop_app.io.nifti.labels import holds_labels
from desktop_app.io.nifti.layout import NiftiCase, cases_of
from desktop_app.io.sequences.rules import FILE_ROLE_KEYWORD
from desktop_app.io.sequences.text import names_something_else, role_in_file_name

_NO_SEQUENCE_HERE = "its name says mask or map, and no image of a sequence is with it"

_LABELS = "a map of labels, not an image"


def group_nifti_files(paths: Iterable[Path], *, on_file: Check = go_on) -> tuple[Study, ...]:
    """Make a study of every case among NIfTI files, see `cases_of`.

    Parameters
    ----------
    on_file
        Called before each file is read; raises to stop.

    Returns
    -------
    tuple of Study
        Without role proposals; unreadable files stand in `Study.skipped`, as do masks that lie
        alone: those make no study, so it has no series.
    """
    return tuple(_study(case, on_file) for case in cases_of(paths))


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


def _study(case: NiftiCase, on_file: Check) -> Study:
    series: list[Series] = []
    skipped: list[tuple[str, str]] = []
    nothing_else = all(names_something_else(file.told_by) for file in case.files)
    for file in case.files:
        on_file()
        if nothing_else:
            skipped.append((str(file.path), _NO_SEQUENCE_HERE))
            continue
        try:
            one = nifti_series(file.path, file.told_by)
        except InputError as error:
            skipped.append((str(file.path), error.title.rstrip(".")))
            continue
        # One that its name tells to be a mask is never proposed and need not be looked into.
        named = FILE_ROLE_KEYWORD in one.attributes
        if not names_something_else(file.told_by) and holds_labels(file.path, is_named_image=named):
            skipped.append((str(file.path), _LABELS))
            continue
        series.append(one)
    return Study(
        study_uid=str(case.folder / case.key),
        name=safe_name(case.title),
        patient=PatientSummary(),
        date="",
        description=case.title,
        root=case.folder,
        series=tuple(series),
        skipped=tuple(skipped),
    )

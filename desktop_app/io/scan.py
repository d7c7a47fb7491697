"""Find the studies in whatever the user opened: folder, ZIP archive, DICOMDIR or single file."""

import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from desktop_app.domain.study import Series, Study
from desktop_app.errors import InputError
from desktop_app.io.archive import unpack
from desktop_app.io.dicom_elements import lenient_pydicom
from desktop_app.io.dicom_headers import FileHeader, NotDicom, read_header
from desktop_app.io.dicom_scan import group_into_studies
from desktop_app.io.folder_walk import walk_files
from desktop_app.io.naming import unique_name
from desktop_app.io.nifti import is_nifti_path
from desktop_app.io.nifti_scan import group_nifti_files
from desktop_app.io.sequence_rules import propose_roles

_OPEN_INSTEAD = "Open a folder, ZIP archive or DICOMDIR that holds a brain MR study."
# Told apart by name, so that no time goes into parsing them.
_NEVER_IMAGES = frozenset(
    {".json", ".txt", ".csv", ".tsv", ".xml", ".html", ".htm", ".pdf", ".png", ".jpg", ".jpeg"}
    | {".md", ".log", ".bval", ".bvec", ".py", ".exe", ".dll", ".inf", ".ini", ".jar", ".js"}
    | {".css", ".xlsx", ".docx", ".nrrd", ".npz", ".npy"}
)
_ARCHIVES = frozenset({".gz", ".zip", ".7z", ".rar", ".tar", ".tgz", ".bz2", ".xz"})


@dataclass(frozen=True, slots=True, eq=False)
class ScanResult:
    """Everything a scan found.

    Parameters
    ----------
    studies
        With at least one usable series each, role proposals included.
    skipped
        (path or series, reason) of everything that belongs to no study.
    """

    studies: tuple[Study, ...]
    skipped: tuple[tuple[str, str], ...] = ()


def scan(
    path: Path,
    *,
    progress: Callable[[float, str], None] | None = None,
    check: Callable[[], None] | None = None,
) -> ScanResult:
    """Find patients, studies and series below a path, by their headers alone.

    Parameters
    ----------
    path
        A folder, a ZIP archive, a DICOMDIR, a DICOM or a NIfTI file.
    progress
        Told the fraction done and the stage.
    check
        Called often; raises to stop.

    Raises
    ------
    InputError
        If there is nothing usable at all; single bad files never raise.
    """
    skipped: list[tuple[str, str]] = []
    files = _files(path, skipped, check)
    headers: list[FileHeader] = []
    nifti: list[Path] = []
    with lenient_pydicom():
        for number, file in enumerate(files):
            if check is not None:
                check()
            if progress is not None and number % 16 == 0:
                progress(number / len(files), "Reading headers")
            if is_nifti_path(file):
                nifti.append(file)
                continue
            _read(file, headers, skipped)
        studies = [*group_into_studies(headers, path), *group_nifti_files(nifti)]
    if progress is not None:
        progress(1.0, "Reading headers")
    return _result(path, studies, skipped, len(files))


def _files(
    path: Path, skipped: list[tuple[str, str]], check: Callable[[], None] | None
) -> list[Path]:
    if not path.exists():
        raise InputError("There is nothing at this path.", str(path), _OPEN_INSTEAD)
    root = path
    if path.is_file():
        if path.name.upper() == "DICOMDIR":
            # The folder is read instead of the index: indexes go stale, files do not lie about
            # being there.
            root = path.parent
        elif not is_nifti_path(path) and zipfile.is_zipfile(path):
            root = unpack(path, check=check)
        else:
            return [path]

    def note(where: Path, reason: str) -> None:
        skipped.append((str(where), reason))

    return list(walk_files(root, on_problem=note, check=check))


def _read(file: Path, headers: list[FileHeader], skipped: list[tuple[str, str]]) -> None:
    if file.name.upper() == "DICOMDIR":
        return
    suffix = file.suffix.lower()
    if suffix in _NEVER_IMAGES | _ARCHIVES:
        packed = suffix in _ARCHIVES
        skipped.append((str(file), "packed; unpack it first" if packed else "not an image"))
        return
    try:
        headers.append(read_header(file))
    except NotDicom as error:
        skipped.append((str(file), str(error)))


def _result(
    path: Path, studies: list[Study], skipped: list[tuple[str, str]], file_count: int
) -> ScanResult:
    kept: list[Study] = []
    found: Counter[str] = Counter()
    taken: set[str] = set()
    for study in studies:
        if any(one.usable for one in study.series):
            named = replace(study, name=unique_name(study.name, taken))
            kept.append(_with_roles(named))
            continue
        unusable = [(_title(one), _why_unusable(one)) for one in study.series]
        skipped.extend((*study.skipped, *unusable))
        found.update(reason for _, reason in (*study.skipped, *unusable))
    if not kept:
        raise _nothing_usable(path, found, skipped, file_count)
    return ScanResult(tuple(kept), tuple(skipped))


def _title(series: Series) -> str:
    return f"Series {series.number} {series.description}".strip()


def _why_unusable(series: Series) -> str:
    reason = series.problems[-1].removesuffix(".")
    return f"MR, but {reason[0].lower()}{reason[1:]}"


def _with_roles(study: Study) -> Study:
    roles, candidates = propose_roles(study.series)
    left_out = tuple(
        (_title(study.series_by_uid(candidate.series_uid)), candidate.reason)
        for candidate in candidates
        if candidate.role is None
    )
    unusable = tuple((_title(one), _why_unusable(one)) for one in study.series if not one.usable)
    return replace(study, roles=roles, skipped=(*study.skipped, *unusable, *left_out))


def _nothing_usable(
    path: Path, found: Counter[str], skipped: list[tuple[str, str]], file_count: int
) -> InputError:
    if found:
        series = [f"{count} series: {what}" for what, count in found.most_common(3)]
        what = "; ".join(series)
        return InputError(
            "There is no usable brain MR series here.", f"{path}: {what}.", _OPEN_INSTEAD
        )
    if file_count == 0:
        return InputError("The folder is empty.", str(path), _OPEN_INSTEAD)
    reasons = Counter(reason for _, reason in skipped)
    listed = ", ".join(f"{count} × {reason}" for reason, count in reasons.most_common(3))
    return InputError(
        "No MR images were found.", f"{path}: {file_count} files ({listed}).", _OPEN_INSTEAD
    )

"""Find the studies in whatever the user opened: folder, archive, DICOMDIR or single file."""

from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from desktop_app.domain.stopping import Check, go_on
from desktop_app.domain.study import Series, Study
from desktop_app.errors import NoStudyError
from desktop_app.io.dicom.header_cache import HeaderCache, cache_file
from desktop_app.io.dicom.headers import FileHeader
from desktop_app.io.dicom.scan import group_into_studies, series_title
from desktop_app.io.dicom.scan_headers import NamedFile, headers_of
from desktop_app.io.naming import unique_name
from desktop_app.io.nifti.files import is_nifti_path
from desktop_app.io.nifti.scan import group_nifti_files
from desktop_app.io.scan_files import OPEN_INSTEAD, FileFinder
from desktop_app.io.sequences.rules import propose_roles

_STAGE_FINDING = "Looking for files"
_STAGE_READING = "Reading headers"
_TOLD_EVERY = 64


def _silent(_fraction: float, _stage: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True, eq=False)
class ScanResult:
    """Everything a scan found.

    Parameters
    ----------
    studies
        With at least one usable series each, role proposals included.
    skipped
        (path or series, reason) of everything that belongs to no study.
    notes
        One plain sentence each on the scan itself.
    """

    studies: tuple[Study, ...]
    skipped: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def scan(
    path: Path,
    *,
    progress: Callable[[float, str], None] = _silent,
    check: Check = go_on,
    use_cache: bool = True,
    limited: bool = True,
) -> ScanResult:
    """Find patients, studies and series below a path, by their headers alone.

    Parameters
    ----------
    path
        A folder, an archive, a DICOMDIR, a DICOM or a NIfTI file.
    progress
        Told the fraction done and the stage.
    check
        Called often; raises to stop.
    use_cache
        Whether headers are looked up among those of earlier scans, and kept for later ones.
    limited
        Look at no more than `folder_walk.MAX_FILES` files.

    Raises
    ------
    InputError
        If there is nothing usable at all; single bad files never raise.
    """
    finder = FileFinder(check, limited=limited)
    dicom: list[NamedFile] = []
    nifti: list[Path] = []
    for count, file in enumerate(finder.find(path)):
        if count % _TOLD_EVERY == 0:
            progress(0.0, _STAGE_FINDING)
        if is_nifti_path(file.path):
            nifti.append(file.path)
        else:
            dicom.append(NamedFile(file, finder.shown(file.path).absolute()))
    advance = _Advance(progress, len(dicom) + len(nifti), check)
    headers: list[FileHeader] = []
    cache = HeaderCache(cache_file()) if use_cache and dicom else None
    with cache or nullcontext():
        for file_path, outcome in headers_of(dicom, cache, check=check):
            advance()
            if isinstance(outcome, FileHeader):
                headers.append(outcome)
            else:
                finder.skip(file_path, str(outcome))
    # Read in any order; what follows shall not depend on it.
    headers.sort(key=lambda header: header.path)
    finder.skipped.sort()
    studies = [*group_into_studies(headers, path), *group_nifti_files(nifti, on_file=advance)]
    progress(1.0, _STAGE_READING)
    if not path.exists():
        raise NoStudyError(
            "What was opened disappeared while it was read.",
            str(path),
            "Connect the drive, or copy the study again, and open it anew.",
        )
    found = _result(path, studies, finder.skipped)
    notes = tuple(cache.notes) if cache is not None else ()
    return _as_the_user_knows_it(found, finder, notes)


class _Advance:
    """Counts files as they are read, tells now and then, and lets the user stop."""

    def __init__(
        self,
        tell: Callable[[float, str], None],
        total: int,
        check: Check,
    ) -> None:
        self._tell = tell
        self._total = total
        self._check = check
        self._done = 0

    def __call__(self) -> None:
        if self._done % _TOLD_EVERY == 0:
            self._tell(self._done / self._total, _STAGE_READING)
        self._check()
        self._done += 1


def _as_the_user_knows_it(
    found: ScanResult, finder: FileFinder, notes: tuple[str, ...]
) -> ScanResult:
    """Return what was found with files of archives named by their place in the archive."""

    def named(skipped: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        return tuple((finder.shown_in(what), reason) for what, reason in skipped)

    studies = tuple(
        replace(
            study,
            # Where a folder stands for the study, its name has to be the same in every run.
            study_uid=finder.shown_in(study.study_uid),
            root=finder.shown(study.root),
            skipped=named(study.skipped),
        )
        for study in found.studies
    )
    return ScanResult(studies, named(found.skipped), notes)


def _result(path: Path, studies: list[Study], skipped: list[tuple[str, str]]) -> ScanResult:
    kept: list[Study] = []
    found: Counter[str] = Counter()
    taken: set[str] = set()
    for study in studies:
        if any(one.usable for one in study.series):
            named = replace(study, name=unique_name(study.name, taken))
            kept.append(_with_roles(named))
            continue
        unusable = [(title_of(one), _why_unusable(one)) for one in study.series]
        skipped.extend((*study.skipped, *unusable))
        found.update(reason for _, reason in (*study.skipped, *unusable))
    if not kept:
        raise _nothing_usable(path, found, skipped)
    return ScanResult(tuple(kept), tuple(skipped))


def title_of(series: Series) -> str:
    """Return what tells a series from all others: number, description, file or folder."""
    if series.is_nifti:
        return str(series.instances[0].path)
    paths = (instance.path for instance in series.instances)
    return series_title(series.number, series.description, paths)


def _why_unusable(series: Series) -> str:
    reason = series.problems[-1].removesuffix(".")
    return f"MR, but {reason[0].lower()}{reason[1:]}"


def _why_no_role(reason: str) -> str:
    """Return a rule's sentence as one of a list of what was left out."""
    return reason.removeprefix("Left out: ").removesuffix(".")


def _with_roles(study: Study) -> Study:
    roles, candidates = propose_roles(study.series)
    left_out = tuple(
        (title_of(study.series_by_uid(candidate.series_uid)), _why_no_role(candidate.reason))
        for candidate in candidates
        if candidate.role is None
    )
    unusable = tuple((title_of(one), _why_unusable(one)) for one in study.series if not one.usable)
    return replace(study, roles=roles, skipped=(*study.skipped, *unusable, *left_out))


def _nothing_usable(
    path: Path, found: Counter[str], skipped: list[tuple[str, str]]
) -> NoStudyError:
    where = path.absolute()
    if found:
        series = [f"{count} series: {what}" for what, count in found.most_common(3)]
        what = "; ".join(series)
        return NoStudyError(
            "There is no usable brain MR series here.", f"{where}: {what}.", OPEN_INSTEAD
        )
    if not skipped:
        return NoStudyError("The folder is empty.", str(where), OPEN_INSTEAD)
    reasons = Counter(reason for _, reason in skipped)
    listed = ", ".join(f"{count} × {reason}" for reason, count in reasons.most_common(3))
    files = "1 file" if len(skipped) == 1 else f"{len(skipped)} files"
    return NoStudyError("No MR images were found.", f"{where}: {files} ({listed}).", OPEN_INSTEAD)

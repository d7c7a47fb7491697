"""The files of a result, in the folder of their study, beside or instead of earlier ones."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from desktop_app.domain.result import StudyResult
from desktop_app.domain.study import Study
from desktop_app.io.atomic import atomic_folder
from desktop_app.jobs.cancel import NEVER, CancelToken
from desktop_app.jobs.events import ProgressCallback, silent
from desktop_app.services.export.export_study import export_study
from desktop_app.services.export.formats import DEFAULT_FORMATS, FILE_NAMES, ExportFormat
from desktop_app.services.export.lacks import export_warnings, lacking, skipped_formats
from desktop_app.services.export.run_log import write_run_log
from desktop_app.services.export.writers import PageRenderer
from desktop_app.services.results.earlier_results import study_folder
from desktop_app.services.results.kept_results import to_keep
from desktop_app.services.results.label_checksum import labels_checksum
from desktop_app.services.results.label_files import LABEL_FILES, are_changed
from desktop_app.services.results.results_folder import (
    Owner,
    is_anonymised,
    owner,
    pseudonyms,
    results_name,
)

# A report refers to the segments beside it by UIDs that every SEG has anew.
_LINKED_FORMATS = frozenset({ExportFormat.SEG, ExportFormat.SR})
# These tell the target lesions that a reader chose.
_WITH_TARGETS = frozenset({ExportFormat.JSON, ExportFormat.CSV, ExportFormat.PDF, ExportFormat.SC})


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """Which files are written, and how.

    Parameters
    ----------
    et_label
        Value of enhancing tumour in the NIfTI labels: 3, or 4 as in BraTS before 2023.
    anonymise
        Leave out who the patient is, also in the name of the folder.
    """

    formats: tuple[ExportFormat, ...] = DEFAULT_FORMATS
    et_label: int = 3
    anonymise: bool = False


@dataclass(frozen=True, slots=True)
class SavedResults:
    """What was written of a result.

    Parameters
    ----------
    files
        All in `folder`.
    notes
        One plain sentence per file that was asked for and makes no sense for this study, or that
        not every program can use, where earlier results are that had to be kept, and which of
        their files are gone.
    et_label
        As in `ExportOptions`.
    """

    folder: Path
    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()
    et_label: int = 3

    @property
    def holds_labels(self) -> bool:
        """Whether the labels can be had back from these files."""
        return any(file.name in LABEL_FILES for file in self.files)

    @property
    def holds_choices(self) -> bool:
        """Whether the reader's choice of target lesions can be had back from these files."""
        return any(file.name == FILE_NAMES[ExportFormat.JSON] for file in self.files)


def save_results(
    result: StudyResult,
    output: Path,
    options: ExportOptions,
    *,
    written: Mapping[Path, StudyResult] = MappingProxyType({}),
    page_renderer: PageRenderer | None = None,
    progress: ProgressCallback = silent,
    token: CancelToken = NEVER,
) -> SavedResults:
    """Write the results and their log to `output`/STUDYNAME: all of them or none.

    A folder of another name in `output` that the result was read from is where it goes back to.
    Where that folder holds the results of another study, the name is numbered; anonymised
    results have a folder named after nobody. Files of an earlier run of the same study go, since
    they would show other numbers than the new ones, which the notes tell; what cannot be had again
    is kept in a folder below, see `to_keep`.

    Parameters
    ----------
    written
        What the caller wrote already, by folder: this very result, whose files stay since they show
        the same numbers (but for those that tell other target lesions, which are written anew), or
        one that it was corrected from. Where SEG or SR of this very result are written beside the
        other one, both are written anew.

    Raises
    ------
    OutputError
        If they cannot be written.
    UsageError
        If a format is asked for that does not exist.
    Cancelled
        If `token` was cancelled; nothing is written.
    """
    folder = _home(result.study, output, options, written) or output / results_name(
        output, result.study, anonymise=options.anonymise
    )
    there = tuple(one for one in ExportFormat if (folder / FILE_NAMES[one]).is_file())
    earlier = _still_there(written.get(folder), folder)
    has_same_labels = _has_same_labels(earlier, result)
    stay = _files_that_stay(there, earlier, result) if has_same_labels else ()
    formats = _with_linked(options.formats, stay)
    can_draw = page_renderer is not None
    if has_same_labels:
        anew = [one for one in there if one not in (*stay, *formats)]
        formats = (*formats, *_without(anew, lacking(result, anew, can_draw=can_draw)))
    skipped = skipped_formats(result, formats, can_draw=can_draw)
    coming, created = _without(formats, skipped), datetime.now().astimezone()
    kept = None if has_same_labels else to_keep(folder, coming, is_continued=earlier is not None)
    gone = () if kept else _without(there, (*stay, *coming))
    with atomic_folder(
        folder,
        obsolete=[name for one, name in FILE_NAMES.items() if one not in stay],
        keep_as=kept.name if kept else "",
    ) as staging:
        files = export_study(
            result,
            staging,
            formats=formats,
            et_label=options.et_label,
            anonymise=options.anonymise,
            pseudonyms=pseudonyms(output, result.study) if options.anonymise else None,
            page_renderer=page_renderer,
            created=created,
            progress=progress,
            token=token,
        )
        names = {*(FILE_NAMES[one] for one in stay), *(file.name for file in files)}
        log = write_run_log(
            result, sorted(names), staging, anonymise=options.anonymise, created=created
        )
        token.raise_if_cancelled()
    return SavedResults(
        folder,
        tuple(folder / file.name for file in (*files, log)),
        (
            *((kept.note(folder),) if kept else ()),
            *((_told_gone(gone),) if gone else ()),
            *skipped.values(),
            *export_warnings(result, formats, anonymise=options.anonymise),
        ),
        options.et_label,
    )


def _still_there(earlier: StudyResult | None, folder: Path) -> StudyResult | None:
    """Return what was written to a folder, unless another program has changed it meanwhile."""
    if earlier is None:
        return None
    labels = earlier.segmentation
    is_other = are_changed(folder, labels_checksum(labels.labels_kji, labels.geometry))
    return None if is_other else earlier


def _has_same_labels(earlier: StudyResult | None, result: StudyResult) -> bool:
    """Whether what was written is this very result, but for the reader's target lesions."""
    return earlier is result or (
        earlier is not None
        and earlier.segmentation is result.segmentation
        and earlier.targets != result.targets
    )


def _files_that_stay(
    there: Iterable[ExportFormat], earlier: StudyResult | None, result: StudyResult
) -> tuple[ExportFormat, ...]:
    """Return what of a folder with the same labels tells of this result what is true of it."""
    return _without(there, () if earlier is result else _WITH_TARGETS)


def _without(
    formats: Iterable[ExportFormat], others: Collection[ExportFormat]
) -> tuple[ExportFormat, ...]:
    return tuple(one for one in formats if one not in others)


def _told_gone(formats: Iterable[ExportFormat]) -> str:
    names = ", ".join(FILE_NAMES[one] for one in formats)
    return f"Removed, since the results are others now: {names}."


def _with_linked(
    formats: tuple[ExportFormat, ...], there: tuple[ExportFormat, ...]
) -> tuple[ExportFormat, ...]:
    """Return formats with those that lie there and would no longer fit the new ones."""
    if _LINKED_FORMATS.isdisjoint(formats):
        return formats
    return (*formats, *(one for one in there if one in _LINKED_FORMATS - set(formats)))


def _home(
    study: Study, output: Path, options: ExportOptions, written: Iterable[Path]
) -> Path | None:
    """Return the folder in `output` that the result was read from or written to, if it fits."""
    homes = reversed([study_folder(folder) for folder in written])
    return next(
        (
            home
            for home in homes
            if home.parent == output
            and is_anonymised(home) is options.anonymise
            and owner(home, study) is not Owner.ANOTHER
        ),
        None,
    )

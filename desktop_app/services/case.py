"""One study from its series to its folder of results, the same for one study and for many."""

import errno
import os
import shutil
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from desktop_app.domain.result import StudyResult
from desktop_app.domain.study import Sequence, Series, Study
from desktop_app.errors import OutputError
from desktop_app.io.atomic import atomic_folder, output_error, takes_folders
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import ProgressCallback
from desktop_app.services.brain_network import bundled_network
from desktop_app.services.earlier_results import study_folder
from desktop_app.services.export import export_study
from desktop_app.services.export_formats import DEFAULT_FORMATS, FILE_NAMES, ExportFormat
from desktop_app.services.export_lacks import export_warnings, lacking, skipped_formats
from desktop_app.services.kept_results import LABEL_FILES, to_keep
from desktop_app.services.nameless_series import can_name
from desktop_app.services.results_folder import (
    Owner,
    is_anonymised,
    owner,
    pseudonyms,
    results_name,
)
from desktop_app.services.run_log import write_run_log
from desktop_app.services.segment import Segmenter, SegmentOptions, segment_study
from desktop_app.services.stages import Stages
from desktop_app.services.study_writers import PageRenderer

# Seconds on two cores; the bar's shape, no promise.
_STAGE_SECONDS = {"segment": 12.0, "export": 2.0}
# A report refers to the segments beside it by UIDs that every SEG has anew.
_LINKED_FORMATS = frozenset({ExportFormat.SEG, ExportFormat.SR})
# These tell the target lesions that a reader chose.
_WITH_TARGETS = frozenset({ExportFormat.JSON, ExportFormat.CSV, ExportFormat.PDF, ExportFormat.SC})
# About what the results of one study take.
_MIN_FREE_BYTES = 5_000_000


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
class CaseOptions:
    """Everything that decides what a study's results look like."""

    segment: SegmentOptions = field(default_factory=SegmentOptions)
    export: ExportOptions = field(default_factory=ExportOptions)


@dataclass(frozen=True, slots=True, eq=False)
class CaseOutcome:
    """A finished study and the files that hold it.

    Parameters
    ----------
    notes
        One plain sentence per file that was asked for and makes no sense for this study, or that
        not every program can use, where earlier results are that had to be kept, and which of
        their files are gone.
    """

    result: StudyResult
    folder: Path
    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SavedResults:
    """What was written of a result.

    Parameters
    ----------
    files
        All in `folder`.
    notes
        As in `CaseOutcome`.
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


def process_study(
    study: Study,
    roles: Mapping[Sequence, Series],
    options: CaseOptions,
    output: Path,
    worker: Segmenter,
    *,
    chosen_by_user: Collection[Sequence] = (),
    page_renderer: PageRenderer | None = None,
    progress: ProgressCallback | None = None,
    token: CancelToken | None = None,
) -> CaseOutcome:
    """Segment a study and write its results to `output`/STUDYNAME.

    See `find_tumour` and `save_results`.

    Raises
    ------
    InputError
        If the study cannot be used.
    OutputError
        If the results cannot be written; then none of them is.
    DeviceError
        If the device fails or runs out of memory.
    Cancelled
        If `token` was cancelled; nothing is written.
    """
    require_room(output)
    stages = Stages(_STAGE_SECONDS, progress)
    with stages.stage("segment", "Segmenting") as report:
        result = find_tumour(
            study,
            roles,
            options.segment,
            worker,
            chosen_by_user=chosen_by_user,
            progress=report,
            token=token,
        )
    with stages.stage("export", "Writing the results") as report:
        saved = save_results(
            result,
            output,
            options.export,
            page_renderer=page_renderer,
            progress=report,
            token=token,
        )
    return CaseOutcome(result, saved.folder, saved.files, saved.notes)


def find_tumour(
    study: Study,
    roles: Mapping[Sequence, Series],
    options: SegmentOptions,
    worker: Segmenter,
    *,
    chosen_by_user: Collection[Sequence] = (),
    progress: ProgressCallback | None = None,
    token: CancelToken | None = None,
) -> StudyResult:
    """Segment a study; writes nothing.

    Where sequences are missing and headers tell nothing of some series, their pixels are asked
    first, see `sequence_naming`.

    Raises
    ------
    InputError
        If the study cannot be used.
    DeviceError
        If the device fails or runs out of memory.
    Cancelled
        If `token` was cancelled.
    """
    # Loads slowly; a window that only starts need not wait for it.
    from desktop_app.services.sequence_naming import completed

    naming = can_name(study, roles, set(chosen_by_user) - set(roles))
    stages = Stages(({"name": 10.0} if naming else {}) | {"segment": 12.0}, progress)
    loaded = None
    if naming:
        with stages.stage("name", "Looking at images without a description") as report:
            named = completed(
                study,
                roles,
                network=bundled_network(worker, options.device, options.precision),
                chosen_by_user=chosen_by_user,
                progress=report,
                token=token,
            )
        study, roles, loaded = named.study, named.roles, named.loaded
    with stages.stage("segment", "Segmenting") as report:
        return segment_study(
            study,
            roles,
            options,
            worker,
            loaded=loaded,
            chosen_by_user=chosen_by_user,
            progress=report,
            token=token,
        )


def require_room(output: Path) -> None:
    """Refuse a folder for results in which nothing can be written, before hours of work.

    Raises
    ------
    OutputError
        If its drive or share is away, a file is in its place, it may not be written to, or the
        disk is full.
    """
    try:
        title = _why_not_in(output)
    except OSError as error:
        raise output_error(error, output) or error from None
    if title:
        raise OutputError(title, f"Writing {output}", "Choose another folder, or make room.")


def _why_not_in(output: Path) -> str:
    """Return why nothing can be written to a folder; empty where it can."""
    existing = next((path for path in (output, *output.absolute().parents) if path.exists()), None)
    if existing is None:
        raise OSError(errno.ENXIO, "there is nothing at the root of the path", str(output))
    if not existing.is_dir():
        return "A file is in the place of the output folder."
    if not os.access(existing, os.W_OK | os.X_OK):
        return "The output folder cannot be written to."
    usage = shutil.disk_usage(existing)
    # Some file systems tell no sizes, and some of these are none to write to.
    if not usage.total:
        return "" if takes_folders(existing) else "The output folder cannot be written to."
    return "There is no room left on the disk." if usage.free < _MIN_FREE_BYTES else ""


def save_results(
    result: StudyResult,
    output: Path,
    options: ExportOptions,
    *,
    written: Mapping[Path, StudyResult] = MappingProxyType({}),
    page_renderer: PageRenderer | None = None,
    progress: ProgressCallback | None = None,
    token: CancelToken | None = None,
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
    has_same_labels = _has_same_labels(written.get(folder), result)
    stay = _files_that_stay(there, written.get(folder), result) if has_same_labels else ()
    formats = _with_linked(options.formats, stay)
    can_draw = page_renderer is not None
    if has_same_labels:
        anew = [one for one in there if one not in (*stay, *formats)]
        formats = (*formats, *_without(anew, lacking(result, anew, can_draw=can_draw)))
    skipped = skipped_formats(result, formats, can_draw=can_draw)
    coming, created = _without(formats, skipped), datetime.now().astimezone()
    kept = None if has_same_labels else to_keep(folder, coming, is_continued=folder in written)
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
        if token is not None:
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

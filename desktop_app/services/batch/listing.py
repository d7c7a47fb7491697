"""Which studies are below a folder, and what is already known of each."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from desktop_app.domain.study import Study
from desktop_app.errors import InputError, NoStudyError
from desktop_app.io.unpacked import lasting_name
from desktop_app.jobs.cancel import NEVER, CancelToken
from desktop_app.jobs.events import ProgressCallback, silent
from desktop_app.services.batch.attempt import StudyOrder
from desktop_app.services.batch.records import SKIPPED, SUMMARY, has_results, read_state
from desktop_app.services.batch.state import CaseState, CaseStatus
from desktop_app.services.export.formats import FILE_NAMES
from desktop_app.services.export.run_log import RUN_LOG
from desktop_app.services.opening.import_study import open_path
from desktop_app.services.results.results_folder import STATE_FOLDER, named_after_results

_OTHER_EXPORT = "Done earlier with other export options, and left as it was."
_OWN_FILES = frozenset({*FILE_NAMES.values(), RUN_LOG, SUMMARY, SKIPPED})


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """What was found below a folder.

    Parameters
    ----------
    studies
        Each under the name of its folder of results.
    skipped
        (path or series, reason) of everything that belongs to no study.
    """

    studies: tuple[Study, ...]
    skipped: tuple[tuple[str, str], ...]


def list_studies(
    root: Path,
    output: Path,
    *,
    anonymise: bool = False,
    progress: ProgressCallback = silent,
    token: CancelToken = NEVER,
) -> Listing:
    """List the studies below `root`, without the results of earlier runs.

    Raises
    ------
    NoStudyError
        If there is no study.
    InputError
        If there is nothing at the path.
    OutputError
        If the key of anonymised names cannot be written.
    Cancelled
        If `token` was cancelled.
    """
    # All files: a study whose folder was looked at in part must not be taken for a whole one.
    found = open_path(root, progress=progress, token=token, limited=False)
    studies = named_after_results(
        output,
        [study for study in found.studies if not _is_own_study(study, root, output)],
        anonymise=anonymise,
    )
    if not studies:
        raise NoStudyError(
            "There is no study to segment.",
            f"Below {root}",
            "Choose a folder that holds MR studies as DICOM or NIfTI files.",
        )
    skipped = tuple(one for one in found.skipped if not _is_own_result(Path(one[0]), root, output))
    return Listing(studies, skipped)


def known_state(
    study: Study,
    output: Path,
    make_order: Callable[[Study], StudyOrder],
    *,
    with_failures: bool = False,
) -> CaseState:
    """Return the state that an earlier run left of a study, if it is up to date.

    Parameters
    ----------
    with_failures
        Also that it failed and why; otherwise such a study is as one that was never tried.
    """
    fresh = CaseState(study.name, study.study_uid)
    known = read_state(output, study.name)
    counts = {CaseStatus.DONE, CaseStatus.FAILED} if with_failures else {CaseStatus.DONE}
    if known is None or known.status not in counts:
        return fresh
    known = replace(known, study_uid=study.study_uid, resumed=True)
    try:
        order = make_order(study)
    except InputError:
        # What could not be read then cannot be read now: nothing has changed.
        is_other, is_stale = False, bool(known.fingerprint)
    else:
        is_other = order.running.exported_as != known.exported_as
        is_stale = order.fingerprint != known.fingerprint or _is_by_another(known, order)
    if is_stale:
        return fresh
    if known.status is CaseStatus.FAILED:
        return known
    if not has_results(output, known):
        return fresh
    notes = (_OTHER_EXPORT, *known.notes) if is_other else known.notes
    return replace(known, fraction=1.0, notes=notes)


def place_below(root: Path, study: Study) -> str:
    """Return the folder that holds all files of a study, as seen from the folder of the batch.

    Of a study in an archive that is the place inside it; of one whose files lie in `root` itself,
    the name of `root`.
    """
    folders = {instance.path.parent for series in study.series for instance in series.instances}
    below = [folder for folder in folders if folder.is_relative_to(root)]
    if below:
        inside = Path(os.path.commonpath(below)).relative_to(root)
        return str(inside) if inside.parts else root.name or str(root)
    unpacked = lasting_name(Path(os.path.commonpath(folders)))
    return unpacked.partition("/")[2] or unpacked


def is_own_name(path: Path) -> bool:
    """Whether a file bears a name that a batch gives."""
    return path.name in _OWN_FILES or STATE_FOLDER in path.parts


def _is_by_another(known: CaseState, order: StudyOrder) -> bool:
    """Whether a person exported labels of another network, which nobody corrected."""
    # A SEG that was opened without the numbers beside it tells only how the checksum begins.
    return not known.corrected and not order.weights_sha256.startswith(known.weights_sha256)


def _is_own_result(path: Path, root: Path, output: Path) -> bool:
    """Whether something was written by a batch: told by its place, or else by its name."""
    output, root = output.resolve(), root.resolve()
    if output != root and output.is_relative_to(root):
        return path.resolve().is_relative_to(output)
    return is_own_name(path)


def _is_own_study(study: Study, root: Path, output: Path) -> bool:
    """Whether a study is a result of an earlier run."""
    names = {instance.path.name for series in study.series for instance in series.instances}
    return _is_own_result(study.root, root, output) or names <= set(FILE_NAMES.values())

"""Which studies are below a folder, and what is already known of each."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from desktop_app.domain.study import Study
from desktop_app.errors import InputError, NoStudyError
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import ProgressCallback
from desktop_app.services.batch.attempt import StudyOrder
from desktop_app.services.batch.records import SKIPPED, SUMMARY, has_results, read_state
from desktop_app.services.batch.state import CaseState, CaseStatus
from desktop_app.services.export import FILE_NAMES
from desktop_app.services.import_study import open_path
from desktop_app.services.results_folder import STATE_FOLDER, named_after_results
from desktop_app.services.run_log import RUN_LOG

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
    progress: ProgressCallback | None = None,
    token: CancelToken | None = None,
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


def known_state(study: Study, output: Path, make_order: Callable[[Study], StudyOrder]) -> CaseState:
    """Return the state that an earlier run left of a study, if its results are up to date."""
    fresh = CaseState(study.name, study.study_uid)
    known = read_state(output, study.name)
    if known is None or known.status is not CaseStatus.DONE:
        return fresh
    try:
        order = make_order(study)
    except InputError:
        return fresh
    if order.fingerprint != known.fingerprint or not has_results(output, known):
        return fresh
    is_other = order.running.exported_as != known.exported_as
    notes = (_OTHER_EXPORT, *known.notes) if is_other else known.notes
    return replace(known, study_uid=study.study_uid, resumed=True, fraction=1.0, notes=notes)


def is_own_name(path: Path) -> bool:
    """Whether a file bears a name that a batch gives."""
    return path.name in _OWN_FILES or STATE_FOLDER in path.parts


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

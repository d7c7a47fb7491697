"""The study that a single file belongs to: what a double click on one image is to open."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_app.domain.study import Sequence, Study
from desktop_app.errors import NoStudyError
from desktop_app.jobs.cancel import NEVER, CancelToken
from desktop_app.jobs.events import ProgressCallback, silent
from desktop_app.services.opening.import_study import open_path

if TYPE_CHECKING:
    from desktop_app.io.scan import ScanResult


def open_whole_study(
    path: Path,
    *,
    progress: ProgressCallback = silent,
    token: CancelToken = NEVER,
) -> "ScanResult":
    """Find the studies at a path; a single image stands for the study it is of.

    That study's other series are looked for in the image's folder and, where it lacks one of the
    four sequences, in the folder above, as series often have a folder each. Other studies that are
    found there are left out. Folders, archives and a DICOMDIR are opened as they are.

    Raises
    ------
    InputError
        If there is nothing usable at all.
    Cancelled
        If `token` was cancelled.
    """
    from desktop_app.io.scan_files import is_one_image

    if not is_one_image(path):
        return open_path(path, progress=progress, token=token)
    file = path.absolute()
    best: ScanResult | None = None
    for folder in (file.parent, file.parent.parent):
        if best is not None and not _lacks_a_sequence(best.studies[0]):
            break
        if holds_everything_of_somebody(folder):
            continue
        found = _of_file(file, folder, progress, token)
        if found is not None:
            best = found
    # Alone it may be of no use, and then opening it says why.
    return best if best is not None else open_path(path, progress=progress, token=token)


def holds_everything_of_somebody(folder: Path) -> bool:
    """Whether this is a user's own folder or one above, where looking would not end soon."""
    return folder == Path.home() or folder in Path.home().parents


def _of_file(
    file: Path,
    folder: Path,
    progress: ProgressCallback,
    token: CancelToken,
) -> "ScanResult | None":
    """Return the scan of a folder with only the study that the file is of, if there is one."""
    try:
        found = open_path(folder, progress=progress, token=token)
    except NoStudyError:
        return None
    for study in found.studies:
        if any(image.path == file for series in study.series for image in series.instances):
            return replace(found, studies=(study,), skipped=())
    return None


def _lacks_a_sequence(study: Study) -> bool:
    return any(sequence not in study.roles for sequence in Sequence)

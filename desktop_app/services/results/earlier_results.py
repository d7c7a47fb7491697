"""Whether there is an earlier result of a study, so that it can be opened again."""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from desktop_app.domain.study import Study
from desktop_app.errors import InputError
from desktop_app.services.results.kept_results import holds_corrections
from desktop_app.services.results.label_files import LABELS_FILE, SEG_FILE, labels_file
from desktop_app.services.results.results_folder import STATE_FOLDER, Owner, owner, results_name

# As `kept_results` names what is kept inside a study's folder.
_KEPT = re.compile(r"(corrected|earlier)-\d{8}-\d{6}(_\d+)?")


@dataclass(frozen=True, slots=True)
class EarlierResult:
    """A result with labels on disk.

    Parameters
    ----------
    folder
        Where its files are.
    written
        When its labels were written, in local time.
    corrected
        Whether a person corrected them.
    """

    folder: Path
    written: datetime
    corrected: bool


def find_result(study: Study, output: Path) -> EarlierResult | None:
    """Return the result of a study among the folders of results in `output`, if there is one.

    One without identity is found only by whoever names its folder, see `chosen_result`.
    """
    folder = output / results_name(output, study)
    return _result_in(folder) if owner(folder, study) is Owner.THIS_STUDY else None


def chosen_result(study: Study, folder: Path) -> EarlierResult:
    """Return the result in a folder, or in the folder of this study inside it.

    Raises
    ------
    InputError
        If there is none, only one of another study, or nothing tells whose it is.
    """
    found = _result_in(folder) or find_result(study, folder)
    if found is None:
        raise InputError(
            "There is no result of this study.",
            str(folder),
            f"Choose the folder that holds its {LABELS_FILE} or {SEG_FILE}.",
        )
    match _owner(found.folder, study):
        case Owner.THIS_STUDY:
            return found
        case Owner.ANOTHER:
            raise InputError(
                "The result is of another study.",
                str(found.folder),
                "Open the study it belongs to, or choose another folder.",
            )
        case Owner.UNKNOWN:
            raise InputError(
                "Nothing tells whose result this is.",
                str(found.folder),
                "Choose an anonymised result where it was written, under the name it had there: "
                f"the folder {STATE_FOLDER} beside it tells whose it is.",
            )


def study_folder(folder: Path) -> Path:
    """Return a study's folder of results, given that or a folder of results kept inside it."""
    return folder.parent if _KEPT.fullmatch(folder.name) else folder


def _owner(folder: Path, study: Study) -> Owner:
    whose = owner(folder, study)
    home = study_folder(folder)
    return owner(home, study) if whose is Owner.UNKNOWN and home != folder else whose


def _result_in(folder: Path) -> EarlierResult | None:
    file = labels_file(folder)
    if file is None:
        return None
    try:
        written = datetime.fromtimestamp(file.stat().st_mtime).astimezone()
    except OSError:
        return None
    return EarlierResult(folder, written, holds_corrections(folder))

"""The files of a comparison, in a folder of their own beside the results of the studies."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from desktop_app.domain.follow_up import FollowUp
from desktop_app.domain.pseudonyms import Pseudonyms
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region
from desktop_app.domain.volume import Volume
from desktop_app.io.atomic import atomic_folder
from desktop_app.io.export.json_document import write_json
from desktop_app.io.naming import unique_name
from desktop_app.services.export.writers import PageRenderer
from desktop_app.services.follow_up.document import DOCUMENT_FILE, follow_up_document
from desktop_app.services.follow_up.page import build_follow_up_page
from desktop_app.services.opening.study_identity import has_uid
from desktop_app.services.results.results_folder import pseudonyms, results_name

MAP_FILES = {region: f"change-{region}.nii.gz" for region in (Region.WT, Region.TC, Region.ET)}
"""Values as `Difference` has them, on the grid of the current labels."""

EARLIER_LABELS_FILE = "earlier-labels.nii.gz"
"""The earlier labels, resampled onto the grid of the current ones."""

REPORT_FILE = "follow-up.pdf"
"""The page of a comparison, where something can draw it."""


@dataclass(frozen=True, slots=True)
class SavedFollowUp:
    """What was written of a comparison; `files` are all in `folder`."""

    folder: Path
    files: tuple[Path, ...]


def save_follow_up(
    found: FollowUp,
    output: Path,
    *,
    anonymise: bool = False,
    renderer: PageRenderer | None = None,
) -> SavedFollowUp:
    """Write a comparison to `output`/NOW-since-EARLIER: all of its files or none.

    The numbers always, the maps of change and the earlier labels where the studies lie on each
    other; an earlier comparison of the same two is replaced. Where that folder holds another
    comparison, since studies are called alike, its name is numbered.

    Parameters
    ----------
    anonymise
        Leave out who the patient is, also in the folder's name.
    renderer
        Draws the page; without it there is none.

    Raises
    ------
    OutputError
        If they cannot be written; then none is, and older ones stay.
    """
    # nibabel takes half a second to import.
    from desktop_app.io.export.nifti import write_nifti_labels
    from desktop_app.io.nifti.files import write_nifti

    folder = _folder_of(found, output, anonymise=anonymise)
    every = (DOCUMENT_FILE, REPORT_FILE, *MAP_FILES.values(), EARLIER_LABELS_FILE)
    # Page and numbers tell one time.
    created = datetime.now().astimezone()
    with atomic_folder(folder, obsolete=every) as staging:
        document = follow_up_document(found, anonymise=anonymise, created=created)
        write_json(document, staging / DOCUMENT_FILE)
        if renderer is not None:
            page = build_follow_up_page(
                found,
                anonymise=anonymise,
                pseudonyms=_pseudonyms(found, output) if anonymise else None,
                created=created,
            )
            renderer.render(page, staging / REPORT_FILE)
        if found.earlier_on_now is not None:
            write_nifti_labels(found.earlier_on_now, staging / EARLIER_LABELS_FILE)
            geometry = found.earlier_on_now.geometry
            for region, name in MAP_FILES.items():
                if region in found.incomparable:
                    continue
                write_nifti(Volume(found.difference_kji(region), geometry), staging / name)
        written = [name for name in every if (staging / name).is_file()]
    return SavedFollowUp(folder, tuple(folder / name for name in written))


def _folder_of(found: FollowUp, output: Path, *, anonymise: bool) -> Path:
    now, earlier = (
        results_name(output, one.study, anonymise=anonymise) for one in (found.now, found.earlier)
    )
    seen: set[str] = set()
    while True:
        folder = output / unique_name(f"{now}-since-{earlier}", seen)
        if not _holds_another(folder, found):
            return folder


def _holds_another(folder: Path, found: FollowUp) -> bool:
    """Whether a folder's comparison is of other studies.

    An anonymised one does not say of which; its name is that of no other two.
    """
    try:
        document: Any = json.loads((folder / DOCUMENT_FILE).read_text("utf-8"))
        said = ((document["now"], found.now), (document["earlier"], found.earlier))
        return not all(_is_of(one, result) for one, result in said)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _is_of(said: Mapping[str, str], result: StudyResult) -> bool:
    uid = said["study_uid"]
    return not uid or has_uid(
        result.study, uid, patient_id=said["patient_id"], date=said["study_date"]
    )


def _pseudonyms(found: FollowUp, output: Path) -> tuple[Pseudonyms, Pseudonyms]:
    return pseudonyms(output, found.now.study), pseudonyms(output, found.earlier.study)

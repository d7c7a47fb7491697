"""Write what was found in a study: all the files asked for, or none of them."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from desktop_app.domain.pseudonyms import Pseudonyms, new_key
from desktop_app.domain.result import StudyResult
from desktop_app.errors import UsageError
from desktop_app.io.atomic import atomic_folder
from desktop_app.jobs.cancel import NEVER, CancelToken
from desktop_app.jobs.events import ProgressCallback, silent
from desktop_app.services.export.formats import (
    DEFAULT_FORMATS,
    FILE_NAMES,
    TITLES,
    WITH_DIAMETERS,
    ExportFormat,
)
from desktop_app.services.export.lacks import export_warnings, skipped_formats
from desktop_app.services.export.writers import PageRenderer, StudyWriters
from desktop_app.services.measuring.lesions import measure_lesions
from desktop_app.services.opening.study_identity import identity, patient_identity


def export_study(
    result: StudyResult,
    folder: Path,
    *,
    formats: Iterable[ExportFormat] = DEFAULT_FORMATS,
    et_label: int = 3,
    anonymise: bool = False,
    pseudonyms: Pseudonyms | None = None,
    page_renderer: PageRenderer | None = None,
    created: datetime | None = None,
    progress: ProgressCallback = silent,
    token: CancelToken = NEVER,
) -> tuple[Path, ...]:
    """Write a finished study into `folder`, under the names of `FILE_NAMES`.

    Parameters
    ----------
    formats
        What to write; what this study cannot be written as (see `skipped_formats`) is left out,
        which the measurements and the report then say, as they do `export_warnings`.
    et_label
        Value of enhancing tumour in the NIfTI labels, 3 or 4.
    anonymise
        Leave out who the patient is: names, numbers, dates, descriptions and UIDs are removed or
        replaced, following the basic profile of DICOM PS3.15 annex E. The images' grid stays, and
        so does the date of the export.
    pseudonyms
        What replaces them where `anonymise`; if not given, what nobody can find again.
    page_renderer
        Draws the PDF report.
    created
        What all files say of when they were made, with its zone; now if not given.

    Returns
    -------
    tuple of Path
        The files written, in the order of `formats`.

    Raises
    ------
    OutputError
        If the files cannot be written; then none of them is, and older ones stay.
    UsageError
        If `et_label` is neither 3 nor 4.
    InputError
        If the images of a DICOM study can no longer be read.
    Cancelled
        If `token` was cancelled; nothing is written.
    """
    from desktop_app.io.export.nifti import ET_LABELS

    if et_label not in ET_LABELS:
        raise UsageError(
            "Unknown label for enhancing tumour.", f"--et-label {et_label}", "Choose 3 or 4."
        )
    wanted = tuple(dict.fromkeys(formats))
    skipped = skipped_formats(result, wanted, can_draw=page_renderer is not None)
    writers = StudyWriters(
        result,
        [one for one in wanted if one not in skipped],
        page_renderer,
        et_label=et_label,
        pseudonyms=_pseudonyms(result, pseudonyms) if anonymise else None,
        warnings=(
            *skipped.values(),
            *export_warnings(result, wanted, anonymise=anonymise),
        ),
        created=created or datetime.now().astimezone(),
    ).in_order()
    with atomic_folder(folder) as staging:
        if not WITH_DIAMETERS.isdisjoint(writers):
            measure_lesions(result.segmentation, token)  # in the writers nothing could stop it
        for number, (one, write) in enumerate(writers.items()):
            token.raise_if_cancelled()
            progress(number / len(writers), f"Writing {TITLES[one]}")
            write(staging / FILE_NAMES[one])
        token.raise_if_cancelled()
    progress(1.0, "Exported")
    return tuple(folder / FILE_NAMES[one] for one in wanted if one in writers)


def _pseudonyms(result: StudyResult, given: Pseudonyms | None) -> Pseudonyms:
    study = result.study
    return given or Pseudonyms(new_key(), patient_identity(study), identity(study))

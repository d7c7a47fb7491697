"""Write what was found in a study: all the files asked for, or none of them."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Protocol

from desktop_app.domain.result import StudyResult
from desktop_app.errors import UsageError
from desktop_app.io.atomic import atomic_folder
from desktop_app.io.export_csv import write_csv
from desktop_app.io.export_json import write_json
from desktop_app.io.export_nifti import ET_LABELS, write_nifti_labels
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import ProgressCallback
from desktop_app.services.measure import measurement_rows, measurements_document
from desktop_app.services.report import ReportPage, build_page


class ExportFormat(StrEnum):
    """Kinds of files a study can be written as."""

    NIFTI = "nifti"
    SEG = "seg"
    CSV = "csv"
    JSON = "json"
    PDF = "pdf"


DEFAULT_FORMATS = (
    ExportFormat.NIFTI,
    ExportFormat.SEG,
    ExportFormat.CSV,
    ExportFormat.JSON,
    ExportFormat.PDF,
)

FILE_NAMES = {
    ExportFormat.NIFTI: "segmentation.nii.gz",
    ExportFormat.SEG: "segmentation.seg.dcm",
    ExportFormat.CSV: "measurements.csv",
    ExportFormat.JSON: "measurements.json",
    ExportFormat.PDF: "report.pdf",
}

_TITLES = {
    ExportFormat.NIFTI: "NIfTI labels",
    ExportFormat.SEG: "DICOM SEG",
    ExportFormat.CSV: "Table",
    ExportFormat.JSON: "Measurements",
    ExportFormat.PDF: "PDF report",
}

# These refer to the images they were made from by DICOM's identifiers.
_DICOM_FORMATS = frozenset({ExportFormat.SEG})


class PageRenderer(Protocol):
    """Draws a report page into a file; needs a toolkit, which this layer does not know."""

    def render(self, page: ReportPage, path: Path) -> None:
        """Write the page as PDF; an `OSError` says that it could not be written."""


def parse_formats(text: str) -> tuple[ExportFormat, ...]:
    """Read a comma-separated list of formats, as the command line takes it.

    Raises
    ------
    UsageError
        If one of them is not known, or there is none.
    """
    names = [name for name in (part.strip().lower() for part in text.split(",")) if name]
    unknown = [name for name in names if name not in set(ExportFormat)]
    if unknown or not names:
        raise UsageError(
            f"Unknown export format: {', '.join(unknown)}." if unknown else "No export format.",
            f"--export {text}",
            f"Choose among {', '.join(ExportFormat)}.",
        )
    return tuple(dict.fromkeys(ExportFormat(name) for name in names))


def skipped_formats(
    result: StudyResult, formats: Iterable[ExportFormat], *, can_draw: bool = True
) -> dict[ExportFormat, str]:
    """Return the formats that this study cannot be written as, each with one plain sentence.

    Parameters
    ----------
    can_draw
        Whether there is a `PageRenderer`.
    """
    reasons = {}
    reference = result.roles[result.prepared.reference_sequence]
    for one in formats:
        if one in _DICOM_FORMATS and reference.is_nifti:
            reasons[one] = f"{_TITLES[one]} needs a DICOM study; skipped."
        elif one is ExportFormat.PDF and not can_draw:
            reasons[one] = f"{_TITLES[one]} cannot be drawn here; skipped."
    return reasons


def export_study(
    result: StudyResult,
    folder: Path,
    *,
    formats: Iterable[ExportFormat] = DEFAULT_FORMATS,
    et_label: int = 3,
    anonymise: bool = False,
    page_renderer: PageRenderer | None = None,
    progress: ProgressCallback | None = None,
    token: CancelToken | None = None,
) -> tuple[Path, ...]:
    """Write a finished study into `folder`, under the names of `FILE_NAMES`.

    Parameters
    ----------
    formats
        What to write; what this study cannot be written as (see `skipped_formats`) is left out,
        which the measurements and the report then say.
    et_label
        Value of enhancing tumour in the NIfTI labels, 3 or 4.
    anonymise
        Leave out who the patient is: names, numbers, dates, descriptions and UIDs are removed or
        replaced by fresh ones, following the basic profile of DICOM PS3.15 annex E. The images'
        grid stays, and so does the date of the export.
    page_renderer
        Draws the PDF report.

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
    if et_label not in ET_LABELS:
        raise UsageError(
            "Unknown label for enhancing tumour.", f"--et-label {et_label}", "Choose 3 or 4."
        )
    wanted = tuple(dict.fromkeys(formats))
    skipped = skipped_formats(result, wanted, can_draw=page_renderer is not None)
    job = _Job(result, et_label, anonymise, page_renderer, tuple(skipped.values()))
    writers = {one: write for one, write in job.writers().items() if one in wanted}
    writers = {one: write for one, write in writers.items() if one not in skipped}
    with atomic_folder(folder) as staging:
        for number, (one, write) in enumerate(writers.items()):
            if token is not None:
                token.raise_if_cancelled()
            if progress is not None:
                progress(number / len(writers), f"Writing {_TITLES[one]}")
            write(staging / FILE_NAMES[one])
        if token is not None:
            token.raise_if_cancelled()
    if progress is not None:
        progress(1.0, "Exported")
    return tuple(folder / FILE_NAMES[one] for one in wanted if one in writers)


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """One export: what its writers share."""

    result: StudyResult
    et_label: int
    anonymise: bool
    page_renderer: PageRenderer | None
    warnings: tuple[str, ...]

    def writers(self) -> dict[ExportFormat, Callable[[Path], object]]:
        """Return the writers in the order in which they run: the clock is read last."""
        started = time.perf_counter()
        return {
            ExportFormat.NIFTI: partial(
                write_nifti_labels, self.result.segmentation, et_label=self.et_label
            ),
            ExportFormat.SEG: self._write_seg,
            ExportFormat.PDF: self._write_pdf,
            ExportFormat.CSV: lambda path: write_csv(
                measurement_rows(self._document(started)), path
            ),
            ExportFormat.JSON: lambda path: write_json(self._document(started), path),
        }

    def _document(self, started: float) -> dict[str, object]:
        return measurements_document(
            self.result,
            anonymise=self.anonymise,
            export_seconds=time.perf_counter() - started,
            further_warnings=self.warnings,
        )

    def _write_seg(self, path: Path) -> None:
        # highdicom takes half a second to import, which a program that only starts need not wait.
        from desktop_app.io.dicom_object import save
        from desktop_app.io.dicom_source import read_source
        from desktop_app.io.export_seg import build_seg

        reference = self.result.roles[self.result.prepared.reference_sequence]
        segmentation = self.result.segmentation
        source = read_source(reference, segmentation.geometry, anonymise=self.anonymise)
        save(build_seg(segmentation, source), path)

    def _write_pdf(self, path: Path) -> None:
        if self.page_renderer is not None:
            page = build_page(self.result, anonymise=self.anonymise, further_warnings=self.warnings)
            self.page_renderer.render(page, path)

"""Write what was found in a study: all the files asked for, or none of them."""

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.measurement import AnatomicalPlane
from desktop_app.domain.pseudonyms import Pseudonyms, new_key
from desktop_app.domain.result import StudyResult
from desktop_app.errors import UsageError
from desktop_app.io.atomic import atomic_folder
from desktop_app.io.export_csv import write_csv
from desktop_app.io.export_json import write_json
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import ProgressCallback
from desktop_app.services.diameters import measure_diameters
from desktop_app.services.lesions import measure_lesions
from desktop_app.services.measurement_document import measurements_document
from desktop_app.services.measurement_table import measurement_rows
from desktop_app.services.places import measure_places
from desktop_app.services.privacy import Redactor
from desktop_app.services.report import ReportPage, build_page
from desktop_app.services.study_identity import identity, patient_identity
from desktop_app.services.targets import TARGETS_LOST

if TYPE_CHECKING:
    from highdicom.seg import Segmentation as DicomSegmentation

    from desktop_app.io.dicom_source import DicomSource


class ExportFormat(StrEnum):
    """Kinds of files a study can be written as."""

    NIFTI = "nifti"
    SEG = "seg"
    SR = "sr"
    RTSTRUCT = "rtstruct"
    SC = "sc"
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
    ExportFormat.SR: "report.sr.dcm",
    ExportFormat.RTSTRUCT: "structures.rt.dcm",
    ExportFormat.SC: "summary.sc.dcm",
    ExportFormat.CSV: "measurements.csv",
    ExportFormat.JSON: "measurements.json",
    ExportFormat.PDF: "report.pdf",
}

_PLANES = (AnatomicalPlane.SAGITTAL, AnatomicalPlane.CORONAL, AnatomicalPlane.AXIAL)
_TITLES = {
    ExportFormat.NIFTI: "NIfTI labels",
    ExportFormat.SEG: "DICOM SEG",
    ExportFormat.SR: "DICOM SR",
    ExportFormat.RTSTRUCT: "DICOM RTSTRUCT",
    ExportFormat.SC: "DICOM secondary capture",
    ExportFormat.CSV: "Table",
    ExportFormat.JSON: "Measurements",
    ExportFormat.PDF: "PDF report",
}

# These refer to the images they were made from by DICOM's identifiers.
_DICOM_FORMATS = frozenset(
    {ExportFormat.SEG, ExportFormat.SR, ExportFormat.RTSTRUCT, ExportFormat.SC}
)
DRAWN_FORMATS = frozenset({ExportFormat.PDF, ExportFormat.SC})
# From these the labels can be had back, voxel by voxel.
LABEL_FORMATS = frozenset({ExportFormat.NIFTI, ExportFormat.SEG})
_WITH_DIAMETERS = frozenset(ExportFormat) - LABEL_FORMATS - {ExportFormat.RTSTRUCT}


class Lack(StrEnum):
    """Why a study cannot be written as a format."""

    DICOM = "is not DICOM"
    TUMOUR = "has nothing to outline"
    PAGE = "cannot be drawn here"


_ODD_IDENTIFIERS = (
    "Longer than DICOM allows, or odd, but written as in the images, so that archives file both "
    "together:"
)
_SKIPPED = {
    Lack.DICOM: "needs a DICOM study; skipped.",
    Lack.TUMOUR: "needs something to outline; skipped.",
    Lack.PAGE: "cannot be drawn here; skipped.",
}


class PageRenderer(Protocol):
    """Draws a report page into a file; needs a toolkit, which this layer does not know."""

    def render(self, page: ReportPage, path: Path) -> None:
        """Write the page as PDF; an `OSError` says that it could not be written."""

    def picture(self, page: ReportPage) -> NDArray[np.uint8]:
        """Return the page as (rows, columns, 3) red, green, blue."""


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


def lacking(
    result: StudyResult, formats: Iterable[ExportFormat], *, can_draw: bool = True
) -> dict[ExportFormat, Lack]:
    """Return the formats that this study cannot be written as, each with what it lacks.

    Parameters
    ----------
    can_draw
        Whether there is a `PageRenderer`.
    """
    lacks = {}
    reference = result.roles[result.prepared.reference_sequence]
    for one in formats:
        if one in _DICOM_FORMATS and reference.is_nifti:
            lacks[one] = Lack.DICOM
        elif one is ExportFormat.RTSTRUCT and result.segmentation.is_empty:
            lacks[one] = Lack.TUMOUR
        elif one in DRAWN_FORMATS and not can_draw:
            lacks[one] = Lack.PAGE
    return lacks


def skipped_formats(
    result: StudyResult, formats: Iterable[ExportFormat], *, can_draw: bool = True
) -> dict[ExportFormat, str]:
    """Return what `lacking` does, each with one plain sentence."""
    lacks = lacking(result, formats, can_draw=can_draw)
    return {one: _sentence(one, lack) for one, lack in lacks.items()}


def export_warnings(
    result: StudyResult, formats: Iterable[ExportFormat], *, anonymise: bool = False
) -> tuple[str, ...]:
    """Return what whoever uses these files has to know, one plain sentence each."""
    wanted = set(formats)
    odd = () if anonymise else _odd_identifiers(result, wanted)
    if ExportFormat.RTSTRUCT not in wanted or lacking(result, [ExportFormat.RTSTRUCT]):
        return odd
    # Contours lie on the slices of the scanner: across k, whichever way these run.
    normal = np.abs(result.segmentation.geometry.direction_lps[:, 2])
    plane = _PLANES[int(np.argmax(normal))]
    return odd if plane is AnatomicalPlane.AXIAL else (*odd, _contours_warning(plane))


def is_about_export(warning: str) -> bool:
    """Whether a warning tells of a file, written or not, and nothing of the study."""
    about = {_sentence(one, lack) for one in ExportFormat for lack in Lack}
    about |= {_contours_warning(plane) for plane in AnatomicalPlane}
    return warning in about or warning.startswith(_ODD_IDENTIFIERS)


def _odd_identifiers(result: StudyResult, wanted: set[ExportFormat]) -> tuple[str, ...]:
    reference = result.roles[result.prepared.reference_sequence]
    if reference.is_nifti or wanted.isdisjoint(_DICOM_FORMATS):
        return ()
    from desktop_app.io.dicom_source import odd_identifiers

    names = odd_identifiers(reference)
    return (f"{_ODD_IDENTIFIERS} {', '.join(names)}.",) if names else ()


def _contours_warning(plane: AnatomicalPlane) -> str:
    return (
        f"The contours of the {_TITLES[ExportFormat.RTSTRUCT]} are {plane}, as the images are: "
        "many planning systems take only transverse ones."
    )


def _sentence(one: ExportFormat, lack: Lack) -> str:
    return f"{_TITLES[one]} {_SKIPPED[lack]}"


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
    progress: ProgressCallback | None = None,
    token: CancelToken | None = None,
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
    from desktop_app.io.export_nifti import ET_LABELS

    if et_label not in ET_LABELS:
        raise UsageError(
            "Unknown label for enhancing tumour.", f"--et-label {et_label}", "Choose 3 or 4."
        )
    wanted = tuple(dict.fromkeys(formats))
    skipped = skipped_formats(result, wanted, can_draw=page_renderer is not None)
    writers = _Job(
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
    ).writers()
    with atomic_folder(folder) as staging:
        if not _WITH_DIAMETERS.isdisjoint(writers):
            measure_lesions(result.segmentation, token)  # in the writers nothing could stop it
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


def _pseudonyms(result: StudyResult, given: Pseudonyms | None) -> Pseudonyms:
    study = result.study
    return given or Pseudonyms(new_key(), patient_identity(study), identity(study))


class _Job:
    """One export: its writers, and what they share."""

    def __init__(
        self,
        result: StudyResult,
        formats: Iterable[ExportFormat],
        page_renderer: PageRenderer | None,
        *,
        et_label: int,
        pseudonyms: Pseudonyms | None,
        warnings: tuple[str, ...],
        created: datetime,
    ) -> None:
        self._result = result
        self._formats = frozenset(formats)
        self._page_renderer = page_renderer
        self._et_label = et_label
        self._pseudonyms = pseudonyms
        self._anonymise = pseudonyms is not None
        self._warnings = warnings
        self._created = created
        self._started = time.perf_counter()

    def writers(self) -> dict[ExportFormat, Callable[[Path], object]]:
        """Return the writers in the order in which they run: the clock is read last."""
        every: dict[ExportFormat, Callable[[Path], object]] = {
            ExportFormat.NIFTI: self._write_nifti,
            ExportFormat.SEG: self._write_seg,
            ExportFormat.SR: self._write_sr,
            ExportFormat.RTSTRUCT: self._write_rtstruct,
            ExportFormat.SC: self._write_sc,
            ExportFormat.PDF: self._write_pdf,
            ExportFormat.CSV: lambda path: write_csv(measurement_rows(self._document()), path),
            ExportFormat.JSON: lambda path: write_json(self._document(), path),
        }
        return {one: write for one, write in every.items() if one in self._formats}

    def _document(self) -> dict[str, object]:
        return measurements_document(
            self._result,
            anonymise=self._anonymise,
            pseudonyms=self._pseudonyms,
            et_label=self._et_label,
            created=self._created,
            export_seconds=time.perf_counter() - self._started,
            further_warnings=self._warnings,
        )

    @cached_property
    def _page(self) -> ReportPage:
        return build_page(
            self._result,
            anonymise=self._anonymise,
            pseudonyms=self._pseudonyms,
            further_warnings=self._warnings,
            created=self._created,
        )

    # nibabel and highdicom take half a second to import each, which a program that only starts need
    # not wait for: so the modules that use them are imported where they are used.

    def _write_nifti(self, path: Path) -> None:
        from desktop_app.io.export_nifti import write_nifti_labels

        write_nifti_labels(self._result.segmentation, path, et_label=self._et_label)

    @cached_property
    def _told(self) -> tuple[str, ...]:
        """What may be told of the warnings in DICOM files."""
        redactor = Redactor.for_study(self._result.study, anonymise=self._anonymise)
        # No target lesions are told there.
        warnings = (one for one in self._result.segmentation.warnings if one != TARGETS_LOST)
        return tuple(redactor.redact(one) for one in warnings)

    @cached_property
    def _source(self) -> "DicomSource":
        from desktop_app.io.dicom_source import read_source

        prepared, roles = self._result.prepared, self._result.roles
        return read_source(
            roles[prepared.reference_sequence],
            self._result.segmentation.geometry,
            pseudonyms=self._pseudonyms,
            others={
                one: roles[one]
                for one in prepared.volumes
                if one is not prepared.reference_sequence and not roles[one].is_nifti
            },
        )

    @cached_property
    def _seg(self) -> "DicomSegmentation":
        from desktop_app.io.export_seg import build_seg

        return build_seg(
            self._result.segmentation, self._source, warnings=self._told, created=self._created
        )

    def _write_seg(self, path: Path) -> None:
        from desktop_app.io import dicom_object

        dicom_object.save(self._seg, path)

    def _write_sr(self, path: Path) -> None:
        from desktop_app.io import dicom_object
        from desktop_app.io.export_sr import build_sr

        seg = self._seg if ExportFormat.SEG in self._formats else None
        document = build_sr(
            self._result.segmentation,
            self._result.measurements,
            self._source,
            seg,
            measure_diameters(self._result.segmentation),
            lesions=measure_lesions(self._result.segmentation),
            places=measure_places(self._result),
            warnings=self._told,
            created=self._created,
        )
        dicom_object.save(document, path)

    def _write_rtstruct(self, path: Path) -> None:
        from desktop_app.io import dicom_object
        from desktop_app.io.export_rtstruct import build_rtstruct

        document = build_rtstruct(
            self._result.segmentation, self._source, warnings=self._told, created=self._created
        )
        dicom_object.save(document, path)

    def _write_sc(self, path: Path) -> None:
        from desktop_app.io import dicom_object
        from desktop_app.io.export_sc import build_sc

        picture_yxc = self._renderer.picture(self._page)
        provenance = self._result.segmentation.provenance
        document = build_sc(picture_yxc, self._source, provenance, created=self._created)
        dicom_object.save(document, path)

    def _write_pdf(self, path: Path) -> None:
        self._renderer.render(self._page, path)

    @property
    def _renderer(self) -> PageRenderer:
        if self._page_renderer is None:
            raise ValueError("drawn formats need a page renderer")
        return self._page_renderer

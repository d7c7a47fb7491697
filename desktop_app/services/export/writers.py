"""What writes the files of one export, and what they share."""

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.pseudonyms import Pseudonyms
from desktop_app.domain.result import StudyResult
from desktop_app.io.export.csv_table import write_csv
from desktop_app.io.export.json_document import write_json
from desktop_app.services.export.formats import ExportFormat
from desktop_app.services.export.measurement_document import measurements_document
from desktop_app.services.export.measurement_table import measurement_rows
from desktop_app.services.export.report import ReportPage, build_page
from desktop_app.services.measuring.diameters import measure_diameters
from desktop_app.services.measuring.lesions import measure_lesions
from desktop_app.services.measuring.places import measure_places
from desktop_app.services.measuring.targets import TARGETS_LOST
from desktop_app.services.privacy import Redactor

if TYPE_CHECKING:
    from highdicom.seg import Segmentation as DicomSegmentation

    from desktop_app.io.export.dicom_source import DicomSource
    from desktop_app.services.follow_up.page import FollowUpPage


class PageRenderer(Protocol):
    """Draws a page into a file; needs a toolkit, which this layer does not know."""

    def render(self, page: "ReportPage | FollowUpPage", path: Path) -> None:
        """Write the page as PDF; an `OSError` says that it could not be written."""

    def picture(self, page: ReportPage) -> NDArray[np.uint8]:
        """Return the page of one study as (rows, columns, 3) red, green, blue."""


class StudyWriters:
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

    def in_order(self) -> dict[ExportFormat, Callable[[Path], object]]:
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
        from desktop_app.io.export.nifti import write_nifti_labels

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
        from desktop_app.io.export.dicom_source import read_source

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
        from desktop_app.io.export.seg import build_seg

        return build_seg(
            self._result.segmentation, self._source, warnings=self._told, created=self._created
        )

    def _write_seg(self, path: Path) -> None:
        from desktop_app.io.export import dicom_object

        dicom_object.save(self._seg, path)

    def _write_sr(self, path: Path) -> None:
        from desktop_app.io.export import dicom_object
        from desktop_app.io.export.sr import build_sr

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
        from desktop_app.io.export import dicom_object
        from desktop_app.io.export.rtstruct import build_rtstruct

        document = build_rtstruct(
            self._result.segmentation, self._source, warnings=self._told, created=self._created
        )
        dicom_object.save(document, path)

    def _write_sc(self, path: Path) -> None:
        from desktop_app.io.export import dicom_object
        from desktop_app.io.export.secondary_capture import build_sc

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

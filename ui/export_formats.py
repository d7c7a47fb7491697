"""The formats a user can tick, for one result or for many studies."""

from desktop_app.domain.result import StudyResult
from desktop_app.services.export.formats import DEFAULT_FORMATS, LABEL_FORMATS, ExportFormat
from desktop_app.services.export.lacks import lacking
from ui.widgets.export_ticks import FormatChoice

_TITLES = {
    ExportFormat.NIFTI: "Labels as NIfTI (segmentation.nii.gz)",
    ExportFormat.SEG: "DICOM SEG (segmentation.seg.dcm)",
    ExportFormat.SR: "DICOM structured report (report.sr.dcm)",
    ExportFormat.RTSTRUCT: "DICOM RT structure set (structures.rt.dcm)",
    ExportFormat.SC: "DICOM picture with the volumes (summary.sc.dcm)",
    ExportFormat.CSV: "Volumes as table (measurements.csv)",
    ExportFormat.JSON: "Volumes and provenance (measurements.json)",
    ExportFormat.PDF: "Report page (report.pdf)",
}


def format_choices(
    result: StudyResult | None = None, remembered: str = ""
) -> tuple[FormatChoice, ...]:
    """Return all formats, those that this study cannot have with the reason.

    Parameters
    ----------
    remembered
        What was ticked last time, as `remembered_formats` wrote it.
    """
    ticked = set(remembered.split(",")) & set(ExportFormat) or set(DEFAULT_FORMATS)
    lacks = lacking(result, ExportFormat) if result is not None else {}
    return tuple(
        FormatChoice(
            one.value,
            _TITLES[one],
            chosen=one in ticked,
            unavailable_because=f"This study {lacks[one]}." if one in lacks else "",
            holds_labels=one in LABEL_FORMATS,
        )
        for one in ExportFormat
    )


def remembered_formats(keys: tuple[str, ...]) -> str:
    """Return the ticked formats as the settings keep them."""
    return ",".join(keys)

"""The formats the export dialog offers for a result."""

from desktop_app.domain.result import StudyResult
from desktop_app.services.export import DEFAULT_FORMATS, ExportFormat
from ui.dialogs.export_dialog import FormatChoice

_TITLES = {
    "nifti": "Labels as NIfTI (segmentation.nii.gz)",
    "seg": "DICOM SEG (segmentation.seg.dcm)",
    "sr": "DICOM structured report (report.sr.dcm)",
    "rtstruct": "DICOM RT structure set (structures.rt.dcm)",
    "sc": "DICOM picture with the volumes (summary.sc.dcm)",
    "csv": "Volumes as table (measurements.csv)",
    "json": "Volumes and provenance (measurements.json)",
    "pdf": "Report page (report.pdf)",
}
_DICOM_ONLY = {ExportFormat.SEG}


def format_choices(result: StudyResult) -> tuple[FormatChoice, ...]:
    """Return the formats, those that this study cannot have with the reason."""
    reference = result.roles[result.prepared.reference_sequence]
    choices = []
    for one in DEFAULT_FORMATS:
        reason = ""
        if reference.is_nifti and one in _DICOM_ONLY:
            reason = "Needs a study opened from DICOM files; this one is NIfTI."
        choices.append(FormatChoice(one.value, _TITLES[one.value], unavailable_because=reason))
    return tuple(choices)

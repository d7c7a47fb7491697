"""The kinds of files that a study can be written as, and what they are called."""

from enum import StrEnum

from desktop_app.errors import UsageError


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

TITLES = {
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
DICOM_FORMATS = frozenset(
    {ExportFormat.SEG, ExportFormat.SR, ExportFormat.RTSTRUCT, ExportFormat.SC}
)
DRAWN_FORMATS = frozenset({ExportFormat.PDF, ExportFormat.SC})
# From these the labels can be had back, voxel by voxel.
LABEL_FORMATS = frozenset({ExportFormat.NIFTI, ExportFormat.SEG})
WITH_DIAMETERS = frozenset(ExportFormat) - LABEL_FORMATS - {ExportFormat.RTSTRUCT}


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

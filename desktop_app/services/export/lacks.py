"""What a study cannot be written as, and what whoever uses its files has to know."""

from collections.abc import Iterable
from enum import StrEnum

import numpy as np

from desktop_app.domain.measurement import AnatomicalPlane
from desktop_app.domain.result import StudyResult
from desktop_app.services.export.formats import DICOM_FORMATS, DRAWN_FORMATS, TITLES, ExportFormat


class Lack(StrEnum):
    """Why a study cannot be written as a format."""

    DICOM = "is not DICOM"
    TUMOUR = "has nothing to outline"
    PAGE = "cannot be drawn here"


_PLANES = (AnatomicalPlane.SAGITTAL, AnatomicalPlane.CORONAL, AnatomicalPlane.AXIAL)
_ODD_IDENTIFIERS = (
    "Longer than DICOM allows, or odd, but written as in the images, so that archives file both "
    "together:"
)
_SKIPPED = {
    Lack.DICOM: "needs a DICOM study; skipped.",
    Lack.TUMOUR: "needs something to outline; skipped.",
    Lack.PAGE: "cannot be drawn here; skipped.",
}


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
        if one in DICOM_FORMATS and reference.is_nifti:
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
    if reference.is_nifti or wanted.isdisjoint(DICOM_FORMATS):
        return ()
    from desktop_app.io.export.dicom_source import odd_identifiers

    names = odd_identifiers(reference)
    return (f"{_ODD_IDENTIFIERS} {', '.join(names)}.",) if names else ()


def _contours_warning(plane: AnatomicalPlane) -> str:
    return (
        f"The contours of the {TITLES[ExportFormat.RTSTRUCT]} are {plane}, as the images are: "
        "many planning systems take only transverse ones."
    )


def _sentence(one: ExportFormat, lack: Lack) -> str:
    return f"{TITLES[one]} {_SKIPPED[lack]}"

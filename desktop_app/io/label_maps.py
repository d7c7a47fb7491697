"""Whether a file holds labels instead of an image, as masks and DICOM SEG do."""

from pathlib import Path

from pydicom.errors import InvalidDicomError
from pydicom.filereader import dcmread

from desktop_app.errors import InputError
from desktop_app.io.dicom.elements import lenient_pydicom, text
from desktop_app.io.nifti import labels as nifti_labels
from desktop_app.io.nifti.files import is_nifti_path, read_nifti_geometry


def holds_labels(path: Path) -> bool:
    """Whether a file is a map of labels in NIfTI, or a DICOM SEG; an unreadable one is neither."""
    if not path.is_file():
        return False
    if not is_nifti_path(path):
        return _is_seg(path)
    try:
        read_nifti_geometry(path)
    except InputError:
        return False
    most = nifti_labels.MOST_PARTS + 1
    return nifti_labels.holds_labels(path, is_named_image=False, most_values=most)


def _is_seg(path: Path) -> bool:
    try:
        with lenient_pydicom():
            header = dcmread(path, specific_tags=["Modality"], stop_before_pixels=True)
            return text(header, "Modality") == "SEG"
    except (OSError, InvalidDicomError, ValueError, EOFError):
        return False

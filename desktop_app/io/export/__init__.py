"""The files of a result: NIfTI, DICOM objects, numbers."""

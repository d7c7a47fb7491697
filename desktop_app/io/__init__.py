"""Files in and out: DICOM, NIfTI, tables, pages."""

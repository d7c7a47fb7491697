"""What is read of DICOM: headers, studies and series, slices, pixels."""

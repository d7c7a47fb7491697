"""What is read of NIfTI, and how its images are written."""

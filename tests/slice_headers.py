"""Headers of slices without any file."""

from pathlib import Path

import numpy as np

from desktop_app.io.dicom.slices import SliceHeader


def slice_header(
    depth_mm: float | None,
    number: int = 0,
    *,
    acquisition: str = "1",
    time: str = "120000",
    thickness_mm: float | None = None,
    distance_mm: float | None = None,
) -> SliceHeader:
    """Return the header of an axial slice of 64 × 64; its file name is its number."""
    return SliceHeader(
        path=Path(f"{acquisition}-{time}-{number}"),
        frame=None,
        sop_instance_uid="",
        position_lps_mm=None if depth_mm is None else np.array([-30.0, -40.0, depth_mm]),
        orientation=np.array([1.0, 0, 0, 0, 1.0, 0]),
        pixel_spacing_mm=(1.0, 1.0),
        rows=64,
        columns=64,
        instance_number=number,
        kind=("10.0", "ORIGINAL", "", "64×64", "1.000×1.000 mm", ""),
        repeat_keys=("", acquisition, "", "", "", time),
        thickness_mm=thickness_mm,
        distance_mm=distance_mm,
    )

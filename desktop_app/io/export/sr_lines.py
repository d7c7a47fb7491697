"""Diameters as lines of a structured report: on the image where they lie in one, else in space."""

import numpy as np
from highdicom import sr
from highdicom.sr import CodedConcept

from desktop_app.domain.measurement import Diameters, Point
from desktop_app.io.export.dicom_source import DicomSource, SourceFrame

# PS3.16 CID 7470
_LONG_AXIS = CodedConcept("103339001", "SCT", "Long Axis")
_SHORT_AXIS = CodedConcept("103340004", "SCT", "Short Axis")
_MM = CodedConcept("mm", "UCUM", "mm")


def axes(diameters: Diameters, source: DicomSource) -> list[sr.Measurement]:
    """Return both diameters in mm, each with the line that was measured (PS3.16 TID 300)."""
    image = image_of(diameters, source)
    lines = {
        _LONG_AXIS: (diameters.long_mm, diameters.long_ends),
        _SHORT_AXIS: (diameters.short_mm, diameters.short_ends),
    }
    return [
        sr.Measurement(
            name,
            round(length_mm, 2),
            _MM,
            referenced_coordinates=[
                _in_space(ends, source) if image is None else _on_image(ends, image, source)
            ],
        )
        for name, (length_mm, ends) in lines.items()
    ]


def image_of(diameters: Diameters, source: DicomSource) -> SourceFrame | None:
    """Return the image that the lines lie in; ``None`` where the scanner took none there."""
    return source.frames[diameters.slice_index] if diameters.slice_axis == 0 else None


def _on_image(
    ends: tuple[Point, Point], image: SourceFrame, source: DicomSource
) -> sr.CoordinatesForMeasurement:
    index_kji = source.geometry.to_index_kji(np.array(ends))
    return sr.CoordinatesForMeasurement(
        sr.GraphicTypeValues.POLYLINE,
        # Column and row; the corner of the first pixel is the origin (PS3.3 C.18.6).
        index_kji[:, [2, 1]] + 0.5,
        sr.SourceImageForRegion(
            image.sop_class_uid,
            image.sop_instance_uid,
            None if image.frame is None else [image.frame],
        ),
    )


def _in_space(ends: tuple[Point, Point], source: DicomSource) -> sr.CoordinatesForMeasurement3D:
    return sr.CoordinatesForMeasurement3D(
        sr.GraphicTypeValues3D.POLYLINE, np.array(ends), source.frame_of_reference_uid
    )

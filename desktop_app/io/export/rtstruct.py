"""Regions as an RT Structure Set (DICOM PS3.3 A.19): contours on the slices of the source."""

from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian

from desktop_app.domain.segmentation import Region, Segmentation, region_code
from desktop_app.io.export.contours import polygons
from desktop_app.io.export.dicom_object import (
    date_object,
    encode_as,
    new_object,
    region_label,
    remarks,
)
from desktop_app.io.export.dicom_source import DicomSource, SourceFrame, decimals

_RT_STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
# Retired, but what PS3.3 C.8.8.5 still has objects name for a study.
_DETACHED_STUDY = "1.2.840.10008.3.1.2.3.1"

# Unions have no colour of their own on the screen; treatment planning needs one for each.
_UNION_RGB = {Region.TC: (204, 121, 167), Region.WT: (0, 158, 115)}


def build_rtstruct(
    segmentation: Segmentation,
    source: DicomSource,
    *,
    warnings: tuple[str, ...] = (),
    created: datetime | None = None,
) -> Dataset:
    """Make a structure set with one structure per region that has voxels.

    Parameters
    ----------
    segmentation
        Labels on the grid of `source`, not empty.
    warnings
        What may be told of those of `segmentation`: they can name the patient.
    created
        When it is made; now if not given.

    Returns
    -------
    Dataset
        Ready to be saved with `dicom_object.save`. Contours follow the edges of voxels, so that
        their volume is the measured one; holes are keyholes.

    Raises
    ------
    ValueError
        If there is nothing to outline: a structure set needs a structure.
    """
    if segmentation.is_empty:
        raise ValueError("an empty segmentation has no structures")
    dataset = new_object(
        source,
        segmentation.provenance,
        sop_class_uid=_RT_STRUCTURE_SET,
        modality="RTSTRUCT",
        series_index=2,
        what="structures",
    )
    dataset.OperatorsName = ""
    dataset.FrameOfReferenceUID = source.frame_of_reference_uid
    dataset.PositionReferenceIndicator = ""
    dataset.ApprovalStatus = "UNAPPROVED"
    # As long as SH may be.
    dataset.StructureSetLabel = "GLIOMA CORRECTED" if segmentation.provenance.edited else "GLIOMA"
    dataset.StructureSetName = "Glioma sub-regions"
    dataset.StructureSetDescription = remarks(warnings)
    dataset.StructureSetDate = dataset.StructureSetTime = ""
    date_object(dataset, source, created)
    dataset.ReferencedFrameOfReferenceSequence = [_frame_of_reference(source)]
    known = [region for region in Region if region not in segmentation.unknown]
    regions = [region for region in known if segmentation.mask_kji(region).any()]
    numbered = list(enumerate(regions, start=1))
    dataset.StructureSetROISequence = [_structure(segmentation, source, *n) for n in numbered]
    dataset.ROIContourSequence = [_contours(segmentation, source, *n) for n in numbered]
    dataset.RTROIObservationsSequence = [_observation(segmentation, *n) for n in numbered]
    # With explicit VR, a text of more than 64 kB is of unknown VR (PS3.5 6.2.2), and ragged oedema
    # with its keyholes makes contours of that length. Every program reads implicit VR.
    encode_as(dataset, ImplicitVRLittleEndian)
    return dataset


def _frame_of_reference(source: DicomSource) -> Dataset:
    series = Dataset()
    series.SeriesInstanceUID = source.series_uid
    series.ContourImageSequence = [_image(*instance) for instance in source.instances]
    study = Dataset()
    study.ReferencedSOPClassUID = _DETACHED_STUDY
    study.ReferencedSOPInstanceUID = source.study_uid
    study.RTReferencedSeriesSequence = [series]
    frame = Dataset()
    frame.FrameOfReferenceUID = source.frame_of_reference_uid
    frame.RTReferencedStudySequence = [study]
    return frame


def _image(sop_class_uid: str, sop_instance_uid: str, frame: int | None = None) -> Dataset:
    image = Dataset()
    image.ReferencedSOPClassUID = sop_class_uid
    image.ReferencedSOPInstanceUID = sop_instance_uid
    if frame is not None:
        image.ReferencedFrameNumber = frame
    return image


def _structure(
    segmentation: Segmentation, source: DicomSource, number: int, region: Region
) -> Dataset:
    voxels = int(segmentation.mask_kji(region).sum())
    structure = Dataset()
    structure.ROINumber = number
    structure.ReferencedFrameOfReferenceUID = source.frame_of_reference_uid
    structure.ROIName = region_label(region)
    # The attribute is defined in cubic centimetres (PS3.3 C.8.8.5).
    volume_cm3 = voxels * segmentation.geometry.voxel_volume_mm3 / 1000
    (structure.ROIVolume,) = decimals([volume_cm3])
    edited = segmentation.provenance.edited
    structure.ROIGenerationAlgorithm = "SEMIAUTOMATIC" if edited else "AUTOMATIC"
    structure.ROIGenerationDescription = segmentation.provenance.model_id[:64]
    return structure


def _contours(
    segmentation: Segmentation, source: DicomSource, number: int, region: Region
) -> Dataset:
    colours = {d.region: d.rgb for d in segmentation.definitions} | _UNION_RGB
    mask_kji = segmentation.mask_kji(region)
    positions = source.positions_lps_mm
    contours = Dataset()
    contours.ReferencedROINumber = number
    contours.ROIDisplayColor = list(colours[region])
    contours.ContourSequence = [
        _contour(corners_ji, positions[k], source, source.frames[k])
        for k in np.flatnonzero(mask_kji.any(axis=(1, 2))).tolist()
        for corners_ji in polygons(mask_kji[k])
    ]
    return contours


def _contour(
    corners_ji: NDArray[np.float64],
    position_lps_mm: NDArray[np.float64],
    source: DicomSource,
    frame: SourceFrame | None,
) -> Dataset:
    _, spacing_j, spacing_i = source.geometry.spacing_mm
    row, column = source.orientation[:3], source.orientation[3:]
    points = (
        position_lps_mm
        + corners_ji[:, 1:] * spacing_i * row
        + corners_ji[:, :1] * spacing_j * column
    )
    contour = Dataset()
    if frame is not None:
        contour.ContourImageSequence = [
            _image(frame.sop_class_uid, frame.sop_instance_uid, frame.frame)
        ]
    contour.ContourGeometricType = "CLOSED_PLANAR"
    contour.NumberOfContourPoints = len(points)
    # Micrometres: well inside the 16 characters of a decimal string.
    contour.ContourData = [f"{value:.3f}" for value in points.ravel()]
    return contour


def _observation(segmentation: Segmentation, number: int, region: Region) -> Dataset:
    concept = region_code(segmentation, region)
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator = concept.value, concept.scheme
    code.CodeMeaning = concept.meaning
    observation = Dataset()
    observation.ObservationNumber = number
    observation.ReferencedROINumber = number
    observation.ROIObservationLabel = region.value
    observation.RTROIIdentificationCodeSequence = [code]
    # What a structure is for is the planner's decision.
    observation.RTROIInterpretedType = ""
    observation.ROIInterpreter = ""
    return observation

"""Volumes and diameters as a DICOM structured report, template TID 1500 (PS3.16)."""

from collections.abc import Mapping

from highdicom import sr
from highdicom.seg import Segmentation as DicomSegmentation
from highdicom.sr import CodedConcept
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

from desktop_app.domain.measurement import Diameters, Measurement, MeasurementKind
from desktop_app.domain.segmentation import (
    REGION_LABELS,
    REGION_TITLES,
    Region,
    Segmentation,
    region_code,
)
from desktop_app.io.dicom_elements import lenient_pydicom
from desktop_app.io.dicom_object import MANUFACTURER, equipment, series_number
from desktop_app.io.dicom_source import DicomSource
from desktop_app.io.export_seg import (
    ARTIFICIAL_INTELLIGENCE,
    BRAIN,
    MORPHOLOGICALLY_ABNORMAL,
    algorithm_version,
    source_templates,
)

SERIES_DESCRIPTION = "Gliascope measurements, for research use"

_REPORT = CodedConcept("126000", "DCM", "Imaging Measurement Report")
_MULTIPARAMETRIC_MRI = CodedConcept("126020", "DCM", "Multiparametric MRI")
_VOLUME = CodedConcept("118565006", "SCT", "Volume")
_LONG_AXIS = CodedConcept("103339001", "SCT", "Long Axis")
_SHORT_AXIS = CodedConcept("103340004", "SCT", "Short Axis")
_MM = CodedConcept("mm", "UCUM", "mm")
_CUBIC_MM = CodedConcept("mm3", "UCUM", "mm3")
_ABOVE = CodedConcept("371886008", "SCT", "+, range of upper measurement uncertainty")
_BELOW = CodedConcept("371885007", "SCT", "-, range of lower measurement uncertainty")
_SUM_OF_VOXELS = CodedConcept("126030", "DCM", "Sum of segmented voxel volumes")

_Group = (
    sr.VolumetricROIMeasurementsAndQualitativeEvaluations | sr.MeasurementsAndQualitativeEvaluations
)


def build_sr(
    segmentation: Segmentation,
    measurements: tuple[Measurement, ...],
    source: DicomSource,
    seg: DicomSegmentation | None,
    diameters: Mapping[Region, Diameters] | None = None,
) -> sr.EnhancedSR:
    """Make a report with one measurement group per region.

    Parameters
    ----------
    measurements
        Of `segmentation`; the volumes are written, in mm³.
    source
        The series the labels lie on.
    seg
        The DICOM SEG exported beside the report, to whose segments it then refers; ``None`` where
        there is none. Unions of regions refer to the segments they are made of.
    diameters
        Of `segmentation`, where they were measured; each refers to the slice it lies in.

    Returns
    -------
    EnhancedSR
        Ready to be saved with `dicom_object.save`. Complete, but neither final nor verified: no
        person has looked at it.
    """
    made_by = equipment(segmentation.provenance)
    volumes = {m.region: m for m in measurements if m.kind is MeasurementKind.VOLUME}
    diameters = diameters or {}
    groups = [
        _group(segmentation, volumes[region], diameters.get(region), source, seg)
        for region in Region
    ]
    report = sr.MeasurementReport(
        observation_context=sr.ObservationContext(
            observer_device_context=sr.ObserverContext(
                observer_type=codes.DCM.Device,
                observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
                    uid=generate_uid(prefix=None),
                    name=MANUFACTURER,
                    manufacturer_name=made_by["Manufacturer"],
                    model_name=made_by["ManufacturerModelName"],
                    serial_number=made_by["DeviceSerialNumber"],
                ),
            )
        ),
        procedure_reported=_MULTIPARAMETRIC_MRI,
        imaging_measurements=groups,
        title=_REPORT,
    )
    templates = source_templates(source)
    with lenient_pydicom():
        document = sr.EnhancedSR(
            evidence=templates if seg is None else [*templates, seg],
            content=report,
            series_instance_uid=generate_uid(prefix=None),
            series_number=series_number(source, 1),
            sop_instance_uid=generate_uid(prefix=None),
            instance_number=1,
            manufacturer=made_by["Manufacturer"],
            manufacturer_model_name=made_by["ManufacturerModelName"],
            software_versions=made_by["SoftwareVersions"],
            device_serial_number=made_by["DeviceSerialNumber"],
            series_description=SERIES_DESCRIPTION,
            is_complete=True,
            is_final=False,
            is_verified=False,
        )
    source.identify(document)
    return document


def _group(
    segmentation: Segmentation,
    volume: Measurement,
    diameters: Diameters | None,
    source: DicomSource,
    seg: DicomSegmentation | None,
) -> _Group:
    region = volume.region
    concept = region_code(segmentation, region)
    finding = CodedConcept(concept.value, concept.scheme, concept.meaning)
    measured = [
        sr.Measurement(
            _VOLUME,
            round(volume.value, 3),
            _CUBIC_MM,
            method=_SUM_OF_VOXELS,
            properties=_uncertainty(volume),
        ),
        *(() if diameters is None else _axes(diameters, source)),
    ]
    if seg is None:
        return sr.MeasurementsAndQualitativeEvaluations(
            tracking_identifier=sr.TrackingIdentifier(generate_uid(prefix=None), _label(region)),
            finding_type=finding,
            finding_category=MORPHOLOGICALLY_ABNORMAL,
            finding_sites=[sr.FindingSite(BRAIN)],
            algorithm_id=_algorithm(segmentation),
            measurements=measured,
        )
    numbers = [
        number
        for number, definition in enumerate(segmentation.definitions, start=1)
        if definition.value in REGION_LABELS[region]
    ]
    one = len(numbers) == 1
    tracking_uid = seg.get_segment_description(numbers[0]).tracking_uid if one else None
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(
            tracking_uid or generate_uid(prefix=None), _label(region)
        ),
        referenced_segment=_segments(seg, numbers, source),
        finding_type=finding,
        finding_category=MORPHOLOGICALLY_ABNORMAL,
        finding_sites=[sr.FindingSite(BRAIN)],
        algorithm_id=_algorithm(segmentation),
        measurements=measured,
    )


def _axes(diameters: Diameters, source: DicomSource) -> list[sr.Measurement]:
    """Return both diameters (PS3.16 CID 7470); no slice where the scanner measured none there."""
    frame = source.frames[diameters.slice_index] if diameters.slice_axis == 0 else None
    images = None
    if frame is not None:
        images = [
            sr.SourceImageForMeasurement(
                frame.sop_class_uid,
                frame.sop_instance_uid,
                None if frame.frame is None else [frame.frame],
            )
        ]
    lengths_mm = {_LONG_AXIS: diameters.long_mm, _SHORT_AXIS: diameters.short_mm}
    return [
        sr.Measurement(name, round(length_mm, 2), _MM, referenced_images=images)
        for name, length_mm in lengths_mm.items()
    ]


def _uncertainty(volume: Measurement) -> sr.MeasurementProperties | None:
    """Return how far the truth likely lies above and below, in mm³ (PS3.16 TID 310)."""
    if volume.interval is None:
        return None
    properties = sr.MeasurementProperties()
    distances = {
        _ABOVE: volume.interval.high - volume.value,
        _BELOW: volume.value - volume.interval.low,
    }
    for name, distance_mm3 in distances.items():
        properties.append(
            sr.NumContentItem(
                name=name,
                value=round(distance_mm3, 3),
                unit=_CUBIC_MM,
                relationship_type=sr.RelationshipTypeValues.HAS_PROPERTIES,
            )
        )
    return properties


def _segments(
    seg: DicomSegmentation, numbers: list[int], source: DicomSource
) -> sr.ReferencedSegment:
    """Refer to the segments that make up a region; a union has several (PS3.3 table 10-3)."""
    reference = sr.ReferencedSegment(
        seg.SOPClassUID,
        seg.SOPInstanceUID,
        numbers[0],
        source_series=sr.SourceSeriesForSegmentation(source.series_uid),
    )
    reference[0].ReferencedSOPSequence[0].ReferencedSegmentNumber = numbers
    return reference


def _label(region: Region) -> str:
    return f"{REGION_TITLES[region]} ({region.value})"


def _algorithm(segmentation: Segmentation) -> sr.AlgorithmIdentification:
    provenance = segmentation.provenance
    edited = "Labels corrected by hand" if provenance.edited else "Labels not corrected by hand"
    return sr.AlgorithmIdentification(
        name=provenance.model_id,
        version=algorithm_version(provenance),
        parameters=[edited],
        family=ARTIFICIAL_INTELLIGENCE,
        manufacturer=MANUFACTURER,
    )

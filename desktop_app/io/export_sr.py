"""Volumes and diameters as a DICOM structured report, template TID 1500 (PS3.16)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from highdicom import sr
from highdicom.seg import Segmentation as DicomSegmentation
from highdicom.sr import CodedConcept
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

from desktop_app.domain.measurement import Diameters, Measurement, MeasurementKind
from desktop_app.domain.segmentation import REGION_LABELS, Region, Segmentation, region_code
from desktop_app.io.dicom_elements import lenient_pydicom
from desktop_app.io.dicom_object import (
    MANUFACTURER,
    RESEARCH_USE,
    date_object,
    equipment,
    series_description,
    series_number,
    tracking,
)
from desktop_app.io.dicom_source import DicomSource
from desktop_app.io.export_seg import (
    ARTIFICIAL_INTELLIGENCE,
    BRAIN,
    MORPHOLOGICALLY_ABNORMAL,
    algorithm_version,
    source_templates,
)
from desktop_app.io.sr_lines import axes, image_of

_REPORT = CodedConcept("126000", "DCM", "Imaging Measurement Report")
_MULTIPARAMETRIC_MRI = CodedConcept("126020", "DCM", "Multiparametric MRI")
_VOLUME = CodedConcept("118565006", "SCT", "Volume")
_CUBIC_MM = CodedConcept("mm3", "UCUM", "mm3")
_ABOVE = CodedConcept("371886008", "SCT", "+, range of upper measurement uncertainty")
_BELOW = CodedConcept("371885007", "SCT", "-, range of lower measurement uncertainty")
_COMMENT = CodedConcept("121106", "DCM", "Comment")
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
    *,
    warnings: tuple[str, ...] = (),
    created: datetime | None = None,
) -> sr.EnhancedSR | sr.Comprehensive3DSR:
    """Make a report with a measurement group per region, and one per pair of diameters.

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
        Of `segmentation`, where they were measured, as lines on the slice they lie in.
    warnings
        What may be told of those of `segmentation`: they can name the patient. Comments on the
        whole tumour.
    created
        When it is made; now if not given.

    Returns
    -------
    EnhancedSR or Comprehensive3DSR
        The latter where a line lies in no image. Ready to be saved with `dicom_object.save`.
        Complete, but neither final nor verified: no person has looked at it.
    """
    made_by = equipment(segmentation.provenance)
    volumes = {m.region: m for m in measurements if m.kind is MeasurementKind.VOLUME}
    diameters = diameters or {}
    groups: list[_Group] = []
    for region in Region:
        lines = axes(diameters[region], source) if region in diameters else []
        of_region = _groups(segmentation, volumes[region], lines, source, seg)
        if region is Region.WT:
            _comment(of_region[0], warnings, source)
        groups += of_region
    report = sr.MeasurementReport(
        observation_context=_observer(made_by),
        procedure_reported=_MULTIPARAMETRIC_MRI,
        imaging_measurements=groups,
        title=_REPORT,
    )
    has_images = all(image_of(one, source) is not None for one in diameters.values())
    kind = sr.EnhancedSR if has_images else sr.Comprehensive3DSR
    evidence = [*source_templates(source), *_others(source)]
    with lenient_pydicom():
        document = kind(
            evidence=evidence if seg is None else [*evidence, seg],
            content=report,
            series_instance_uid=generate_uid(prefix=None),
            series_number=series_number(source, 1),
            sop_instance_uid=generate_uid(prefix=None),
            instance_number=1,
            manufacturer=made_by["Manufacturer"],
            manufacturer_model_name=made_by["ManufacturerModelName"],
            software_versions=made_by["SoftwareVersions"],
            device_serial_number=made_by["DeviceSerialNumber"],
            series_description=series_description("measurements", segmentation.provenance),
            is_complete=True,
            is_final=False,
            is_verified=False,
        )
    source.identify(document)
    date_object(document, source, created)
    return document


def _observer(made_by: Mapping[str, str]) -> sr.ObservationContext:
    return sr.ObservationContext(
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
    )


def _others(source: DicomSource) -> list[Dataset]:
    """Return the images of the other series, with what evidence needs of them."""
    images = []
    for other in source.others:
        for sop_class_uid, sop_instance_uid in other.instances:
            image = Dataset()
            image.StudyInstanceUID, image.SeriesInstanceUID = other.study_uid, other.series_uid
            image.SOPClassUID, image.SOPInstanceUID = sop_class_uid, sop_instance_uid
            images.append(image)
    return images


def _groups(
    segmentation: Segmentation,
    volume: Measurement,
    lines: list[sr.Measurement],
    source: DicomSource,
    seg: DicomSegmentation | None,
) -> list[_Group]:
    """Return the groups of a region; coordinates may not stand where a segment does (TID 1411)."""
    region = volume.region
    concept = region_code(segmentation, region)
    told: dict[str, Any] = {
        "tracking_identifier": sr.TrackingIdentifier(*tracking(source, region)),
        "finding_type": CodedConcept(concept.value, concept.scheme, concept.meaning),
        "finding_category": MORPHOLOGICALLY_ABNORMAL,
        "finding_sites": [sr.FindingSite(BRAIN)],
        "algorithm_id": _algorithm(segmentation),
    }
    measured = sr.Measurement(
        _VOLUME,
        round(volume.value, 3),
        _CUBIC_MM,
        method=_SUM_OF_VOXELS,
        properties=_uncertainty(volume),
    )
    if seg is None:
        both = [measured, *lines]
        return [sr.MeasurementsAndQualitativeEvaluations(measurements=both, **told)]
    numbers = [
        number
        for number, definition in enumerate(segmentation.definitions, start=1)
        if definition.value in REGION_LABELS[region]
    ]
    groups: list[_Group] = [
        sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
            referenced_segment=_segments(seg, numbers, source), measurements=[measured], **told
        )
    ]
    if lines:
        groups.append(sr.MeasurementsAndQualitativeEvaluations(measurements=lines, **told))
    return groups


def _comment(group: _Group, warnings: tuple[str, ...], source: DicomSource) -> None:
    """Add to a group what has to be known of the result, and which series it was made from."""
    others = [f"{other.sequence.value} series {other.series_uid}" for other in source.others]
    made_from = f"Made from {', '.join([f'reference series {source.series_uid}', *others])}."
    for text in (*warnings, made_from, RESEARCH_USE):
        group[0].ContentSequence.append(
            sr.TextContentItem(_COMMENT, text, sr.RelationshipTypeValues.CONTAINS)
        )


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

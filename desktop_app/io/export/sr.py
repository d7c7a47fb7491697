"""Volumes and diameters as a DICOM structured report, template TID 1500 (PS3.16)."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from highdicom import sr
from highdicom.seg import Segmentation as DicomSegmentation
from highdicom.sr import CodedConcept
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

from desktop_app.domain.lesion import Lesion
from desktop_app.domain.measurement import Diameters, Measurement, MeasurementKind
from desktop_app.domain.place import Place
from desktop_app.domain.segmentation import Region, Segmentation
from desktop_app.io.dicom.elements import lenient_pydicom
from desktop_app.io.export.dicom_object import (
    MANUFACTURER,
    RESEARCH_USE,
    date_object,
    device_uid,
    equipment,
    series_description,
    series_number,
)
from desktop_app.io.export.dicom_source import DicomSource
from desktop_app.io.export.seg import source_templates
from desktop_app.io.export.sr_groups import Groups, comment
from desktop_app.io.export.sr_lines import image_of

_REPORT = CodedConcept("126000", "DCM", "Imaging Measurement Report")
_MULTIPARAMETRIC_MRI = CodedConcept("126020", "DCM", "Multiparametric MRI")


def build_sr(
    segmentation: Segmentation,
    measurements: tuple[Measurement, ...],
    source: DicomSource,
    seg: DicomSegmentation | None,
    diameters: Mapping[Region, Diameters] | None = None,
    *,
    lesions: tuple[Lesion, ...] = (),
    places: Mapping[Region, Place] = MappingProxyType({}),
    warnings: tuple[str, ...] = (),
    created: datetime | None = None,
) -> sr.EnhancedSR | sr.Comprehensive3DSR:
    """Make a report with measurement groups of every region, and of lesions if there are several.

    Parameters
    ----------
    measurements
        Of `segmentation`; the volumes are written, in mm³. A region without has no group.
    source
        The series the labels lie on.
    seg
        The DICOM SEG exported beside the report, to whose segments it then refers; ``None`` where
        there is none. Unions of regions refer to the segments they are made of.
    diameters
        Of `segmentation`, where they were measured, as lines on the slice they lie in.
    lesions
        The enhancing ones; a single one is told by the diameters of its region.
    places
        Where regions lie, and so the side of their finding site.
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
    several = lesions if len(lesions) > 1 else ()
    maker = Groups(segmentation, source, seg)
    by_region = {
        region: maker.of_region(volumes[region], diameters.get(region), places.get(region))
        for region in volumes
    }
    for told in (*warnings, *_where(places), _made_from(source), RESEARCH_USE):
        comment(by_region[Region.WT][0], told)
    groups = [group for of_region in by_region.values() for group in of_region]
    groups += [maker.of_lesion(lesion) for lesion in several]
    report = sr.MeasurementReport(
        observation_context=_observer(made_by),
        procedure_reported=_MULTIPARAMETRIC_MRI,
        imaging_measurements=groups,
        title=_REPORT,
    )
    drawn = [*diameters.values(), *(lesion.diameters for lesion in several)]
    has_images = all(image_of(one, source) is not None for one in drawn)
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
                uid=device_uid(made_by),
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


def _where(places: Mapping[Region, Place]) -> tuple[str, ...]:
    """Return what the code of a side does not tell."""
    whole = places.get(Region.WT)
    if whole is None:
        return ()
    return (f"Whole tumour: {whole.side_in_words}, centre {whole.centre_in_words}.",)


def _made_from(source: DicomSource) -> str:
    others = [f"{other.sequence.value} series {other.series_uid}" for other in source.others]
    return f"Made from {', '.join([f'reference series {source.series_uid}', *others])}."

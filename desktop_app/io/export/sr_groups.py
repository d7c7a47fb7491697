"""Measurement groups of a structured report (PS3.16 TID 1411 and 1501): regions and lesions."""

from dataclasses import dataclass
from typing import Any

from highdicom import sr
from highdicom.seg import Segmentation as DicomSegmentation
from highdicom.sr import CodedConcept
from pydicom.uid import generate_uid

from desktop_app.domain.lesion import Lesion
from desktop_app.domain.measurement import Diameters, Interval, Measurement
from desktop_app.domain.place import Place, Side
from desktop_app.domain.provenance import UNKNOWN
from desktop_app.domain.readable import readable_share
from desktop_app.domain.segmentation import REGION_LABELS, Region, Segmentation, region_code
from desktop_app.io.export.dicom_object import MANUFACTURER, tracking
from desktop_app.io.export.dicom_source import DicomSource
from desktop_app.io.export.seg import (
    ARTIFICIAL_INTELLIGENCE,
    BRAIN,
    FOREIGN_ALGORITHM,
    MORPHOLOGICALLY_ABNORMAL,
    algorithm_version,
)
from desktop_app.io.export.sr_lines import axes

_VOLUME = CodedConcept("118565006", "SCT", "Volume")
_CUBIC_MM = CodedConcept("mm3", "UCUM", "mm3")
_ABOVE = CodedConcept("371886008", "SCT", "+, range of upper measurement uncertainty")
_BELOW = CodedConcept("371885007", "SCT", "-, range of lower measurement uncertainty")
_COMMENT = CodedConcept("121106", "DCM", "Comment")
_SUM_OF_VOXELS = CodedConcept("126030", "DCM", "Sum of segmented voxel volumes")
# PS3.16 CID 244
_LATERALITIES = {
    Side.RIGHT: CodedConcept("24028007", "SCT", "Right"),
    Side.LEFT: CodedConcept("7771000", "SCT", "Left"),
    Side.BOTH: CodedConcept("51440002", "SCT", "Right and left"),
}

Group = (
    sr.VolumetricROIMeasurementsAndQualitativeEvaluations | sr.MeasurementsAndQualitativeEvaluations
)


@dataclass(frozen=True, slots=True)
class Groups:
    """Makes the groups of one report.

    Parameters
    ----------
    source
        The series the labels lie on.
    seg
        To whose segments the groups refer; ``None`` where there is none.
    """

    segmentation: Segmentation
    source: DicomSource
    seg: DicomSegmentation | None

    def of_region(
        self, volume: Measurement, diameters: Diameters | None, place: Place | None
    ) -> list[Group]:
        """Return the groups of a region, that of its volume first.

        Coordinates of diameters may not stand where a segment does (TID 1411).
        """
        region = volume.region
        side = None if place is None else place.side
        told = self._told(region, sr.TrackingIdentifier(*tracking(self.source, region)), side)
        measured = _measured(volume.value, volume.interval)
        lines = [] if diameters is None else axes(diameters, self.source)
        groups: list[Group] = []
        if self.seg is None:
            both = [measured, *lines]
            groups.append(sr.MeasurementsAndQualitativeEvaluations(measurements=both, **told))
        else:
            groups.append(
                sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
                    referenced_segment=self._segments(self.seg, region),
                    measurements=[measured],
                    **told,
                )
            )
            if lines:
                groups.append(sr.MeasurementsAndQualitativeEvaluations(measurements=lines, **told))
        if volume.interval is not None:
            comment(groups[0], _what_range(volume.interval))
        return groups

    def of_lesion(self, lesion: Lesion) -> Group:
        """Return the group of an enhancing lesion, as which no other result knows it."""
        uid = str(generate_uid(prefix=None))
        name = f"Enhancing lesion {lesion.number}, {uid[-8:]}"
        return sr.MeasurementsAndQualitativeEvaluations(
            measurements=[_measured(lesion.volume_mm3), *axes(lesion.diameters, self.source)],
            **self._told(Region.ET, sr.TrackingIdentifier(uid, name), None),
        )

    def _told(
        self, region: Region, identifier: sr.TrackingIdentifier, side: Side | None
    ) -> dict[str, Any]:
        concept = region_code(self.segmentation, region)
        laterality = None if side is None else _LATERALITIES[side]
        return {
            "tracking_identifier": identifier,
            "finding_type": CodedConcept(concept.value, concept.scheme, concept.meaning),
            "finding_category": MORPHOLOGICALLY_ABNORMAL,
            "finding_sites": [sr.FindingSite(BRAIN, laterality=laterality)],
            "algorithm_id": _algorithm(self.segmentation),
        }

    def _segments(self, seg: DicomSegmentation, region: Region) -> sr.ReferencedSegment:
        """Refer to the segments that make up a region; a union has several (PS3.3 table 10-3)."""
        numbers = [
            number
            for number, definition in enumerate(self.segmentation.meanings, start=1)
            if definition.value in REGION_LABELS[region]
        ]
        reference = sr.ReferencedSegment(
            seg.SOPClassUID,
            seg.SOPInstanceUID,
            numbers[0],
            source_series=sr.SourceSeriesForSegmentation(self.source.series_uid),
        )
        reference[0].ReferencedSOPSequence[0].ReferencedSegmentNumber = numbers
        return reference


def comment(group: Group, text: str) -> None:
    """Add a sentence to a group."""
    group[0].ContentSequence.append(
        sr.TextContentItem(_COMMENT, text, sr.RelationshipTypeValues.CONTAINS)
    )


def _measured(volume_mm3: float, interval: Interval | None = None) -> sr.Measurement:
    """Return a volume with how far the truth likely lies above and below (PS3.16 TID 310)."""
    properties = None
    if interval is not None:
        properties = sr.MeasurementProperties()
        distances_mm3 = {_ABOVE: interval.high - volume_mm3, _BELOW: volume_mm3 - interval.low}
        for name, distance_mm3 in distances_mm3.items():
            properties.append(
                sr.NumContentItem(
                    name=name,
                    value=round(distance_mm3, 3),
                    unit=_CUBIC_MM,
                    relationship_type=sr.RelationshipTypeValues.HAS_PROPERTIES,
                )
            )
    return sr.Measurement(
        _VOLUME, round(volume_mm3, 3), _CUBIC_MM, method=_SUM_OF_VOXELS, properties=properties
    )


def _what_range(interval: Interval) -> str:
    return (
        f"Upper and lower uncertainty: the range that held the true volume in "
        f"{readable_share(interval.coverage)} of {interval.patients} patients new to the network."
    )


def _algorithm(segmentation: Segmentation) -> sr.AlgorithmIdentification:
    provenance = segmentation.provenance
    if provenance.labels_of:
        return sr.AlgorithmIdentification(name=FOREIGN_ALGORITHM, version=UNKNOWN)
    edited = "Labels corrected by hand" if provenance.edited else "Labels not corrected by hand"
    return sr.AlgorithmIdentification(
        name=provenance.model_id,
        version=algorithm_version(provenance),
        parameters=[edited],
        family=ARTIFICIAL_INTELLIGENCE,
        manufacturer=MANUFACTURER,
    )

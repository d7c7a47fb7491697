"""Labels as a DICOM Segmentation that refers to the series it was made from."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

import highdicom as hd
import numpy as np
from highdicom.color import CIELabColor
from highdicom.seg import (
    SegmentAlgorithmTypeValues,
    Segmentation,
    SegmentationTypeValues,
    SegmentDescription,
)
from highdicom.sr import CodedConcept as DicomCode
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from desktop_app.domain import segmentation as domain
from desktop_app.domain.provenance import Provenance
from desktop_app.domain.segmentation import LabelDefinition
from desktop_app.io.dicom.elements import lenient_pydicom
from desktop_app.io.dicom.slices import MULTIFRAME_MR
from desktop_app.io.export.dicom_object import (
    MANUFACTURER,
    RESEARCH_USE,
    date_object,
    equipment,
    remarks,
    series_description,
    series_number,
    tracking,
)
from desktop_app.io.export.dicom_source import DicomSource, decimals

# DICOM PS3.16: CID 7150 and SNOMED CT, CID 7162
MORPHOLOGICALLY_ABNORMAL = DicomCode("49755003", "SCT", "Morphologically Abnormal Structure")
BRAIN = DicomCode("12738006", "SCT", "Brain")
ARTIFICIAL_INTELLIGENCE = DicomCode("123110", "DCM", "Artificial Intelligence")

FOREIGN_ALGORITHM = "Labels of another program"

# CID 7203 and 7202: how a frame came of its source, and what the source is to it.
_SEGMENTED = DicomCode("113076", "DCM", "Segmentation")
_SOURCE_IMAGE = DicomCode("121322", "DCM", "Source image for image processing operation")

# Frames of the source that carry no plane of the labels must match none of them.
_FAR_AWAY_MM = [1e6, 1e6, 1e6]


def build_seg(
    segmentation: domain.Segmentation,
    source: DicomSource,
    *,
    warnings: tuple[str, ...] = (),
    created: datetime | None = None,
) -> Segmentation:
    """Make one BINARY segment per label: necrotic core, oedema, enhancing tumour.

    Where the parts of the core are unknown: core, oedema.

    Parameters
    ----------
    segmentation
        Labels on the grid of `source`.
    source
        The series the labels lie on. Each frame refers to its slice where every plane has one,
        else the object refers to the series as a whole, as it does to the other series.
    warnings
        What may be told of those of `segmentation`: they can name the patient.
    created
        When it is made; now if not given.

    Returns
    -------
    Segmentation
        Ready to be saved with `dicom_object.save`.

    Notes
    -----
    BINARY, because more readers know it than LABELMAP. A segment without voxels keeps its
    description; where no segment has any, all frames are written, all zero (PS3.3 A.51 wants at
    least one).
    """
    provenance = segmentation.provenance
    made_by = equipment(provenance)
    geometry = segmentation.geometry
    first, *others = templates = source_templates(source)
    # highdicom takes several single-frame images or one multi-frame image; more of these are
    # named beside it.
    one_file_each = first.SOPClassUID not in MULTIFRAME_MR
    with lenient_pydicom():
        seg = Segmentation(
            source_images=templates if one_file_each else [first],
            further_source_images=None if one_file_each else others,
            pixel_array=_consecutive(segmentation),
            segmentation_type=SegmentationTypeValues.BINARY,
            segment_descriptions=[
                _description(segmentation, source, number, definition)
                for number, definition in enumerate(segmentation.meanings, start=1)
            ],
            series_instance_uid=generate_uid(prefix=None),
            series_number=series_number(source, 0),
            sop_instance_uid=generate_uid(prefix=None),
            instance_number=1,
            manufacturer=made_by["Manufacturer"],
            manufacturer_model_name=made_by["ManufacturerModelName"],
            software_versions=made_by["SoftwareVersions"],
            device_serial_number=made_by["DeviceSerialNumber"],
            transfer_syntax_uid=ExplicitVRLittleEndian,
            # As long as CS and LO may be.
            content_label="GLIOMA_CORRECTED" if provenance.edited else "GLIOMA",
            content_description=f"Glioma{', corrected' * provenance.edited}. {RESEARCH_USE}",
            series_description=series_description("segmentation", provenance),
            omit_empty_frames=not segmentation.is_empty,
            pixel_measures=hd.PixelMeasuresSequence(
                pixel_spacing=decimals(geometry.spacing_mm[1:]),
                slice_thickness=decimals([source.slice_thickness_mm])[0],
                spacing_between_slices=decimals(geometry.spacing_mm[:1])[0],
            ),
            plane_orientation=hd.PlaneOrientationSequence("PATIENT", decimals(source.orientation)),
            plane_positions=[
                hd.PlanePositionSequence("PATIENT", decimals(position))
                for position in source.positions_lps_mm
            ],
        )
    source.identify(seg)
    for segment in seg.SegmentSequence:
        segment.SegmentDescription = remarks(warnings)
    date_object(seg, source, created)
    if len(templates) > 1 and not one_file_each:
        _refer_to_frames(seg, source)
    _refer_to_others(seg, source)
    seg.BodyPartExamined = "BRAIN"
    # Type 2 (PS3.3 10.9): nobody, where a program made it.
    seg.ContentCreatorName = ""
    return seg


def _refer_to_frames(seg: Segmentation, source: DicomSource) -> None:
    """Name the frame that each plane lies on, as highdicom does where all are of one file."""
    if None in source.frames:
        return
    for groups in seg.PerFrameFunctionalGroupsSequence:
        position = np.array(groups.PlanePositionSequence[0].ImagePositionPatient, np.float64)
        frame = source.frames[round(float(source.geometry.to_index_kji(position)[0]))]
        if frame is None:
            continue
        image = _reference(frame.sop_class_uid, frame.sop_instance_uid)
        image.PurposeOfReferenceCodeSequence = [_SOURCE_IMAGE]
        image.SpatialLocationsPreserved = "YES"
        image.ReferencedFrameNumber = frame.frame
        derivation = Dataset()
        derivation.DerivationCodeSequence = [_SEGMENTED]
        derivation.SourceImageSequence = [image]
        groups.DerivationImageSequence = [derivation]


def _refer_to_others(seg: Segmentation, source: DicomSource) -> None:
    """Name the other series after the one the labels lie on, which readers take from the first.

    Not as highdicom's further images: these it would take for slices of the same frames.
    """
    images: list[Dataset] = []
    by_study = defaultdict(list)
    for other in source.others:
        series = Dataset()
        series.SeriesInstanceUID = other.series_uid
        series.ReferencedInstanceSequence = [_reference(*one) for one in other.instances]
        images += [_reference(*one) for one in other.instances]
        by_study[other.study_uid].append(series)
    seg.SourceImageSequence = [*seg.SourceImageSequence, *images]
    own = by_study.pop(source.study_uid, [])
    seg.ReferencedSeriesSequence = [*seg.ReferencedSeriesSequence, *own]
    studies = []
    for study_uid, series_of_study in by_study.items():
        study = Dataset()
        study.StudyInstanceUID = study_uid
        study.ReferencedSeriesSequence = series_of_study
        studies.append(study)
    if studies:
        seg.StudiesContainingOtherReferencedInstancesSequence = studies


def _reference(sop_class_uid: str, sop_instance_uid: str) -> Dataset:
    reference = Dataset()
    reference.ReferencedSOPClassUID = sop_class_uid
    reference.ReferencedSOPInstanceUID = sop_instance_uid
    return reference


def _consecutive(segmentation: domain.Segmentation) -> np.ndarray:
    """Return labels numbered 1, 2, 3 … as DICOM wants its segments, whatever their values."""
    numbers = np.zeros(256, dtype=np.uint8)
    for number, definition in enumerate(segmentation.meanings, start=1):
        numbers[definition.value] = number
    return numbers[segmentation.labels_kji]


def _description(
    segmentation: domain.Segmentation,
    source: DicomSource,
    number: int,
    definition: LabelDefinition,
) -> SegmentDescription:
    provenance = segmentation.provenance
    code = domain.region_code(segmentation, definition.region)
    by_hand = SegmentAlgorithmTypeValues.SEMIAUTOMATIC
    tracking_uid, tracking_id = tracking(source, definition.region)
    description = SegmentDescription(
        segment_number=number,
        segment_label=definition.name,
        segmented_property_category=MORPHOLOGICALLY_ABNORMAL,
        segmented_property_type=DicomCode(code.value, code.scheme, code.meaning),
        algorithm_type=by_hand if provenance.edited else SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name=provenance.model_id,
            family=ARTIFICIAL_INTELLIGENCE,
            version=algorithm_version(provenance),
            source=MANUFACTURER,
        ),
        tracking_uid=tracking_uid,
        tracking_id=tracking_id,
        anatomic_regions=[BRAIN],
        display_color=CIELabColor.from_rgb(*definition.rgb),
    )
    if provenance.labels_of:
        # How another program made them nobody told: a name has to be there, an algorithm not.
        description.SegmentAlgorithmName = FOREIGN_ALGORITHM
        del description.SegmentationAlgorithmIdentificationSequence
    return description


def algorithm_version(provenance: Provenance) -> str:
    """Return the program's version and the beginning of its weights' hash."""
    return f"{provenance.app_version} {provenance.weights_sha256[:12]}".strip()


def source_templates(source: DicomSource) -> list[Dataset]:
    """Describe the source images with what highdicom reads of them, and nothing that is odd.

    Scanners leave out type 2 attributes, write codes and dates that the standard does not know
    and spacings that contradict the positions; the labels' grid is known, so it is said here.
    """
    position_of = {
        (frame.sop_instance_uid, frame.frame): frame.position_lps_mm.tolist()
        for frame in source.frames
        if frame is not None
    }
    templates = []
    for sop_class_uid, sop_instance_uid in source.instances:
        template = _template(source, sop_class_uid, sop_instance_uid)
        if sop_class_uid in MULTIFRAME_MR:
            numbers = [n for uid, n in position_of if uid == sop_instance_uid and n is not None]
            positions = [
                position_of.get((sop_instance_uid, number), _FAR_AWAY_MM)
                for number in range(1, max(numbers, default=1) + 1)
            ]
            _place_frames(template, source, positions)
        else:
            template.ImageOrientationPatient = decimals(source.orientation)
            position = position_of.get((sop_instance_uid, None), _FAR_AWAY_MM)
            template.ImagePositionPatient = decimals(position)
            template.update(_measures(source))
        templates.append(template)
    return templates


def _place_frames(
    template: Dataset, source: DicomSource, positions: Iterable[Iterable[float]]
) -> None:
    shared, orientation = Dataset(), Dataset()
    orientation.ImageOrientationPatient = decimals(source.orientation)
    shared.PlaneOrientationSequence = [orientation]
    shared.PixelMeasuresSequence = [_measures(source)]
    template.SharedFunctionalGroupsSequence = [shared]
    frames = []
    for position in positions:
        place, groups = Dataset(), Dataset()
        place.ImagePositionPatient = decimals(position)
        groups.PlanePositionSequence = [place]
        frames.append(groups)
    template.NumberOfFrames = len(frames)
    template.PerFrameFunctionalGroupsSequence = frames


def _template(source: DicomSource, sop_class_uid: str, sop_instance_uid: str) -> Dataset:
    template = Dataset()
    template.SOPClassUID = sop_class_uid
    template.SOPInstanceUID = sop_instance_uid
    template.StudyInstanceUID = source.study_uid
    template.SeriesInstanceUID = source.series_uid
    template.FrameOfReferenceUID = source.frame_of_reference_uid
    template.Modality = "MR"
    _, template.Rows, template.Columns = source.geometry.shape_kji
    for keyword in ("PatientID", "PatientBirthDate", "PatientSex", "StudyID", "AccessionNumber"):
        setattr(template, keyword, "")
    # Written afterwards by DicomSource.identify, in the right character set.
    template.PatientName = None
    template.StudyDate = None
    template.StudyTime = None
    template.update(source.lossy)
    return template


def _measures(source: DicomSource) -> Dataset:
    measures = Dataset()
    measures.PixelSpacing = decimals(source.geometry.spacing_mm[1:])
    (measures.SliceThickness,) = decimals([source.slice_thickness_mm])
    (measures.SpacingBetweenSlices,) = decimals(source.geometry.spacing_mm[:1])
    return measures

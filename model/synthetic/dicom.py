"""Writing simulated series as DICOM MR images (PS3.3 A.4), one file per slice."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid
from pydicom.valuerep import DSfloat

from model.synthetic.acquisition import Grid
from model.synthetic.series import SeriesPlan

MANUFACTURER = "Gliascope phantom"
PATIENT_NAME = "Sample^Glioma"
_DATE = "20260105"
_FIELD_T = 3.0
_PROTON_MHZ_PER_T = 42.577


@dataclass(frozen=True, slots=True)
class StudyIdentity:
    """The identifiers that the series of one study share; all follow from the seed.

    Parameters
    ----------
    seed
        Of the study.
    """

    seed: int

    def uid(self, *parts: str) -> str:
        """Return the UID of a part of the study; the same parts give the same UID."""
        return generate_uid(entropy_srcs=["gliascope sample study", str(self.seed), *parts])

    @property
    def study_uid(self) -> str:
        """Study instance UID."""
        return self.uid("study")

    @property
    def frame_of_reference_uid(self) -> str:
        """Frame of reference UID, the same for all series."""
        return self.uid("frame of reference")

    @property
    def patient_id(self) -> str:
        """Patient ID."""
        return f"GLIASCOPE-SAMPLE-{self.seed}"


def series_header(plan: SeriesPlan, identity: StudyIdentity) -> Dataset:
    """Return the attributes that all images of a series share."""
    header = _study_header(identity)
    protocol = plan.protocol
    header.ImageType = list(plan.image_type)
    header.SeriesInstanceUID = identity.uid("series", str(plan.number))
    header.SeriesNumber = header.AcquisitionNumber = plan.number
    header.SeriesDescription = plan.description
    header.ProtocolName = plan.description
    header.SeriesTime = header.AcquisitionTime = header.ContentTime = plan.start
    header.ScanningSequence = list(plan.pulses.scanning_sequence)
    header.SequenceVariant = list(plan.pulses.variant)
    header.ScanOptions = list(plan.pulses.options)
    header.MRAcquisitionType = plan.pulses.acquisition_type
    header.RepetitionTime = _decimal(protocol.repetition_time_ms)
    header.EchoTime = _decimal(protocol.echo_time_ms)
    if protocol.inversion_time_ms:
        header.InversionTime = _decimal(protocol.inversion_time_ms)
    header.FlipAngle = _decimal(protocol.flip_angle_deg)
    header.EchoTrainLength = plan.pulses.echo_train
    header.EchoNumbers = 1
    header.NumberOfAverages = 1
    header.WindowCenter = _decimal(plan.window_width / 2)
    header.WindowWidth = _decimal(plan.window_width)
    if protocol.contrast:
        header.ContrastBolusAgent = "Gadobutrol"
        header.ContrastBolusRoute = "IV"
        header.ContrastBolusVolume = _decimal(7.5)
        header.ContrastBolusIngredient = "GADOLINIUM"
    return header


def write_stack(
    folder: Path,
    header: Dataset,
    stored_kji: NDArray[np.uint16],
    grid: Grid,
    identity: StudyIdentity,
    *,
    first_instance: int = 1,
) -> None:
    """Write a stack of parallel slices, a file each.

    Parameters
    ----------
    folder
        Where to; made if missing.
    header
        As `series_header` returns it.
    stored_kji
        uint16 values, of the grid's shape.
    grid
        Where the voxels lie.
    identity
        Identifiers of the study.
    first_instance
        Instance number of the first slice.
    """
    folder.mkdir(parents=True, exist_ok=True)
    image = Dataset()
    image.update(header)
    _describe_pixels(image, stored_kji, grid)
    normal = np.cross(grid.affine_lps_mm[:3, 0], grid.affine_lps_mm[:3, 1])
    normal /= np.linalg.norm(normal)
    for k, pixels in enumerate(stored_kji):
        number = first_instance + k
        corner = grid.affine_lps_mm @ (0, 0, k, 1)
        image.InstanceNumber = number
        image.ImagePositionPatient = [_decimal(c) for c in corner[:3]]
        image.SliceLocation = _decimal(float(normal @ corner[:3]))
        image.SOPInstanceUID = identity.uid("image", str(header.SeriesNumber), str(number))
        image.PixelData = pixels.astype("<u2").tobytes()
        image.file_meta = _file_meta(image)
        image.save_as(folder / f"IM{number:04d}.dcm", enforce_file_format=True)


def _decimal(value: float) -> DSfloat:
    return DSfloat(float(value), auto_format=True)


def _file_meta(image: Dataset) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return meta


def _study_header(identity: StudyIdentity) -> Dataset:
    header = Dataset()
    header.SpecificCharacterSet = "ISO_IR 192"
    header.SOPClassUID = MRImageStorage
    header.StudyDate = header.SeriesDate = header.AcquisitionDate = header.ContentDate = _DATE
    header.StudyTime = "092500"
    header.AccessionNumber = ""
    header.Modality = "MR"
    header.Manufacturer = MANUFACTURER
    header.ManufacturerModelName = "Numerical head"
    header.SoftwareVersions = "1"
    header.ReferringPhysicianName = ""
    header.StudyDescription = "MR brain with contrast (simulated)"
    header.PatientName = PATIENT_NAME
    header.PatientID = identity.patient_id
    header.PatientBirthDate = ""
    header.PatientSex = "O"
    header.PatientComments = "Simulated by software. Not a person."
    header.BodyPartExamined = "BRAIN"
    header.PatientPosition = "HFS"
    header.MagneticFieldStrength = _decimal(_FIELD_T)
    header.ImagingFrequency = _decimal(_FIELD_T * _PROTON_MHZ_PER_T)
    header.ImagedNucleus = "1H"
    header.StudyInstanceUID = identity.study_uid
    header.StudyID = "1"
    header.FrameOfReferenceUID = identity.frame_of_reference_uid
    header.PositionReferenceIndicator = ""
    return header


def _describe_pixels(image: Dataset, stored_kji: NDArray[np.uint16], grid: Grid) -> None:
    between_slices, row_step, column_step = grid.spacing_mm
    directions = grid.affine_lps_mm[:3, :2] / (column_step, row_step)
    image.Rows, image.Columns = stored_kji.shape[1:]
    image.ImageOrientationPatient = [_decimal(c) for c in directions.T.ravel()]
    image.PixelSpacing = [_decimal(row_step), _decimal(column_step)]
    image.SliceThickness = _decimal(grid.slice_thickness_mm)
    image.SpacingBetweenSlices = _decimal(between_slices)
    image.SamplesPerPixel = 1
    image.PhotometricInterpretation = "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 12, 11
    image.PixelRepresentation = 0

"""Small MR studies on disk, sound or with the defects that real archives contain."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    generate_uid,
)

from desktop_app.domain.study import Series
from desktop_app.io.scan import scan

STUDY_UID = generate_uid(entropy_srcs=["study of the tests"])
FRAME_UID = generate_uid(entropy_srcs=["frame of the tests"])
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)

# Timing a scanner would use; text as a clinic would write it.
PROTOCOLS: dict[str, dict[str, Any]] = {
    "T1": {"SeriesDescription": "t1_se_tra", "RepetitionTime": 500, "EchoTime": 10},
    "T1c": {
        "SeriesDescription": "t1_se_tra KM",
        "RepetitionTime": 500,
        "EchoTime": 10,
        "ContrastBolusAgent": "Gadobutrol",
    },
    "T2": {"SeriesDescription": "t2_tse_tra", "RepetitionTime": 5000, "EchoTime": 98},
    "FLAIR": {
        "SeriesDescription": "t2_tirm_tra dark fluid",
        "RepetitionTime": 9000,
        "EchoTime": 120,
        "InversionTime": 2500,
        "ScanningSequence": ["SE", "IR"],
    },
}


def pattern(shape_kji: tuple[int, int, int], seed: int = 0) -> NDArray[np.int16]:
    """Values that differ from voxel to voxel, so that any wrong order shows."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 1000, shape_kji).astype(np.int16)


def header(series: str, **overrides: Any) -> Dataset:
    """Return what the slices of one series share."""
    dataset = Dataset()
    dataset.SOPClassUID = MRImageStorage
    dataset.Modality = "MR"
    dataset.PatientID = "TEST-1"
    dataset.PatientName = "Test^Patient"
    dataset.PatientBirthDate = "19600101"
    dataset.PatientSex = "O"
    dataset.StudyInstanceUID = STUDY_UID
    dataset.StudyDate = "20260105"
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=["series of the tests", series])
    dataset.FrameOfReferenceUID = FRAME_UID
    dataset.SeriesNumber = 1
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M"]
    dataset.ScanningSequence = "SE"
    dataset.AcquisitionDate, dataset.AcquisitionTime = "20260105", "101500"
    for keyword, value in {**PROTOCOLS.get(series, {}), **overrides}.items():
        setattr(dataset, keyword, value)
    return dataset


def write_series(
    folder: Path,
    array_kji: NDArray[Any],
    series: str = "T1",
    *,
    spacing_mm: tuple[float, float, float] = (3.0, 2.0, 1.5),
    orientation: tuple[float, ...] = AXIAL,
    origin_lps_mm: Sequence[float] = (-20.0, -30.0, -40.0),
    positions_mm: Sequence[float] | None = None,
    shear_mm_per_mm: tuple[float, float] = (0.0, 0.0),
    edit: Callable[[int, Dataset], None] | None = None,
    names: str = "{series}_{number:03d}.dcm",
    syntax: str = ExplicitVRLittleEndian,
    **overrides: Any,
) -> list[Path]:
    """Write one file per slice.

    `positions_mm` are the slices' places along their normal; `shear_mm_per_mm` shifts them along
    rows and columns as they go; `edit` changes the dataset of slice n just before it is written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    normal = np.cross(row, column)
    places = positions_mm or [n * spacing_mm[0] for n in range(len(array_kji))]
    paths = []
    for number, (plane, place) in enumerate(zip(array_kji, places, strict=True)):
        dataset = header(series, **overrides)
        along_row, along_column = shear_mm_per_mm
        position = np.array(origin_lps_mm) + place * (
            normal + along_row * row + along_column * column
        )
        dataset.SOPInstanceUID = generate_uid(
            entropy_srcs=[dataset.SeriesInstanceUID, str(number), str(overrides)]
        )
        dataset.InstanceNumber = number + 1
        dataset.ImagePositionPatient = [round(float(v), 4) for v in position]
        dataset.ImageOrientationPatient = list(orientation)
        dataset.PixelSpacing = [spacing_mm[1], spacing_mm[2]]
        dataset.SliceThickness = spacing_mm[0]
        set_pixels(dataset, plane)
        if edit is not None:
            edit(number, dataset)
        path = folder / names.format(series=series, number=number)
        save(dataset, path, syntax)
        paths.append(path)
    return paths


def set_pixels(dataset: Dataset, plane: NDArray[Any]) -> None:
    dataset.Rows, dataset.Columns = plane.shape[-2:]
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = int(plane.dtype.kind == "i")
    dataset.PixelData = np.ascontiguousarray(plane).tobytes()


def save(dataset: Dataset, path: Path, syntax: str = ExplicitVRLittleEndian) -> None:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta = meta
    dataset.save_as(path, enforce_file_format=True)


def write_enhanced(
    path: Path,
    array_kji: NDArray[Any],
    *,
    repeats: int = 1,
    edit: Callable[[int, Dataset], None] | None = None,
) -> Path:
    """Write one multi-frame file; with `repeats`, every slice that often in succession.

    `edit` changes the functional groups of frame n before the file is written.
    """
    dataset = header("T1", SOPClassUID=EnhancedMRImageStorage)
    for keyword in ("RepetitionTime", "EchoTime"):
        delattr(dataset, keyword)
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=[str(path)])
    set_pixels(dataset, np.repeat(array_kji, repeats, axis=0))
    dataset.NumberOfFrames = len(array_kji) * repeats
    shared = Dataset()
    shared.PixelMeasuresSequence = [_item(PixelSpacing=[2.0, 1.5], SliceThickness=3.0)]
    shared.PlaneOrientationSequence = [_item(ImageOrientationPatient=list(AXIAL))]
    shared.MRTimingAndRelatedParametersSequence = [_item(RepetitionTime=500.0, FlipAngle=90.0)]
    shared.MREchoSequence = [_item(EffectiveEchoTime=10.0)]
    dataset.SharedFunctionalGroupsSequence = [shared]
    frames = []
    for number in range(len(array_kji)):
        for repeat in range(repeats):
            frame = Dataset()
            frame.PlanePositionSequence = [
                _item(ImagePositionPatient=[-20.0, -30.0, -40.0 + 3.0 * number])
            ]
            frame.FrameContentSequence = [_item(TemporalPositionIndex=repeat + 1)]
            # Each frame has its own rescale, as Philips writes it.
            frame.PixelValueTransformationSequence = [
                _item(RescaleSlope=2.0, RescaleIntercept=float(number), RescaleType="US")
            ]
            if edit is not None:
                edit(len(frames), frame)
            frames.append(frame)
    dataset.PerFrameFunctionalGroupsSequence = frames
    path.parent.mkdir(parents=True, exist_ok=True)
    save(dataset, path)
    return path


def _item(**values: Any) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def only_series(folder: Path) -> Series:
    """Return the series found in a folder that holds a single one."""
    (study,) = scan(folder).studies
    (series,) = study.series
    return series

"""Small studies for the tests of measuring and exporting: DICOM files on disk and their result."""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.provenance import Provenance
from desktop_app.domain.result import PreparedStudy, StudyResult
from desktop_app.domain.segmentation import Segmentation
from desktop_app.domain.study import (
    InstanceRef,
    PatientSummary,
    RoleProposal,
    Sequence,
    Series,
    Study,
)
from desktop_app.domain.volume import Volume
from desktop_app.services.measuring.measure import measure

NAME = "Müller-Łoś^Zoë=山田^太郎"
PATIENT_ID = "PID-77-α"
BIRTH_DATE = "19510703"
STUDY_DATE = "20240229"
SHAPE_KJI = (12, 40, 32)
SPACING_KJI_MM = (5.5, 0.9, 0.8)


def oblique_geometry(frame_of_reference_uid: str = "1.2.3.4") -> Geometry:
    """Slices tilted by 12° about the left-right axis and turned by 5°, 5.5 mm apart."""
    tilt, turn = np.deg2rad(12), np.deg2rad(5)
    about_l = np.array(
        [[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]]
    )
    about_s = np.array(
        [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    )
    affine = np.eye(4)
    affine[:3, :3] = (about_l @ about_s) * np.array(SPACING_KJI_MM)[::-1]
    affine[:3, 3] = (-11.3, -20.7, -30.1)
    return Geometry(SHAPE_KJI, affine, frame_of_reference_uid)


def tumour_labels(shape_kji: tuple[int, int, int] = SHAPE_KJI) -> NDArray[np.uint8]:
    """Necrosis inside enhancement inside oedema, off centre, all of them with odd corners."""
    labels = np.zeros(shape_kji, np.uint8)
    k, j, i = (n // 2 for n in shape_kji)
    labels[k - 3 : k + 3, j - 8 : j + 9, i + 1 : i + 12] = 2
    labels[k - 2 : k + 2, j - 5 : j + 4, i + 3 : i + 9] = 3
    labels[k - 1 : k + 1, j - 2 : j + 2, i + 4 : i + 7] = 1
    labels[k, j - 8, i + 1] = 0
    return labels


def brain_image(geometry: Geometry, labels: NDArray[np.uint8]) -> Volume:
    """An ellipsoid, brighter where there are labels."""
    grid = np.meshgrid(*[np.linspace(-1, 1, n) for n in geometry.shape_kji], indexing="ij")
    inside = sum(axis**2 for axis in grid) < 1
    return Volume((inside * (300.0 + 150.0 * labels)).astype(np.float32), geometry)


def write_dicom_series(
    folder: Path, geometry: Geometry, *, study_uid: str, description: str = "Ax T1 +C"
) -> Series:
    """Write one MR image per slice, as a scanner would, and return the series of it."""
    folder.mkdir(parents=True, exist_ok=True)
    series_uid = generate_uid(prefix=None)
    instances = []
    for k in range(geometry.shape_kji[0]):
        dataset = mr_header(geometry, study_uid, series_uid, description)
        dataset.SOPInstanceUID = generate_uid(prefix=None)
        # From the top down: numbers run against the grid, as often as not.
        dataset.InstanceNumber = geometry.shape_kji[0] - k
        position = geometry.to_patient_mm(np.array([k, 0.0, 0.0]))
        dataset.ImagePositionPatient = [f"{x:.6f}" for x in position]
        dataset.ImageOrientationPatient = [
            f"{x:.9f}" for x in geometry.direction_lps[:, :2].T.ravel()
        ]
        dataset.PixelSpacing = list(geometry.spacing_mm[1:])
        # Wrong on purpose, as some scanners have it: only positions tell the truth.
        dataset.SpacingBetweenSlices = 1.0
        dataset.SliceThickness = 5.0
        dataset.PixelData = np.full(geometry.shape_kji[1:], 100 + k, np.uint16).tobytes()
        # File names in no order.
        path = folder / f"IM{(k * 7) % geometry.shape_kji[0]:03d}"
        save(dataset, path)
        left, posterior, superior = position.tolist()
        instances.append(
            InstanceRef(
                path,
                dataset.SOPClassUID,
                dataset.SOPInstanceUID,
                number=dataset.InstanceNumber,
                position_lps_mm=(left, posterior, superior),
            )
        )
    return Series(series_uid, description, tuple(instances), geometry, number=4)


def mr_header(geometry: Geometry, study_uid: str, series_uid: str, description: str) -> Dataset:
    """Patient, study, series and pixel attributes; names in a Japanese character set."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    dataset.StudyInstanceUID = study_uid
    dataset.SeriesInstanceUID = series_uid
    dataset.FrameOfReferenceUID = geometry.frame_of_reference_uid
    dataset.PatientName = NAME
    dataset.PatientID = PATIENT_ID
    dataset.PatientBirthDate = BIRTH_DATE
    dataset.PatientSex = "F"
    dataset.StudyDate = STUDY_DATE
    dataset.StudyTime = "101112"
    dataset.AccessionNumber = "ACC-4711"
    dataset.StudyDescription = "MR Schädel"
    dataset.InstitutionName = "St. Elsewhere"
    dataset.Modality = "MR"
    dataset.SeriesNumber = 4
    dataset.SeriesDescription = description
    _, dataset.Rows, dataset.Columns = geometry.shape_kji
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = 0
    return dataset


def save(dataset: Dataset, path: Path) -> None:
    """Write a dataset as a DICOM file."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.save_as(path, enforce_file_format=True)


def study_result(
    root: Path,
    *,
    labels_kji: NDArray[np.uint8] | None = None,
    geometry: Geometry | None = None,
    series: Mapping[Sequence, Series] | None = None,
) -> StudyResult:
    """A finished DICOM study of T1c and FLAIR, its files below `root`."""
    study_uid = generate_uid(prefix=None)
    geometry = geometry or oblique_geometry()
    if series is None:
        series = {
            Sequence.T1C: write_dicom_series(root / "t1c", geometry, study_uid=study_uid),
            Sequence.FLAIR: write_dicom_series(
                root / "flair", geometry, study_uid=study_uid, description="Müller tirm dark-fluid"
            ),
        }
    labels = tumour_labels(geometry.shape_kji) if labels_kji is None else labels_kji
    image = brain_image(geometry, labels)
    volumes = dict.fromkeys(series, image)
    provenance = Provenance(
        model_id="slim_unetrpp",
        weights_sha256="0123456789abcdef" * 4,
        app_version="0.1.0",
        device="cpu",
        precision="fp32",
        steps=("FLAIR registered to T1c, score 0.83",),
        seconds={"import": 1.0, "preprocess": 2.0, "inference": 3.0, "total": 6.0},
    )
    warnings = (f"T1 is missing in the study of {NAME}.", "T2 is missing.")
    segmentation = Segmentation(labels, geometry, provenance, warnings=warnings)
    study = Study(
        study_uid=study_uid,
        name="PID-77-2024",
        patient=PatientSummary(PATIENT_ID, NAME, BIRTH_DATE, "F"),
        date=STUDY_DATE,
        description="MR Schädel",
        root=root,
        series=tuple(series.values()),
        roles={role: RoleProposal(one.series_uid, 0.9, "says so") for role, one in series.items()},
    )
    prepared = PreparedStudy(
        image_ckji=np.zeros((4, *geometry.shape_kji), np.float32),
        work_geometry=geometry,
        brain_kji=image.array_kji > 0,
        reference=image,
        reference_sequence=Sequence.T1C,
        volumes=volumes,
        registrations={},
    )
    return StudyResult(study, series, prepared, segmentation, measure(segmentation))


def without_files(result: StudyResult) -> StudyResult:
    """The same study, read from NIfTI files."""
    roles = {
        role: replace(
            series,
            series_uid=f"/data/{role.value}.nii.gz",
            instances=(InstanceRef(Path(f"/data/{role.value}.nii.gz")),),
        )
        for role, series in result.roles.items()
    }
    study = replace(result.study, series=tuple(roles.values()))
    return replace(result, study=study, roles=roles)


def dciodvfy_errors(path: Path) -> list[str]:
    """Return the error lines of the DICOM validator."""
    program = shutil.which("dciodvfy")
    if program is None:
        pytest.skip("needs dciodvfy (Debian package dicom3tools)")
    done = subprocess.run([program, str(path)], capture_output=True, text=True, check=False)
    return [line for line in done.stderr.splitlines() if line.startswith("Error")]


def report_items(dataset: Dataset) -> list[Dataset]:
    """Return the items of a structured report, at whatever depth."""
    found = []
    for item in dataset.get("ContentSequence") or ():
        found += [item, *report_items(item)]
    return found


def code_of(item: Dataset) -> str:
    """Return the code of an item's name; empty if it has none."""
    names = item.get("ConceptNameCodeSequence")
    return str(names[0].CodeValue) if names else ""

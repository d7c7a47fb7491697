"""Real scanners' files: all open or are refused with a reason, and dcm2niix agrees on each."""

import gzip
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import dcm2niix
import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray

from desktop_app.domain.volume import Volume
from desktop_app.errors import InputError
from desktop_app.io.dicom.decoder_process import DecoderProcess
from desktop_app.io.load import load_series
from desktop_app.io.scan import scan

pytestmark = [pytest.mark.patients, pytest.mark.timeout(600)]

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
# Rounding of headers, in voxels at the far corner; of values, as a share of the largest.
PLACE_TOLERANCE = 0.02
VALUE_TOLERANCE = 2e-3

Second = tuple[NDArray[np.float32], NDArray[np.float64]]


@pytest.fixture(scope="module")
def decoder() -> Iterator[DecoderProcess]:
    with DecoderProcess() as process:
        yield process


def folders(shared_data: Path) -> list[Path]:
    root = shared_data / "dicom"
    return sorted({path.parent for path in root.rglob("*") if path.is_file()})


def unpacked(folder: Path, target: Path) -> Path:
    """Copy the files of one folder; those packed one by one, unpacked."""
    target.mkdir()
    for path in sorted(folder.iterdir()):
        if path.name.endswith(".dcm.gz"):
            (target / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
        elif path.is_file() and not path.name.endswith(".nii.gz"):
            shutil.copy(path, target)
    return target


def volumes(folder: Path, decoder: DecoderProcess) -> tuple[list[Volume], str]:
    """Everything that opens, or the reason why nothing does."""
    try:
        studies = scan(folder).studies
    except InputError as error:
        return [], error.detail
    usable = [series for study in studies for series in study.series if series.usable]
    return [load_series(series, decoder=decoder) for series in usable], ""


def second_opinion(folder: Path, output: Path, precise: str) -> list[Second]:
    """Convert with dcm2niix.

    `precise` "n" scales as the standard says, but by the first slice's values for all; "y" scales
    each slice by its own, but Philips images by their private elements.
    """
    output.mkdir()
    command = [dcm2niix.bin, "-b", "n", "-z", "n", "-p", precise, "-f", "%s_%j_%e_%t", "-o"]
    subprocess.run([*command, str(output), str(folder)], capture_output=True, check=False)
    found: list[Second] = []
    for path in sorted(output.glob("*.nii")):
        image = nibabel.load(path)
        array = np.asarray(image.dataobj, dtype=np.float32)
        array = array.reshape(*array.shape[:3], -1)
        affine = RAS_TO_LPS @ image.affine
        found.extend((array[..., n], affine) for n in range(array.shape[3]))
    return found


def agree(volume: Volume, second: Second) -> bool:
    """Whether both have the same values in the same places of the patient."""
    values, affine = second
    ours = volume.array_kji.transpose(2, 1, 0)
    mapping = np.linalg.inv(affine) @ volume.geometry.affine_lps_mm
    whole = np.round(mapping)
    far = np.abs(mapping - whole) @ (*ours.shape, 1)
    index = np.indices(ours.shape).reshape(3, -1)
    there = (whole[:3, :3] @ index + whole[:3, 3:]).astype(int)
    inside = (there >= 0).all() and (there < np.array(values.shape)[:, None]).all()
    if not inside or values.size != ours.size or far.max() > PLACE_TOLERANCE:
        return False
    difference = np.abs(values[tuple(there)] - ours.ravel()).max()
    return bool(difference <= VALUE_TOLERANCE * max(1.0, float(np.abs(ours).max())))


def test_dcm2niix_agrees_on_every_volume(
    shared_data: Path, tmp_path: Path, decoder: DecoderProcess
) -> None:
    compared, alone = 0, []
    for number, folder in enumerate(folders(shared_data)):
        source = unpacked(folder, tmp_path / f"in{number}")
        left, why_not = volumes(source, decoder)
        assert left or why_not
        compared += len(left)
        for precise in ("n", "y"):
            if not left:
                break
            theirs = second_opinion(source, tmp_path / f"out{number}{precise}", precise)
            left = [one for one in left if not any(agree(one, second) for second in theirs)]
        alone.extend(f"{folder.name}: {one.source} {one.array_kji.shape}" for one in left)
    assert compared >= 28
    assert alone == []

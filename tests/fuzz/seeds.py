"""What the fuzzer damages: small sound studies, one of each kind that a user may open."""

import gzip
import zipfile
from pathlib import Path

import nibabel
import numpy as np

from tests.compressed_files import SYNTAXES, write_in_syntax
from tests.mr_files import pattern, write_enhanced, write_series

_SHAPE = (4, 12, 10)


def write_seeds(folder: Path) -> list[Path]:
    """Write one folder for each kind of study and return them, always in the same order."""
    seeds = []
    for name in SYNTAXES:
        seeds.append(folder / name.replace(" ", "-"))
        write_in_syntax(seeds[-1], name)
    for name, write in (
        ("bare", _bare),
        ("enhanced", _enhanced),
        ("repeats", _repeats),
        ("nifti", _nifti),
        ("nifti-gz", _nifti_gz),
        ("zip", _zip),
    ):
        seeds.append(folder / name)
        seeds[-1].mkdir()
        write(seeds[-1])
    return seeds


def _bare(folder: Path) -> None:
    """No preamble, no file meta information, no suffix."""
    for path in write_series(folder, pattern(_SHAPE), names="{number}"):
        content = path.read_bytes()[132:]
        path.write_bytes(content)


def _enhanced(folder: Path) -> None:
    write_enhanced(folder / "frames.dcm", pattern(_SHAPE), repeats=2)


def _repeats(folder: Path) -> None:
    write_series(folder, pattern(_SHAPE, 1), EchoTime=10)
    write_series(folder / "second", pattern(_SHAPE, 2), AcquisitionNumber=2)


def _image() -> nibabel.Nifti1Image:
    affine = np.array([[2.0, 0, 0, -9], [0, 1.5, 0, 4], [0, 0, 3.0, 7], [0, 0, 0, 1]])
    return nibabel.Nifti1Image(pattern(_SHAPE).T, affine)


def _nifti(folder: Path) -> None:
    nibabel.save(_image(), folder / "t1.nii")


def _nifti_gz(folder: Path) -> None:
    (folder / "flair.nii.gz").write_bytes(gzip.compress(_image().to_bytes(), mtime=0))


def _zip(folder: Path) -> None:
    inside = folder.with_name("zipped")
    paths = write_series(inside, pattern((2, 6, 5)))
    with zipfile.ZipFile(folder / "study.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            archive.writestr(zipfile.ZipInfo(path.name), path.read_bytes())

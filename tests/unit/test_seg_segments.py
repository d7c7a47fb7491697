"""The grid that the frames of a DICOM SEG lie on, whatever its header tells of their distance."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import SegmentationStorage, generate_uid

from desktop_app.errors import InputError
from desktop_app.io.dicom.seg_segments import read_segments
from tests.mr_files import AXIAL, save


def item(**values: object) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def write_seg(
    file: Path, heights_mm: tuple[float, ...], told_mm: float, listed: tuple[int, ...] = (1,)
) -> Path:
    """Segment 1 takes all of 2 × 3 voxels in every plane."""
    measures = item(PixelSpacing=[1.0, 1.0], SliceThickness=told_mm)
    reference = item(ReferencedSegmentNumber=1)
    seg = item(
        SOPClassUID=SegmentationStorage,
        SOPInstanceUID=generate_uid(prefix=None),
        Modality="SEG",
        SegmentationType="FRACTIONAL",
        MaximumFractionalValue=1,
        Rows=2,
        Columns=3,
        BitsAllocated=8,
        PixelData=bytes([1] * 6 * len(heights_mm)),
        SegmentSequence=[item(SegmentNumber=number, SegmentLabel="lesion") for number in listed],
        SharedFunctionalGroupsSequence=[
            item(
                PixelMeasuresSequence=[measures],
                PlaneOrientationSequence=[item(ImageOrientationPatient=list(AXIAL))],
                SegmentIdentificationSequence=[reference],
            )
        ],
        PerFrameFunctionalGroupsSequence=[
            item(PlanePositionSequence=[item(ImagePositionPatient=[0.0, 0.0, height])])
            for height in heights_mm
        ],
    )
    save(seg, file)
    return file


@pytest.mark.parametrize("told_mm", [1.0, 3.0, 5.0, 6.0])
def test_slices_are_as_thick_as_they_are_apart(tmp_path: Path, told_mm: float) -> None:
    whole = tuple(6.0 * n for n in range(-4, 8))
    for heights_mm in (whole, whole[:4] + whole[6:]):
        found = read_segments(write_seg(tmp_path / "seg.dcm", heights_mm, told_mm))
        assert found.geometry.spacing_mm[0] == pytest.approx(6)
        assert found.geometry.shape_kji[0] == 12
        assert found.segments[0].mask_kji.sum() == 6 * len(heights_mm)


def test_lesions_of_one_slice_each_stay_as_thin_as_told(tmp_path: Path) -> None:
    for heights_mm in ((0.0, 40.0), (0.0, 18.0, 54.0)):
        found = read_segments(write_seg(tmp_path / "seg.dcm", heights_mm, 2.0))
        assert found.geometry.spacing_mm[0] == pytest.approx(2)
        assert np.flatnonzero(found.segments[0].mask_kji.any(axis=(1, 2))).tolist() == [
            round(height / 2) for height in heights_mm
        ]


def test_what_positions_round_off_does_not_add_up(tmp_path: Path) -> None:
    heights_mm = tuple(round(1.2345 * n, 2) for n in range(100))
    found = read_segments(write_seg(tmp_path / "seg.dcm", heights_mm, 0.0))
    assert found.geometry.shape_kji[0] == 100


@pytest.mark.parametrize("listed", [(1, 1), (2,)])
def test_numbers_that_do_not_tell_segments_apart_are_refused(
    tmp_path: Path, listed: tuple[int, ...]
) -> None:
    with pytest.raises(InputError, match="damaged"):
        read_segments(write_seg(tmp_path / "seg.dcm", (0.0, 1.0), 1.0, listed))

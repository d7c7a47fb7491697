"""Phase, real and imaginary images, as each vendor marks them, never stand for the magnitude."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

from desktop_app.domain.study import Series, Study
from desktop_app.io.scan import scan
from tests.mr_files import pattern, write_enhanced, write_series
from tests.mr_series import MPRAGE, SE_T1, role_of, series

COUNT = 12
SHAPE = (COUNT, 6, 5)
GRID: dict[str, Any] = {"spacing_mm": (8.0, 12.0, 12.0)}
NAMES = {"M": "MAGNITUDE", "P": "PHASE", "R": "REAL", "I": "IMAGINARY"}
GE_CODES = {"M": 0, "P": 1, "R": 2, "I": 3}

Writer = Callable[[Path, str, str, int], None]
"""Writes a T1 of one component into a folder, of a series and with its number."""


def write_philips(folder: Path, component: str, uid: str, number: int) -> None:
    image_type = ["ORIGINAL", "PRIMARY", f"{component}_SE", component, "SE"]
    uids = {"SeriesInstanceUID": uid, "SeriesNumber": number}
    write_series(folder, pattern(SHAPE), "T1", **GRID, **uids, ImageType=image_type)


def write_siemens(folder: Path, component: str, uid: str, number: int) -> None:
    image_type = ["ORIGINAL", "PRIMARY", component, "ND"]
    uids = {"SeriesInstanceUID": uid, "SeriesNumber": number}
    write_series(folder, pattern(SHAPE), "T1", **GRID, **uids, ImageType=image_type)


def write_ge(
    folder: Path,
    component: str,
    uid: str,
    number: int,
    *,
    creator: str = "GEMS_PARM_01",
    syntax: str = ExplicitVRLittleEndian,
    filling: int = 0,
) -> None:
    def edit(n: int, dataset: Dataset) -> None:
        dataset.SOPInstanceUID = generate_uid()
        dataset.InstanceNumber = 4 * n + 1 + "MPRI".index(component)
        dataset.private_block(0x0009, "GEMS_IDEN_01", create=True).add_new(0x02, "SH", "X")
        dataset.private_block(0x0029, "OTHER", create=True).add_new(0x10, "OB", b"x" * filling)
        block = dataset.private_block(0x0043, creator, create=True)
        block.add_new(0x2F, "SS", GE_CODES[component])

    header = {"ImageType": ["ORIGINAL", "PRIMARY", "OTHER"], "Manufacturer": "GE MEDICAL SYSTEMS"}
    header |= {"SeriesInstanceUID": uid, "SeriesNumber": str(number)}
    write_series(folder, pattern(SHAPE), "T1", **GRID, **header, edit=edit, syntax=syntax)


def write_multiframe(folder: Path, component: str, uid: str, number: int) -> None:
    """Write what only an element of the standard tells apart: frame types are all alike."""
    kind = {
        "FrameType": ["ORIGINAL", "PRIMARY", "T1", "NONE"],
        "ComplexImageComponent": NAMES[component],
        "AcquisitionContrast": "T1",
    }

    def edit(_n: int, frame: Dataset) -> None:
        frame.MRImageFrameTypeSequence = [item(**kind)]

    path = write_enhanced(folder / f"{uid}.dcm", pattern(SHAPE), edit=edit)
    dataset = dcmread(path)
    dataset.SeriesInstanceUID, dataset.SeriesNumber = uid, number
    dataset.ImageType, dataset.ComplexImageComponent = kind["FrameType"], "MIXED"
    dataset.EchoPulseSequence = "SPIN"
    dataset.save_as(path)


def item(**values: Any) -> Dataset:
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


VENDORS = pytest.mark.parametrize(
    "write", [write_philips, write_siemens, write_ge, write_multiframe]
)


def opened(folder: Path) -> Study:
    (study,) = scan(folder, use_cache=False).studies
    return study


def proposed(study: Study) -> dict[str, Series]:
    return {
        role.value: study.series_by_uid(proposal.series_uid)
        for role, proposal in study.roles.items()
    }


@VENDORS
@pytest.mark.parametrize("order", ["MRI", "IMR", "RIM"])
def test_magnitude_is_proposed_whatever_the_order_of_files_and_series(
    tmp_path: Path, write: Writer, order: str
) -> None:
    for number, component in enumerate(order, start=1):
        write(tmp_path / f"folder{number}", component, f"1.2.3.{number}", number)
    study = opened(tmp_path)
    assert {role: one.number for role, one in proposed(study).items()} == {
        "T1": order.index("M") + 1
    }
    reasons = " ".join(reason for _, reason in study.skipped)
    assert "an imaginary image" in reasons
    assert "a real image" in reasons


@pytest.mark.parametrize("write", [write_philips, write_siemens, write_ge])
def test_components_of_one_series_are_taken_apart(tmp_path: Path, write: Writer) -> None:
    for number, component in enumerate("IPRM", start=1):
        write(tmp_path / f"folder{number}", component, "1.2.3", 5)
    study = opened(tmp_path)
    found = proposed(study)["T1"]
    assert {image.path.parent.name for image in found.instances} == {"folder4"}
    assert study.roles["T1"].confidence > 0.7
    assert len(study.series) == 4


@VENDORS
@pytest.mark.parametrize("component", ["P", "I", "R"])
def test_no_other_component_stands_in_for_a_missing_magnitude(
    tmp_path: Path, write: Writer, component: str
) -> None:
    write(tmp_path / "alone", component, "1.2.3", 1)
    assert opened(tmp_path).roles == {}


def test_frames_of_one_file_are_taken_apart_by_component(tmp_path: Path) -> None:
    def edit(n: int, frame: Dataset) -> None:
        component = "PHASE" if n < COUNT else "MAGNITUDE"
        frame.MRImageFrameTypeSequence = [item(ComplexImageComponent=component)]
        place = [-20.0, -30.0, 8.0 * (n % COUNT)]
        frame.PlanePositionSequence = [item(ImagePositionPatient=place)]

    write_enhanced(tmp_path / "both.dcm", pattern((2 * COUNT, 6, 5)), edit=edit)
    found = proposed(opened(tmp_path))["T1"]
    assert {image.frame for image in found.instances} == set(range(COUNT + 1, 2 * COUNT + 1))


@pytest.mark.parametrize(
    "how",
    [
        {"syntax": ImplicitVRLittleEndian},
        # Longer than what is read of a file at first.
        {"filling": 1 << 17},
    ],
)
def test_private_element_is_found_however_the_file_is_written(
    tmp_path: Path, how: dict[str, Any]
) -> None:
    write_ge(tmp_path / "phase", "P", "1.2.3", 1, **how)
    assert opened(tmp_path).roles == {}


def test_private_element_of_another_maker_says_nothing(tmp_path: Path) -> None:
    write_ge(tmp_path / "other", "P", "1.2.3", 1, creator="SOMEBODY ELSE")
    assert set(opened(tmp_path).roles) == {"T1"}


def test_real_image_after_inversion_serves_where_there_is_no_magnitude() -> None:
    real = series("real", "t1 ir", number=9, **MPRAGE, ComplexImageComponent="REAL")
    magnitude = series("magnitude", "t1 ir", number=8, **MPRAGE)
    assert role_of(real) == {"T1": "real"}
    assert role_of(real, magnitude) == {"T1": "magnitude"}
    assert role_of(series("real", "t1", **SE_T1, ComplexImageComponent="REAL")) == {}

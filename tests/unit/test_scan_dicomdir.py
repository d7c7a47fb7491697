"""DICOMDIRs: followed where they can be, never out of their folder."""

import gc
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.fileset import FileSet
from pydicom.uid import MediaStorageDirectoryStorage, generate_uid

from desktop_app.io.dicom.dicomdir import UnusableIndex, read_dicomdir
from desktop_app.io.dicom.elements import lenient_pydicom
from desktop_app.io.scan import ScanResult, scan
from tests.mr_files import pattern, save, write_series

SHAPE = (12, 6, 5)


def reasons(result: ScanResult, root: Path) -> dict[str, str]:
    return {Path(what).relative_to(root).as_posix(): reason for what, reason in result.skipped}


def write_medium(folder: Path) -> Path:
    """Write a CD as a hospital hands it out and return its DICOMDIR."""
    source = write_series(
        folder.parent / "source", pattern(SHAPE), SeriesNumber=3, StudyTime="101500", StudyID="1"
    )
    with warnings.catch_warnings():
        # A file set of pydicom leaves its folder for staged files to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        medium = FileSet()
        for path in source:
            medium.add(path)
        medium.write(folder)
        del medium
        gc.collect()
    return folder / "DICOMDIR"


def test_dicomdir_opens_what_it_lists_and_nothing_else(tmp_path: Path) -> None:
    index = write_medium(tmp_path / "cd")
    write_series(tmp_path / "cd" / "EXTRA", pattern(SHAPE, 9), "T2")
    result = scan(index)
    assert [series.number for series in result.studies[0].series] == [3]
    assert len(result.studies[0].series[0].instances) == SHAPE[0]
    assert result.skipped == ()
    assert len(scan(tmp_path / "cd").studies[0].series) == 2


def test_dicomdir_copied_with_other_letters_is_followed(tmp_path: Path) -> None:
    index = write_medium(tmp_path / "cd")
    for path in sorted((tmp_path / "cd").rglob("*"), reverse=True):
        if path != index:
            path.rename(path.with_name(path.name.lower() + (".;1" if path.is_file() else "")))
    (study,) = scan(index).studies
    assert len(study.series[0].instances) == SHAPE[0]


def test_files_missing_from_a_medium_are_listed(tmp_path: Path) -> None:
    index = write_medium(tmp_path / "cd")
    files = sorted(path for path in (tmp_path / "cd").rglob("*") if path.is_file())
    gone = [path for path in files if path != index][5]
    gone.unlink()
    result = scan(index)
    assert result.skipped == ((str(gone), "listed in the DICOMDIR, but not there"),)


def test_dicomdir_cannot_lead_out_of_its_folder(tmp_path: Path) -> None:
    write_series(tmp_path / "secret", pattern(SHAPE), names="IM{number}")
    index = write_medium(tmp_path / "cd")
    with lenient_pydicom():
        item = Dataset()
        item.ReferencedFileID = ["..", "SECRET", "IM1"]
        dataset = dcmread(index)
        dataset.DirectoryRecordSequence.append(item)
        dataset.save_as(index)
    result = scan(index)
    assert len(result.studies[0].series[0].instances) == SHAPE[0]
    assert [reason for _, reason in result.skipped] == [
        "listed in the DICOMDIR, but outside of its folder"
    ]


@pytest.mark.parametrize("damage", ["empty", "cut", "lists nothing", "stale"])
def test_dicomdir_that_cannot_be_followed_opens_its_folder(tmp_path: Path, damage: str) -> None:
    index = write_medium(tmp_path / "cd")
    if damage == "empty":
        index.write_bytes(b"")
    elif damage == "cut":
        index.write_bytes(index.read_bytes()[:700])
    elif damage == "lists nothing":
        empty = Dataset()
        empty.SOPClassUID, empty.SOPInstanceUID = MediaStorageDirectoryStorage, generate_uid()
        save(empty, index)
    else:
        for path in [one for one in (tmp_path / "cd").iterdir() if one.is_dir()]:
            path.rename(tmp_path / "cd" / "moved")
    result = scan(index)
    assert len(result.studies[0].series[0].instances) == SHAPE[0]
    told = dict(result.skipped)[str(index)]
    assert told.startswith("not followed, the files beside it were read instead: ")


def test_dicomdir_under_another_name_is_recognised(tmp_path: Path) -> None:
    index = write_medium(tmp_path / "cd")
    other = index.rename(index.with_name("index.dcm"))
    assert len(scan(other).studies[0].series[0].instances) == SHAPE[0]


@pytest.fixture(scope="module")
def medium(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    index = write_medium(tmp_path_factory.mktemp("medium") / "cd")
    return index, index.read_bytes()


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=30),
    st.floats(0, 1),
)
def test_any_damage_to_a_dicomdir_is_told_or_followed_inside_its_folder(
    medium: tuple[Path, bytes], changes: list[tuple[float, int]], kept: float
) -> None:
    index, sound = medium
    data = bytearray(sound)
    for place, value in changes:
        data[int(place * len(data))] = value
    index.write_bytes(data[: int(kept * len(data))] if kept < 0.5 else data)
    try:
        listing = read_dicomdir(index)
    except UnusableIndex:
        return
    assert 0 < len(listing.files) <= SHAPE[0]
    assert all(path.is_relative_to(index.parent) for path in listing.files)

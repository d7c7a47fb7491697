"""Archives: opened like folders, refused with a reason, never trusted."""

import errno
import gzip
import itertools
import os
import shutil
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.volume import Volume
from desktop_app.errors import Cancelled, InputError
from desktop_app.io import archive
from desktop_app.io.archive import Unpacker
from desktop_app.io.file_head import Stamp
from desktop_app.io.folder_walk import FoundFile
from desktop_app.io.load import load_series
from desktop_app.io.nifti.files import write_nifti
from desktop_app.io.scan import ScanResult, scan
from desktop_app.io.unpacked import lasting_name, own_folder
from tests.bad_archives import DICOM_BEGINNING, PATIENT, pack, write_bad_archives
from tests.mr_files import pattern, write_series

SHAPE = (12, 6, 5)


def series_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in write_series(folder, pattern(SHAPE))}


def reasons(result: ScanResult, root: Path) -> dict[str, str]:
    return {Path(what).relative_to(root).as_posix(): reason for what, reason in result.skipped}


def test_zip_inside_a_folder_is_opened(tmp_path: Path) -> None:
    files = series_files(tmp_path / "loose")
    packed = {f"deep/er/{name}": data for name, data in files.items()}
    for path in (tmp_path / "loose").iterdir():
        path.unlink()
    extra = {"deep/notes.txt": b"x", "inner.zip": b"PK\x03\x04", "odd": b"odd", "none": b""}
    pack(tmp_path / "study.zip", {**packed, **extra})
    result = scan(tmp_path)
    np.testing.assert_array_equal(
        load_series(result.studies[0].series[0]).array_kji, pattern(SHAPE)
    )
    assert reasons(result, tmp_path) == {
        "study.zip/deep/notes.txt": "not an image",
        "study.zip/inner.zip": "an archive inside an archive; unpack it first",
        "study.zip/none": "an empty file",
        "study.zip/odd": "not a DICOM file",
    }


def test_unsafe_or_broken_archives_in_a_folder_are_listed(tmp_path: Path) -> None:
    write_series(tmp_path / "loose", pattern(SHAPE))
    pack(tmp_path / "bad.zip", {"../outside.dcm": b"x"})
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and then nothing")
    found = reasons(scan(tmp_path), tmp_path)
    assert "outside of it" in found["bad.zip"]
    assert "broken.zip" in found
    assert not (tmp_path.parent / "outside.dcm").exists()


def test_damaged_member_costs_only_itself(tmp_path: Path) -> None:
    files = series_files(tmp_path / "loose")
    target = pack(tmp_path / "study.zip", files)
    with zipfile.ZipFile(target) as opened:
        place = opened.infolist()[4]
    data = bytearray(target.read_bytes())
    middle = place.header_offset + place.compress_size // 2
    data[middle : middle + 20] = bytes(20)
    target.write_bytes(data)
    result = scan(target)
    assert reasons(result, target) == {place.filename: "damaged in the archive"}
    assert any("1 slice missing" in one for one in result.studies[0].series[0].problems)


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_that_cannot_be_unpacked_in_pieces_are_left_out(tmp_path: Path, kind: int) -> None:
    files = series_files(tmp_path / "loose")
    (first, data), *others = files.items()
    target = pack(tmp_path / "study.zip", dict(others))
    alone = tmp_path / "alone.zip"
    for path, mode in ((target, "a"), (alone, "w")):
        with zipfile.ZipFile(path, mode, kind) as opened:  # type: ignore[arg-type]
            opened.writestr(first, data)
    why = "packed or encrypted in a way that cannot be read"
    assert reasons(scan(target), target) == {first: f"{why} in the archive"}
    with pytest.raises(InputError, match=why) as told:
        scan(alone)
    assert "Deflate" in told.value.remedy


def test_two_members_of_one_name_are_both_kept(tmp_path: Path) -> None:
    files = list(series_files(tmp_path / "loose").values())
    target = tmp_path / "study.zip"
    with zipfile.ZipFile(target, "w") as opened, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Duplicate name", UserWarning)
        for data in files:
            opened.writestr("IM", data)
    (study,) = scan(target).studies
    assert len(study.series[0].instances) == SHAPE[0]


def test_nothing_is_left_of_an_archive_that_is_given_up(tmp_path: Path, user_data: Path) -> None:
    target = pack(tmp_path / "study.zip", series_files(tmp_path / "loose"))
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        scan(target, check=check)
    assert not list((user_data / "unpacked").rglob("*.dcm"))


def test_disk_without_room_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = pack(tmp_path / "study.zip", series_files(tmp_path / "loose"))
    monkeypatch.setattr(archive, "SPARED_BYTES", 1 << 60)
    with pytest.raises(InputError, match="fits here"):
        scan(target)


def test_packed_files_have_the_same_name_in_every_run(
    tmp_path: Path, user_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = pack(tmp_path / "study.zip", series_files(tmp_path / "loose"))
    found: list[Path] = []
    for process in (os.getpid(), os.getppid()):
        monkeypatch.setattr(os, "getpid", lambda number=process: number)
        found.append(scan(target, use_cache=False).studies[0].series[0].instances[0].path)
    first, second = found
    assert first != second
    assert lasting_name(first) == lasting_name(second)
    assert first.stat().st_mtime_ns == second.stat().st_mtime_ns == target.stat().st_mtime_ns
    assert lasting_name(target) == str(target.resolve())


def test_leftovers_of_a_run_that_crashed_here_are_removed(tmp_path: Path, user_data: Path) -> None:
    host = own_folder().name.partition("-")[2]
    shutil.rmtree(own_folder())
    leftover = user_data / "unpacked" / f"4194999-{host}"
    elsewhere = user_data / "unpacked" / f"4194999-not-{host}"
    for folder in (leftover, elsewhere):
        folder.mkdir()
    target = pack(tmp_path / "study.zip", {"a": DICOM_BEGINNING})
    told: list[tuple[Path, str]] = []
    unpacker = Unpacker(lambda path, reason: told.append((path, reason)))
    folder = unpacker.unpack_zip(FoundFile(target, Stamp(target.stat().st_size, 0)))
    assert not leftover.exists()
    assert elsewhere.exists()
    assert (folder / "a").read_bytes() == DICOM_BEGINNING
    assert unpacker.shown(folder / "a") == target / "a"
    assert told == []


def test_files_of_a_crashed_process_of_the_same_number_are_removed(tmp_path: Path) -> None:
    """In a container every run may have number 1."""
    script = """
import sys
from pathlib import Path
from desktop_app.io import unpacked
unpacked.os.getpid = lambda: 1
left = Path(sys.argv[1]) / "unpacked" / f"1-{unpacked._computer()}" / "patient.dcm"
left.parent.mkdir(parents=True)
left.touch()
assert not list(unpacked.own_folder().iterdir())
(unpacked.own_folder() / "other.dcm").touch()
assert list(unpacked.own_folder().iterdir())
"""
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env=os.environ | {"GLIASCOPE_USER_DATA": str(tmp_path)},
        check=True,
    )
    assert list((tmp_path / "unpacked").iterdir()) == []


def files_in(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file() and path.name[0] != "."}


def test_archives_are_unpacked_once_and_forgotten_when_gone(
    tmp_path: Path, user_data: Path
) -> None:
    files = series_files(tmp_path / "loose")
    inbox, other = tmp_path / "inbox", tmp_path / "other"
    for folder in (inbox, other):
        pack(folder / "study.zip", {**files, "notes.txt": b"x"})
    single = inbox / "more" / "IM.dcm.gz"
    single.parent.mkdir()
    single.write_bytes(gzip.compress(next(iter(files.values()))))
    scan(other)
    first = scan(inbox)
    unpacked = {path: path.stat().st_ino for path in files_in(user_data / "unpacked")}
    assert len(unpacked) == 2 * SHAPE[0] + 1
    again = scan(inbox)
    assert again.skipped == first.skipped
    assert {path: path.stat().st_ino for path in files_in(user_data / "unpacked")} == unpacked
    (inbox / "study.zip").write_bytes(
        pack(tmp_path / "new.zip", dict(list(files.items())[:5])).read_bytes()
    )
    single.unlink()
    scan(inbox)
    # Of the other folder everything, of the inbox what is in the archive now.
    assert len(files_in(user_data / "unpacked")) == SHAPE[0] + 5


def test_nothing_is_left_of_a_single_file_that_is_refused(tmp_path: Path, user_data: Path) -> None:
    write_series(tmp_path / "series", pattern(SHAPE))
    (tmp_path / "bomb.dcm.gz").write_bytes(gzip.compress(DICOM_BEGINNING + bytes(60_000_000)))
    (tmp_path / "cut.dcm.gz").write_bytes(gzip.compress(DICOM_BEGINNING + bytes(4000))[:-8])
    scan(tmp_path)
    assert files_in(user_data / "unpacked") == set()


@pytest.mark.parametrize(
    "name", ["IM?.dcm", "T1: sag/IM.dcm", "aux.dcm/IM", "dots. /IM", "\x07/IM", f"{'字' * 300}.dcm"]
)
def test_member_whose_name_a_system_refuses_gets_another(tmp_path: Path, name: str) -> None:
    files = list(series_files(tmp_path / "loose").values())
    members = {f"IM{number}": data for number, data in enumerate(files[:-1])}
    target = pack(tmp_path / "study.zip", {**members, name: files[-1]})
    result = scan(target)
    paths = [one.path for one in result.studies[0].series[0].instances]
    assert len(paths) == SHAPE[0]
    assert not [path for path in paths if set(path.name + path.parent.name) & set("?:\x07")]
    assert result.skipped == ()


def test_member_that_cannot_be_written_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = pack(tmp_path / "study.zip", series_files(tmp_path / "loose"))
    refused = sorted(path.name for path in (tmp_path / "loose").iterdir())[3]
    copy = Unpacker._copy

    def copy_or_refuse(self: Unpacker, start: bytes, source: Any, to: Path, *rest: Any) -> None:
        if to.name == refused:
            raise OSError(errno.EINVAL, "Invalid argument", str(to))
        copy(self, start, source, to, *rest)

    monkeypatch.setattr(Unpacker, "_copy", copy_or_refuse)
    result = scan(target)
    assert reasons(result, target) == {refused: "Invalid argument in the archive"}


@pytest.mark.parametrize(("number", "room"), [(errno.ENOSPC, True), (errno.EIO, False)])
def test_room_is_asked_for_only_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, room: bool
) -> None:
    target = pack(tmp_path / "study.zip", series_files(tmp_path / "loose"))

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Unpacker, "_copy", refuse)
    with pytest.raises(InputError, match=os.strerror(number)) as told:
        scan(target)
    assert ("Make room" in told.value.remedy) is room


def test_reasons_name_nobody(tmp_path: Path) -> None:
    write_bad_archives(tmp_path)
    write_series(tmp_path / "series", pattern(SHAPE))
    found = scan(tmp_path).skipped
    assert len(found) == 10
    for _, reason in found:
        assert PATIENT[1:] not in reason
        assert str(tmp_path) not in reason
        assert len(reason) > 3


def test_files_packed_one_by_one_are_opened(tmp_path: Path) -> None:
    values = pattern(SHAPE)
    for path in write_series(tmp_path / "series", values):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    (tmp_path / "table.csv.gz").write_bytes(gzip.compress(b"a,b"))
    (tmp_path / "cut.dcm.gz").write_bytes(gzip.compress(bytes(4000))[:20])
    result = scan(tmp_path)
    np.testing.assert_array_equal(load_series(result.studies[0].series[0]).array_kji, values)
    found = reasons(result, tmp_path)
    assert found["table.csv.gz"] == "packed, and not one DICOM file; unpack it first"
    assert found["cut.dcm.gz"].startswith("packed, and cannot be unpacked")


def test_single_packed_file_that_would_fill_the_disk_is_listed(tmp_path: Path) -> None:
    write_series(tmp_path / "series", pattern(SHAPE))
    bomb = DICOM_BEGINNING + bytes(60_000_000)
    (tmp_path / "bomb.dcm.gz").write_bytes(gzip.compress(bomb))
    assert "unpacks to more than" in reasons(scan(tmp_path), tmp_path)["bomb.dcm.gz"]


def test_zip_of_nifti_files_is_named_after_the_archive(tmp_path: Path) -> None:
    for name in ("t1.nii.gz", "t2.nii.gz"):
        volume = Volume(np.ones((4, 5, 6), np.float32), Geometry((4, 5, 6), np.eye(4)))
        write_nifti(volume, tmp_path / name)
    members = {name: (tmp_path / name).read_bytes() for name in ("t1.nii.gz", "t2.nii.gz")}
    target = pack(tmp_path / "Case 7.zip", {**members, "t2_flair.nii.gz": b"broken"})
    (study,) = scan(target).studies
    assert study.name == "Case_7"
    assert study.root == target
    assert study.study_uid == str(target)
    assert [what for what, _ in study.skipped] == [str(target / "t2_flair.nii.gz")]
    assert os.path.commonpath([study.series[0].series_uid, target]) != str(target)


TIMES = itertools.count()


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    folder = tmp_path_factory.mktemp("packed")
    target = pack(folder / "study.zip", series_files(folder / "loose"))
    return target, target.read_bytes()


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=30),
    st.booleans(),
)
def test_any_damage_to_an_archive_is_told(
    packed: tuple[Path, bytes], changes: list[tuple[float, int]], index_only: bool
) -> None:
    target, sound = packed
    data = bytearray(sound)
    start = sound.index(b"PK\x01\x02") if index_only else 0
    for place, value in changes:
        data[start + int(place * (len(data) - start))] = value
    target.write_bytes(data)
    told: list[str] = []
    unpacker = Unpacker(lambda path, reason: told.append(reason))
    try:
        # Each version of its own time: what was unpacked before is used again otherwise.
        folder = unpacker.unpack_zip(FoundFile(target, Stamp(len(data), next(TIMES))))
    except InputError as refused:
        told.append(refused.detail)
    else:
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert told or len(files) == SHAPE[0]
        shutil.rmtree(folder)

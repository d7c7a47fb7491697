"""What a scan meets beside images: told with its reason, never waited for, never read whole."""

import errno
import io
import os
import socket
import zlib
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian, generate_uid

from desktop_app.errors import InputError
from desktop_app.io import file_head, folder_walk
from desktop_app.io.dicom import header_pool
from desktop_app.io.dicom import headers as dicom_headers
from desktop_app.io.dicom.header_pool import read_headers
from desktop_app.io.dicom.headers import FileHeader, NotDicom, read_header
from desktop_app.io.file_head import HEAD_BYTES, begins_like_dicom, read_head
from desktop_app.io.scan import scan
from tests.mr_files import pattern, write_enhanced, write_series

SHAPE = (12, 6, 5)
POSIX = pytest.mark.skipif(os.name != "posix", reason="Windows has no such files in folders")


def reason_for(folder: Path, name: str) -> str:
    """Scan a folder with a sound series and return why the named thing was left out."""
    write_series(folder / "series", pattern(SHAPE))
    result = scan(folder)
    assert len(result.studies[0].series[0].instances) == SHAPE[0]
    return dict(result.skipped)[str(folder / name)]


@POSIX
def test_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert reason_for(tmp_path, "pipe") == "a pipe, a socket or a device, not a file"
    with pytest.raises(InputError, match="neither a file nor a folder"):
        scan(tmp_path / "pipe")


@POSIX
def test_pipe_that_took_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotDicom, match="neither a file nor a folder"):
        read_header(tmp_path / "pipe")


@POSIX
def test_socket_and_device_are_told(tmp_path: Path) -> None:
    (tmp_path / "zeros").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(tmp_path)  # the name of a socket may not be longer than 107 bytes
        try:
            listener.bind("socket")
        finally:
            os.chdir(here)
        assert "device" in reason_for(tmp_path, "zeros")
        assert "socket" in reason_for(tmp_path, "socket")


@POSIX
def test_links_in_circles_and_to_nothing_are_told(tmp_path: Path) -> None:
    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    (tmp_path / "nothing").symlink_to(tmp_path / "nowhere")
    (tmp_path / "up").symlink_to(tmp_path, target_is_directory=True)
    assert "cannot be looked at" in reason_for(tmp_path, "itself")
    assert reason_for(tmp_path, "nothing") == "a link to nothing"
    assert reason_for(tmp_path, "up") == "a link to a folder that is looked at anyway"


def test_empty_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert reason_for(tmp_path, "empty") == "an empty file"


def test_folder_too_deep_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_walk, "MAX_DEPTH", 2)
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    assert reason_for(tmp_path, "a/b") == "more than 2 folders deep; not looked into"


def test_more_files_than_are_looked_at_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_walk, "MAX_FILES", SHAPE[0])
    write_series(tmp_path / "series", pattern(SHAPE))
    write_series(tmp_path / "series2", pattern(SHAPE), "T2")
    result = scan(tmp_path)
    assert len(result.studies[0].series) == 1
    assert result.skipped == ((str(tmp_path), "more than 12 files; the rest was not looked at"),)


def refuse(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let the system refuse to open or list what has this name, as it would for another user."""
    opened, listed = os.open, os.scandir

    def open_(path: Any, *arguments: Any, **options: Any) -> int:
        if Path(os.fspath(path)).name == name:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *arguments, **options)

    def scandir(path: Any = ".") -> Any:
        if Path(os.fspath(path)).name == name:
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(file_head.os, "open", open_)
    monkeypatch.setattr(folder_walk.os, "scandir", scandir)


def test_file_and_folder_that_may_not_be_read_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "theirs").touch()
    refuse(monkeypatch, "theirs")
    assert reason_for(tmp_path, "theirs") == "folder cannot be opened (Permission denied)"
    assert reason_for(tmp_path, "mine/theirs") == "cannot be read (Permission denied)"
    with pytest.raises(InputError, match="cannot be opened"):
        scan(tmp_path / "mine" / "theirs")


def test_file_that_vanishes_meanwhile_is_told(tmp_path: Path) -> None:
    paths = write_series(tmp_path, pattern(SHAPE))
    gone = paths[-1]

    def remove_last(_fraction: float, stage: str) -> None:
        if stage == "Reading headers":
            gone.unlink(missing_ok=True)

    result = scan(tmp_path, progress=remove_last)
    assert result.skipped == ((str(gone), "cannot be read (No such file or directory)"),)
    assert len(result.studies[0].series[0].instances) == SHAPE[0] - 1


@pytest.fixture
def bytes_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of the reads from the files themselves."""
    sizes: list[int] = []

    class Counting(io.FileIO):
        def read(self, size: int = -1, /) -> bytes:  # type: ignore[override]
            data = super().read(size)
            sizes.append(len(data or b""))
            return data or b""

        def readinto(self, buffer: Any, /) -> int:  # type: ignore[override]
            count = super().readinto(buffer) or 0
            sizes.append(count)
            return count

    def fdopen(descriptor: int, mode: str) -> io.BufferedReader:
        assert mode == "rb"
        return io.BufferedReader(Counting(descriptor))

    monkeypatch.setattr(file_head.os, "fdopen", fdopen)
    return sizes


# Preamble, magic word, and a transfer syntax that says that what follows is not packed.
_SYNTAX = b"1.2.840.10008.1.2.1\0"
_META = bytes(128) + b"DICM\x02\x00\x10\x00UI" + len(_SYNTAX).to_bytes(2, "little") + _SYNTAX


@pytest.mark.parametrize(
    "start",
    [b"\x7fELF", b"not an image", bytes(16), bytes(128) + b"DICM", _META],
    ids=["program", "text", "zeros", "preamble alone", "zeros behind the meta information"],
)
def test_huge_file_is_not_read_whole(
    tmp_path: Path, start: bytes, bytes_read: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dicom_headers, "_MOST_READS", 10_000)
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.write(start)
        file.truncate(1 << 40)
    with pytest.raises(NotDicom):
        read_header(path)
    assert sum(bytes_read) < 8 * HEAD_BYTES


def test_element_of_impossible_length_is_not_believed(tmp_path: Path) -> None:
    path = write_series(tmp_path, pattern((1, 6, 5)))[0]
    dataset = dcmread(path)
    # A patient's name of 4 GB, in the file's own notation for long values.
    broken = path.read_bytes().replace(
        b"\x10\x00\x10\x00PN" + len(dataset.PatientName.original_string).to_bytes(2, "little"),
        b"\x10\x00\x10\x00UN\0\0" + (0xFFFFFFF0).to_bytes(4, "little"),
    )
    assert broken != path.read_bytes()
    path.write_bytes(broken)
    with path.open("rb+") as file:
        file.truncate(1 << 40)
    with pytest.raises(NotDicom, match="header does not end"):
        read_header(path)


def test_slice_takes_one_read(tmp_path: Path, bytes_read: list[int]) -> None:
    dataset = dcmread(write_series(tmp_path, pattern((1, 6, 5)))[0])
    block = dataset.private_block(0x0029, "SOMEBODY", create=True)
    block.add_new(0x10, "OB", bytes(300_000))
    dataset.save_as(tmp_path / "private.dcm")
    bytes_read.clear()
    header = read_header(tmp_path / "private.dcm")
    assert header.slices[0].rows == 6
    assert bytes_read == [HEAD_BYTES]


def test_header_longer_than_one_read_is_read_on(tmp_path: Path) -> None:
    dataset = dcmread(write_series(tmp_path, pattern((1, 6, 5)))[0])
    block = dataset.private_block(0x0009, "SOMEBODY", create=True)
    block.add_new(0x10, "OB", bytes(2 * HEAD_BYTES))
    dataset.save_as(tmp_path / "private.dcm")
    assert read_header(tmp_path / "private.dcm").slices[0].rows == 6


def test_frames_behind_the_first_read_are_found(tmp_path: Path) -> None:
    values = np.zeros((400, 4, 4), dtype=np.int16)
    path = write_enhanced(tmp_path / "enhanced.dcm", values)
    assert path.stat().st_size > HEAD_BYTES
    assert len(read_header(path).slices) == 400


def test_deflated_file_is_read_and_a_bomb_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_series(tmp_path, pattern((1, 6, 5)), syntax=DeflatedExplicitVRLittleEndian)[0]
    assert read_header(path).slices[0].rows == 6
    data = path.read_bytes()
    meta_end = 144 + int.from_bytes(data[140:144], "little")
    raw = zlib.decompress(data[meta_end:], -zlib.MAX_WBITS)
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = packer.compress(raw[:-2] + bytes(50_000_000)) + packer.flush()
    path.write_bytes(data[:meta_end] + bomb)
    monkeypatch.setattr(dicom_headers, "_MOST_INFLATED_BYTES", 1 << 20)
    assert read_header(path).slices[0].rows == 6


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (bytes(128) + b"DICM\x02\x00\x00\x00UL\x04\x00", True),
        (bytes(128) + b"DICM", False),
        (bytes(128) + b"DICM" + bytes(8), False),
        (b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100", True),
        (b"\x08\x00\x16\x00\x1a\x00\x00\x001.2.840", True),
        (b"\x00\x08\x00\x05CS\x00\x0aISO_IR 100", True),
        (b"\x02\x00\x00\x00UL\x04\x00\x00\x00\x00\x00", True),
        (b"", False),
        (b"\x08\x00", False),
        (b"\x08\x00\xff\xff\x00\x00\x00\x00", False),
        (b"PK\x03\x04 and so on", False),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", False),
        (bytes(200), False),
    ],
)
def test_what_a_file_may_begin_with(data: bytes, expected: bool) -> None:
    assert begins_like_dicom(data) is expected


def test_head_of_a_short_file_is_the_file(tmp_path: Path) -> None:
    (tmp_path / "short").write_bytes(b"abc")
    head = read_head(tmp_path / "short")
    assert (head.data, head.is_whole) == (b"abc", True)
    assert not read_head(tmp_path / "short", 2).is_whole


def test_processes_find_what_one_finds(tmp_path: Path) -> None:
    paths = []
    for number in range(6):
        uid = generate_uid()
        paths += write_series(tmp_path / str(number), pattern((30, 4, 4)), SeriesInstanceUID=uid)
    paths[7].write_bytes(b"no image")
    here = dict(read_headers(paths, processes=1))
    there = dict(read_headers(paths, processes=2))
    assert set(here) == set(there) == set(paths)
    for path in paths:
        one, other = here[path], there[path]
        if isinstance(one, FileHeader):
            assert isinstance(other, FileHeader)
            assert one.attributes == other.attributes
            assert one.slices[0].sop_instance_uid == other.slices[0].sop_instance_uid
        else:
            assert (str(one), type(one)) == (str(other), type(other))


def test_processes_take_over_where_one_would_be_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = write_series(tmp_path, pattern((40, 4, 4)))
    monkeypatch.setattr(header_pool, "_TRIAL_SECONDS", 0.0)
    monkeypatch.setattr(header_pool, "_WORTH_SECONDS", 0.0)
    monkeypatch.setattr(header_pool, "_processors", lambda: 2)
    handed_over: list[Path] = []

    def elsewhere(rest: list[Path], _processes: int, _check: Any) -> Any:
        handed_over.extend(rest)
        return iter(())

    monkeypatch.setattr(header_pool, "_read_elsewhere", elsewhere)
    here = [path for path, _ in read_headers(paths)]
    assert here == paths[:1]
    assert handed_over == paths[1:]


def test_scan_goes_on_where_the_system_ends_a_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = write_series(tmp_path, pattern((10, 4, 4)))

    def dies(*_: Any) -> Any:
        yield str(paths[0]), ["", "", "", "", ""][:2]
        raise header_pool.BrokenProcessPool

    monkeypatch.setattr(header_pool, "_results", dies)
    assert [path for path, _ in read_headers(paths, processes=2)] == paths


def test_scan_goes_on_where_there_is_no_room_for_what_processes_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container with little or no /dev/shm."""
    paths = write_series(tmp_path, pattern((10, 4, 4)))

    def full(*_: Any, **__: Any) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(header_pool, "ProcessPoolExecutor", full)
    assert [path for path, _ in read_headers(paths, processes=2)] == paths


def test_processes_end_when_the_scan_is_stopped(tmp_path: Path) -> None:
    paths = write_series(tmp_path, pattern((10, 4, 4)))

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        list(read_headers(paths * 100, processes=2, check=stop))

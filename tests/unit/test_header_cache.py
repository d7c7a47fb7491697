"""Headers kept between scans: the same as read, private, and never a reason to fail."""

import multiprocessing
import os
import sqlite3
import stat
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop_app.domain.study import Study
from desktop_app.io.dicom import header_cache, scan_headers
from desktop_app.io.dicom.header_cache import HeaderCache, cache_file, clear_cache
from desktop_app.io.dicom.header_codec import from_plain, to_plain
from desktop_app.io.dicom.header_pool import read_headers
from desktop_app.io.dicom.headers import FileHeader, NotDicom, Unreadable, read_header
from desktop_app.io.file_head import Stamp
from desktop_app.io.scan import scan
from tests.mr_files import pattern, write_enhanced, write_series

SHAPE = (12, 6, 5)
OLD = Stamp(100, time.time_ns() - 3_600_000_000_000)

pytestmark = pytest.mark.usefixtures("user_data")


def age(folder: Path) -> None:
    """Make files look as if nobody had changed them for an hour."""
    for path in folder.rglob("*"):
        os.utime(path, ns=(OLD.mtime_ns, OLD.mtime_ns))


def same(left: Any, right: Any) -> bool:
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        return np.array_equal(left, right) and left.dtype == right.dtype
    if isinstance(left, tuple) and left and hasattr(left[0], "__dataclass_fields__"):
        return len(left) == len(right) and all(map(same_fields, left, right))
    return bool(left == right) and type(left) is type(right)


def same_fields(left: Any, right: Any) -> bool:
    return all(same(getattr(left, f.name), getattr(right, f.name)) for f in fields(left))


def series_of(study: Study) -> list[tuple[Any, ...]]:
    return [
        (
            one.series_uid,
            one.description,
            one.instances,
            one.geometry and (one.geometry.shape_kji, one.geometry.affine_lps_mm.tolist()),
            one.attributes,
            one.problems,
        )
        for one in study.series
    ]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Names of the files that were read and not looked up."""
    done: list[Path] = []

    def spy(paths: list[Path], **options: Any) -> Any:
        done.extend(paths)
        return read_headers(paths, **options)

    monkeypatch.setattr(scan_headers, "read_headers", spy)
    return done


def test_headers_come_back_as_they_were_read(tmp_path: Path) -> None:
    classic = write_series(tmp_path, pattern((3, 6, 5)), ContrastBolusAgent="Gädobutrol")[0]
    for path in (classic, write_enhanced(tmp_path / "enhanced.dcm", pattern((3, 6, 5)))):
        header = read_header(path)
        again = from_plain(to_plain(header), path)
        assert isinstance(again, FileHeader)
        assert same_fields(header, again)


def test_second_scan_reads_no_file_and_finds_the_same(tmp_path: Path, reads: list[Path]) -> None:
    write_series(tmp_path / "a", pattern(SHAPE))
    write_series(tmp_path / "b", pattern(SHAPE), "T2")
    write_enhanced(tmp_path / "c" / "enhanced.dcm", pattern(SHAPE))
    (tmp_path / "a" / "notes").write_bytes(b"not an image")
    age(tmp_path)
    first = scan(tmp_path)
    assert len(reads) == 2 * SHAPE[0] + 2
    reads.clear()
    second = scan(tmp_path)
    assert reads == []
    assert second.skipped == first.skipped
    assert series_of(second.studies[0]) == series_of(first.studies[0])
    assert first.notes == second.notes == ()


def test_only_what_has_changed_is_read_again(tmp_path: Path, reads: list[Path]) -> None:
    paths = write_series(tmp_path, pattern(SHAPE))
    age(tmp_path)
    scan(tmp_path)
    reads.clear()
    os.utime(paths[3], ns=(OLD.mtime_ns + 1, OLD.mtime_ns + 1))
    longer = paths[5]
    longer.write_bytes(longer.read_bytes() + b"\0\0")
    os.utime(longer, ns=(OLD.mtime_ns, OLD.mtime_ns))
    added = tmp_path / "new.dcm"
    added.write_bytes(paths[0].read_bytes())
    os.utime(added, ns=(OLD.mtime_ns, OLD.mtime_ns))
    scan(tmp_path)
    assert set(reads) == {paths[3], longer, added}
    paths[7].unlink()
    assert len(scan(tmp_path).studies[0].series[0].instances) == SHAPE[0] - 1


def test_file_changed_a_moment_ago_is_not_kept(tmp_path: Path, reads: list[Path]) -> None:
    write_series(tmp_path, pattern(SHAPE))
    scan(tmp_path)
    reads.clear()
    scan(tmp_path)
    assert len(reads) == SHAPE[0]


def test_what_the_system_refused_is_asked_again(
    tmp_path: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = write_series(tmp_path, pattern(SHAPE))
    age(tmp_path)

    def refuse_one(read: list[Path], **_options: Any) -> Any:
        for path in read:
            yield path, Unreadable("not now") if path == paths[0] else read_header(path)

    monkeypatch.setattr(scan_headers, "read_headers", refuse_one)
    assert scan(tmp_path).skipped == ((str(paths[0]), "not now"),)
    assert len(scan(tmp_path).studies[0].series[0].instances) == SHAPE[0] - 1


def test_scan_without_cache_leaves_no_trace(tmp_path: Path) -> None:
    write_series(tmp_path, pattern(SHAPE))
    age(tmp_path)
    scan(tmp_path, use_cache=False)
    assert not cache_file().exists()


def test_stopped_scan_keeps_what_it_has_read(tmp_path: Path, reads: list[Path]) -> None:
    write_series(tmp_path, pattern(SHAPE))
    age(tmp_path)
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls > 8:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        scan(tmp_path, check=check)
    reads.clear()
    scan(tmp_path)
    assert 0 < len(reads) < SHAPE[0]


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps the user's folder to the user itself")
def test_only_the_user_may_read_it(tmp_path: Path) -> None:
    cache_file().touch(0o666)
    write_series(tmp_path, pattern(SHAPE))
    age(tmp_path)
    scan(tmp_path)
    assert stat.S_IMODE(cache_file().stat().st_mode) == 0o600
    assert b"TEST-1" not in cache_file().read_bytes()


def test_clearing_it_forgets_everything(tmp_path: Path) -> None:
    write_series(tmp_path, pattern(SHAPE))
    age(tmp_path)
    scan(tmp_path)
    with HeaderCache(cache_file()) as in_use:
        assert in_use.known(str(tmp_path))
        clear_cache(cache_file())
        assert not cache_file().exists()
        assert in_use.known(str(tmp_path)) == {}
    clear_cache(cache_file())
    assert not cache_file().exists()


@pytest.mark.parametrize("damage", ["garbage", "cut", "page", "other table", "row"])
def test_damaged_cache_begins_anew_and_says_so(
    tmp_path: Path, damage: str, reads: list[Path]
) -> None:
    write_series(tmp_path, pattern((40, 6, 5)))
    age(tmp_path)
    scan(tmp_path)
    file = cache_file()
    if damage == "garbage":
        file.write_bytes(b"no database at all" * 100)
    elif damage == "cut":
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    elif damage == "page":
        data = file.read_bytes()
        file.write_bytes(data[:100] + bytes(len(data) - 100))
    else:
        statements = {
            "other table": "ALTER TABLE folders RENAME COLUMN files TO something",
            "row": "UPDATE folders SET files = x'00'",
        }
        connection = sqlite3.connect(file)
        with connection:
            connection.execute(statements[damage])
        connection.close()
    reads.clear()
    result = scan(tmp_path)
    assert len(result.studies[0].series[0].instances) == 40
    assert len(reads) == 40
    assert len(result.notes) == 1
    reads.clear()
    scan(tmp_path)
    assert scan(tmp_path).notes == ()
    assert len(reads) in (0, 40)


def test_folder_in_its_place_costs_only_time(tmp_path: Path) -> None:
    cache_file().mkdir()
    write_series(tmp_path, pattern(SHAPE))
    result = scan(tmp_path)
    assert len(result.studies[0].series) == 1
    assert "read anew" in result.notes[0]
    assert cache_file().is_dir()


def test_headers_of_another_version_are_not_used(
    tmp_path: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_series(tmp_path, pattern(SHAPE))
    age(tmp_path)
    scan(tmp_path)
    reads.clear()
    monkeypatch.setattr("desktop_app.__version__", "99")
    scan(tmp_path)
    assert len(reads) == SHAPE[0]


def test_what_is_locked_by_another_program_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(header_cache, "_LOCK_SECONDS", 0.05)
    write_series(tmp_path, pattern(SHAPE))
    age(tmp_path)
    with HeaderCache(cache_file()):
        pass
    other = sqlite3.connect(cache_file(), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    result = scan(tmp_path)
    other.execute("ROLLBACK")
    other.close()
    assert len(result.studies) == 1
    assert "locked" in result.notes[0]


def test_it_stays_within_its_size_and_age(monkeypatch: pytest.MonkeyPatch) -> None:
    file = cache_file()
    rows = {f"{n}": (OLD, os.urandom(40).hex()) for n in range(40)}
    monkeypatch.setattr(header_cache, "MAX_BYTES", 6_000)
    for number in range(6):
        with HeaderCache(file) as cache:
            cache.keep(f"/folder/{number}", rows)
    with HeaderCache(file) as cache:
        kept = [number for number in range(6) if cache.known(f"/folder/{number}")]
    assert kept == [4, 5]
    monkeypatch.setattr(header_cache.time, "time", lambda: time.time_ns() / 1e9 + 91 * 86_400)
    with HeaderCache(file) as later:
        later.keep("/folder/new", rows)
    with HeaderCache(file) as later:
        assert later.known("/folder/new")
        assert not later.known("/folder/5")


_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=25)
@given(st.text(min_size=1).filter(lambda text: "\0" not in text), st.text(min_size=1), _PLAIN)
def test_any_name_and_value_comes_back(folder: str, name: str, value: Any) -> None:
    folder = folder.encode("utf-8", "replace").decode()
    with HeaderCache(cache_file()) as cache:
        cache.keep(folder, {name: (OLD, value)})
    with HeaderCache(cache_file()) as cache:
        assert cache.known(folder)[name] == (OLD, value)
        assert cache.notes == []


@given(_PLAIN)
def test_anything_else_than_a_header_is_refused_or_a_reason(value: Any) -> None:
    try:
        found = from_plain(value, Path("x"))
    except ValueError:
        return
    assert isinstance(found, NotDicom)


def _write_many(arguments: tuple[str, int]) -> list[str]:
    file, number = arguments
    notes: list[str] = []
    for turn in range(6):
        with HeaderCache(Path(file)) as cache:
            cache.known("/shared")
            cache.keep("/shared", {f"{number}": (OLD, [number])})
            cache.keep(f"/own/{number}/{turn}", {"file": (OLD, [turn])})
        notes += cache.notes
    return notes


def test_several_processes_use_it_at_a_time() -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        notes = pool.map(_write_many, [(str(cache_file()), n) for n in range(3)])
        pool.close()
        pool.join()
    assert notes == [[], [], []]
    with HeaderCache(cache_file()) as cache:
        assert cache.known("/shared")
        assert all(cache.known(f"/own/{n}/{turn}") for n in range(3) for turn in range(6))

"""Files appear whole or not at all."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from desktop_app.errors import OutputError
from desktop_app.io import atomic
from desktop_app.io.atomic import atomic_folder, atomic_path


def write_half(path: Path, error: BaseException) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text("half")
        raise error


def no_room(path: Path) -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def test_file_appears_with_its_content_and_nothing_beside(tmp_path: Path) -> None:
    target = tmp_path / "ä 文" / "labels.nii.gz"
    with atomic_path(target) as temporary:
        assert temporary.name.endswith(".nii.gz")
        assert temporary.parent == target.parent
        temporary.write_bytes(b"whole")
        assert not target.exists()
    assert target.read_bytes() == b"whole"
    assert list(target.parent.iterdir()) == [target]


def test_failure_keeps_the_old_file_and_removes_the_new(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    target.write_text("old")
    with pytest.raises(RuntimeError, match="broken"):
        write_half(target, RuntimeError("broken"))
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_no_room_is_told_in_three_lines(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "a.json"
    with pytest.raises(OutputError) as caught:
        write_half(target, no_room(target))
    assert len(str(caught.value).splitlines()) == 3
    assert "room" in caught.value.title
    assert str(target) in caught.value.detail
    assert list(tmp_path.iterdir()) == []


def test_folder_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError), atomic_path(tmp_path / "file" / "a.json"):
        pytest.fail("the block must not run")


def test_failure_to_read_something_else_is_not_called_an_output_error(tmp_path: Path) -> None:
    target = tmp_path / "out" / "a.json"
    elsewhere = tmp_path.parent / "unreadable.dcm"
    with pytest.raises(PermissionError), atomic_path(target):
        raise PermissionError(errno.EACCES, "denied", str(elsewhere))


def test_set_of_files_appears_together(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "kept.txt").write_text("kept")
    (folder / "a.txt").write_text("old")
    with atomic_folder(folder) as staging:
        (staging / "a.txt").write_text("new")
        (staging / "b.txt").write_text("new")
        assert (folder / "a.txt").read_text() == "old"
    assert {p.name: p.read_text() for p in folder.iterdir()} == {
        "kept.txt": "kept",
        "a.txt": "new",
        "b.txt": "new",
    }


def test_set_of_files_stays_away_when_one_fails(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "case"

    def write_one_of_two() -> None:
        with atomic_folder(folder) as staging:
            (staging / "a.txt").write_text("new")
            raise no_room(staging / "b.txt")

    with pytest.raises(OutputError):
        write_one_of_two()
    assert list(tmp_path.iterdir()) == []


def test_message_names_the_path_that_was_asked_for(tmp_path: Path) -> None:
    def write_in_a_set() -> None:
        with atomic_folder(tmp_path / "case") as staging:
            write_half(staging / "a.json", no_room(staging / "a.json"))

    with pytest.raises(OutputError) as caught:
        write_in_a_set()
    assert caught.value.detail == f"Writing {tmp_path / 'case' / 'a.json'}"


def test_files_of_an_earlier_set_go_when_the_new_one_comes(tmp_path: Path) -> None:
    for name in ("old.txt", "both.txt", "mine.txt"):
        (tmp_path / name).write_text("old")
    with atomic_folder(tmp_path, obsolete=("old.txt", "both.txt", "never.txt")) as staging:
        (staging / "both.txt").write_text("new")
        assert (tmp_path / "old.txt").exists()
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {
        "both.txt": "new",
        "mine.txt": "old",
    }


def test_files_of_an_earlier_set_can_be_kept(tmp_path: Path) -> None:
    for name in ("old.txt", "both.txt", "mine.txt"):
        (tmp_path / name).write_text("old")
    with atomic_folder(tmp_path, obsolete=("old.txt",), keep_as="before") as staging:
        (staging / "both.txt").write_text("new")
    there = {str(p.relative_to(tmp_path)): p.read_text() for p in tmp_path.rglob("*.txt")}
    kept = {"old.txt": "old", "both.txt": "old"}
    assert there == {
        "both.txt": "new",
        "mine.txt": "old",
        **{str(Path("before", name)): text for name, text in kept.items()},
    }


# Ends itself at its n-th change of the disk, as a power cut would.
KILLED = """
import os, sys
from pathlib import Path
from desktop_app.io import atomic

folder, keep_as, left = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
if sys.argv[4] == "no links":
    def refuse(*_):
        raise OSError(95, "not supported")
    os.link = refuse

def count(event, _):
    global left
    if event in ("os.rename", "os.link", "os.remove", "os.rmdir", "os.mkdir", "shutil.copyfile"):
        left -= 1
        if left < 0:
            os._exit(9)

sys.addaudithook(count)
with atomic.atomic_folder(folder, obsolete=("labels.dcm",), keep_as=keep_as) as staging:
    for name in ("labels.nii.gz", "about.json"):
        (staging / name).write_text("new " + name)
"""


@pytest.mark.parametrize("disk", ["links", "no links"])
@pytest.mark.parametrize("keep_as", ["", "before"])
def test_killed_at_any_moment_nothing_is_lost(tmp_path: Path, keep_as: str, disk: str) -> None:
    names = ("about.json", "labels.dcm", "labels.nii.gz")
    codes = []
    for moment in range(30):
        folder = tmp_path / str(moment)
        folder.mkdir()
        for name in names:
            (folder / name).write_text(f"old {name}")
        command = [sys.executable, "-c", KILLED, str(folder), keep_as, str(moment), disk]
        codes.append(subprocess.run(command, check=False).returncode)
        assert codes[-1] in (0, 9)
        there = {path.name: path.read_text() for path in folder.glob("*.*") if path.is_file()}
        aside = {path.name: path.read_text() for path in (folder / "before").glob("*")}
        for name in ("about.json", "labels.nii.gz"):
            assert there[name] in (f"old {name}", f"new {name}")
        if keep_as:
            assert all(f"old {name}" in (there.get(name), aside.get(name)) for name in names)
        if codes[-1] == 0:
            break
    assert codes[-1] == 0
    assert len(codes) > 6


def test_what_a_killed_process_left_goes_after_a_day(tmp_path: Path) -> None:
    two_days_ago = time.time() - 2 * 24 * 3600
    for name, when in ((".00aa11bb.part", two_days_ago), (".00aa22cc.part", time.time())):
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.pdf").write_text("of a patient")
        os.utime(tmp_path / name, (when, when))
    for name in (".00aa33dd.part.a.json", "a.part", ".hidden"):
        (tmp_path / name).write_text("{}")
        os.utime(tmp_path / name, (two_days_ago, two_days_ago))
    with atomic_folder(tmp_path) as staging:
        (staging / "report.pdf").write_text("new")
    there = sorted(path.name for path in tmp_path.iterdir())
    assert there == [".00aa22cc.part", ".hidden", "a.part", "report.pdf"]


@pytest.mark.parametrize("keep_as", ["", "before"])
def test_a_set_that_cannot_be_moved_in_whole_leaves_the_old_one(
    tmp_path: Path, keep_as: str
) -> None:
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "gone.txt").write_text("old")
    (tmp_path / "b.txt").mkdir()  # no file can take its place

    def write_both() -> None:
        with atomic_folder(tmp_path, obsolete=("gone.txt",), keep_as=keep_as) as staging:
            (staging / "a.txt").write_text("new")
            (staging / "b.txt").write_text("new")

    with pytest.raises(OutputError):
        write_both()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.txt", "b.txt", "gone.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


@pytest.mark.parametrize(
    ("locks_open_files", "title", "name"),
    [(True, "The file is in use.", "report.pdf"), (False, "The folder cannot be written to.", "")],
)
def test_a_file_that_is_open_elsewhere_is_named_where_that_is_why(
    locks_open_files: bool,
    title: str,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(atomic, "_LOCKS_OPEN_FILES", locks_open_files)
    target = tmp_path / "report.pdf"
    target.write_text("open in a viewer")
    error = PermissionError(errno.EACCES, "denied", str(tmp_path / "x.part"), None, str(target))
    told = atomic.output_error(error, tmp_path)
    assert told is not None
    assert told.title == title
    assert told.detail == f"Writing {tmp_path / name}"


@pytest.mark.parametrize(
    "number",
    [
        errno.ENODEV,
        errno.ENXIO,
        errno.ENOTCONN,
        errno.ESTALE,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENETUNREACH,
        errno.ETIMEDOUT,
    ],
)
def test_a_share_that_is_away_is_told_as_that(tmp_path: Path, number: int) -> None:
    told = atomic.output_error(OSError(number, "away", str(tmp_path / "x.part")), tmp_path / "a")
    assert told is not None
    assert told.title == "The folder cannot be reached."
    assert told.detail == f"Writing {tmp_path / 'a'}"


@pytest.mark.parametrize("number", [21, 53, 59, 64, 67])
def test_windows_has_numbers_of_its_own_for_that(tmp_path: Path, number: int) -> None:
    class OnWindows(OSError):
        winerror = number

    told = atomic.output_error(OnWindows(errno.EINVAL, "away", str(tmp_path)), tmp_path / "a")
    assert told is not None
    assert told.title == "The folder cannot be reached."


def test_a_folder_that_cannot_be_made_is_not_reached(tmp_path: Path) -> None:
    def missing(path: Path) -> OSError:
        return FileNotFoundError(errno.ENOENT, "not there", str(path))

    file = tmp_path / "drive" / "study" / "a.json"
    for failed in (file.parent, file.parents[1], file.with_name("x.part")):
        told = atomic.output_error(missing(failed), file)
        assert told is not None
        assert told.title == "The folder cannot be reached."
    # Something inside a folder that is there was to be read: a mistake of the program.
    assert atomic.output_error(missing(tmp_path / "x.part"), tmp_path / "a.json") is None

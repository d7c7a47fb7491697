"""A folder counts as settled when nothing in it changed for long enough, and never before."""

import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop_app.domain.study import InstanceRef, Study
from desktop_app.io import folder_walk
from desktop_app.services.batch.folder_watch import FolderWatch
from tests.study_cases import make_series, make_study

SETTLE_SECONDS = 30.0


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def look(root: Path) -> Callable[[float], FolderWatch]:
    """Look at the folder again, some seconds later."""
    clock = Clock()
    watch = FolderWatch(root, root.parent / "output", SETTLE_SECONDS, clock)

    def later(seconds: float = 0.0) -> FolderWatch:
        clock.seconds += seconds
        assert watch.look()
        return watch

    return later


Look = Callable[..., FolderWatch]


def write(*files: Path) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"something")


def study_of(*files: Path, series: int = 2) -> Study:
    shares = [files[number::series] for number in range(series)]
    return make_study(
        series=tuple(
            make_series(str(number), instances=tuple(InstanceRef(file) for file in share))
            for number, share in enumerate(shares)
        )
    )


def test_a_study_settles_once_nothing_changed_for_the_whole_time(root: Path, look: Look) -> None:
    files = (root / "anna" / "t1" / "1", root / "anna" / "t2" / "1")
    write(*files)
    study = study_of(*files)
    assert not look().has_settled(study)
    assert not look(SETTLE_SECONDS - 1).has_settled(study)
    assert look(1).has_settled(study)


def a_longer_file(root: Path) -> None:
    (root / "anna" / "t1" / "1").write_bytes(b"something longer")


def a_file_of_another_time(root: Path) -> None:
    # Copying may keep old times: any change counts, whatever this computer's clock says.
    os.utime(root / "anna" / "t1" / "1", ns=(1, 1))


def one_more_file(root: Path) -> None:
    write(root / "anna" / "t1" / "2")


def one_more_series(root: Path) -> None:
    write(root / "anna" / "flair" / "1")


def one_file_less(root: Path) -> None:
    (root / "anna" / "t1" / "notes").unlink()


@pytest.mark.parametrize(
    "change",
    [a_longer_file, a_file_of_another_time, one_more_file, one_more_series, one_file_less],
)
def test_any_change_starts_the_time_anew(
    root: Path, look: Look, change: Callable[[Path], None]
) -> None:
    files = (root / "anna" / "t1" / "1", root / "anna" / "t2" / "1")
    write(*files, root / "anna" / "t1" / "notes")
    study = study_of(*files)
    watch = look()
    before = watch.signature(study)
    look(SETTLE_SECONDS)
    change(root)
    assert not look(1).has_settled(study)
    assert watch.signature(study) != before
    assert look(SETTLE_SECONDS).has_settled(study)


def test_what_came_since_the_last_look_has_not_settled(root: Path, look: Look) -> None:
    known = root / "anna" / "t1" / "1"
    write(known)
    look()
    watch = look(SETTLE_SECONDS)
    new = (root / "berta" / "t1" / "1", root / "berta" / "t2" / "1")
    more = (known, known.with_name("2"))
    write(*new, *more)
    for study in (study_of(*new), study_of(*more)):
        assert not watch.has_settled(study)
    look()
    watch = look(SETTLE_SECONDS)
    assert all(watch.has_settled(study) for study in (study_of(*new), study_of(*more)))


def test_an_image_named_like_a_result_holds_nothing_up(root: Path, look: Look) -> None:
    files = (root / "anna" / "t1c.nii.gz", root / "anna" / "segmentation.nii.gz")
    write(*files)
    look()
    assert look(SETTLE_SECONDS).has_settled(study_of(*files))


def test_every_file_counts_however_many_there_are(
    root: Path, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_walk, "MAX_FILES", 1)
    files = (root / "anna" / "t1" / "1", root / "anna" / "t2" / "1")
    write(*files)
    look()
    assert look(SETTLE_SECONDS).has_settled(study_of(*files))


def test_another_study_still_on_its_way_holds_nothing_up(root: Path, look: Look) -> None:
    anna = (root / "anna" / "1", root / "anna" / "2")
    write(*anna)
    look()
    write(root / "berta" / "1")
    assert look(SETTLE_SECONDS).has_settled(study_of(*anna))


def test_the_first_series_alone_waits_for_the_others(root: Path, look: Look) -> None:
    first = root / "anna" / "t1" / "1"
    write(first)
    look()
    # Not readable yet, and so not among the study's files.
    write(root / "anna" / "t2" / "1")
    watch = look(SETTLE_SECONDS)
    assert not watch.has_settled(study_of(first, series=1))


def test_studies_in_one_folder_settle_with_that_folder(root: Path, look: Look) -> None:
    files = (root / "1", root / "2")
    write(*files)
    look()
    write(root / "berta" / "1")
    watch = look(SETTLE_SECONDS)
    assert watch.has_settled(study_of(*files))


def test_news_are_told_once_they_have_settled_and_only_once(root: Path, look: Look) -> None:
    write(root / "anna" / "1")
    assert not look().has_news()
    watch = look(SETTLE_SECONDS)
    assert watch.has_news()
    write(root / "berta" / "1")
    look(1)
    watch.take_news()
    assert not watch.has_news()
    assert look(SETTLE_SECONDS).has_news()


def test_a_folder_out_of_reach_lost_nothing(root: Path, look: Look) -> None:
    files = (root / "anna" / "1", root / "anna" / "2")
    write(*files)
    look()
    watch = look(SETTLE_SECONDS)
    watch.take_news()
    root.rename(root.with_name("away"))
    assert not watch.look()
    root.with_name("away").rename(root)
    assert look(1).has_settled(study_of(*files))
    assert not watch.has_news()


@pytest.mark.parametrize("place", ["root", "root/results"])
def test_own_results_are_no_news(root: Path, place: str) -> None:
    clock = Clock()
    output = root.parent / place
    watch = FolderWatch(root, output, SETTLE_SECONDS, clock)
    write(output / "anna" / "segmentation.nii.gz", output / "summary.csv")
    write(output / ".gliascope" / "anna.json")
    watch.look()
    clock.seconds += SETTLE_SECONDS
    watch.look()
    assert not watch.has_news()


def test_a_study_from_an_archive_waits_for_the_whole_folder(root: Path, look: Look) -> None:
    write(root / "anna.zip")
    unpacked = study_of(root.parent / "elsewhere" / "1", root.parent / "elsewhere" / "2")
    assert not look().has_settled(unpacked)
    assert look(SETTLE_SECONDS).has_settled(unpacked)
    write(root / "berta" / "1")
    watch = look(1)
    assert not watch.has_settled(unpacked)
    assert watch.signature(unpacked) == look(SETTLE_SECONDS).signature(unpacked)


def test_an_emptied_inbox_is_forgotten(root: Path, look: Look) -> None:
    sizes = []
    for number in range(20):
        write(root / f"study {number:02}" / "1")
        look()
        look(SETTLE_SECONDS).take_news()
        shutil.rmtree(root / f"study {number:02}")
        look()
        watch = look(SETTLE_SECONDS)
        watch.take_news()
        sizes.append(len(pickle.dumps(watch)))
    assert max(sizes) == min(sizes)

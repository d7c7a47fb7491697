"""How long jobs take is known after the next start, and nothing in the file can stop that start."""

import json
from pathlib import Path

import pytest

from desktop_app import composition
from desktop_app.errors import OutputError
from desktop_app.jobs.events import Event, Progress, ProgressCallback
from desktop_app.jobs.time_left import Pace
from desktop_app.services.learnt_times import TIMES_FILE, keep_times, load_times

UNEVEN = Pace([0.1, 1.0], [80.0, 100.0])


def test_a_pace_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "new" / TIMES_FILE
    keep_times({"segment cpu": UNEVEN}, file)
    again = load_times(file)["segment cpu"]
    assert again.total_seconds == pytest.approx(100.0)
    for fraction in (0.05, 0.1, 0.5, 1.0):
        assert again.share(fraction) == pytest.approx(UNEVEN.share(fraction), abs=1e-4)


def test_what_was_learnt_lies_beside_what_is_known(tmp_path: Path) -> None:
    file = tmp_path / TIMES_FILE
    keep_times({"load": Pace([1.0], [2.0]), "reopen": Pace([1.0], [4.0])}, file)
    keep_times({"load": Pace([1.0], [3.0])}, file)
    known = {kind: pace.total_seconds for kind, pace in load_times(file).items()}
    assert known == {"load": 3.0, "reopen": 4.0}


def test_what_depends_on_how_much_there_is_to_do_is_not_kept(tmp_path: Path) -> None:
    keep_times({"batch": UNEVEN, "scan": UNEVEN}, tmp_path / TIMES_FILE)
    assert list(tmp_path.iterdir()) == []


GOOD = [float(second) for second in range(20)]


@pytest.mark.parametrize(
    "stored",
    [
        3,
        "ab",
        None,
        {},
        [],
        GOOD[:-1],
        [*GOOD[:-1], "b"],
        [*GOOD[:-1], [19.0]],
        [*GOOD[:-1], 10**400],
        [*GOOD[:-1], float("nan")],
        [*GOOD[:-1], 1e9],
        GOOD[::-1],
        [0.0] * 20,
        [-1.0, *GOOD[1:]],
    ],
)
def test_a_damaged_entry_costs_no_other(tmp_path: Path, stored: object) -> None:
    file = tmp_path / TIMES_FILE
    file.write_text(json.dumps({"load": stored, "reopen": GOOD}))
    assert set(load_times(file)) == {"reopen"}


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_file_is_as_none(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / TIMES_FILE
    assert load_times(file) == {}
    file.write_bytes(content)
    assert load_times(file) == {}
    keep_times({"load": UNEVEN}, file)
    assert set(load_times(file)) == {"load"}


def seconds_left(app: composition.App) -> float | None:
    events: list[Event] = []

    def work(progress: ProgressCallback, _token: object) -> None:
        progress(0.0, "Reading")

    assert app.runner.submit(work, events.append, kind="load").wait(10)
    (told,) = (event for event in events if isinstance(event, Progress))
    return told.seconds_left


def test_the_first_estimate_after_a_start_is_that_of_the_last_time(tmp_path: Path) -> None:
    with composition.build(user_data=tmp_path) as app:
        assert seconds_left(app) is None
    keep_times({"load": UNEVEN}, tmp_path / TIMES_FILE)
    with composition.build(user_data=tmp_path) as app:
        assert seconds_left(app) == pytest.approx(100.0, abs=1)


def test_a_program_that_did_nothing_writes_nothing(tmp_path: Path) -> None:
    keep_times({"load": UNEVEN}, tmp_path / TIMES_FILE)
    before = (tmp_path / TIMES_FILE).stat().st_mtime_ns
    with composition.build(user_data=tmp_path):
        pass
    assert (tmp_path / TIMES_FILE).stat().st_mtime_ns == before


def test_the_program_ends_where_nothing_can_be_kept(tmp_path: Path) -> None:
    (tmp_path / TIMES_FILE).mkdir()
    with composition.build(user_data=tmp_path) as app:
        seconds_left(app)
    with pytest.raises(OutputError):
        keep_times({"load": UNEVEN}, tmp_path / TIMES_FILE)

"""Two windows that correct one study."""

import psutil
import pytest

from desktop_app.domain.correction import ToolSettings
from desktop_app.io.correction_journal import forget_journals, read_journal
from tests.correction_cases import BRUSH, OtherWindow, at, middle, result_of, stroke


@pytest.fixture
def other_window():
    window = OtherWindow()
    yield window
    window.end()


def test_a_window_that_runs_keeps_its_journal(correction, tmp_path, other_window):
    theirs = correction(result_of())
    with other_window.writing():
        stroke(theirs, BRUSH, at(*middle()))
    ours = correction(result_of())
    assert ours.earlier is None
    stroke(ours, ToolSettings(value=2), at(*middle(1, 0, 0)))
    assert len(list(tmp_path.iterdir())) == 2
    assert forget_journals(tmp_path) == 1
    (kept,) = tmp_path.iterdir()
    ours.forget()
    stroke(theirs, ToolSettings(value=1), at(*middle(1, 0, 0)))
    assert len(read_journal(kept).edits) == 2


def test_what_a_window_left_is_offered_once_it_has_ended(correction, other_window):
    theirs = correction(result_of())
    with other_window.writing():
        stroke(theirs, BRUSH, at(*middle()))
    assert correction(result_of()).earlier is None
    other_window.end()
    assert len(correction(result_of()).earlier.edits) == 1


def test_a_process_of_the_same_number_is_another_one(correction, other_window, monkeypatch):
    theirs = correction(result_of())
    with other_window.writing():
        stroke(theirs, BRUSH, at(*middle()))
    created = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: created(self) + 3600)
    assert correction(result_of()).earlier is not None


def test_two_windows_that_ended_are_both_offered(correction, tmp_path, other_window):
    with other_window.writing():
        for value in (1, 2):
            stroke(correction(result_of()), ToolSettings(value=value), at(*middle()))
    other_window.end()
    assert len(list(tmp_path.iterdir())) == 2
    seen = []
    for _ in range(2):
        one = correction(result_of())
        assert one.restore()
        seen.append(int(one.labels_kji.max()))
        one.forget()
    assert sorted(seen) == [1, 2]
    assert correction(result_of()).earlier is None

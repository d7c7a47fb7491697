"""The time left that a person watches."""

import pytest

from desktop_app.jobs.time_left import Pace, TimeLeft


def test_nothing_is_promised_too_early():
    left = TimeLeft()
    assert left.update(0.0, 0.5) is None
    assert left.update(0.5, 0.5) is None
    assert left.update(0.01, 30.0) is None


def test_steady_progress_is_extrapolated():
    left = TimeLeft()
    estimates = [left.update(second / 100, float(second)) for second in range(1, 101)]
    assert estimates[9] == pytest.approx(90.0)
    assert estimates[-1] == pytest.approx(0.0)
    known = [e for e in estimates if e is not None]
    assert known == sorted(known, reverse=True)


def test_small_rises_are_not_shown():
    left = TimeLeft()
    left.update(0.5, 50.0)
    assert left.update(0.505, 51.5) <= 48.5


def test_large_rises_are():
    left = TimeLeft()
    first = left.update(0.5, 10.0)
    assert left.update(0.51, 60.0) > first


def test_an_uneven_pace_is_learnt():
    slow_start = TimeLeft()
    slow_start.update(0.1, 80.0)
    pace = slow_start.pace(100.0)
    assert pace.share(0.1) == pytest.approx(0.8)
    assert TimeLeft(pace).update(0.1, 40.0) == pytest.approx(0.2 * 100.0 + 0.8 * 50.0 - 40.0)


def test_a_job_that_reports_nothing_has_a_pace():
    assert Pace([1.0], [3.0]).total_seconds == 3.0
    assert TimeLeft().pace(3.0).share(0.5) == pytest.approx(0.5)

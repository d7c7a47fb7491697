"""A sample of what ``dev.py fuzz`` does at length; the seed is another one."""

import sys

import pytest

from tests.fuzz.run import fuzz


@pytest.mark.skipif(sys.platform == "win32", reason="bounds memory as only POSIX systems can")
def test_damaged_files_never_crash_hang_or_surprise() -> None:
    report = fuzz(300, seed=1)
    assert report.findings == []
    assert report.outcomes["loaded"] > 100
    assert sum(report.outcomes.values()) == 300

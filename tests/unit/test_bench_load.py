"""The benchmark of loading starts each reader as it says; how long it took is nobody's test."""

from pathlib import Path

import bench_load
import pytest

from tests.compressed_files import write_in_syntax


def test_a_series_is_loaded_and_timed(tmp_path: Path) -> None:
    write_in_syntax(tmp_path, "explicit")
    figures = bench_load.measure({"plain": tmp_path}, rounds=1)
    by_reader = {one.reader: one for one in figures}
    assert by_reader["gliascope"].seconds is not None, by_reader["gliascope"].why
    assert by_reader["SimpleITK"].seconds is not None, by_reader["SimpleITK"].why
    assert by_reader["dcm2niix"].seconds is not None, by_reader["dcm2niix"].why


def test_a_reader_that_is_not_there_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    readers = {"missing": ("import no_such_reader", "pass")}
    monkeypatch.setattr(bench_load, "_READERS", readers)
    figures = bench_load.measure({"plain": tmp_path}, rounds=1)
    assert figures[0].seconds is None
    bench_load.print_figures(figures, slices=3)
    assert "no_such_reader" in capsys.readouterr().out

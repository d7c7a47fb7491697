"""The scan's benchmark writes what scanners write, and counts what readers find."""

import json
import sys
from pathlib import Path

import bench_scan
import pytest
from bench_scan import ScanFigures
from pydicom import dcmread

from desktop_app.io.scan import scan


def test_files_make_studies_with_their_sequences(tmp_path: Path) -> None:
    written = bench_scan.write_files(tmp_path, 1_120)
    result = scan(tmp_path)
    assert written == 12
    assert len(result.studies) == 2
    assert sum(len(study.series) for study in result.studies) == written
    # The second study ends in the middle of its second series.
    assert sorted(len(study.roles) for study in result.studies) == [2, 4]
    assert result.skipped == ()
    images = [dcmread(path) for path in sorted(tmp_path.rglob("IM*"))[:3]]
    assert len({image.SOPInstanceUID for image in images}) == 3
    assert [image.InstanceNumber for image in images] == [1, 2, 3]
    assert all(
        image.SOPInstanceUID == image.file_meta.MediaStorageSOPInstanceUID for image in images
    )
    assert len(images[0].pixel_array) == 128


def test_the_least_time_of_each_reader_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter([3.0, 1.0, 2.0, 2.5])

    def run(name: str, _command: list[str], _extra: dict[str, str]) -> ScanFigures:
        return ScanFigures(name, next(seconds), 1.0, 7)

    monkeypatch.setattr(bench_scan, "_run", run)
    monkeypatch.setattr(bench_scan, "readers", lambda *_: [("a", [], {}), ("b", [], {})])
    assert bench_scan.measure(tmp_path, 2) == [
        ScanFigures("a", 2.0, 1.0, 7),
        ScanFigures("b", 1.0, 1.0, 7),
    ]


def test_a_reader_runs_in_a_process_of_its_own() -> None:
    command = [sys.executable, "-c", "print('read'); print(12)"]
    figures = bench_scan._run("any", command, {})
    assert figures.series == 12
    assert figures.seconds > 0
    with pytest.raises(SystemExit, match="any failed"):
        bench_scan._run("any", [sys.executable, "-c", "raise OSError"], {})


def test_series_listed_by_dcm2niix_are_counted() -> None:
    text = "Chris Rorden\n\t3976412998\t/a/b\n\t12\t/a/c\nConversion required 2 seconds\n"
    assert bench_scan._listed(text) == 2


def test_series_that_the_program_loses_fail_the_benchmark(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (first, again) = bench_scan.AIMS_SECONDS
    found = [ScanFigures(first, 1.0, 1.0, 1), ScanFigures(again, 0.5, 0.5, 0)]
    monkeypatch.setattr(bench_scan, "measure", lambda *_: found)
    monkeypatch.setattr(bench_scan.time, "sleep", lambda _: None)
    assert bench_scan.main(["--files", "10", "--json"]) == 1
    captured = capsys.readouterr()
    assert [one["series"] for one in json.loads(captured.out)] == [1, 0]
    assert again in captured.err

"""The commands end to end, on a small sample study."""

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from desktop_app import cli
from desktop_app.domain.study import Sequence
from desktop_app.io.nifti.files import read_nifti
from desktop_app.services.models import ModelStore
from model.synthetic import SampleStudy
from tests.command_line import ROOT, command, gliascope

DEFAULT_FILES = {
    "measurements.csv",
    "measurements.json",
    "report.pdf",
    "run.log",
    "segmentation.nii.gz",
    "segmentation.seg.dcm",
}
REGIONS = ("NCR", "ED", "ET", "TC", "WT")


def test_the_program_starts_without_its_heavy_libraries() -> None:
    heavy = "{'torch', 'monai', 'SimpleITK', 'highdicom', 'PySide6', 'vtkmodules', 'scipy'}"
    code = f"import desktop_app.cli, sys; print(sorted({heavy} & set(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert run.stdout.strip() == "[]"


def test_help_names_every_command_and_the_purpose() -> None:
    run = gliascope("--help")
    assert run.returncode == 0
    for name in ("open", "scan", "segment", "compare", "batch", "model", "selftest"):
        assert f"  {name} " in run.stdout
    assert "Not a medical device" in run.stdout


def test_version() -> None:
    run = gliascope("--version")
    assert (run.returncode, run.stdout) == (0, "gliascope 0.1.0\n")


def test_open_hands_the_study_to_the_window() -> None:
    opened: list[list[str]] = []

    def open_window(paths: list[str]) -> int:
        opened.append(paths)
        return 7

    def no_page() -> None:
        raise AssertionError("no page is wanted")

    frontend = cli.Frontend(open_window, no_page)  # type: ignore[arg-type]
    assert cli.run(["open", "some study"], frontend) == 7
    # What a menu entry starts where nothing was chosen.
    assert cli.run(["open"], frontend) == 7
    assert opened == [["some study"], []]


def test_scan_prints_one_json_document(small_study: SampleStudy) -> None:
    run = gliascope("scan", small_study.dicom_folder, "--json")
    assert run.returncode == 0
    assert run.stderr == ""
    document = json.loads(run.stdout)
    assert document["schema"] == "gliascope/scan/1"
    (study,) = document["studies"]
    found = {sequence: role["series_uid"] for sequence, role in study["roles"].items()}
    assert found == {s.value: uid for s, uid in small_study.series_uids.items()}
    assert study["missing"] == []
    series = {one["series_uid"]: one for one in study["series"]}
    t1c = series[found["T1c"]]
    assert t1c["usable"]
    assert len(t1c["geometry"]["shape_kji"]) == 3


def test_the_truth_of_the_sample_is_no_study(small_study: SampleStudy) -> None:
    run = gliascope("scan", small_study.folder, "--json")
    assert run.returncode == 0, run.stderr
    document = json.loads(run.stdout)
    assert len(document["studies"]) == 1
    assert str(small_study.truth_labels_path) in json.dumps(document["skipped"], ensure_ascii=False)


def test_scan_prints_a_table(small_study: SampleStudy) -> None:
    run = gliascope("scan", small_study.dicom_folder)
    assert run.returncode == 0
    for sequence in Sequence:
        assert f"\n{sequence.value} " in run.stdout
    assert "100%" in run.stderr or run.stderr == ""


@pytest.fixture(scope="module")
def finished(
    small_study: SampleStudy, tmp_path_factory: pytest.TempPathFactory
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """The whole sample, its truth too, segmented from and to folders that are hard to spell."""
    root = tmp_path_factory.mktemp("ä 文 with spaces")
    shutil.copytree(small_study.folder, root / "Üben 試験")
    output = root / "Ergebnis 結果"
    run = gliascope("segment", root / "Üben 試験", "--output", output)
    assert run.returncode == 0, run.stderr
    (folder,) = output.iterdir()
    return run, folder


def test_segment_writes_every_default_file(
    finished: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    run, folder = finished
    assert {path.name for path in folder.iterdir()} == DEFAULT_FILES
    for name in DEFAULT_FILES:
        assert str(folder / name) in run.stdout
    for title in ("Whole tumour", "Enhancing tumour", "Volume (cm³)"):
        assert title in run.stdout
    assert "Traceback" not in run.stderr


def test_labels_lie_on_the_grid_of_the_t1c_series(
    finished: tuple[subprocess.CompletedProcess[str], Path], small_study: SampleStudy
) -> None:
    labels = read_nifti(finished[1] / "segmentation.nii.gz")
    truth = read_nifti(small_study.truth_labels_path)
    assert labels.geometry.matches(truth.geometry)
    assert set(np.unique(labels.array_kji)) <= {0, 1, 2, 3}


def test_measurements_have_the_schema(
    finished: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    folder = finished[1]
    document = json.loads((folder / "measurements.json").read_text("utf-8"))
    assert document["schema"] == "gliascope/measurements/1"
    assert set(document) == {
        "schema",
        "study",
        "sequences",
        "geometry",
        "labels",
        "regions",
        "diameters",
        "lesions",
        "target_lesions",
        "parts",
        "uncertainty",
        "warnings",
        "provenance",
    }
    assert set(document["regions"]) == set(REGIONS)
    labels = read_nifti(folder / "segmentation.nii.gz")
    whole = document["regions"]["WT"]
    assert whole["voxels"] == int((labels.array_kji > 0).sum())
    assert whole["volume_mm3"] == pytest.approx(whole["voxels"] * labels.geometry.voxel_volume_mm3)
    seconds = document["provenance"]["seconds"]
    assert set(seconds) == {
        "import",
        "preprocess",
        "inference",
        "postprocess",
        "export",
        "total",
    }
    assert seconds["total"] == pytest.approx(
        sum(v for stage, v in seconds.items() if stage != "total"), abs=0.01
    )


def test_the_log_names_nobody(
    finished: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    folder = finished[1]
    document = json.loads((folder / "measurements.json").read_text("utf-8"))
    log = (folder / "run.log").read_text("utf-8")
    assert document["provenance"]["weights_sha256"] in log
    for private in (document["study"]["patient_id"], folder.name, "Üben", "試験"):
        assert private
        assert private not in log


def test_quiet_prints_only_where_the_results_are(nifti_study: Path, tmp_path: Path) -> None:
    run = gliascope(
        "segment",
        nifti_study,
        "--output",
        tmp_path,
        "--export",
        "json",
        "--anonymise",
        "--quiet",
    )
    assert run.returncode == 0, run.stderr
    (folder,) = tmp_path.glob("ANON-*")
    assert (run.stdout, run.stderr) == (f"{folder}\n", "")
    assert {path.name for path in folder.iterdir()} == {"measurements.json", "run.log"}
    document = json.loads((folder / "measurements.json").read_text("utf-8"))
    assert document["study"]["patient_id"] == ""


@pytest.fixture
def three_studies(nifti_study: Path, tmp_path: Path) -> Path:
    """A whole study, one with a single sequence, and one of files that are no images."""
    root = tmp_path / "root"
    shutil.copytree(nifti_study, root / "good")
    (root / "poor").mkdir()
    shutil.copyfile(nifti_study / "ball_t1.nii.gz", root / "poor" / "poor_t1.nii.gz")
    (root / "notes").mkdir()
    (root / "notes" / "letter.txt").write_text("Dear colleague")
    return root


def test_batch_goes_on_after_a_failure_and_resumes(three_studies: Path, tmp_path: Path) -> None:
    output = tmp_path / "results"
    arguments = ("batch", three_studies, "--output", output, "--export", "nifti,json")
    first = gliascope(*arguments)
    assert first.returncode == 1, first.stderr
    with (output / "summary.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["state"]: row for row in csv.DictReader(file)}
    assert set(rows) == {"done", "failed"}
    assert float(rows["done"]["WT_mm3"]) >= 0
    assert "sequences" in rows["failed"]["error"]
    done = output / rows["done"]["study"]
    written = (done / "segmentation.nii.gz").stat().st_mtime_ns
    assert not (output / rows["failed"]["study"]).exists()

    again = gliascope(*arguments)
    assert again.returncode == 1
    assert "done, earlier" in again.stdout
    assert (done / "segmentation.nii.gz").stat().st_mtime_ns == written


def test_ctrl_c_stops_at_once_and_leaves_nothing(nifti_study: Path, tmp_path: Path) -> None:
    output = tmp_path / "results"
    process = subprocess.Popen(
        command("segment", nifti_study, "--output", output),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=ROOT,
    )
    children = wait_for_children(process)
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert time.monotonic() - started < 20
    assert (stdout, stderr) == ("", "Cancelled.\n")
    assert not output.exists()
    psutil.wait_procs(children, timeout=10)
    assert not any(child.is_running() for child in children)


def wait_for_children(process: subprocess.Popen[str]) -> list[psutil.Process]:
    parent = psutil.Process(process.pid)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        children = parent.children(recursive=True)
        if children:
            return children
        time.sleep(0.05)
    raise AssertionError("the model's process never started")


def test_bundled_weights_are_listed_and_intact(repository_root: Path) -> None:
    bundled = repository_root / "assets" / "weights"
    names = [entry.name for entry in ModelStore(bundled, bundled / "none").entries()]
    assert names
    listed = gliascope("model", "list")
    assert listed.returncode == 0
    verified = gliascope("model", "verify")
    assert verified.returncode == 0
    for name in names:
        assert name in listed.stdout
        assert f"{name}: intact" in verified.stdout


def test_a_model_is_installed_for_this_user(repository_root: Path, tmp_path: Path) -> None:
    bundled = repository_root / "assets" / "weights"
    for suffix in (".safetensors", ".json"):
        (entry,) = bundled.glob(f"slim_unetrpp{suffix}")
        shutil.copyfile(entry, tmp_path / f"mine{suffix}")
    user_data = {"GLIASCOPE_USER_DATA": str(tmp_path / "user")}
    run = gliascope("model", "install", tmp_path / "mine.safetensors", **user_data)
    assert run.returncode == 0, run.stderr
    listed = gliascope("model", "list", **user_data)
    assert any(
        line.startswith("mine ") and "installed" in line for line in listed.stdout.splitlines()
    )


@pytest.mark.timeout(600)
def test_the_self_test_passes(tmp_path: Path) -> None:
    found, picture = tmp_path / "found.json", tmp_path / "window.png"
    run = gliascope("selftest", "--json", found, "--screenshot", picture, timeout=580)
    assert run.returncode == 0, run.stdout + run.stderr
    lines = run.stdout.splitlines()
    assert all(line.startswith(("pass  ", "skip  ")) for line in lines[:-1])
    passed = sum(line.startswith("pass  ") for line in lines)
    assert lines[-1] == f"{passed} of {passed} checks passed"
    for name in ("weights", "decode HTJ2K", "window", "WT", "TC", "ET", "DICOM SEG", "cancel"):
        assert any(line.startswith(f"pass  {name}: ") for line in lines)
    document = json.loads(found.read_text("utf-8"))
    assert document["passed"]
    assert len(document["checks"]) == len(lines) - 1
    assert picture.stat().st_size > 10_000


@pytest.mark.expects_logs
def test_a_defect_ends_in_a_report_and_no_trace_on_the_terminal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from desktop_app.services.opening import import_study

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setenv("GLIASCOPE_USER_DATA", str(tmp_path))
    monkeypatch.setattr(import_study, "open_path", broken)
    frontend = cli.Frontend(lambda paths: 0, lambda: None)  # type: ignore[arg-type, return-value]
    assert cli.run(["scan", str(tmp_path)], frontend) == 70
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 3
    assert "Traceback" not in printed.err
    (report,) = (tmp_path / "crashes").iterdir()
    assert str(report) in printed.err
    assert "ZeroDivisionError: a defect" in report.read_text("utf-8")

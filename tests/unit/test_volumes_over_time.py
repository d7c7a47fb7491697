"""A patient's volumes over time: only theirs, in order, with what keeps them from comparison."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest

from desktop_app.domain.measurement import change_percent
from desktop_app.domain.provenance import UNKNOWN
from desktop_app.domain.segmentation import Region
from desktop_app.domain.study import PatientSummary
from desktop_app.io.nifti.files import read_nifti, write_nifti
from desktop_app.jobs.runner import JobRunner
from desktop_app.services.export.formats import ExportFormat
from desktop_app.services.results.saved_results import ExportOptions, save_results
from desktop_app.services.results.volumes_over_time import TimePoint, time_points
from desktop_app.services.session import Session
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_study
from ui.presenters import time_presenter
from ui.presenters.job_line import JobLine, JobLineView
from ui.presenters.time_presenter import TimePresenter, time_rows
from ui.views.time_view import TimeView

JSON = ExportOptions((ExportFormat.JSON,))


def export(output: Path, date: str, voxels: int, *, edited: bool = False, **of: object) -> Path:
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels.reshape(-1)[:voxels] = 3
    made = make_result(make_study(**{"study_uid": date, "date": date, "name": date, **of}), labels)
    provenance = replace(made.segmentation.provenance, edited=edited)
    result = replace(made, segmentation=replace(made.segmentation, provenance=provenance))
    return save_results(result, output, JSON).folder


def test_only_the_patients_results_are_listed_by_date(tmp_path: Path) -> None:
    export(tmp_path, "20260301", 30)
    export(tmp_path, "20260101", 20, edited=True)
    export(tmp_path, "20260201", 99, patient=PatientSummary("ID8"))
    export(tmp_path, "", 99, study_uid="undated", name="undated")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "measurements.json").write_text("{")
    points = time_points("ID7", tmp_path)
    assert [point.date for point in points] == ["20260101", "20260301"]
    assert [point.volumes_mm3[Region.WT] for point in points] == [100, 150]
    assert [point.corrected for point in points] == [True, False]
    assert time_points("", tmp_path) == ()
    assert time_points("ID7", tmp_path / "nowhere") == ()


def test_visits_that_bear_one_study_uid_are_two(tmp_path: Path) -> None:
    for date, voxels in (("20260101", 20), ("20260201", 30)):
        export(tmp_path, date, voxels, study_uid=f"1.2.3#{date}")
    points = time_points("ID7", tmp_path)
    assert [(one.study_uid, one.date) for one in points] == [
        ("1.2.3", "20260101"),
        ("1.2.3", "20260201"),
    ]


def test_of_two_results_of_a_study_the_later_counts(tmp_path: Path) -> None:
    first = export(tmp_path, "20260101", 20)
    second = tmp_path / "again"
    export(second, "20260101", 40)
    (second / first.name).rename(tmp_path / "zz")
    os.utime(first / "measurements.json", (1, 1))
    (point,) = time_points("ID7", tmp_path)
    assert point.volumes_mm3[Region.ET] == 200


def test_a_tumour_that_an_image_cuts_is_no_response(tmp_path: Path) -> None:
    export(tmp_path, "20260101", 40)
    file = export(tmp_path, "20260201", 20) / "measurements.json"
    document = json.loads(file.read_text("utf-8"))
    said = "The tumour reaches the upper end of T1c: volumes and diameters are too small."
    document["warnings"] = ["Thick slices.", said]
    file.write_text(json.dumps(document), "utf-8")
    whole, cut = time_rows(time_points("ID7", tmp_path))
    told = "cut off by the end of the image: too small"
    assert told not in whole.note
    assert cut.note.startswith(told)


def test_rows_tell_the_change_since_the_study_before(tmp_path: Path) -> None:
    for date, voxels in (("20260101", 0), ("20260201", 20), ("20260301", 15), ("20260401", 0)):
        export(tmp_path, date, voxels, edited=date == "20260301")
    points = time_points("ID7", tmp_path)
    rows = time_rows((*points[:3], replace(points[3], model_id="other")))
    assert [row.date for row in rows] == ["2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01"]
    assert [row.changes[0] for row in rows] == ["", "new", "\u221225 %", "\u2212100 %"]
    assert rows[1].volumes == ("0.10", "0.10", "0.10")
    missing = "without T1, T2"
    assert [row.note for row in rows] == [
        missing,
        missing,
        f"corrected by hand; {missing}",
        f"{missing}; another network: other",
    ]
    alone = replace(points[2], model_id=UNKNOWN)
    since = time_rows((points[1], alone, points[2]))
    assert "network not known" in since[1].note
    opened = replace(alone, corrected=True, of_another_program=True)
    assert time_rows((opened,))[0].note == f"labels of another program; {missing}"
    assert not any("another network" in row.note for row in since)
    assert change_percent(50, 75) == pytest.approx(50)


class Scene:
    """An open study, the line of its jobs, and what was told and shown."""

    def __init__(self, folder: Path) -> None:
        self.queue: list[Callable[[], None]] = []
        self.view, self.line = MagicMock(spec=TimeView), MagicMock(spec=JobLineView)
        self.session, self.runner = Session(), JobRunner()
        self.jobs = JobLine(self.line, self.runner, self.queue.append, lambda: None)
        self.presenter = TimePresenter(self.view, self.session, self.jobs, lambda: folder)

    @property
    def titles(self) -> list[str]:
        shown = [call.args[0] for call in self.line.show_job.call_args_list]
        return [status.title for status in shown if status is not None]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    scene.runner.close()


def look(monkeypatch: pytest.MonkeyPatch, points: tuple[TimePoint, ...]) -> threading.Event:
    """Have looking for results begin, and end only once the event is set."""
    goes_on = threading.Event()

    def found(*_: object) -> tuple[TimePoint, ...]:
        assert goes_on.wait(10)
        return points

    monkeypatch.setattr(time_presenter, "time_points", found)
    return goes_on


def wait_until_over(scene: Scene) -> None:
    stop = time.monotonic() + 10
    while scene.jobs.busy:
        assert time.monotonic() < stop
        while scene.queue:
            scene.queue.pop(0)()
        time.sleep(0.01)


def test_the_open_patients_volumes_are_shown(scene: Scene, tmp_path: Path) -> None:
    export(tmp_path, "20260101", 20)
    scene.session.open_study(make_study())
    scene.presenter.show()
    wait_until_over(scene)
    who, folder, rows, note = scene.view.show_volumes_over_time.call_args.args
    assert who == "Müller, Änne · ID7"
    assert folder == tmp_path
    assert len(rows) == 1
    assert not note


def test_a_result_on_the_screen_that_is_not_listed_is_told(scene: Scene, tmp_path: Path) -> None:
    export(tmp_path, "20260101", 20)
    session, study = scene.session, make_study(study_uid="20260301", date="20260301")
    session.open_study(study)

    def note() -> str:
        scene.presenter.show()
        wait_until_over(scene)
        told: str = scene.view.show_volumes_over_time.call_args.args[3]
        return told

    result = make_result(study, np.full(GEOMETRY.shape_kji, 3, np.uint8))
    session.accept_result(result, session.generation)
    assert "The open study's result is not among them" in note()
    for output, is_listed in ((tmp_path / "elsewhere", False), (tmp_path, True)):
        folder = save_results(result, output, JSON).folder
        session.note_written(result, folder, session.lineage, holds_labels=False)
        assert bool(note()) is not is_listed
    session.accept_correction(replace(result, segmentation=replace(result.segmentation)))
    assert "The open study's result is not among them" in note()


@pytest.mark.parametrize("patient_id", ["", "nobody"])
def test_without_results_it_is_said_why(scene: Scene, patient_id: str) -> None:
    scene.session.open_study(make_study(patient=PatientSummary(patient_id)))
    scene.presenter.show()
    wait_until_over(scene)
    scene.view.show_volumes_over_time.assert_not_called()
    (said,) = scene.view.show_message.call_args.args[1]
    assert ("no exported result" if patient_id else "no patient ID") in said


def test_looking_is_seen_and_can_be_cancelled(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = look(monkeypatch, ())
    scene.session.open_study(make_study())
    scene.presenter.show()
    assert set(scene.titles) == {"Looking for earlier results"}
    scene.jobs.cancel()
    goes_on.set()
    wait_until_over(scene)
    assert scene.line.show_job.call_args.args == (None,)
    scene.view.show_message.assert_not_called()
    scene.view.show_volumes_over_time.assert_not_called()


def test_what_runs_is_not_stopped_to_look(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.session.open_study(make_study())
    goes_on, done = threading.Event(), []
    scene.jobs.start("Segmenting", lambda *_: goes_on.wait(10), done.append)
    scene.presenter.show()
    goes_on.set()
    wait_until_over(scene)
    assert done == [True]
    assert set(scene.titles) == {"Segmenting"}
    assert "going on" in scene.view.show_message.call_args.args[0]


@pytest.mark.parametrize("other", [False, True])
def test_an_answer_is_shown_while_its_patient_is_open(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: bool
) -> None:
    export(tmp_path, "20260101", 20)
    goes_on = look(monkeypatch, time_points("ID7", tmp_path))
    scene.session.open_study(make_study())
    scene.presenter.show()
    if other:
        scene.session.open_study(make_study(patient=PatientSummary("ID8")))
    goes_on.set()
    wait_until_over(scene)
    assert scene.view.show_volumes_over_time.call_count == (0 if other else 1)


@pytest.mark.parametrize(("share", "said"), [(0.997, "0 %"), (0.97, "−3 %"), (1.5, "+50 %")])
def test_a_change_of_next_to_nothing_has_no_sign_of_loss(
    tmp_path: Path, share: float, said: str
) -> None:
    export(tmp_path, "20260101", 20)
    (before,) = time_points("ID7", tmp_path)
    volumes = {region: share * volume for region, volume in before.volumes_mm3.items()}
    assert time_rows((before, replace(before, volumes_mm3=volumes)))[1].changes[0] == said


def test_volumes_of_labels_that_another_program_changed_say_so(tmp_path: Path) -> None:
    options = ExportOptions((ExportFormat.JSON, ExportFormat.NIFTI))
    for date in ("20260101", "20260201"):
        study = make_study(study_uid=date, date=date, name=date)
        folder = save_results(
            make_result(study, np.ones(GEOMETRY.shape_kji, np.uint8)), tmp_path, options
        ).folder
    labels = read_nifti(folder / "segmentation.nii.gz")
    write_nifti(replace(labels, array_kji=2 * labels.array_kji), folder / "segmentation.nii.gz")
    as_written, changed = time_rows(time_points("ID7", tmp_path))
    said = "labels changed since in another program: measured before"
    assert said not in as_written.note
    assert said in changed.note

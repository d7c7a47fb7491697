"""Diameters follow every result, and a late answer never replaces a newer one."""

import threading
from collections.abc import Callable, Iterator
from unittest.mock import MagicMock

import numpy as np
import pytest

from desktop_app.domain.measurement import AnatomicalPlane, Diameters
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region, Segmentation
from desktop_app.imaging.mid_plane import MidPlane
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.runner import JobRunner
from desktop_app.services.measuring import places
from desktop_app.services.session import Session
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_study
from ui.presenters import diameter_presenter
from ui.presenters.diameter_presenter import DiameterPresenter, diameter_rows
from ui.views.diameter_view import DiameterRow, DiameterView


class Scene:
    """A presenter whose answers wait in a queue for `settle`."""

    def __init__(self, runner: JobRunner) -> None:
        self.view = MagicMock(spec=DiameterView)
        self.session = Session()
        self.queue: list[Callable[[], object]] = []
        self.presenter = DiameterPresenter(self.view, self.session, runner, self.queue.append)
        self.session.open_study(make_study())

    def accept(self, enhancing: int) -> StudyResult:
        """Take in a result, or the next one as a correction."""
        labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
        labels[1:3, 1, :enhancing] = 3
        result = make_result(make_study(), labels)
        if self.session.result is None:
            self.session.accept_result(result, self.session.generation)
        else:
            self.session.accept_correction(result)
        return result

    def settle(self) -> None:
        job = self.presenter._job
        assert job is not None
        assert job.wait(10)
        while self.queue:
            self.queue.pop(0)()

    @property
    def shown(self) -> tuple[DiameterRow, ...] | None:
        rows: tuple[DiameterRow, ...] | None = self.view.show_diameters.call_args.args[0]
        return rows


@pytest.fixture
def scene() -> Iterator[Scene]:
    runner = JobRunner()
    yield Scene(runner)
    runner.close()


def test_a_result_is_measured_in_the_background(scene: Scene) -> None:
    scene.accept(3)
    assert scene.shown is None
    scene.settle()
    assert scene.shown is not None
    enhancing, whole = scene.shown
    assert enhancing.text.startswith("Enhancing tumour 3.0 × 1.0 mm, axial slice 2")
    assert ", S 5.0 mm. " in enhancing.note
    assert whole.text.startswith("Whole tumour 3.0")
    assert whole.note.startswith("Whole tumour, side not told; centre L ")
    assert "Not measurable after RANO 2.0" in enhancing.note
    assert enhancing.middle == pytest.approx(GEOMETRY.to_patient_mm(np.array([1.0, 1.0, 1.0])))


def test_the_side_is_told_where_it_is_known(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    plane = MidPlane((1.0, 0.0, 0.0), -50.0, 0.95)
    monkeypatch.setattr(places, "mid_plane", lambda _: plane)
    scene.accept(3)
    scene.settle()
    assert scene.shown is not None
    enhancing, whole = scene.shown
    assert enhancing.text.startswith("Enhancing tumour 3.0")
    assert whole.text.startswith("Whole tumour, left, 3.0 × 1.0 mm, axial slice 2")


def test_corrections_are_measured_anew(scene: Scene) -> None:
    scene.accept(3)
    scene.settle()
    scene.accept(2)
    assert scene.shown is None
    scene.settle()
    assert scene.shown is not None
    assert "2.0 × 1.0 mm" in scene.shown[0].text
    scene.accept(0)
    scene.settle()
    assert scene.shown == ()


def test_a_late_answer_is_dropped(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on = threading.Event()
    measure = diameter_presenter.measure_diameters
    first = scene.accept(3)

    def slowly(segmentation: Segmentation, token: CancelToken) -> object:
        if segmentation is first.segmentation:
            assert goes_on.wait(10)
        return measure(segmentation, token)

    scene.settle()
    monkeypatch.setattr(diameter_presenter, "measure_diameters", slowly)
    scene.session.accept_correction(first)
    late = scene.presenter._job
    assert late is not None
    scene.accept(2)
    scene.settle()
    goes_on.set()
    assert late.wait(10)
    while scene.queue:
        scene.queue.pop(0)()
    assert scene.shown is not None
    assert "2.0 × 1.0 mm" in scene.shown[0].text


def test_without_a_result_there_are_none(scene: Scene) -> None:
    scene.accept(3)
    scene.session.open_study(None)
    assert scene.shown == ()
    scene.settle()
    assert scene.shown == ()


def test_a_defect_is_told(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diameter_presenter, "measure_diameters", MagicMock(side_effect=KeyError))
    scene.accept(3)
    scene.settle()
    assert scene.shown == ()
    assert "KeyError" in scene.view.show_crash.call_args.args[0]


def test_lack_of_memory_is_no_defect(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diameter_presenter, "measure_diameters", MagicMock(side_effect=MemoryError))
    scene.accept(3)
    scene.settle()
    assert scene.shown == ()
    assert "memory" in scene.view.show_error.call_args.args[0].title
    scene.view.show_crash.assert_not_called()


def test_lengths_agree_with_the_verdict_on_thick_slices() -> None:
    ends = ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0))
    found = Diameters(
        Region.ET, 14.2, 11.6, ends, ends, AnatomicalPlane.AXIAL, 0, 3, 12.0, in_several_slices=True
    )
    result = make_result(make_study(), np.zeros(GEOMETRY.shape_kji, np.uint8))
    (row,) = diameter_rows(result, {Region.ET: found})
    assert "14 × 11.6 mm" in row.text
    assert "one is shorter than 12 mm" in row.note
    assert row.text.endswith(", axial slice 4")
    assert "plane 4 of the grid of T1c" in row.note

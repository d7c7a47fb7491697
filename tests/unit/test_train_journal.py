import csv
from pathlib import Path

import pytest

from model.train.journal import CURVES, STEPS, VALIDATIONS, Journal, StepReport


def _report(step: int) -> StepReport:
    return StepReport(step, step / 10, 1.5 * step, 32, 1e-3, 1.0 / step)


def _steps(folder: Path, name: str = STEPS) -> list[int]:
    with (folder / name).open(newline="", encoding="utf-8") as stream:
        return [int(row["step"]) for row in csv.DictReader(stream)]


def _write(folder: Path, after: int, *steps: int) -> None:
    with Journal(folder, after, curves=False) as journal:
        for step in steps:
            journal.add_step(_report(step))
            if step % 2 == 0:
                journal.add_validation(step, {"dice": 0.5})


def test_a_resumed_run_writes_no_line_twice(tmp_path: Path) -> None:
    _write(tmp_path, 0, 1, 2, 3, 4)
    _write(tmp_path, 2, 3, 4, 5)
    assert _steps(tmp_path) == [1, 2, 3, 4, 5]
    assert _steps(tmp_path, VALIDATIONS) == [2, 4]


def test_half_a_line_of_a_killed_run_is_dropped(tmp_path: Path) -> None:
    _write(tmp_path, 0, 1, 2)
    with (tmp_path / STEPS).open("a", encoding="utf-8") as stream:
        stream.write("3,0.3,4")
    _write(tmp_path, 2, 3)
    assert _steps(tmp_path) == [1, 2, 3]


def test_a_new_run_begins_anew(tmp_path: Path) -> None:
    _write(tmp_path, 0, 1, 2)
    _write(tmp_path, 0, 1)
    assert _steps(tmp_path) == [1]
    assert _steps(tmp_path, VALIDATIONS) == []


def test_curves_are_drawn_for_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="TensorBoard belongs to the training's extras")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with Journal(tmp_path, 0) as journal:
        journal.add_step(_report(1))
        journal.add_step(_report(2))
        journal.add_validation(2, {"dice_WT": 0.75})
    curves = EventAccumulator(str(tmp_path / CURVES)).Reload()
    assert [event.step for event in curves.Scalars("loss")] == [1, 2]
    assert curves.Scalars("validation/dice_WT")[0].value == 0.75

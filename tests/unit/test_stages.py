"""Progress and clock over stages."""

import pytest

from desktop_app.jobs.events import silent
from desktop_app.services.segmenting.stages import Stages


def test_each_stage_fills_its_share_of_the_bar() -> None:
    told: list[tuple[float, str]] = []
    stages = Stages({"read": 1, "work": 3}, lambda fraction, text: told.append((fraction, text)))
    with stages.stage("read", "Reading") as report:
        report(1.0, "File 2 of 2")
    with stages.stage("work", "Working") as report:
        report(0.5)
        report(7.0)
    assert told == [
        (0.0, "Reading"),
        (0.25, "File 2 of 2"),
        (0.25, "Working"),
        (0.625, "Working"),
        (1.0, "Working"),
    ]


def test_finished_stages_are_timed() -> None:
    stages = Stages({"read": 1, "work": 1}, silent)
    with stages.stage("read", "Reading"):
        pass
    with pytest.raises(ZeroDivisionError), stages.stage("work", "Working"):
        raise ZeroDivisionError
    assert set(stages.seconds) == {"read"}
    assert 0 <= stages.seconds["read"] < 1


@pytest.mark.parametrize("weights", [{}, {"a": 0.0}, {"a": 1.0, "b": -1.0}])
def test_weights_must_be_positive(weights: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="positive"):
        Stages(weights, silent)

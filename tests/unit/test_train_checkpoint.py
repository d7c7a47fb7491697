import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from model.train import checkpoint
from model.train.checkpoint import (
    CheckpointError,
    Progress,
    WeightAverage,
    has_checkpoint,
    load_checkpoint,
    previous_of,
    save_checkpoint,
)
from model.train.config import load_config
from model.train.identity import RunIdentity
from model.train.sources import TrainingData

CONFIGS = Path(__file__).parents[2] / "model" / "train" / "configs"


class Run:
    """A network of one number, and how far it has come."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "checkpoint.pt"
        self.network = nn.Linear(1, 1)
        self.optimiser = torch.optim.AdamW(self.network.parameters())
        self.average = WeightAverage(self.network, 0.9)
        self.progress = Progress()
        self.identity = RunIdentity(
            {"kind": "line"}, ("A",), ("B", "C"), (), recipe={"seed": 1, "steps": 5}
        )

    def save(self, step: int) -> None:
        with torch.no_grad():
            self.network.weight.fill_(float(step))
        self.progress = replace(self.progress, step=step, best_dice=0.5, figures={"dice": 0.5})
        save_checkpoint(
            self.path,
            self.network,
            self.optimiser,
            self.average,
            self.progress,
            identity=self.identity,
        )

    def load(self) -> Progress:
        progress, _ = load_checkpoint(
            self.path, self.network, self.optimiser, self.average, identity=self.identity
        )
        return progress


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_the_newest_is_read_and_the_one_before_is_kept(run: Run) -> None:
    assert not has_checkpoint(run.path)
    run.save(1)
    run.save(2)
    again = Run(run.path.parent)
    assert again.load() == Progress(step=2, best_dice=0.5, figures={"dice": 0.5})
    assert again.network.weight.item() == 2.0
    assert sorted(file.name for file in run.path.parent.iterdir()) == [
        "checkpoint.pt",
        "checkpoint.pt.previous",
    ]


@pytest.mark.expects_logs
@pytest.mark.parametrize("left", [0, 1, 100, -1], ids=["nothing", "a byte", "a piece", "almost"])
def test_a_truncated_newest_falls_back_and_says_so(
    run: Run, left: int, caplog: pytest.LogCaptureFixture
) -> None:
    run.save(1)
    run.save(2)
    run.path.write_bytes(run.path.read_bytes()[:left])
    with caplog.at_level(logging.WARNING):
        assert run.load().step == 1
    assert "going on from the one before, after step 1" in caplog.text
    assert str(run.path) in caplog.text
    assert run.network.weight.item() == 1.0


@pytest.mark.expects_logs
def test_a_kill_between_the_two_renames_leaves_the_one_before(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.save(1)
    replaced: list[Path] = []

    def killed(self: Path, target: Path) -> Path:
        if replaced:
            raise KeyboardInterrupt
        replaced.append(target)
        return self.rename(target)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        run.save(2)
    monkeypatch.undo()
    assert not run.path.exists()
    assert has_checkpoint(run.path)
    assert run.load().step == 1


def test_a_kill_while_writing_changes_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.save(1)
    run.save(2)

    def killed(_content: object, stream: object) -> None:
        stream.write(b"half a checkpoint")  # type: ignore[attr-defined]
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint.torch, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        run.save(3)
    monkeypatch.undo()
    assert run.load().step == 2
    run.save(3)
    assert run.load().step == 3


def test_both_damaged_is_an_error(run: Run) -> None:
    run.save(1)
    run.save(2)
    for path in (run.path, previous_of(run.path)):
        path.write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"checkpoint\.pt\.previous: cannot resume"):
        run.load()


@pytest.mark.parametrize(
    ("now", "message"),
    [
        ({"held_out": ()}, "cases held out: no longer A$"),
        ({"held_out": ("A", "B"), "training": ("C",)}, "held out: now also B; .* no longer B$"),
        ({"training": ("B", "B", "C")}, "training cases: some another number of times"),
        ({"training": tuple("BCDEFGHIJ")}, "now also D, E, F, G, H, I and 1 more"),
        ({"validation": ("D",)}, "validation cases: now also D"),
        ({"shapes": ("A",)}, "shapes of grown tumours: now also A"),
        ({"brains": ("A",)}, "brains of grown tumours: now also A"),
        ({"network": {"kind": "curve"}}, "network: kind was line and is curve"),
        ({"recipe": {"seed": 2, "steps": 5}}, "recipe: seed was 1 and is 2$"),
        ({"started_from": ("0123",)}, "it began with other weights"),
    ],
)
def test_another_run_is_not_gone_on_with(run: Run, now: dict[str, Any], message: str) -> None:
    run.save(1)
    run.save(2)
    run.identity = replace(run.identity, **now)
    before = run.network.bias.item()
    run.network.bias.data += 1.0
    with pytest.raises(CheckpointError, match=rf"checkpoint\.pt: cannot resume another.*{message}"):
        run.load()
    assert run.network.bias.item() == before + 1.0


def test_every_setting_that_changes_what_is_learnt_is_compared() -> None:
    config = load_config(CONFIGS / "more_steps.toml")
    data = TrainingData((), ())
    before = RunIdentity.of(config, data, ())
    same = replace(config, card={}, folds={}, workers=0, cache=True, checkpoint_minutes=1.0)
    assert before.difference(RunIdentity.of(same, data, ())) == ""
    faster = replace(
        config, steps=9, optimiser=replace(config.optimiser, learning_rate=1.0, betas=(0.9, 0.9))
    )
    assert before.difference(RunIdentity.of(faster, data, ())) == (
        "recipe: steps was 2200 and is 9, optimiser.learning_rate was 0.001 and is 1.0, "
        "optimiser.betas was [0.9, 0.98] and is [0.9, 0.9]"
    )


def test_a_checkpoint_that_does_not_say_what_was_read_is_refused(run: Run) -> None:
    run.save(1)
    stored = torch.load(run.path, weights_only=True)
    del stored["identity"]
    torch.save(stored, run.path)
    with pytest.raises(CheckpointError, match="does not say which cases the run has read"):
        run.load()


def test_a_checkpoint_whose_other_parameters_decayed_is_refused_in_words(run: Run) -> None:
    run.save(1)
    weight, bias = run.network.parameters()
    run.optimiser = torch.optim.AdamW([{"params": [weight]}, {"params": [bias]}])
    with pytest.raises(CheckpointError, match=r"other parameters decayed .* another folder"):
        run.load()

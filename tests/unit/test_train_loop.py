"""Training goes on where it stopped, learns, and says what it read."""

import argparse
import csv
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.train.__main__ import command_line
from model.train.checkpoint import CheckpointError
from model.train.journal import STEPS
from model.train.loop import CHECKPOINT, Trainer
from model.train.prepared import PreparedCase, prepare_case
from model.train.sources import TrainingData
from model.weights import load_network
from tests.train_cases import CONFIG, NETWORK, bright_case


@pytest.fixture
def cases() -> list[PreparedCase]:
    return [prepare_case(bright_case(), 1.0, healthy=False)]


@pytest.fixture
def data(cases: list[PreparedCase]) -> TrainingData:
    return TrainingData(tuple(cases), ())


def test_resumed_run_repeats_the_uninterrupted_one(data: TrainingData, tmp_path: Path) -> None:
    whole = Trainer(CONFIG, data, tmp_path / "whole")
    whole_losses = [whole.step().loss for _ in range(6)]
    first = Trainer(CONFIG, data, tmp_path / "parts")
    losses = [first.step().loss for _ in range(3)]
    first.save()
    second = Trainer(CONFIG, data, tmp_path / "parts")
    second.resume()
    losses += [second.step().loss for _ in range(3)]
    assert losses == pytest.approx(whole_losses, rel=1e-4)
    for key, value in whole.average.state.items():
        assert torch.allclose(second.average.state[key], value, atol=1e-4), key


def test_run_writes_log_checkpoint_weights_and_card(data: TrainingData, tmp_path: Path) -> None:
    reports = []
    card = Trainer(replace(CONFIG, steps=3), data, tmp_path).run(reports.append)
    rows = list(csv.DictReader((tmp_path / STEPS).read_text(encoding="utf-8").splitlines()))
    assert [int(row["step"]) for row in rows] == [1, 2, 3]
    assert [report.step for report in reports] == [1, 2, 3]
    assert reports[-1].fraction == 1.0
    assert (tmp_path / CHECKPOINT).is_file()
    assert card.held_out == ("other",)
    assert card.document["training"]["cases"] == ["bright"]
    network, loaded = load_network(tmp_path, "tiny")
    assert loaded.sha256 == card.sha256
    assert network(torch.zeros(1, 4, 32, 32, 32)).shape == (1, 3, 32, 32, 32)


def test_card_tells_how_to_repeat_the_run(data: TrainingData, tmp_path: Path) -> None:
    command = "python -m model.train --config few.toml --data DATA --fold two --hold-out A B"
    options = argparse.Namespace(
        config=Path("x/few.toml"),
        fold="two",
        hold_out=["A", "B"],
        start_from=[Path("/r/w.safetensors")],
        device="auto",
    )
    told = command_line(options)
    assert told == f"{command} --start-from w.safetensors --device auto --output RUN"
    assert command_line(options, 3).startswith("torchrun --nproc-per-node 3 -m model.train")
    trainer = Trainer(CONFIG, data, tmp_path, command=told)
    trainer.progress = replace(trainer.progress, figures={"step": 5, "dice": 0.5})
    trainer.save()
    again = Trainer(CONFIG, data, tmp_path, command="another, with --resume")
    again.resume()
    section = again.export().document["training"]
    assert section["command"] == told
    assert section["torch"] == torch.__version__
    assert section["validation"] == {"step": 5, "dice": 0.5}


def test_interruption_leaves_a_checkpoint(data: TrainingData, tmp_path: Path) -> None:
    trainer = Trainer(CONFIG, data, tmp_path)

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer.run(stop)
    again = Trainer(CONFIG, data, tmp_path)
    again.resume()
    assert again.progress.step == 1


def test_damaged_or_foreign_checkpoint_is_refused(data: TrainingData, tmp_path: Path) -> None:
    trainer = Trainer(CONFIG, data, tmp_path)
    with pytest.raises(CheckpointError, match="cannot resume"):
        trainer.resume()
    (tmp_path / CHECKPOINT).write_bytes(b"no checkpoint")
    with pytest.raises(CheckpointError, match="cannot resume"):
        trainer.resume()
    trainer.save()
    wider = replace(CONFIG, network=replace(NETWORK, embed_dim=16))
    with pytest.raises(CheckpointError, match="cannot resume"):
        Trainer(wider, data, tmp_path).resume()


def test_training_learns_what_is_bright(data: TrainingData, tmp_path: Path) -> None:
    trainer = Trainer(replace(CONFIG, steps=40), data, tmp_path)
    losses = [trainer.step().loss for _ in range(40)]
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


def test_training_starts_from_other_weights(data: TrainingData, tmp_path: Path) -> None:
    first = Trainer(CONFIG, data, tmp_path / "first")
    first.step()
    first.export()
    second = Trainer(CONFIG, data, tmp_path / "second")
    weights = tmp_path / "first" / "tiny.safetensors"
    second.start_from([weights])
    for name, value in second.network.state_dict().items():
        assert torch.allclose(value, first.average.state[name], atol=1e-3)
    (checksum,) = second.export().document["training"]["started_from"]
    assert checksum == hashlib.sha256(weights.read_bytes()).hexdigest()
    second.step()
    second.export()
    third = Trainer(CONFIG, data, tmp_path / "third")
    third.start_from([weights, tmp_path / "second" / "tiny.safetensors"])
    for name, value in third.network.state_dict().items():
        mean = (first.average.state[name] + second.average.state[name]) / 2
        assert torch.allclose(value, mean, atol=1e-3)
    (tmp_path / "no.safetensors").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="cannot start from"):
        second.start_from([tmp_path / "no.safetensors"])


def test_a_resumed_run_knows_what_it_started_from(data: TrainingData, tmp_path: Path) -> None:
    Trainer(CONFIG, data, tmp_path / "first").export()
    weights = tmp_path / "first" / "tiny.safetensors"
    second = Trainer(CONFIG, data, tmp_path / "second")
    second.start_from([weights])
    second.step()
    second.save()
    again = Trainer(CONFIG, data, tmp_path / "second")
    again.resume()
    checksum = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert again.export().document["training"]["started_from"] == [checksum]
    again.start_from([weights])  # may be repeated
    again.resume()
    assert again.progress.step == 1
    again.start_from([weights, weights])
    with pytest.raises(CheckpointError, match="began with other weights"):
        again.resume()


def test_card_names_what_earlier_runs_have_read(data: TrainingData, tmp_path: Path) -> None:
    (case,) = data.training
    weights: list[Path] = []
    for name in ("A", "B", "C"):
        now = replace(data, training=(replace(case, name=name),))
        trainer = Trainer(CONFIG, now, tmp_path / name)
        if weights:
            trainer.start_from(weights[-1:])
        trainer.save()
        weights.append(tmp_path / name / "tiny.safetensors")
        again = Trainer(CONFIG, now, tmp_path / name)
        again.resume()
        card = again.export()
        assert card is not None
    assert card.document["training"]["cases"] == ["C"]
    assert card.document["training"]["cases_ever"] == ["A", "B", "C"]
    first = weights[0].with_suffix(".json")
    first.write_text(first.read_text().replace(card.sha256, "0" * 64))
    with pytest.raises(CheckpointError, match="the card says"):
        trainer.start_from(weights[:1])


@pytest.mark.expects_logs
def test_what_weights_without_a_card_have_read_is_not_known(
    data: TrainingData, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trainer = Trainer(CONFIG, data, tmp_path)
    trainer.export()
    (tmp_path / "tiny.json").unlink()
    trainer.start_from([tmp_path / "tiny.safetensors"])
    assert "what it has read is not known" in caplog.text


def test_a_fold_forgotten_when_resuming_is_named(data: TrainingData, tmp_path: Path) -> None:
    config = replace(CONFIG, folds={"one": ("left out",)})
    Trainer(config.without("one"), data, tmp_path).save()
    with pytest.raises(CheckpointError, match="cases held out: no longer left out"):
        Trainer(config, data, tmp_path).resume()
    (case,) = data.training
    both = replace(data, training=(case, replace(case, name="left out")))
    with pytest.raises(CheckpointError, match="training cases: now also left out"):
        Trainer(config.without("one"), both, tmp_path).resume()

"""Several processes, worker processes and a stop in the middle do not change what is learnt."""

import os
import shutil
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from model.network import UNETRppConfig
from model.train.cases import CaseStore
from model.train.config import (
    AugmentConfig,
    ConfigError,
    OptimiserConfig,
    SourceConfig,
    StageConfig,
    TrainConfig,
    ValidationConfig,
)
from model.train.crops import anchors_of
from model.train.distributed import Share
from model.train.feed import Feed
from model.train.journal import VALIDATIONS
from model.train.loop import BEST, Trainer
from model.train.prepared import PreparedCase
from model.train.sources import TrainingData, split

NETWORK = UNETRppConfig(
    dims=(4, 4, 4, 4),
    depths=(1, 1, 1, 1),
    heads=1,
    projected=(4, 4, 4, 4),
    full_resolution_channels=2,
    reference=(32, 32, 32),
    dropout=0.0,
)
CONFIG = TrainConfig(
    name="tiny",
    steps=3,
    sources=(SourceConfig("."),),
    stages=(StageConfig(1.0, 32, batch=3),),
    network=NETWORK,
    # Adam would blow up the rounding of gradients that are next to nothing.
    optimiser=OptimiserConfig("sgd", learning_rate=0.1, warm_up_steps=1, ema_decay=0.0),
    augment=AugmentConfig(noise=0.5, affine=0.5),
    seed=3,
)


def _case(name: str, seed: int) -> PreparedCase:
    rng = np.random.default_rng(seed)
    labels = np.zeros((36, 34, 33), dtype=np.uint8)
    labels[8:24, 8:26, 9:25] = 2
    labels[12:20, 12:20, 12:20] = 3
    images = rng.normal(0, 1, size=(4, *labels.shape)) + 2.0 * (labels > 0) + (labels == 3)
    return PreparedCase(name, 1.0, images.astype(np.float16), labels, anchors_of(labels))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    """Two stored cases to learn from and one for validation."""
    store = CaseStore(tmp_path_factory.mktemp("store"))
    stored = [store.keep(n, 1.0, {}, lambda n=n: _case(n, ord(n))) for n in "ABC"]
    return TrainingData(tuple(stored[:2]), (stored[2],))


def _train(config: TrainConfig, data: TrainingData, folder: Path) -> dict[str, torch.Tensor]:
    Trainer(config, replace(data, validation=()), folder).run(lambda _: None)
    return load_file(folder / "tiny.safetensors")


def test_a_stopped_run_goes_on_bit_by_bit(data: TrainingData, tmp_path: Path) -> None:
    config = replace(
        CONFIG,
        steps=4,
        network=replace(NETWORK, dropout=0.5),
        optimiser=replace(CONFIG.optimiser, ema_decay=0.5),
        validation=ValidationConfig(every_steps=2),
    )
    Trainer(config, data, tmp_path / "whole").run(lambda _: None)
    for _ in range(4):
        trainer = Trainer(config, data, tmp_path / "parts")
        if (tmp_path / "parts" / "checkpoint.pt").exists():
            trainer.resume()
        if trainer.progress.step == 3:
            trainer.run(lambda _: None)
            break
        trainer.stop_asked = True
        with pytest.raises(KeyboardInterrupt):
            trainer.run(lambda _: None)
    for file in ("tiny.safetensors", f"{BEST}/tiny.safetensors", VALIDATIONS):
        whole, parts = (tmp_path / run / file for run in ("whole", "parts"))
        assert whole.read_bytes() == parts.read_bytes(), file


def test_temperatures_of_unit_scores_are_learnt_on_a_processor(
    data: TrainingData, tmp_path: Path
) -> None:
    config = replace(CONFIG, network=replace(NETWORK, unit_scores=True))
    start = Trainer(config, data, tmp_path / "start").network.state_dict()
    learnt = _train(replace(config, steps=1), data, tmp_path / "run")
    moved = {name for name, weights in learnt.items() if not torch.equal(weights, start[name])}
    assert any(name.endswith("log_channel_temperature") for name in moved)
    assert any(name.endswith("log_spatial_temperature") for name in moved)


def test_a_half_done_update_is_not_saved(data: TrainingData, tmp_path: Path) -> None:
    trainer = Trainer(CONFIG, data, tmp_path)
    trainer.step()
    trainer.save()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    trainer.average.update = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        trainer.run(lambda _: None)
    again = Trainer(CONFIG, data, tmp_path)
    again.resume()
    assert again.progress.step == 1


def test_two_processes_learn_what_one_learns(data: TrainingData, tmp_path: Path) -> None:
    """Three crops a step: one process takes all, or one takes two and the other one."""
    code = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        import torch
        from pathlib import Path
        from model.train.distributed import join, leave
        from model.train.loop import Trainer
        torch.set_num_threads(1)
        config, data = torch.load({str(tmp_path / "run.pt")!r}, weights_only=False)
        share = join(torch.device("cpu"))
        Trainer(config, data, Path({str(tmp_path / "two")!r}), share=share).run(lambda _: None)
        leave()
    """
    (tmp_path / "process.py").write_text(textwrap.dedent(code))
    torch.save((CONFIG, data), tmp_path / "run.pt")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*command, "--standalone", str(tmp_path / "process.py")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    one, two = _train(CONFIG, data, tmp_path / "one"), load_file(tmp_path / "two/tiny.safetensors")
    start = Trainer(CONFIG, data, tmp_path / "start").network.state_dict()
    for name, weights in one.items():
        moved = float((weights - start[name]).abs().max())
        assert torch.allclose(two[name], weights, atol=1e-2 * moved + 1e-6), name
    # Both looked at the validation case: the figures come from all processes.
    assert (tmp_path / "two" / VALIDATIONS).read_text().count("\n") == 2


def test_worker_processes_draw_the_same_crops(data: TrainingData) -> None:
    config = replace(CONFIG, cache=True, workers=1, steps=2)
    feed = Feed(data.drawer, config, Share())
    ahead = feed.from_step(1)
    assert ahead is not None
    (batch,) = ahead
    for drawn, expected in zip(batch, feed.batch(1, config.stages[0]), strict=True):
        assert torch.equal(drawn, expected)


def test_shares_make_up_the_batch(data: TrainingData) -> None:
    stage = CONFIG.stages[0]
    whole, _, _ = Feed(data.drawer, CONFIG, Share()).batch(5, stage)
    first, _, _ = Feed(data.drawer, CONFIG, Share(0, 2)).batch(5, stage)
    second, _, _ = Feed(data.drawer, CONFIG, Share(1, 2)).batch(5, stage)
    assert torch.equal(whole[[0, 2]], first)
    assert torch.equal(whole[[1]], second)


def test_what_processes_cannot_share_is_refused(data: TrainingData, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="4 processes cannot share a batch of 3"):
        Trainer(CONFIG, data, tmp_path, share=Share(0, 4))
    with pytest.raises(ConfigError, match="workers need cache"):
        replace(CONFIG, workers=2)


def test_stored_cases_are_made_once_and_again_when_their_source_changes(tmp_path: Path) -> None:
    made: list[str] = []

    def make() -> PreparedCase:
        made.append("A")
        return _case("A", 1)

    store = CaseStore(tmp_path)
    case = store.keep("A", 2.0, {"files": [1]}, make)
    assert store.keep("A", 2.0, {"files": [1]}, make) == case
    assert (case.name, case.weight, case.folder.parent) == ("A", 2.0, tmp_path)
    assert made == ["A"]
    changed = store.keep("A", 2.0, {"files": [2]}, make)
    assert changed.folder != case.folder
    assert made == ["A", "A"]
    fresh = _case("A", 1)
    assert np.array_equal(case.images_ckji, fresh.images_ckji)
    assert np.array_equal(case.labels_kji, fresh.labels_kji)
    for kept, anchors in zip(case.anchors, fresh.anchors, strict=True):
        assert np.array_equal(kept, anchors)
    (changed.folder / "origin.json").unlink()  # as older versions left it when killed
    store.keep("A", 2.0, {"files": [2]}, make)
    assert len(made) == 3


def test_a_case_that_another_run_reads_is_left_alone(tmp_path: Path) -> None:
    """Two runs share a store; the later one is done while the first already reads."""
    first, later = CaseStore(tmp_path), CaseStore(tmp_path)
    mapped = []

    def make() -> PreparedCase:
        mapped.append(first.keep("A", 1.0, {}, lambda: _case("A", 1)).images_ckji)
        return _case("A", 2)

    kept = later.keep("A", 1.0, {}, make)
    fresh = _case("A", 1)
    assert np.array_equal(mapped[0], fresh.images_ckji)
    assert np.array_equal(kept.images_ckji, fresh.images_ckji)
    assert list(tmp_path.iterdir()) == [kept.folder]


def test_a_case_is_seen_only_when_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = CaseStore(tmp_path)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", killed)
    with pytest.raises(KeyboardInterrupt):
        store.keep("A", 1.0, {}, lambda: _case("A", 1))
    assert not store.has("A", {})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["", '{"version": '])
def test_a_case_whose_record_was_cut_off_is_made_anew(tmp_path: Path, text: str) -> None:
    store = CaseStore(tmp_path)
    kept = store.keep("A", 1.0, {}, lambda: _case("A", 1))
    (kept.folder / "origin.json").write_text(text, encoding="utf-8")
    assert not store.has("A", {})
    again = store.keep("A", 1.0, {}, lambda: _case("A", 2))
    assert store.has("A", {})
    assert np.array_equal(again.images_ckji, _case("A", 2).images_ckji)


def test_what_a_killed_run_left_of_a_case_goes_but_not_what_another_writes(tmp_path: Path) -> None:
    store = CaseStore(tmp_path)
    name = store.keep("A", 1.0, {}, lambda: _case("A", 1)).folder.name
    shutil.rmtree(tmp_path / name)
    left, written = (tmp_path / f"{name}.{n}.part" for n in ("01234567", "89abcdef"))
    for part in (left, written):
        part.mkdir()
    two_days_ago = time.time() - 2 * 86_400
    os.utime(left, (two_days_ago, two_days_ago))
    store.keep("A", 1.0, {}, lambda: _case("A", 1))
    assert {path.name for path in tmp_path.iterdir()} == {name, written.name}


def test_the_split_depends_on_names_and_seed_alone() -> None:
    names = [f"P{n}" for n in range(10)]
    aside = split(names, 0.2, seed=1)
    assert len(aside) == 2
    assert split(list(reversed(names)), 0.2, seed=1) == aside
    assert any(split(names, 0.2, seed=seed) != aside for seed in range(2, 6))
    assert split(names, 0.0, seed=1) == frozenset()

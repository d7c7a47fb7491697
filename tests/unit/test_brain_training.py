import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.brain.config import read_config
from model.brain.loop import CHECKPOINT, BrainTrainer, brain_loss, dice
from model.brain.source import ScanSource, load_source
from model.brain.train import main
from model.data import CaseError
from model.errors import WeightsError
from model.network import BrainUNet, build_network
from model.train.checkpoint import CheckpointError
from model.train.journal import STEPS
from model.train.sections import ConfigError, OptimiserConfig
from model.weights import load_network, save_network
from tests.brain_cases import TINY, tiny_config, write_data

SHIPPED = Path(__file__).parents[2] / "model" / "brain" / "configs" / "brain.toml"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"), "one")


@pytest.fixture(scope="module")
def source(data: Path) -> ScanSource:
    return load_source(tiny_config(), data)


def test_network_answers_on_the_grid_of_the_image():
    network = build_network(TINY).eval()
    assert isinstance(network, BrainUNet)
    assert TINY.total_stride == (4, 4, 4)
    with torch.inference_mode():
        assert network(torch.rand(1, 1, 8, 12, 16)).shape == (1, 1, 8, 12, 16)


@pytest.mark.parametrize("settings", [{"stem": 6}, {"channels": (8,)}, {"out_channels": 0}])
def test_impossible_widths_are_refused(settings):
    with pytest.raises(ValueError, match=r"multiples|resolutions|channels"):
        replace(TINY, **settings)


def test_loss_is_least_for_the_right_answer():
    depth = torch.linspace(-8, 8, 17).expand(3, 3, 17)
    target = torch.sigmoid(depth)
    right, shifted, flat = (brain_loss(x, target) for x in (depth, depth + 2, depth * 0))
    assert right < shifted < flat


def test_overlap_of_masks():
    one, two = torch.tensor([1, 1, 0, 0]).bool(), torch.tensor([1, 0, 1, 0]).bool()
    assert dice(one, two) == 0.5
    assert dice(~one & one, two & ~two) == 1.0


def test_run_ends_with_weights_that_load(tmp_path: Path, source: ScanSource):
    trainer = BrainTrainer(tiny_config(held_out=("two",)), source, source, tmp_path)
    card = trainer.run()
    assert card.held_out == ("two",)
    assert card.document["training"]["steps"] == 2
    assert "dice_on_scans_of_heads_held_out" in card.document["training"]
    network, _ = load_network(tmp_path, "tiny")
    assert isinstance(network, BrainUNet)
    assert len((tmp_path / STEPS).read_text().splitlines()) == 3


def test_resumed_run_is_the_uninterrupted_one(tmp_path: Path, source: ScanSource):
    whole = BrainTrainer(tiny_config(steps=3), source, None, tmp_path / "whole")
    whole.run()

    class StopsAfterTwo:
        names = source.names

        def scan(self, step: int):
            if step == 1:
                first.stop_asked = True
            return source.scan(step)

    first = BrainTrainer(tiny_config(steps=3), StopsAfterTwo(), None, tmp_path / "parts")  # type: ignore[arg-type]
    first.run()
    assert first.progress.step == 2
    second = BrainTrainer(tiny_config(steps=3), source, None, tmp_path / "parts")
    second.resume()
    second.run()
    one, other = (load_network(tmp_path / name, "tiny")[0] for name in ("whole", "parts"))
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_run_of_other_heads_is_not_resumed(tmp_path: Path, source: ScanSource):
    BrainTrainer(tiny_config(steps=1), source, None, tmp_path).run()
    other = BrainTrainer(tiny_config(held_out=("three",)), source, None, tmp_path)
    with pytest.raises(CheckpointError, match="held out"):
        other.resume()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"seed": 99}, "seed was 0 and is 99"),
        ({"crops": ((8, 8, 8),)}, "crops"),
        ({"optimiser": OptimiserConfig(learning_rate=0.5)}, "optimiser.learning_rate"),
    ],
)
def test_run_of_another_recipe_is_not_resumed(
    tmp_path: Path, source: ScanSource, changes: dict[str, object], named: str
):
    BrainTrainer(tiny_config(steps=1), source, None, tmp_path).run()
    with pytest.raises(CheckpointError, match=f"recipe: .*{named}"):
        BrainTrainer(tiny_config(steps=1, **changes), source, None, tmp_path).resume()
    # How often it is saved changes nothing that is learnt.
    BrainTrainer(tiny_config(steps=1, checkpoint_minutes=9.0), source, None, tmp_path).resume()


@pytest.mark.expects_logs
def test_a_step_that_is_not_finite_is_left_out(tmp_path: Path, source: ScanSource, caplog):
    class OneIsBroken:
        names = source.names

        def scan(self, step: int):
            scan = source.scan(step)
            return replace(scan, image=scan.image * math.nan) if step == 1 else scan

    trainer = BrainTrainer(tiny_config(steps=3), OneIsBroken(), None, tmp_path)  # type: ignore[arg-type]
    trainer.run()
    network, _ = load_network(tmp_path, "tiny")
    assert all(bool(value.isfinite().all()) for value in network.state_dict().values())
    assert "step 2 is left out" in caplog.text
    assert trainer.progress.step == 3


def test_weights_that_are_no_numbers_are_not_written(tmp_path: Path):
    state = build_network(TINY).state_dict()
    name = next(key for key, value in state.items() if value.ndim > 1)
    for value in (math.nan, 1e6):  # the latter is more than float16 holds
        state[name].view(-1)[0] = value
        with pytest.raises(WeightsError, match=name):
            save_network(tmp_path, "broken", TINY, state, {})
    assert not list(tmp_path.iterdir())


def test_heads_held_out_are_not_read(data: Path):
    config = tiny_config(held_out=("one",))
    with pytest.raises(CaseError, match="no maps of heads"):
        load_source(config, data)
    assert load_source(config, data, held_out=True).names == ("one",)


def test_scans_follow_from_step_and_seed(data: Path, source: ScanSource):
    again = load_source(tiny_config(), data)
    assert torch.equal(source.scan(1).image, again.scan(1).image)
    assert not torch.equal(source.scan(1).image, again.scan(2).image)


@pytest.mark.expects_logs
def test_command_trains_and_refuses_to_overwrite(tmp_path: Path, data: Path, caplog):
    text = (
        'name = "tiny"\nsteps = 1\ncrops = [[16, 16, 16]]\n[network]\nstem = 8\nchannels = [8, 8]\n'
    )
    config = tmp_path / "tiny.toml"
    config.write_text(text)
    order = ["--config", str(config), "--data", str(data), "--output", str(tmp_path / "run")]
    assert main(order) == 0
    assert (tmp_path / "run" / CHECKPOINT).is_file()
    assert json.loads((tmp_path / "run" / "tiny.json").read_text())["architecture"] == "BrainUNet"
    assert main(order) == 2
    assert "--resume" in caplog.text


@pytest.mark.expects_logs
def test_command_tells_what_is_wrong(tmp_path: Path, data: Path, caplog):
    config = tmp_path / "tiny.toml"
    order = ["--config", str(config), "--data", str(data), "--output", str(tmp_path)]
    for text, code in (
        ('name = "x"\nsteps = 0\n', 2),
        ('name = "x"\nsteps = 1\nheads = "nowhere"\n', 3),
        ('name = "x"\nsteps = 1\nunknown = 3\n', 2),
    ):
        config.write_text(text)
        assert main(order) == code
    assert "unknown" in caplog.text


def test_shipped_recipe_can_be_read():
    config = read_config(SHIPPED)
    assert config.held_out
    assert config.card["task"]["name"]
    with pytest.raises(ConfigError, match="multiples of 16"):
        replace(config, crops=((24, 16, 16),))
    assert np.prod(config.crops, axis=1).max() < 2_000_000

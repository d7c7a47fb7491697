"""MONAI's SegResNet under our names: the same answers, any size, the same recipe as ours."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.networks.nets.segresnet import SegResNet as MonaiSegResNet

from model.architectures import CARD_NAMES, TITLES, Kind
from model.evaluate.folds import read_fold_table
from model.inference import Segmenter
from model.messages import InferenceRequest
from model.network import SegResNet, SegResNetConfig, build_network, read_config
from model.network.kinds import kind_of
from model.recipes import read_recipe
from model.train.config import ConfigError, load_config
from model.weights import load_network, save_network

SMALL = SegResNetConfig(init_filters=8, blocks_down=(1, 1, 1), blocks_up=(1, 1), dropout=0.0)
CONFIGS = Path(__file__).parents[2] / "model" / "train" / "configs"


def test_the_default_is_the_bundles() -> None:
    network = SegResNet()
    assert sum(p.numel() for p in network.parameters()) == 4_702_227
    assert network.config.total_stride == (8, 8, 8)
    assert read_config({"kind": "segresnet"}) == SegResNetConfig()
    assert read_config({"blocks_down": [1, 1, 1], "blocks_up": [1, 1]}, "segresnet") != SMALL


def test_answers_are_monais() -> None:
    torch.manual_seed(0)
    ours = SegResNet(SMALL).eval()
    theirs = MonaiSegResNet(
        init_filters=8, in_channels=4, out_channels=3, blocks_down=(1, 1, 1), blocks_up=(1, 1)
    ).eval()
    theirs.load_state_dict(ours.network.state_dict())
    image = torch.randn(1, 4, 16, 20, 24)
    with torch.inference_mode():
        assert torch.equal(ours(image), theirs(image))


def test_any_size_comes_back() -> None:
    network = SegResNet(SMALL).eval()
    with torch.inference_mode():
        assert network(torch.zeros(1, 4, 13, 18, 7)).shape == (1, 3, 13, 18, 7)
    with pytest.raises(ValueError, match="deep supervision"):
        network.forward_deep(torch.zeros(1, 4, 16, 16, 16))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"init_filters": 12}, "multiple of 8"),
        ({"blocks_up": (1, 1)}, "one stage less"),
        ({"blocks_down": (1, 0, 1, 1)}, "blocks_down must be positive"),
        ({"dropout": 1.0}, "dropout"),
        ({"in_channels": 0}, "in_channels"),
    ],
)
def test_wrong_settings_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(SegResNetConfig(), **change)


def test_it_can_be_judged_but_is_no_product(tmp_path: Path) -> None:
    assert CARD_NAMES[kind_of(SMALL)] == "SegResNet"
    assert CARD_NAMES[Kind.SEGRESNET] not in TITLES
    torch.manual_seed(0)
    save_network(tmp_path, "peer", SMALL, build_network(SMALL).state_dict(), {})
    _network, card = load_network(tmp_path, "peer")
    assert card.network == SMALL
    image = np.random.default_rng(0).normal(100, 10, size=(4, 33, 40, 35)).astype(np.float32)
    request = InferenceRequest(
        image, (True, True, True, True), tmp_path, "cpu", "fp32", model_name="peer"
    )
    assert Segmenter().segment(request).labels_kji.shape == (33, 40, 35)


@pytest.mark.parametrize("recipe", ["few_patients", "grown_tumours"])
def test_the_recipe_is_ours_but_for_the_network(recipe: str) -> None:
    ours, peer = (load_config(CONFIGS / f"{name}.toml") for name in (recipe, f"segresnet_{recipe}"))
    assert peer.network == SegResNetConfig()
    assert peer.name != ours.name
    assert replace(peer, network=ours.network, name=ours.name, card=ours.card) == ours


def test_folds_stand_in_the_extended_file() -> None:
    ours, peer = (
        read_fold_table(CONFIGS / name)
        for name in ("few_patients.toml", "segresnet_few_patients.toml")
    )
    assert ours == peer != {}


def test_what_a_recipe_says_itself_comes_first(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text('name = "a"\nsteps = 5\n[grown]\nshare = 0.5\nbrains = "b"')
    own = tmp_path / "own.toml"
    own.write_text('extends = "base.toml"\nname = "c"\n[grown]\nshare = 0.1\n')
    assert read_recipe(own) == {"name": "c", "steps": 5, "grown": {"share": 0.1}}
    (tmp_path / "third.toml").write_text('extends = "own.toml"\n')
    with pytest.raises(ConfigError, match="cannot be extended itself"):
        load_config(tmp_path / "third.toml")
    own.write_text('extends = "nowhere.toml"\n')
    with pytest.raises(ConfigError, match="nowhere"):
        load_config(own)

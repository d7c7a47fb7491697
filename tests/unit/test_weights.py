import json
from pathlib import Path

import pytest
import torch

from model.errors import WeightsError
from model.network import SlimUNETRpp, SlimUNETRppConfig
from model.weights import (
    DEFAULT_FOLDER,
    load_network,
    read_card,
    save_network,
    sha256_of,
    verify,
)

CONFIG = SlimUNETRppConfig(
    channels=(4, 4, 8), embed_dim=8, blocks=(1, 1, 1, 1), heads=(1, 1, 2, 2), kernel_size=3
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    state = SlimUNETRpp(CONFIG).state_dict()
    save_network(tmp_path, "small", CONFIG, state, {"training": {"held_out": ["a"]}})
    return tmp_path


def test_saved_network_is_listed_verified_and_loaded(folder: Path) -> None:
    card = read_card(folder, "small")
    assert (card.name, card.network, card.held_out) == ("small", CONFIG, ("a",))
    assert verify(folder, "small") == card.sha256 == sha256_of(folder / "small.safetensors")
    network, _ = load_network(folder, "small")
    assert not network.training
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    assert network(torch.zeros(1, 4, 32, 32, 32)).shape == (1, 3, 32, 32, 32)


def test_nothing_half_written_stays(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["small.json", "small.safetensors"]


def test_changed_weights_are_refused(folder: Path) -> None:
    path = folder / "small.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(WeightsError, match="SHA-256"):
        verify(folder, "small")
    with pytest.raises(WeightsError, match="SHA-256"):
        load_network(folder, "small")


def _edit(folder: Path, **changes: object) -> None:
    path = folder / "small.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": "else"}, "not a model card"),
        ({"architecture": "UNet"}, "unknown architecture"),
        ({"network": {"kernel_size": 4}}, "kernel_size"),
    ],
)
def test_foreign_cards_are_refused(folder: Path, changes: dict[str, object], message: str) -> None:
    _edit(folder, **changes)
    with pytest.raises(WeightsError, match=message):
        read_card(folder, "small")


def test_card_of_another_network_does_not_load(folder: Path) -> None:
    network = json.loads((folder / "small.json").read_text())["network"]
    _edit(folder, network={**network, "embed_dim": 16})
    with pytest.raises(WeightsError, match=r"small\.safetensors"):
        load_network(folder, "small")


def test_missing_files_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"other\.json"):
        load_network(tmp_path, "other")
    (folder / "small.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"small\.safetensors"):
        verify(folder, "small")


def test_broken_json_is_named(folder: Path) -> None:
    (folder / "small.json").write_text("{")
    with pytest.raises(WeightsError, match=r"small\.json"):
        read_card(folder, "small")


def test_shipped_weights_are_whole_small_and_described() -> None:
    cards = {
        name: read_card(DEFAULT_FOLDER, name)
        for name in (path.stem for path in DEFAULT_FOLDER.glob("*.json"))
    }
    assert set(cards) == {"brain", "slim_unetrpp"}
    files = [DEFAULT_FOLDER / f"{name}.safetensors" for name in cards]
    assert sum(file.stat().st_size for file in files) < 25_000_000
    for card in cards.values():
        verify(DEFAULT_FOLDER, card.name)
        assert card.document["limits"]
        assert "Not a medical device" in card.document["notice"]


def test_the_shipped_figures_are_of_patients_the_networks_never_read() -> None:
    judged = read_card(DEFAULT_FOLDER, "slim_unetrpp").document["cross_validation"]
    held_out = [name for fold in judged["folds"].values() for name in fold["held_out"]]
    assert len(held_out) == len(set(held_out)) == judged["patients"]
    assert not judged["folds_missing"]

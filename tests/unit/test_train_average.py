"""The mean of networks: its weights, what its card says of whom they have read."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from model.network import build_network
from model.network.slim_unetrpp import SlimUNETRppConfig
from model.train.average import INPUT_ERROR, main
from model.weights import load_network, save_network

SMALL = SlimUNETRppConfig(channels=(8, 8, 8), embed_dim=16)


def write_run(folder: Path, value: float, cases: list[str], *held_out: str) -> Path:
    state = {k: torch.full_like(v, value) for k, v in build_network(SMALL).state_dict().items()}
    training = {"cases": cases, "held_out": list(held_out), "steps": 5}
    details = {"training": training, "metrics": {"dice": 1.0}, "licence": {"weights": "x"}}
    save_network(folder, "small", SMALL, state, details)
    return folder / "small.safetensors"


def test_the_mean_has_read_what_all_of_them_have_and_no_figures(tmp_path: Path) -> None:
    first, second = write_run(tmp_path / "a", 1.0, ["p"]), write_run(tmp_path / "b", 2.0, ["q"])
    assert main([str(first), str(second), "--output", str(tmp_path / "out")]) == 0
    mean = load_file(tmp_path / "out" / "small.safetensors")
    assert all(torch.allclose(tensor.float(), torch.tensor(1.5)) for tensor in mean.values())
    _, card = load_network(tmp_path / "out", "small")
    training = card.document["training"]
    parents = [
        json.loads(one.with_suffix(".json").read_text())["sha256"] for one in (first, second)
    ]
    assert training["mean_of"] == training["started_from"] == parents
    assert card.read_cases == {"p", "q"}
    assert "metrics" not in card.document
    assert card.document["licence"] == {"weights": "x"}


def test_what_the_last_one_holds_out_all_have_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = write_run(tmp_path / "a", 1.0, ["p"], "y", "z")
    second = write_run(tmp_path / "b", 2.0, ["p", "y"], "z")
    assert main([str(second), str(first), "--output", str(tmp_path / "out")]) == INPUT_ERROR
    assert "does not hold out what" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main([str(first), str(second), "--output", str(tmp_path / "out")]) == 0
    _, card = load_network(tmp_path / "out", "small")
    assert card.held_out == ("z",)
    assert card.read_cases == {"p", "y"}


def test_a_mean_does_not_replace_one_of_its_networks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = write_run(tmp_path / "a", 1.0, ["p"]), write_run(tmp_path / "b", 2.0, ["q"])
    before = second.read_bytes()
    assert main([str(first), str(second), "--output", str(second.parent)]) == INPUT_ERROR
    assert "choose another folder" in capsys.readouterr().err
    assert second.read_bytes() == before

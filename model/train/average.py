"""The mean of several networks that began alike, as one network with a card of its own.

Runs that go on from one another end in the same basin, where the mean of their weights is often
better than each (Wortsman et al. 2022, arXiv 2203.05482). It costs nothing at inference.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from safetensors.torch import load_file
from torch import Tensor

from model.errors import WeightsError
from model.weights import ModelCard, read_card, save_network, verify

INPUT_ERROR = 3
_OF_THE_WEIGHTS = ("schema", "name", "architecture", "notice", "network", "parameters", "sha256")
_OF_ANOTHER_EVALUATION = ("metrics", "cross_validation", "calibration", "postprocess")


def mean_weights(paths: Sequence[Path]) -> dict[str, Tensor]:
    """Return the mean of every tensor of several safetensors files, float32.

    Raises
    ------
    OSError, safetensors.SafetensorError
        If a file cannot be read.
    KeyError, RuntimeError
        If they are of different networks.
    """
    states = [load_file(path) for path in paths]
    return {
        name: torch.stack([state[name].float() for state in states]).mean(dim=0)
        for name in states[0]
    }


def average(paths: Sequence[Path], output: Path) -> ModelCard:
    """Write the mean of networks, and a card: the last one's, with what all of them have read.

    Parameters
    ----------
    paths
        Weights, each with its card beside it; the last one's recipe, texts and held-out cases are
        kept. The others may hold out more.
    output
        Folder of the result, which has the last one's name.

    Raises
    ------
    WeightsError
        If weights or a card cannot be read, or are of different networks, if one does not hold
        out what the last one does, or if the result would replace one of them.
    """
    for path in paths:
        if path.parent.resolve() == output.resolve():
            msg = f"{output} holds one of the networks: choose another folder for their mean"
            raise WeightsError(msg)
    cards = [read_card(path.parent, path.stem) for path in paths]
    for path, card in zip(paths, cards, strict=True):
        verify(path.parent, path.stem)
        if card.network != cards[-1].network:
            msg = f"{path}: another network than {paths[-1]}"
            raise WeightsError(msg)
        if read := sorted(set(cards[-1].held_out) - set(card.held_out)):
            msg = f"{path}: does not hold out what {paths[-1]} does: {', '.join(read)}"
            raise WeightsError(msg)
    left_out = (*_OF_THE_WEIGHTS, *_OF_ANOTHER_EVALUATION)
    details = {k: v for k, v in cards[-1].document.items() if k not in left_out}
    details["training"] = _training(cards)
    last = cards[-1]
    return save_network(output, last.name, last.network, mean_weights(paths), details)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``python -m model.train.average WEIGHTS WEIGHTS --output FOLDER``."""
    parser = argparse.ArgumentParser(
        prog="python -m model.train.average", description="Mean of the weights of several runs."
    )
    parser.add_argument("weights", nargs="+", type=Path, help="safetensors files with their cards")
    parser.add_argument("--output", required=True, type=Path, help="folder of the result")
    options = parser.parse_args(arguments)
    try:
        card = average(options.weights, options.output)
    except WeightsError as error:
        Console(stderr=True).print(str(error), style="red")
        return INPUT_ERROR
    Console().print(str(options.output / f"{card.name}.safetensors"), soft_wrap=True)
    return 0


def _training(cards: Sequence[ModelCard]) -> dict[str, Any]:
    hashes = [card.sha256 for card in cards]
    return {
        **cards[-1].document.get("training", {}),
        "mean_of": hashes,
        # Who looks for what the networks before have read finds all of them.
        "started_from": hashes,
        "cases_ever": sorted(frozenset[str]().union(*(card.read_cases for card in cards))),
    }


if __name__ == "__main__":
    sys.exit(main())

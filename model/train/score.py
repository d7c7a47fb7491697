"""``python -m model.train.score --weights FILE --data DIR``: a network of any organ, by label.

For networks trained on Decathlon data; those for brain tumours are judged by `model.evaluate`.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from model.data import CaseError
from model.decathlon import CaseFiles, DecathlonSet, read_set
from model.errors import WeightsError
from model.train.config import StageConfig
from model.train.distributed import Share
from model.train.fingerprint import Fingerprint
from model.train.prepared import PreparedCase
from model.train.task import Task
from model.train.validation import CaseFigures, Figures, Validator
from model.weights import ModelCard, load_network

VALIDATION = "validation"
INPUT_ERROR = 3


def main(arguments: list[str] | None = None) -> int:
    """Score and return the exit code."""
    options = _parser().parse_args(arguments)
    console = Console(stderr=True)
    device = torch.device(options.device)
    weights: Path = options.weights
    try:
        network, card = load_network(weights.parent, weights.stem)
        validator = validator_of(card, device)
        described = read_set(options.data)
        files = select(described, options.cases, card)
        _check_labels(described, validator.task, card)
        fingerprint = Fingerprint.from_document(card.task or {})
        network = network.to(device)
        cases: list[CaseFigures] = []
        for one in track(files, "scoring", console=console):
            images, labels = fingerprint.prepare(described.load(one))
            case = PreparedCase(one.name, 1.0, images.astype(np.float16), labels, ())
            cases += validator.look(network, [case]).cases
    except (CaseError, WeightsError) as error:
        console.print(str(error), style="red", markup=False)
        return INPUT_ERROR
    figures = Figures(tuple(cases))
    if options.json:
        document = {"model": card.name, "sha256": card.sha256, "mean": figures.mean()}
        cases_document = {"cases": [asdict(case) for case in cases]}
        sys.stdout.write(json.dumps({**document, **cases_document}, indent=2) + "\n")
    else:
        Console().print(_table(cases, figures, validator.task.scored))
    return 0


def validator_of(card: ModelCard, device: torch.device) -> Validator:
    """Return what scores a network as its training did.

    Raises
    ------
    WeightsError
        If the network is for brain tumours, or its card lacks what is needed.
    """
    if card.task is None:
        msg = f"{card.name} is for brain tumours: python -m model.evaluate judges it"
        raise WeightsError(msg)
    try:
        recipe = card.document["training"]["recipe"]
        stage = StageConfig(**recipe["stages"][-1])
        k, j, i = card.task["spacing_kji_mm"]
        task = Task(
            str(card.task["name"]),
            tuple(card.task["modalities"]),
            tuple(card.task["labels"]),
            exclusive=bool(card.task["exclusive"]),
            spacing_kji_mm=(float(k), float(j), float(i)),
        )
        overlap = float(recipe["validation"]["overlap"])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        msg = f"{card.name}: its card does not say how it was trained: {error!r}"
        raise WeightsError(msg) from error
    return Validator(task, stage.shape, overlap, device, Share())


def select(described: DecathlonSet, wanted: str | None, card: ModelCard) -> tuple[CaseFiles, ...]:
    """Return the cases asked for.

    Parameters
    ----------
    described
        The data.
    wanted
        Names with commas between, ``validation`` for those the training set aside, None for all.
    card
        Of the network.

    Raises
    ------
    CaseError
        If one of them is not there.
    """
    if wanted is None:
        return described.cases
    aside = card.document.get("training", {}).get("validation_cases", ())
    names = tuple(aside) if wanted == VALIDATION else tuple(wanted.split(","))
    by_name = {case.name: case for case in described.cases}
    missing = [name for name in names if name not in by_name]
    if missing or not names:
        msg = f"no such case: {', '.join(missing) or wanted}"
        raise CaseError(msg)
    return tuple(by_name[name] for name in names)


def _check_labels(described: DecathlonSet, task: Task, card: ModelCard) -> None:
    if (described.modalities, described.labels) != (task.modalities, task.targets):
        msg = (
            f"{card.name} reads {', '.join(task.modalities)} and finds {', '.join(task.targets)}; "
            f"the data have {', '.join(described.modalities)} and {', '.join(described.labels)}"
        )
        raise CaseError(msg)


def _table(cases: Sequence[CaseFigures], figures: Figures, targets: Sequence[str]) -> Table:
    table = Table("case", *targets, title="Dice / HD95 mm")
    for case in cases:
        table.add_row(case.name, *(_cell(case.dice[t], case.hd95_mm[t]) for t in targets))
    mean = figures.mean()
    table.add_section()
    table.add_row("mean", *(_cell(mean[f"dice_{t}"], mean[f"hd95_mm_{t}"]) for t in targets))
    return table


def _cell(dice: float, hd95_mm: float) -> str:
    return "not there" if np.isnan(dice) else f"{dice:.3f} / {hd95_mm:.1f}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m model.train.score",
        description="Dice and 95 % Hausdorff distance of each label and case of a Decathlon set.",
    )
    parser.add_argument("--weights", type=Path, required=True, help="safetensors, its card beside")
    parser.add_argument("--data", type=Path, required=True, help="folder with dataset.json")
    parser.add_argument(
        "--cases", help=f"names with commas between, or {VALIDATION!r} for those set aside"
    )
    parser.add_argument("--device", default="cpu", help="cpu or cuda[:N]")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""``python -m model.train.score --weights FILE --data DIR``: a network of any organ, by label.

For networks trained on Decathlon data; those for brain tumours are judged by `model.evaluate`.
Cases that the network has learnt from, those that its training set aside and new ones have means of
their own: the first say little of how good it is. All is judged on the cases' own grids, as the
Decathlon and nnU-Net do; validation during training judges on the network's.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from model.data import Case, CaseError
from model.decathlon import CaseFiles, DecathlonSet, read_set
from model.errors import WeightsError
from model.spec import LabelArray
from model.train.organ import OrganSegmenter
from model.train.task import Task
from model.train.validation import CaseFigures, Figures, figures_of
from model.weights import ModelCard, load_network

VALIDATION = "validation"
INPUT_ERROR = 3


class Part(StrEnum):
    """What a case was to the training of the network that is scored on it."""

    NEW = "not in training"
    ASIDE = "set aside"
    LEARNT = "learnt from"


def main(arguments: list[str] | None = None) -> int:
    """Score and return the exit code."""
    options = _parser().parse_args(arguments)
    console = Console(stderr=True)
    device = torch.device(options.device)
    weights: Path = options.weights
    try:
        network, card = load_network(weights.parent, weights.stem)
        segmenter, known = OrganSegmenter.of(network, card, device), known_parts(card)
        described = read_set(options.data)
        files = select(described, options.cases, card)
        _check_labels(described, segmenter.task, card)
        cases = [
            score_case(segmenter, described.load(one))
            for one in track(files, "scoring", console=console)
        ]
    except (CaseError, WeightsError) as error:
        console.print(str(error), style="red", markup=False)
        return INPUT_ERROR
    parts = by_part(cases, known)
    if options.json:
        sys.stdout.write(json.dumps(_document(parts, card), indent=2) + "\n")
    else:
        Console().print(_table(parts, segmenter.task.scored))
    return 0


def score_case(segmenter: OrganSegmenter, case: Case) -> CaseFigures:
    """Segment a case and compare the labels with the reference, both on the case's own grid.

    Raises
    ------
    CaseError
        If the case has no labels or no image.
    """
    if case.labels_kji is None:
        msg = f"{case.name}: no reference labels"
        raise CaseError(msg)
    found, true = segmenter.segment(case), case.labels_kji
    masks = (
        (target, (_mask(found, value), _mask(true, value)))
        for value, target in enumerate(segmenter.task.scored, start=1)
    )
    return figures_of(case.name, masks, case.spacing_kji_mm)


def _mask(labels_kji: LabelArray, value: int) -> torch.Tensor:
    return torch.from_numpy(labels_kji == value)[None, None].float()


def select(described: DecathlonSet, wanted: str | None, card: ModelCard) -> tuple[CaseFiles, ...]:
    """Return the cases asked for.

    Parameters
    ----------
    described
        The data.
    wanted
        Names with commas between, ``validation`` for those the training set aside, None for all
        that are there.
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


def known_parts(card: ModelCard) -> dict[str, Part]:
    """Return what cases were to the training, by name; what is not among them is new.

    Raises
    ------
    WeightsError
        If the card does not say it.
    """
    try:
        training = card.document["training"]
        learnt = dict.fromkeys(training["cases"], Part.LEARNT)
        return learnt | dict.fromkeys(training["validation_cases"], Part.ASIDE)
    except (KeyError, TypeError) as error:
        msg = f"{card.name}: its card does not say which cases it has learnt from"
        raise WeightsError(msg) from error


def by_part(cases: Sequence[CaseFigures], known: Mapping[str, Part]) -> dict[Part, Figures]:
    """Return the figures by what the cases were to the training."""
    parts: dict[Part, list[CaseFigures]] = {part: [] for part in Part}
    for case in cases:
        parts[known.get(case.name, Part.NEW)].append(case)
    return {part: Figures(tuple(found)) for part, found in parts.items() if found}


def _document(parts: Mapping[Part, Figures], card: ModelCard) -> dict[str, Any]:
    return {
        "model": card.name,
        "sha256": card.sha256,
        "grid": "each case's own",
        "mean": {part: figures.mean() for part, figures in parts.items()},
        "cases": [
            {**asdict(case), "part": part}
            for part, figures in parts.items()
            for case in figures.cases
        ],
    }


def _check_labels(described: DecathlonSet, task: Task, card: ModelCard) -> None:
    if (described.modalities, described.labels) != (task.modalities, task.targets):
        msg = (
            f"{card.name} reads {', '.join(task.modalities)} and finds {', '.join(task.targets)}; "
            f"the data have {', '.join(described.modalities)} and {', '.join(described.labels)}"
        )
        raise CaseError(msg)


def _table(parts: Mapping[Part, Figures], targets: Sequence[str]) -> Table:
    table = Table("case", "", *targets, title="Dice / HD95 mm on the cases' own grids")
    for part, figures in parts.items():
        for case in figures.cases:
            cells = (_cell(case.dice[t], case.hd95_mm[t]) for t in targets)
            table.add_row(case.name, part, *cells)
        mean = figures.mean()
        cells = (_cell(mean[f"dice_{t}"], mean[f"hd95_mm_{t}"]) for t in targets)
        table.add_row("mean", part, *cells, style="bold", end_section=True)
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
        "--cases",
        help=f"names with commas between, or {VALIDATION!r} for those set aside; all without it",
    )
    parser.add_argument("--device", default="cpu", help="cpu or cuda[:N]")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""``python -m model.evaluate --data DIR [--weights FILE] [--cases A,B] [--json]``."""

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from model.data import Case, CaseError, find_cases, load_case
from model.errors import DeviceFailure, UnusableImage, WeightsError
from model.evaluate.report import CaseScores, Predictor, as_document, as_table, score_case
from model.inference import Segmenter
from model.messages import DEFAULT_MODEL, InferenceRequest, Precision
from model.spec import SEQUENCES, LabelArray
from model.weights import DEFAULT_FOLDER, ModelCard, read_card, write_json

logger = logging.getLogger("model.evaluate")
HELD_OUT = "held-out"
INPUT_ERROR = 3


def main(arguments: list[str] | None = None) -> int:
    """Evaluate and return the exit code."""
    options = _parser().parse_args(arguments)
    console = Console(stderr=True)
    weights: Path = options.weights
    try:
        card = read_card(weights.parent, weights.stem)
        folders = select_cases(find_cases(options.data), options.cases, card)
        predict = _predictor(weights, options.device, options.precision)
        scores = [
            evaluate_case(folder, predict, card)
            for folder in track(folders, "evaluating", console=console)
        ]
    except (CaseError, WeightsError, UnusableImage, DeviceFailure) as error:
        console.print(str(error), style="red", markup=False)
        return INPUT_ERROR
    document = as_document(scores, card.name, card.sha256)
    if options.write_card:
        _write_card(weights, card, {**document, "command": _command(options)})
    if options.json:
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    else:
        Console().print(as_table(scores))
    return 0


def evaluate_case(folder: Path, predict: Predictor, card: ModelCard) -> CaseScores:
    """Segment one case and score it.

    Raises
    ------
    CaseError
        If the folder cannot be read or has no reference.
    """
    case = load_case(folder)
    seen = case.name in card.document.get("training", {}).get("cases", ())
    return score_case(case, predict(case), seen_in_training=seen)


def select_cases(folders: list[Path], wanted: str | None, card: ModelCard) -> list[Path]:
    """Return the folders asked for.

    Parameters
    ----------
    folders
        All there are.
    wanted
        Names with commas between, ``held-out`` for those the card names, None for all.
    card
        Of the model to be evaluated.

    Raises
    ------
    CaseError
        If one of them is not there.
    """
    if wanted is None:
        return folders
    names = card.held_out if wanted == HELD_OUT else tuple(wanted.split(","))
    by_name = {folder.name: folder for folder in folders}
    missing = [name for name in names if name not in by_name]
    if missing or not names:
        msg = f"no such case: {', '.join(missing) or wanted}"
        raise CaseError(msg)
    return [by_name[name] for name in names]


def _predictor(weights: Path, device: str, precision: str) -> Predictor:
    segmenter = Segmenter()

    def predict(case: Case) -> LabelArray:
        t1, t1c, t2, flair = (sequence not in case.missing for sequence in SEQUENCES)
        request = InferenceRequest(
            case.images_ckji,
            present=(t1, t1c, t2, flair),
            weights_dir=weights.parent,
            device=device,
            precision=precision,
            model_name=weights.stem,
        )
        return segmenter.segment(request).labels_kji

    return predict


def _command(options: argparse.Namespace) -> str:
    """Return the command without the folders of this machine."""
    cases = f" --cases {options.cases}" if options.cases else ""
    return (
        f"python -m model.evaluate --data DIR{cases}"
        f" --device {options.device} --precision {options.precision}"
    )


def _write_card(weights: Path, card: ModelCard, metrics: dict[str, Any]) -> None:
    write_json(weights.with_suffix(".json"), {**card.document, "metrics": metrics})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m model.evaluate",
        description="Dice, 95 % Hausdorff distance and surface Dice of each region and case.",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of cases, BraTS' layout")
    parser.add_argument(
        "--weights",
        type=Path,
        default=DEFAULT_FOLDER / f"{DEFAULT_MODEL}.safetensors",
        help="safetensors file with its card beside it (default: the shipped one)",
    )
    parser.add_argument(
        "--cases", help=f"names with commas between, or {HELD_OUT!r} for the card's"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda[:N] or mps")
    parser.add_argument("--precision", default="auto", choices=[p.value for p in Precision])
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument(
        "--write-card", action="store_true", help="keep the figures in the model card"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

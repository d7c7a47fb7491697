"""``python -m model.evaluate --data DIR``: one network, or the folds of a cross-validation."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from model.data import (
    Case,
    CaseError,
    find_cases,
    load_case,
    of_patients,
    require_references,
    require_work_grid,
)
from model.errors import DeviceFailure, UnusableImage, WeightsError
from model.evaluate.figures import page
from model.evaluate.fold_answers import FoldOptions
from model.evaluate.fold_command import command_line
from model.evaluate.fold_command import run as run_folds
from model.evaluate.folds import FOLD_TABLE
from model.evaluate.out_of_fold import without_sequences
from model.evaluate.report import CaseScores, Predictor, as_document, as_table, score_case
from model.inference import Segmenter
from model.inference.settings import WHOLE, InferenceSettings
from model.messages import DEFAULT_MODEL, InferenceRequest, Precision
from model.spec import SEQUENCES, LabelArray
from model.weights import DEFAULT_FOLDER, ModelCard, read_card, write_json

HELD_OUT = "held-out"
OWN_CARD = Path()
INPUT_ERROR = 3


def main(arguments: list[str] | None = None) -> int:
    """Evaluate and return the exit code."""
    options = _options(arguments)
    console = Console(stderr=True)
    weights: Path = options.weights
    try:
        if options.folds is not None:
            return run_folds(_fold_options(options), console)
        card = read_card(weights.parent, weights.stem)
        folders = select_cases(find_cases(options.data), options.cases, card)
        require_references(folders)
        predict = _predictor(weights, _inference(card, options.window), options)
        scores = [
            evaluate_case(folder, predict, card)
            for folder in track(folders, "evaluating", console=console)
        ]
    except (CaseError, WeightsError, UnusableImage, DeviceFailure) as error:
        console.print(str(error), style="red", markup=False)
        return INPUT_ERROR
    document = {**as_document(scores, card.name, card.sha256), "command": _command(options)}
    if options.write_card is not None:
        own = options.write_card == OWN_CARD
        _write_card(
            weights.with_suffix(".json") if own else options.write_card,
            card,
            document,
        )
    if options.json:
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    else:
        page().print(as_table(scores))
    return 0


def evaluate_case(folder: Path, predict: Predictor, card: ModelCard) -> CaseScores:
    """Segment one case and score it.

    Raises
    ------
    CaseError
        If the folder cannot be read or has no reference, or the network cannot use its images.
    """
    case = load_case(folder)
    require_work_grid(case)
    seen = bool(of_patients([case.name], card.read_cases))
    try:
        labels = predict(case)
    except UnusableImage as error:
        msg = f"{case.name}: {error}"
        raise CaseError(msg) from error
    return score_case(case, labels, seen_in_training=seen)


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


def _inference(card: ModelCard, window: str) -> InferenceSettings | None:
    """Return how the network looks at a brain; ``None``: as its card says."""
    if not window:
        return None
    try:
        return InferenceSettings.from_card(card.document).with_window(window)
    except ValueError as error:
        raise WeightsError(str(error)) from error


def _predictor(
    weights: Path, inference: InferenceSettings | None, options: argparse.Namespace
) -> Predictor:
    segmenter = Segmenter(inference)
    without = _sequences(options.without)

    def predict(case: Case) -> LabelArray:
        image_ckji = without_sequences(case, without)
        t1, t1c, t2, flair = (bool(channel.any()) for channel in image_ckji)
        request = InferenceRequest(
            image_ckji,
            present=(t1, t1c, t2, flair),
            weights_dir=weights.parent,
            device=options.device,
            precision=options.precision,
            model_name=weights.stem,
            mirror=options.flip or None,
        )
        return segmenter.segment(request).labels_kji

    return predict


def _command(options: argparse.Namespace) -> str:
    """Return the command without the folders of this machine."""
    cases = f" --cases {options.cases}" if options.cases else ""
    flip = " --flip" if options.flip else ""
    window = f" --window {options.window}" if options.window else ""
    without = f" --without {options.without}" if options.without else ""
    return (
        f"python -m model.evaluate --data DIR{cases}{flip}{window}{without}"
        f" --device {options.device} --precision {options.precision}"
    )


def _write_card(path: Path, card: ModelCard, metrics: dict[str, Any]) -> None:
    write_json(path, {**card.document, "metrics": metrics})


def _fold_options(options: argparse.Namespace) -> FoldOptions:
    card = options.write_card
    return FoldOptions(
        runs=options.folds,
        data=options.data,
        normal=options.normal,
        without=_sequences(options.without),
        mirror=options.flip,
        window=options.window,
        tune=options.tune,
        device=options.device,
        precision=options.precision,
        table=options.fold_table or FOLD_TABLE,
        card=options.weights.with_suffix(".json") if card == OWN_CARD else card,
        json=options.json,
        command=command_line(options),
    )


def _sequences(names: str | None) -> tuple[str, ...]:
    if not names:
        return ()
    known = {sequence.value: None for sequence in SEQUENCES}
    unknown = [name for name in names.split(",") if name not in known]
    if unknown:
        msg = f"no such sequence: {', '.join(unknown)}; there are {', '.join(known)}"
        raise CaseError(msg)
    return tuple(name for name in known if name in names.split(","))


def _options(arguments: list[str] | None) -> argparse.Namespace:
    """Return the options; what would have no effect is refused rather than passed over."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.folds is not None:
        if options.cases:
            parser.error("--cases has no meaning with --folds, which judges all held out")
        return options
    given = {
        "--fold-table": options.fold_table,
        "--tune": options.tune,
        "--normal": options.normal,
    }
    if idle := [name for name, value in given.items() if value]:
        parser.error(f"{', '.join(idle)}: only with --folds")
    if options.without and options.write_card is not None:
        parser.error("--write-card keeps figures of all sequences: not with --without alone")
    return options


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
    parser.add_argument(
        "--window", default="", help=f"{WHOLE!r}, or the side of windows (default: the card's)"
    )
    parser.add_argument("--flip", action="store_true", help="average over left-right flips")
    parser.add_argument("--without", metavar="T1,T2", help="take these sequences away")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument(
        "--write-card",
        type=Path,
        nargs="?",
        const=OWN_CARD,
        metavar="CARD",
        help="keep what was found in a model card (default: the one beside --weights)",
    )
    folds = parser.add_argument_group("cross-validation")
    folds.add_argument(
        "--folds",
        type=Path,
        metavar="RUNS",
        help="folder with one folder per fold: its network and card; each patient is judged by "
        "the network that never read it",
    )
    folds.add_argument(
        "--fold-table",
        type=Path,
        help="TOML with the cases of each fold (default: that of few_patients.toml)",
    )
    folds.add_argument("--tune", action="store_true", help="choose thresholds and smallest sizes")
    folds.add_argument("--normal", type=Path, help="folder of brains without tumour")
    return parser


if __name__ == "__main__":
    sys.exit(main())

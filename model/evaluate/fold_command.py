"""``python -m model.evaluate --folds RUNS``: every patient by the network that never read it."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from model.architectures import CARD_SCHEMA
from model.data import find_cases, patient_of, require_references
from model.evaluate import cross_report as report
from model.evaluate.cross_validation import CrossValidation, cross_validate, region_volumes_mm3
from model.evaluate.figures import page
from model.evaluate.fold_answers import Answers, FoldOptions, inference_of
from model.evaluate.folds import (
    FoldError,
    FoldRun,
    find_folds,
    fold_of,
    lineage_of,
    missing_folds,
    read_fold_table,
    unknown_ancestors,
)
from model.evaluate.out_of_fold import OutOfFold
from model.evaluate.tune import LEAST_TO_TUNE
from model.postprocess import PostprocessSettings, labels_from_probabilities
from model.weights import ModelCard, write_json


def run(options: FoldOptions, console: Console) -> int:
    """Evaluate and return the exit code.

    Raises
    ------
    CaseError
        If folds or cases cannot be used.
    WeightsError
        If a network cannot be used.
    """
    card = None if options.card is None else _read_card(options.card)
    table = read_fold_table(options.table)
    folds = find_folds(options.runs, table)
    missing = missing_folds(table, folds)
    if missing:
        console.print(
            f"Not trained yet: {', '.join(missing)}; the figures are those of the other patients"
        )
    by_name = {folder.name: folder for folder in find_cases(options.data)}
    owners = {name: run for name in by_name if (run := fold_of(name, folds)) is not None}
    if not owners:
        msg = f"{options.data}: none of these cases is held out by a fold in {options.runs}"
        raise FoldError(msg)
    people = {patient_of(name) for name in owners}
    if options.tune and len(people) < LEAST_TO_TUNE:
        msg = f"--tune takes {LEAST_TO_TUNE} patients, here are {len(people)}: leave it out"
        raise FoldError(msg)
    require_references(by_name[name] for name in sorted(owners))
    left_out = sorted(set(by_name) - set(owners))
    if left_out:
        console.print(f"Held out by no fold, so not evaluated: {', '.join(left_out)}")
    if strangers := unknown_ancestors(options.runs, folds):
        told = ", ".join(sha256[:12] for sha256 in strangers)
        console.print(f"The folds started from networks that have read nobody knows what: {told}")
    inference = inference_of(options, folds)
    answers = Answers(options, inference, console)
    patients = answers.of(owners, by_name)
    settings = _settings_of(folds)
    lineage = lineage_of(options.runs)
    brains, owners_of_brains = _normal_brains(options, folds, lineage, answers)
    fold_of_patient = {name: run.name for name, run in owners.items()}
    found = cross_validate(
        patients, settings, fold_of=fold_of_patient, tune=options.tune, normal=brains
    )
    normal = [
        _marked(one, chosen, seen=owners_of_brains[one.name].has_read(one.name, lineage))
        for one, chosen in zip(brains, _settings_for(brains, found, settings), strict=True)
    ]
    if seen := [one.name for one in normal if one.seen_in_training]:
        console.print(f"No tumour, but read in training by every fold: {', '.join(seen)}")
    about = {
        **_about(options, folds, left_out),
        "inference": asdict(inference),
        "folds_missing": list(missing),
    }
    document = report.as_document(found, about, normal)
    if card is not None and options.card is not None:
        final = _final_settings(found, settings)
        write_json(options.card, _with_findings(card, found, document, final, options))
    _show(found, document, owners, options)
    return 0


def _settings_of(folds: Sequence[FoldRun]) -> PostprocessSettings:
    """Return the rules that all folds' cards ask for.

    Raises
    ------
    FoldError
        If they differ.
    """
    asked = {run.name: PostprocessSettings.from_card(run.card.document) for run in folds}
    first, *others = asked.items()
    for name, settings in others:
        if settings != first[1]:
            msg = f"the cards of {first[0]} and {name} turn probabilities into labels differently"
            raise FoldError(msg)
    return first[1]


def _final_settings(found: CrossValidation, default: PostprocessSettings) -> PostprocessSettings:
    return default if found.tuning is None else found.tuning.settings


def _settings_for(
    brains: Sequence[OutOfFold], found: CrossValidation, default: PostprocessSettings
) -> tuple[PostprocessSettings, ...]:
    """Return how each brain without tumour is labelled: it had no say in the choice."""
    return (default,) * len(brains) if found.tuning is None else found.tuning.normal


def _normal_brains(
    options: FoldOptions,
    folds: Sequence[FoldRun],
    lineage: Mapping[str, ModelCard],
    answers: Answers,
) -> tuple[tuple[OutOfFold, ...], dict[str, FoldRun]]:
    """Return brains without tumour, each by a fold that never read it or else by one of all."""
    if options.normal is None:
        return (), {}
    folders = {folder.name: folder for folder in find_cases(options.normal)}
    owners = {}
    for number, name in enumerate(sorted(folders)):
        fitting = [run for run in folds if not run.has_read(name, lineage)] or folds
        owners[name] = fitting[number % len(fitting)]
    return answers.of(owners, folders), owners


def _marked(one: OutOfFold, settings: PostprocessSettings, *, seen: bool) -> report.NormalBrain:
    labels = labels_from_probabilities(
        one.probabilities_ckji, spacing_mm=one.spacing_kji_mm, settings=settings
    )
    return report.NormalBrain(one.name, seen, region_volumes_mm3(labels, one.voxel_mm3))


def _about(
    options: FoldOptions, folds: Sequence[FoldRun], left_out: Sequence[str]
) -> dict[str, Any]:
    return {
        "command": options.command,
        "flip_averaging": options.mirror,
        "without": list(options.without),
        "folds": {
            run.name: {
                "model": run.card.name,
                "weights_sha256": run.card.sha256,
                "steps": run.card.document.get("training", {}).get("steps"),
                "held_out": sorted(run.held_out),
            }
            for run in folds
        },
        "not_evaluated": list(left_out),
        "started_from_unknown": list(unknown_ancestors(options.runs, folds)),
    }


def _read_card(path: Path) -> dict[str, Any]:
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        msg = f"{path}: {error}"
        raise FoldError(msg) from error
    if not isinstance(card, dict) or card.get("schema") != CARD_SCHEMA:
        msg = f"{path}: not a model card of schema {CARD_SCHEMA}"
        raise FoldError(msg)
    return card


def _with_findings(
    card: dict[str, Any],
    found: CrossValidation,
    document: dict[str, Any],
    settings: PostprocessSettings,
    options: FoldOptions,
) -> dict[str, Any]:
    """Return the card with what was found; a run without sequences adds its means only.

    Nothing of an earlier run stays: settings and calibration belong to these figures.
    """
    before = card.get("cross_validation", {})
    if options.without:
        incomplete = {
            **before.get("without", {}),
            ", ".join(options.without): {"command": options.command, "mean": document["mean"]},
        }
        return {**card, "cross_validation": {**before, "without": incomplete}}
    # `without` of the document says what this run left out; in the card it holds those means.
    kept = {**document, "without": before.get("without", {})}
    changed = {
        **card,
        "cross_validation": kept,
        "postprocess": settings.as_section(),
        "inference": document["inference"],
    }
    changed.pop("calibration", None)
    calibration = report.calibration_section(found)
    if calibration is not None:
        changed["calibration"] = calibration
    return changed


def _show(
    found: CrossValidation,
    document: dict[str, Any],
    owners: Mapping[str, FoldRun],
    options: FoldOptions,
) -> None:
    if options.json:
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return
    console = page()
    console.print(report.as_table(found, {name: run.name for name, run in owners.items()}))
    console.print(report.means_table(found))
    for line in report.calibration_lines(found):
        console.print(line, markup=False)
    for name, one in document.get("normal", {}).items():
        seen = " (seen in training)" if one["seen_in_training"] else ""
        marked = one["marked_mm3"]
        console.print(
            f"{name}, no tumour{seen}: marked {marked['WT']:.0f} mm³, core {marked['TC']:.0f} mm³"
        )


def command_line(options: argparse.Namespace) -> str:
    """Return the command without the folders of this machine."""
    words = ["python -m model.evaluate --folds RUNS --data DIR"]
    words += ["--flip"] if options.flip else []
    words += [f"--window {options.window}"] if options.window else []
    words += ["--tune"] if options.tune else []
    words += [f"--without {options.without}"] if options.without else []
    words += ["--normal DIR"] if options.normal else []
    words.append(f"--device {options.device} --precision {options.precision}")
    return " ".join(words)

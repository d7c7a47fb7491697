"""What the folds' networks say of each case: asked once, in the same way of all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import track

from model.data import load_case
from model.evaluate.folds import FOLD_TABLE, FoldError, FoldRun
from model.evaluate.out_of_fold import (
    Conditions,
    OutOfFold,
    load,
    origin_of_answer,
    predict,
    save,
)
from model.inference import Segmenter
from model.inference.settings import InferenceSettings

ANSWERS: Final = "oof"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldOptions:
    """What was asked for.

    Attributes
    ----------
    runs
        Folder of the trained folds.
    data
        Folder of the patients.
    normal
        Folder of brains without tumour.
    without
        Sequences taken away.
    mirror
        Average with the answer for the mirrored brain.
    window
        Side of the windows, or ``whole``; empty: as the folds' cards say.
    tune
        Choose thresholds and sizes.
    table
        What each fold is meant to hold out.
    card
        Model card that receives what was found.
    command
        How to repeat it.
    """

    runs: Path
    data: Path
    normal: Path | None = None
    without: tuple[str, ...] = ()
    mirror: bool = False
    window: str = ""
    tune: bool = False
    device: str = "auto"
    precision: str = "auto"
    table: Path = FOLD_TABLE
    card: Path | None = None
    json: bool = False
    command: str = ""


class Answers:
    """Answers of the networks, computed where they are not there yet.

    Parameters
    ----------
    options
        What was asked for.
    inference
        How all networks look at a brain.
    console
        Shows how far it is.
    """

    def __init__(
        self, options: FoldOptions, inference: InferenceSettings, console: Console
    ) -> None:
        self._options = options
        self._inference = inference
        self._console = console
        self._segmenter = Segmenter(inference)

    def of(
        self, owners: Mapping[str, FoldRun], folders: Mapping[str, Path]
    ) -> tuple[OutOfFold, ...]:
        """Return the answer for each case, one network after the other."""
        cases = sorted(owners, key=lambda name: (owners[name].name, name))
        found = {
            name: self._one(owners[name], folders[name])
            for name in track(cases, "segmenting", console=self._console)
        }
        return tuple(found[name] for name in sorted(found))

    def _one(self, run: FoldRun, folder: Path) -> OutOfFold:
        options = self._options
        conditions = Conditions(
            weights_sha256=run.card.sha256,
            mirror=options.mirror,
            without=options.without,
            precision=options.precision,
            origin=origin_of_answer(folder, self._inference),
        )
        path = options.runs / self._folder_name() / f"{folder.name}.npz"
        stored = load(path, conditions)
        if stored is not None:
            return stored
        made = predict(
            load_case(folder), self._segmenter, run.weights, conditions, device=options.device
        )
        save(made, path)
        return made

    def _folder_name(self) -> str:
        flip = "-flip" if self._options.mirror else ""
        window = f"-{self._options.window}" if self._options.window else ""
        without = "".join(f"-without-{name}" for name in self._options.without)
        return f"{ANSWERS}{flip}{window}{without}"


def inference_of(options: FoldOptions, folds: Sequence[FoldRun]) -> InferenceSettings:
    """Return how all networks look at a brain.

    Raises
    ------
    FoldError
        If the cards of the folds differ in it, or the windows cannot be used.
    """
    try:
        told = {InferenceSettings.from_card(run.card.document) for run in folds}
        if options.window:
            told = {one.with_window(options.window) for one in told}
    except ValueError as error:
        raise FoldError(str(error)) from error
    if len(told) > 1:
        msg = "the cards of the folds ask for different windows: give --window"
        raise FoldError(msg)
    return replace(told.pop(), mirror=options.mirror)

"""The runs of a cross-validation: one network per fold and the patients it never read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from model.data import CaseError, of_patients, patient_of
from model.recipes import read_recipe
from model.weights import ModelCard, read_card

FOLD_TABLE: Final = Path(__file__).resolve().parents[1] / "train" / "configs" / "few_patients.toml"


class FoldError(CaseError):
    """Runs that make no cross-validation; the message names the run."""


@dataclass(frozen=True, slots=True, eq=False)
class FoldRun:
    """One trained fold.

    Attributes
    ----------
    name
        The folder's name.
    weights
        Its safetensors file.
    card
        The card beside it.
    """

    name: str
    weights: Path
    card: ModelCard

    @property
    def held_out(self) -> frozenset[str]:
        """Names of the cases that this network never read."""
        return frozenset(self.card.held_out)

    def has_read(self, case: str, lineage: Mapping[str, ModelCard]) -> bool:
        """Whether this network, or one in `lineage` it started from, has read a case's patient."""
        cards = [self.card, *_known_ancestors(self.card, lineage)]
        return any(of_patients([case], card.read_cases) for card in cards)


def read_fold_table(path: Path = FOLD_TABLE) -> dict[str, frozenset[str]]:
    """Read which cases each fold holds out; nothing if there is no such file.

    Parameters
    ----------
    path
        A training configuration with a table ``[folds]``, its own or of the one it extends.

    Raises
    ------
    FoldError
        If the file has no table ``[folds]`` of lists of names.
    """
    if not path.is_file():
        return {}
    try:
        table = read_recipe(path)["folds"]
        return {name: frozenset(map(str, cases)) for name, cases in table.items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        msg = f"{path}: no table of folds ({error})"
        raise FoldError(msg) from error


def find_folds(runs: Path, table: Mapping[str, frozenset[str]]) -> tuple[FoldRun, ...]:
    """Return the trained folds below a folder, by name.

    Parameters
    ----------
    runs
        Holds one folder per fold, each with NAME.safetensors and NAME.json.
    table
        What each fold is meant to hold out, see `read_fold_table`; folders of other names are then
        passed over. Empty if that is not known.

    Raises
    ------
    FoldError
        If there is none, one has more than one network, a network has read what it was to hold
        out (or one of those in `runs` that it started from has), two hold out the same patient, or
        one does not hold out what the table says.
    """
    folders = sorted(f for f in runs.glob("*") if f.is_dir() and (not table or f.name in table))
    found = tuple(run for run in map(_read, folders) if run is not None)
    if not found:
        names = f" named {', '.join(table)}" if table else ""
        msg = f"{runs}: no folder{names} with NAME.safetensors and NAME.json"
        raise FoldError(msg)
    lineage = lineage_of(runs)
    for run in found:
        _check(run, table)
        _require_unread_by_ancestors(run, lineage)
    _require_disjoint(found)
    return found


def missing_folds(table: Mapping[str, frozenset[str]], folds: Iterable[FoldRun]) -> tuple[str, ...]:
    """Return the names in the table of folds that have no network yet."""
    return tuple(sorted(set(table) - {run.name for run in folds}))


def lineage_of(runs: Path) -> dict[str, ModelCard]:
    """Return the cards of all networks in a folder of runs, by the SHA-256 of their weights."""
    return {card.sha256: card for card in _cards(runs)}


def unknown_ancestors(runs: Path, folds: Iterable[FoldRun]) -> tuple[str, ...]:
    """Return the SHA-256 of networks the folds started from that do not lie in `runs`.

    What those have read is not known.
    """
    lineage = lineage_of(runs)
    wanted = {sha256 for run in folds for sha256 in _ancestors(run.card, lineage)}
    return tuple(sorted(wanted - set(lineage)))


def fold_of(case: str, folds: Iterable[FoldRun]) -> FoldRun | None:
    """Return the fold whose network has never read this case, or any other scan of its patient."""
    return next((run for run in folds if of_patients([case], run.held_out)), None)


def _read(folder: Path) -> FoldRun | None:
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        return None
    if len(weights) > 1:
        msg = f"{folder}: more than one network: {', '.join(w.name for w in weights)}"
        raise FoldError(msg)
    return FoldRun(folder.name, weights[0], read_card(folder, weights[0].stem))


def _check(run: FoldRun, table: Mapping[str, frozenset[str]]) -> None:
    if not run.held_out:
        msg = f"{run.weights}: its card holds out no case"
        raise FoldError(msg)
    seen = of_patients(run.held_out, run.card.read_cases)
    if seen:
        msg = f"{run.weights}: trained on what it was to hold out: {', '.join(sorted(seen))}"
        raise FoldError(msg)
    meant = table.get(run.name)
    if meant is not None and meant != run.held_out:
        differing = ", ".join(sorted(meant ^ run.held_out))
        msg = f"{run.weights}: its card and the table of folds differ in {differing}"
        raise FoldError(msg)


def _cards(runs: Path) -> list[ModelCard]:
    return [
        read_card(weights.parent, weights.stem)
        for weights in sorted(runs.glob("*/*.safetensors"))
        if weights.with_suffix(".json").is_file()
    ]


def _ancestors(card: ModelCard, lineage: Mapping[str, ModelCard]) -> set[str]:
    found: set[str] = set()
    waiting = list(_started_from(card))
    while waiting:
        sha256 = waiting.pop()
        if sha256 not in found:
            found.add(sha256)
            waiting += _started_from(lineage[sha256]) if sha256 in lineage else ()
    return found


def _known_ancestors(card: ModelCard, lineage: Mapping[str, ModelCard]) -> list[ModelCard]:
    return [lineage[sha256] for sha256 in sorted(_ancestors(card, lineage)) if sha256 in lineage]


def _started_from(card: ModelCard) -> tuple[str, ...]:
    return tuple(card.document.get("training", {}).get("started_from", ()))


def _require_unread_by_ancestors(run: FoldRun, lineage: Mapping[str, ModelCard]) -> None:
    for ancestor in _known_ancestors(run.card, lineage):
        if seen := sorted(of_patients(run.held_out, ancestor.read_cases)):
            msg = (
                f"{run.weights}: started from {ancestor.name} ({ancestor.sha256[:12]}), "
                f"which has read {', '.join(seen)}"
            )
            raise FoldError(msg)


def _require_disjoint(folds: tuple[FoldRun, ...]) -> None:
    owner: dict[str, str] = {}
    for run in folds:
        for patient in sorted({patient_of(case) for case in run.held_out}):
            if patient in owner:
                msg = f"{run.weights}: {patient} is held out by {owner[patient]} too"
                raise FoldError(msg)
            owner[patient] = run.name

"""What makes a resumed run the same run: its network, its recipe and the patients it may read."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from model.network.kinds import kind_of
from model.train.config import TrainConfig
from model.train.sources import TrainingData

SHOWN = 6
_NOT_COMPARED = ("card", "folds", "workers", "cache", "checkpoint_minutes", "network", "held_out")
"""Settings that do not change what is learnt, or that are compared by themselves."""


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """Kept in every checkpoint; must be the same to go on, `started_from` where it is given.

    Attributes
    ----------
    network
        Kind and settings.
    held_out, training, validation
        Names of cases, sorted.
    recipe
        All settings that change what is learnt.
    shapes, brains
        Cases that tumours are grown from, sorted.
    started_from
        SHA-256 of the weights that the run began with.
    cases_before
        What the networks had read that it started from, sorted.
    command
        How the run was begun; not compared.
    """

    network: Mapping[str, Any]
    held_out: tuple[str, ...]
    training: tuple[str, ...]
    validation: tuple[str, ...]
    recipe: Mapping[str, Any]
    shapes: tuple[str, ...] = ()
    brains: tuple[str, ...] = ()
    started_from: tuple[str, ...] = ()
    cases_before: tuple[str, ...] = ()
    command: str = ""

    @classmethod
    def of(
        cls,
        config: TrainConfig,
        data: TrainingData,
        started_from: Sequence[str],
        cases_before: Iterable[str] = (),
        command: str = "",
    ) -> "RunIdentity":
        """Return that of a run."""
        grown = data.grown
        return cls(
            {"kind": str(kind_of(config.network)), **asdict(config.network)},
            tuple(sorted(set(config.held_out))),
            tuple(sorted(case.name for case in data.training)),
            tuple(sorted(case.name for case in data.validation)),
            recipe_of(asdict(config)),
            tuple(sorted(grown.shape_names)) if grown else (),
            tuple(sorted(grown.brain_names)) if grown else (),
            tuple(started_from),
            tuple(sorted(cases_before)),
            command,
        )

    def difference(self, now: "RunIdentity") -> str:
        """Return what is another now than when the run began; empty if nothing is."""
        parts = [
            _names("cases held out", self.held_out, now.held_out),
            _names("training cases", self.training, now.training),
            _names("validation cases", self.validation, now.validation),
            _names("shapes of grown tumours", self.shapes, now.shapes),
            _names("brains of grown tumours", self.brains, now.brains),
            _settings("network", self.network, now.network),
            _settings("recipe", self.recipe, now.recipe),
        ]
        if now.started_from and now.started_from != self.started_from:
            parts.append("it began with other weights than those given to start from")
        return "; ".join(part for part in parts if part)


def _names(what: str, before: Sequence[str], now: Sequence[str]) -> str:
    if before == now:
        return ""
    gone = sorted(set(before) - set(now))
    come = sorted(set(now) - set(before))
    changes = [f"no longer {_few(gone)}"] if gone else []
    changes += [f"now also {_few(come)}"] if come else []
    return f"{what}: {', '.join(changes) or 'some another number of times'}"


def _few(names: Sequence[str]) -> str:
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def recipe_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run's settings by their full names, as plain values that any checkpoint can hold."""
    plain = json.loads(json.dumps(settings))
    recipe = {}
    for name, value in plain.items():
        if name in _NOT_COMPARED:
            continue
        if isinstance(value, dict):
            recipe.update({f"{name}.{key}": one for key, one in value.items()})
        else:
            recipe[name] = value
    return recipe


def _settings(what: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    keys = [key for key in {**before, **now} if before.get(key) != now.get(key)]
    changes = [f"{key} was {before.get(key)} and is {now.get(key)}" for key in keys]
    return f"{what}: {', '.join(changes)}" if changes else ""

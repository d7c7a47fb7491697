"""The networks' weights on this computer: list, verify, install; without torch."""

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from desktop_app.errors import InputError, UsageError
from desktop_app.io.atomic import atomic_path
from desktop_app.paths import user_data_dir, weights_dir
from model.architectures import CARD_SCHEMA, TITLES

INSTALLED_FOLDER = "weights"
WEIGHTS_SUFFIX = ".safetensors"

_CARD_SUFFIX = ".json"


@dataclass(frozen=True, slots=True, eq=False)
class ModelEntry:
    """One set of weights and what its card says.

    Parameters
    ----------
    folder
        Where NAME.safetensors and NAME.json lie.
    sha256
        Checksum of the weights according to the card.
    bundled
        Came with the program; otherwise the user installed it.
    card
        The whole model card.
    """

    name: str
    folder: Path
    sha256: str
    bundled: bool
    card: Mapping[str, Any]

    @property
    def weights(self) -> Path:
        """The file with the tensors."""
        return self.folder / f"{self.name}{WEIGHTS_SUFFIX}"

    @property
    def card_sha256(self) -> str:
        """Checksum of the whole card: of what it says of the weights, thresholds and the rest."""
        return hashlib.sha256(json.dumps(self.card, sort_keys=True).encode()).hexdigest()

    @property
    def architecture(self) -> str:
        """Name of the architecture, as a reader knows it."""
        named = str(self.card.get("architecture", ""))
        return TITLES.get(named, named)

    @property
    def other_task(self) -> str:
        """What the network finds, where that is not brain tumours; empty otherwise."""
        task = self.card.get("task")
        return str(task.get("name", "another task")) if isinstance(task, dict) else ""


class ModelStore:
    """The bundled weights and those the user installed.

    Parameters
    ----------
    bundled, installed
        Folders; either may be missing.
    """

    def __init__(self, bundled: Path, installed: Path) -> None:
        self._bundled = bundled
        self._installed = installed

    def entries(self) -> tuple[ModelEntry, ...]:
        """Return every model that has a card, bundled ones first."""
        return tuple(one for one in self._looked_at() if isinstance(one, ModelEntry))

    def unusable(self) -> tuple[InputError, ...]:
        """Return why the other files that look like weights are no models."""
        return tuple(one for one in self._looked_at() if isinstance(one, InputError))

    def _looked_at(self) -> Iterator[ModelEntry | InputError]:
        for folder in (self._bundled, self._installed):
            for path in sorted(folder.glob(f"*{WEIGHTS_SUFFIX}")):
                try:
                    yield read_entry(path, bundled=folder is self._bundled)
                except InputError as error:
                    yield error

    def find(self, name: str) -> ModelEntry:
        """Return the model of this name.

        Raises
        ------
        UsageError
            If there is none.
        InputError
            If its card is damaged.
        """
        for folder in (self._bundled, self._installed):
            for path in folder.glob(f"*{WEIGHTS_SUFFIX}"):
                if path.stem == name:
                    return read_entry(path, bundled=folder is self._bundled)
        raise UsageError(
            f"There is no model named {name}.",
            f"Installed: {_listed(entry.name for entry in self.entries())}.",
            "Choose one of these, or install it with: gliascope model install FILE",
        )

    def for_tumours(self) -> tuple[ModelEntry, ...]:
        """Return the models that segment brain tumours, bundled ones first."""
        return tuple(entry for entry in self.entries() if not entry.other_task)

    def install(self, file: Path) -> ModelEntry:
        """Copy weights and their card into the user's own folder, after checking them.

        Parameters
        ----------
        file
            NAME.safetensors with NAME.json beside it.

        Raises
        ------
        InputError
            If the files are no weights of a known kind, damaged, or not what the card describes.
        UsageError
            If another model has this name.
        OutputError
            If they cannot be copied.
        """
        source = read_entry(file, bundled=False)
        verify(source)
        if source.card.get("architecture") not in TITLES:
            raise _unusable(file, f"its card names an architecture other than {_listed(TITLES)}")
        _require_tensors(source.weights)
        for entry in self.entries():
            if entry.name == source.name:
                if entry.sha256 == source.sha256:
                    return entry
                raise UsageError(
                    f"Another model named {source.name} is installed.",
                    str(entry.weights),
                    "Rename the new files, or remove the old ones first.",
                )
        # The card comes first: weights count as installed only once they are there.
        for suffix in (_CARD_SUFFIX, WEIGHTS_SUFFIX):
            with atomic_path(self._installed / f"{source.name}{suffix}") as temporary:
                shutil.copyfile(source.weights.with_suffix(suffix), temporary)
        return read_entry(self._installed / source.weights.name, bundled=False)


def user_models() -> ModelStore:
    """Return the models of this installation and this user."""
    return ModelStore(weights_dir(), user_data_dir() / INSTALLED_FOLDER)


def read_entry(weights: Path, *, bundled: bool) -> ModelEntry:
    """Read the card beside a weights file.

    Raises
    ------
    InputError
        If file or card are missing or no model.
    """
    if weights.suffix != WEIGHTS_SUFFIX or not weights.is_file():
        raise _unusable(weights, "it is not a file named *.safetensors")
    card_file = weights.with_suffix(_CARD_SUFFIX)
    try:
        card = json.loads(card_file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _unusable(weights, f"its model card {card_file.name} cannot be read") from error
    if not isinstance(card, dict) or card.get("schema") != CARD_SCHEMA:
        raise _unusable(weights, f"{card_file.name} is no model card of schema {CARD_SCHEMA}")
    sha256 = card.get("sha256")
    if not isinstance(sha256, str):
        raise _unusable(weights, f"{card_file.name} gives no checksum")
    return ModelEntry(weights.stem, weights.parent, sha256, bundled, card)


def require_tumour_model(entry: ModelEntry) -> None:
    """Refuse a network that was trained for something else than brain tumours.

    Raises
    ------
    InputError
        Saying what it was trained for.
    """
    if entry.other_task:
        raise InputError(
            f"The model {entry.name} does not segment brain tumours.",
            f"{entry.weights}: its card says that it was trained for {entry.other_task}.",
            "Choose another model; `gliascope model list` shows what each is for.",
        )


def verify(entry: ModelEntry) -> None:
    """Compare the weights with the checksum on their card.

    Raises
    ------
    InputError
        If they differ or the file cannot be read.
    """
    try:
        with entry.weights.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unusable(entry.weights, "it cannot be read") from error
    if found != entry.sha256:
        raise _unusable(entry.weights, "it was changed since its model card was written")


def _require_tensors(weights: Path) -> None:
    try:
        with safe_open(weights, framework="numpy") as tensors:
            empty = not list(tensors.keys())
    except (OSError, SafetensorError) as error:
        raise _unusable(weights, "it is not in the safetensors format") from error
    if empty:
        raise _unusable(weights, "it holds no tensors")


def _unusable(weights: Path, why: str) -> InputError:
    return InputError(
        "The model's weights cannot be used.",
        f"{weights}: {why}.",
        "Get the files again from where they came; for a bundled model install the program again.",
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"

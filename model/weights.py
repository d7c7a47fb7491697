"""Weights files and their model cards: ``NAME.safetensors`` beside ``NAME.json``.

Weights are safetensors, never pickle: loading them cannot run code. The folder is given by the
caller; :data:`DEFAULT_FOLDER` is only for the commands of this repository.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from model.architectures import CARD_NAMES, CARD_SCHEMA
from model.errors import WeightsError
from model.network.kinds import NetworkConfig, build_network, kind_of, read_config

DEFAULT_FOLDER: Final = Path(__file__).resolve().parent.parent / "assets" / "weights"
DISCLAIMER: Final = "For research use. Not a medical device."


@dataclass(frozen=True, slots=True, eq=False)
class ModelCard:
    """What is known of one set of weights.

    Attributes
    ----------
    name
        File name without suffix; also the model's identifier.
    sha256
        Of the safetensors file.
    network
        The network's configuration.
    document
        The whole card as parsed JSON: training cases, recipe, metrics, licences, limits.
    """

    name: str
    sha256: str
    network: NetworkConfig
    document: Mapping[str, Any]

    @property
    def task(self) -> Mapping[str, Any] | None:
        """What the network was trained for, where that is not glioma by BraTS' definition."""
        task: Mapping[str, Any] | None = self.document.get("task")
        return task

    @property
    def held_out(self) -> tuple[str, ...]:
        """Names of the cases that training never read."""
        return tuple(self.document.get("training", {}).get("held_out", ()))

    @property
    def read_cases(self) -> frozenset[str]:
        """Names of the cases that these weights come from, as far as the card tells.

        Those learnt from or chosen by, those of grown tumours' shapes and brains, and, from
        ``cases_ever`` on, all of the networks that the training started from.
        """
        training = self.document.get("training", {})
        parts = ("cases", "validation_cases", "shapes", "brains", "cases_ever")
        return frozenset(name for part in parts for name in training.get(part, ()))


def read_card(folder: Path, name: str) -> ModelCard:
    """Read one card.

    Raises
    ------
    WeightsError
        If it is missing, no model card, or describes another architecture.
    """
    path = folder / f"{name}.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        msg = f"{path}: {error}"
        raise WeightsError(msg) from error
    if not isinstance(document, dict) or document.get("schema") != CARD_SCHEMA:
        msg = f"{path}: not a model card of schema {CARD_SCHEMA}"
        raise WeightsError(msg)
    kinds = {architecture: kind for kind, architecture in CARD_NAMES.items()}
    kind = kinds.get(str(document.get("architecture")))
    if kind is None:
        msg = f"{path}: unknown architecture {document.get('architecture')!r}"
        raise WeightsError(msg)
    try:
        network = read_config(document["network"], kind)
        return ModelCard(name, str(document["sha256"]), network, document)
    except (KeyError, ValueError) as error:
        msg = f"{path}: {error}"
        raise WeightsError(msg) from error


def load_network(folder: Path, name: str) -> tuple[nn.Module, ModelCard]:
    """Return a network in evaluation mode, float32, on the CPU, and its card.

    Raises
    ------
    WeightsError
        If a file is missing, changed since its card was written, or does not fit.
    """
    card = read_card(folder, name)
    verify(folder, name)
    path = folder / f"{name}.safetensors"
    network = build_network(card.network)
    try:
        tensors = load_file(path)
        network.load_state_dict({key: value.float() for key, value in tensors.items()})
    except (SafetensorError, RuntimeError) as error:
        msg = f"{path}: {error}"
        raise WeightsError(msg) from error
    return network.eval(), card


def verify(folder: Path, name: str) -> str:
    """Return the SHA-256 of a weights file after comparing it with the card.

    Raises
    ------
    WeightsError
        If the file is missing or is not the one that the card describes.
    """
    card = read_card(folder, name)
    path = folder / f"{name}.safetensors"
    try:
        found = sha256_of(path)
    except OSError as error:
        msg = f"{path}: {error}"
        raise WeightsError(msg) from error
    if found != card.sha256:
        msg = f"{path}: SHA-256 is {found}, the card says {card.sha256}"
        raise WeightsError(msg)
    return found


def save_network(
    folder: Path,
    name: str,
    config: NetworkConfig,
    state: Mapping[str, Tensor],
    details: Mapping[str, Any],
) -> ModelCard:
    """Write weights and card; each file appears under its name only when it is whole.

    Kernels are stored in float16, which is finer than training's noise; vectors (norms, biases,
    layer scales) stay in float32.

    Parameters
    ----------
    folder, name
        Where, and under which name.
    config, state
        The network's configuration and state dict.
    details
        The rest of the card: ``training``, ``metrics``, ``licence`` and so on.

    Raises
    ------
    WeightsError
        If a weight is not a finite number, or too large for float16; nothing is written then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.safetensors"
    stored = {
        key: (value.half() if value.ndim > 1 else value.float()).contiguous().cpu()
        for key, value in state.items()
    }
    if broken := [key for key, value in stored.items() if not bool(value.isfinite().all())]:
        msg = f"{path}: not written, since {', '.join(broken)} hold no finite numbers"
        raise WeightsError(msg)
    part = path.with_name(path.name + ".part")
    save_file(stored, part)
    part.chmod(0o644)
    part.replace(path)
    document = {
        "schema": CARD_SCHEMA,
        "name": name,
        "architecture": CARD_NAMES[kind_of(config)],
        "notice": DISCLAIMER,
        "network": asdict(config),
        "parameters": sum(value.numel() for value in state.values()),
        "sha256": sha256_of(path),
        **details,
    }
    write_json(folder / f"{name}.json", document)
    return read_card(folder, name)


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write JSON beside its destination, then rename."""
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    Path(part).chmod(0o644)
    Path(part).replace(path)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

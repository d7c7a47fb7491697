"""Networks of folds, written as training leaves them."""

import json
from pathlib import Path

from model.network import SlimUNETRpp, SlimUNETRppConfig
from model.weights import save_network

NETWORK = SlimUNETRppConfig(
    channels=(4, 4, 8), embed_dim=8, blocks=(1, 1, 1, 1), heads=(1, 1, 2, 2), kernel_size=3
)
HELD_OUT = {"fold1": ["a", "b"], "fold2": ["c"]}


def write_run(
    folder: Path,
    held_out: list[str],
    seen: list[str],
    started_from: tuple[str, ...] = (),
    shapes: tuple[str, ...] = (),
) -> Path:
    about = {"cases": seen, "held_out": held_out, "steps": 3, "started_from": started_from}
    training = {"training": {**about, "shapes": shapes}}
    save_network(folder, "small", NETWORK, SlimUNETRpp(NETWORK).state_dict(), training)
    return folder / "small.safetensors"


def write_runs(folder: Path) -> Path:
    """Train a network a fold, as far as its files tell."""
    everybody = {"a", "b", "c", "healthy"}
    for name, held_out in HELD_OUT.items():
        write_run(folder / name, held_out, sorted(everybody - set(held_out)))
    return folder


def write_table(runs: Path, folds: dict[str, list[str]]) -> Path:
    lines = ["[folds]", *(f"{name} = {json.dumps(cases)}" for name, cases in folds.items())]
    (runs / "folds.toml").write_text("\n".join(lines))
    return runs / "folds.toml"

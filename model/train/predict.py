"""``python -m model.train.predict --weights FILE --input FOLDER --output FOLDER``: new cases.

For networks trained on Decathlon data; those for brain tumours are used by ``gliascope segment``.
Each case becomes a NIfTI file of labels with the grid and orientation of its image.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from rich.console import Console
from rich.progress import track

from model.data import Case, CaseError
from model.decathlon import ImageFiles, find_images, read_images
from model.errors import WeightsError
from model.train.label_file import save_labels_like
from model.train.organ import OrganSegmenter
from model.weights import DISCLAIMER, ModelCard, load_network, write_json

RECORD: Final = "predictions.json"
INPUT_ERROR: Final = 3


@dataclass(frozen=True, slots=True)
class Prediction:
    """What was found in one case.

    Attributes
    ----------
    name
        Of the case, and of its file without suffix.
    volumes_mm3
        By label, without the background.
    """

    name: str
    volumes_mm3: dict[str, float]


def main(arguments: list[str] | None = None) -> int:
    """Segment all cases of a folder and return the exit code.

    A case that cannot be read is named and passed over; the exit code tells of it.
    """
    options = _parser().parse_args(arguments)
    console = Console(stderr=True)
    weights: Path = options.weights
    output: Path = options.output
    try:
        network, card = load_network(weights.parent, weights.stem)
        segmenter = OrganSegmenter.of(network, card, torch.device(options.device))
        modalities = segmenter.task.modalities
        found = find_images(options.input, len(modalities))
        _refuse_to_overwrite(output, found)
    except (CaseError, WeightsError) as error:
        console.print(str(error), style="red", markup=False)
        return INPUT_ERROR
    console.print(f"Channels, in this order: {', '.join(modalities)}", markup=False)
    output.mkdir(parents=True, exist_ok=True)
    done: list[Prediction] = []
    for files in track(found, "segmenting", console=console):
        try:
            done.append(predict(segmenter, files, output))
        except CaseError as error:
            console.print(str(error), style="red", markup=False)
    write_json(output / RECORD, _record(done, card, segmenter))
    console.print(f"{len(done)} of {len(found)} cases: {output}", markup=False)
    return 0 if len(done) == len(found) else INPUT_ERROR


def predict(segmenter: OrganSegmenter, files: ImageFiles, output: Path) -> Prediction:
    """Segment one case and write its labels.

    Raises
    ------
    CaseError
        If the images cannot be used.
    """
    task = segmenter.task
    images_ckji, affine = read_images(files, len(task.modalities))
    i, j, k = np.linalg.norm(affine[:3, :3], axis=0).tolist()
    case = Case(files.name, images_ckji, None, None, (k, j, i))
    labels_kji = segmenter.segment(case)
    save_labels_like(labels_kji, files.images[0], output / f"{files.name}.nii.gz")
    counts = np.bincount(labels_kji.ravel(), minlength=len(task.targets)).tolist()
    volumes = {
        name: round(count * k * j * i, 1)
        for name, count in zip(task.targets[1:], counts[1:], strict=True)
    }
    return Prediction(files.name, volumes)


def _refuse_to_overwrite(output: Path, found: Sequence[ImageFiles]) -> None:
    written = [output / RECORD, *(output / f"{files.name}.nii.gz" for files in found)]
    if there := [path for path in written if path.exists()]:
        msg = f"already there, and not overwritten: {', '.join(map(str, there))}"
        raise CaseError(msg)


def _record(done: list[Prediction], card: ModelCard, segmenter: OrganSegmenter) -> dict[str, Any]:
    return {
        "notice": DISCLAIMER,
        "model": card.name,
        "sha256": card.sha256,
        "labels": {str(value): name for value, name in enumerate(segmenter.task.targets)},
        "cases": {one.name: {"volumes_mm3": one.volumes_mm3} for one in done},
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m model.train.predict",
        description="Labels for new cases by a network trained on a Decathlon set.",
    )
    parser.add_argument("--weights", type=Path, required=True, help="safetensors, its card beside")
    parser.add_argument(
        "--input",
        type=Path,
        required=True,
        help="folder of images: NAME.nii.gz, or NAME_0000.nii.gz and so on for each modality",
    )
    parser.add_argument("--output", type=Path, required=True, help="folder of the labels")
    parser.add_argument("--device", default="cpu", help="cpu or cuda[:N]")
    return parser


if __name__ == "__main__":
    sys.exit(main())

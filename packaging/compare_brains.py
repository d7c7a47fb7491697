"""How well the brain is found: the network beside the classical method, head by head.

    .venv/bin/python packaging/compare_brains.py --data DATA [--weights FOLDER] [--pictures FOLDER]

DATA holds heads/images (a real head with its tissues), heads/labelmaps (the heads that training
never read are painted as T1, T1c, T2, FLAIR and proton density) and raw/ (a patient as scanned,
whose brain somebody else outlined). Nothing of it is written anywhere but into FOLDER.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.imaging.brain import brain_mask
from desktop_app.imaging.brain_network import brain_mask_by_network
from desktop_app.imaging.morphology import dilated, eroded, filled, largest_part
from desktop_app.imaging.registration import register_rigid
from desktop_app.imaging.resample import resample, work_geometry
from desktop_app.io.nifti.files import read_nifti
from model.brain.contrast import levels_of
from model.brain.heads import CLOSING_MM, RIM_MM, HeadMap, head_name, read_head
from model.device import use_physical_cores
from model.inference import BrainFinder
from model.messages import BrainRequest
from model.synthetic.signal import Kind, Protocol
from model.weights import DEFAULT_FOLDER, read_card

Mask = NDArray[np.bool_]
MODEL = "brain"
RAW = "TCGA-FG-6692"
NOISE = 0.03
PROTOCOLS = {
    "T1": Protocol(Kind.INVERSION_RECOVERY, 2200, 3, inversion_time_ms=900),
    "T1c": Protocol(Kind.SPOILED_GRADIENT_ECHO, 9, 3, flip_angle_deg=18, contrast=True),
    "T2": Protocol(Kind.SPIN_ECHO, 4500, 100),
    "FLAIR": Protocol(Kind.INVERSION_RECOVERY, 9000, 110, inversion_time_ms=2400),
    "PD": Protocol(Kind.SPIN_ECHO, 3000, 15),
}


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """Images of one head on one grid; the mask is missing where nobody drew one."""

    name: str
    images: dict[Sequence, Volume]
    brain_kji: Mask | None


def main() -> int:
    """Print a line per head and return 0."""
    options = _parser().parse_args()
    use_physical_cores()
    finder = BrainFinder()
    held_out = read_card(options.weights, MODEL).held_out
    print(f"{'head':28}{'network':>9}{'classic':>9}{'litres':>8}{'seconds':>9}{'classic':>9}")
    for case in _cases(options.data, held_out):
        started = time.perf_counter()
        found = brain_mask_by_network(
            case.images,
            lambda images: finder.find(BrainRequest(images, options.weights)).logits_nkji,
        )
        seconds = time.perf_counter() - started
        started = time.perf_counter()
        classical = None if options.network_only else brain_mask(case.images)
        classical_seconds = time.perf_counter() - started
        print(
            f"{case.name:28}{_score(found, case.brain_kji):>9}"
            f"{_score(classical, case.brain_kji):>9}{_litres(found, case):8.2f}"
            f"{seconds:9.1f}{classical_seconds:9.1f}",
            flush=True,
        )
        if options.pictures is not None:
            _draw(options.pictures, case, found)
    return 0


def _cases(data: Path, held_out: tuple[str, ...]) -> Iterator[Case]:
    images = data / "heads" / "images"
    for path in sorted(images.glob("*.nii*")):
        if "tissues" in path.name:
            continue
        volume = read_nifti(path)
        grid = work_geometry(volume.geometry)
        tissues = path.with_name(path.name.replace("_t1", "_tissues"))
        brain = None
        if tissues != path and tissues.is_file():
            labels = resample(read_nifti(tissues), grid, interpolation="nearest").array_kji
            brain = _brain_of_tissue(labels > 0)
        image = resample(volume, grid, antialias=True)
        yield Case(head_name(path), {Sequence.T1: image}, brain)
    yield from _raw(data / "raw")
    for path in sorted((data / "heads" / "labelmaps").glob("*.nii*")):
        if head_name(path) in held_out:
            yield from _painted(read_head(path))


def _brain_of_tissue(tissue: Mask) -> Mask:
    spacing = (1.0, 1.0, 1.0)
    part = largest_part(tissue)
    closed = eroded(dilated(part, CLOSING_MM, spacing), CLOSING_MM, spacing)
    return filled(closed | dilated(part, RIM_MM, spacing))


def _raw(folder: Path) -> Iterator[Case]:
    reference_file = folder / f"{RAW}_reference" / "t1ce_sri24_stripped.nii.gz"
    if not reference_file.is_file():
        return
    files = {Sequence.T1C: "t1ce", Sequence.T1: "t1", Sequence.T2: "t2", Sequence.FLAIR: "flair"}
    volumes = {
        sequence: read_nifti(folder / RAW / f"{RAW}_{name}.nii.gz")
        for sequence, name in files.items()
    }
    fixed = volumes[Sequence.T1C]
    grid = work_geometry(fixed.geometry)
    placed = {Sequence.T1C: fixed}
    for sequence in (Sequence.T1, Sequence.T2, Sequence.FLAIR):
        moved = register_rigid(volumes[sequence], fixed).moved_geometry
        placed[sequence] = Volume(volumes[sequence].array_kji, moved)
    images = {s: resample(volume, grid, antialias=True) for s, volume in placed.items()}
    theirs = read_nifti(reference_file)
    inside = (theirs.array_kji != 0).astype(np.float32)
    there = register_rigid(theirs, fixed).moved_geometry
    brain = filled(resample(Volume(inside, there), grid).array_kji > 0.5)
    for sequence, image in images.items():
        yield Case(f"{RAW} {sequence}", {sequence: image}, brain)
    yield Case(f"{RAW} all", images, brain)


def _painted(head: HeadMap) -> Iterator[Case]:
    grid = Geometry(head.tissues_kji.shape, np.eye(4))
    rng = np.random.default_rng(0)
    for name, protocol in PROTOCOLS.items():
        clean = levels_of(protocol).astype(np.float32)[head.tissues_kji]
        noise = rng.standard_normal((2, *clean.shape), dtype=np.float32) * NOISE
        image = Volume(100 * np.hypot(clean + noise[0], noise[1]), grid)
        yield Case(f"{head.name} as {name}", {Sequence.T1: image}, head.distance_kji > 0)


def _score(found: Mask | None, wanted: Mask | None) -> str:
    if found is None or wanted is None:
        return "-"
    return f"{2 * (found & wanted).sum() / (found.sum() + wanted.sum()):.3f}"


def _litres(found: Mask, case: Case) -> float:
    volume = next(iter(case.images.values()))
    return float(found.sum() * volume.geometry.voxel_volume_mm3 / 1e6)


def _draw(folder: Path, case: Case, found: Mask) -> None:
    """Write three planes with the outline found (red) and the reference (green)."""
    folder.mkdir(parents=True, exist_ok=True)
    image = next(iter(case.images.values())).array_kji.astype(np.float32)
    middle = [int(n) for n in np.argwhere(found).mean(axis=0)] if found.any() else [0, 0, 0]
    side = max(image.shape)
    sheet = np.zeros((side, 3 * side, 3), dtype=np.uint8)
    top = float(np.percentile(image[image > 0], 99.5))
    for number, axis in enumerate((0, 1, 2)):
        grey = np.take(image, middle[axis], axis)
        plane = np.repeat((255 * np.clip(grey / top, 0, 1)).astype(np.uint8)[..., None], 3, -1)
        for mask, colour in ((case.brain_kji, (0, 255, 0)), (found, (255, 0, 0))):
            if mask is not None:
                plane[_edge(np.take(mask, middle[axis], axis))] = colour
        if axis:
            plane = plane[::-1]
        sheet[: plane.shape[0], number * side : number * side + plane.shape[1]] = plane
    Image.fromarray(sheet).save(folder / f"{case.name.replace(' ', '_')}.png")


def _edge(mask: Mask) -> Mask:
    edge = np.zeros_like(mask)
    edge[:-1] |= mask[:-1] != mask[1:]
    edge[:, :-1] |= mask[:, :-1] != mask[:, 1:]
    return edge


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Compare the two ways of finding the brain.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, default=DEFAULT_FOLDER, help="folder of brain.*")
    parser.add_argument("--pictures", type=Path, help="folder for pictures of every head")
    parser.add_argument("--network-only", action="store_true", help="spare the classical method")
    return parser


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    sys.exit(main())

"""Trials of the registration: images of real patients, moved by known amounts and found again.

``dev.py bench --registration DIR`` takes patients in BraTS's layout, whose sequences lie in one
space. Each trial scans one of them anew, on an oblique grid of another voxel size, and moves it by
up to 20° about and 30 mm along every axis, as another examination would. Measured at points all
over the brain is how far the registration ends from where it puts the same scan unmoved, which is
exact; and, for comparison, from where its publishers put it, which holds their own error too.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.spatial.transform import Rotation

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from desktop_app.domain.geometry import Geometry  # noqa: E402
from desktop_app.domain.study import Sequence  # noqa: E402
from desktop_app.domain.volume import Volume  # noqa: E402
from desktop_app.imaging.registration import register_rigid  # noqa: E402
from desktop_app.imaging.resample import resample  # noqa: E402

MAX_TURN_DEG, MAX_SHIFT_MM = 20.0, 30.0
# What a trial may leave, in the mean over the brain, and when it counts as failed.
AIM_MM, FAILED_MM = 0.5, 2.0
# Slice thicknesses of the new scan; in plane 1 mm.
_THICKNESS_MM = (1.0, 3.0, 5.0)
_SCANNER_TILT_DEG = 10.0
_MOVING = (Sequence.T1, Sequence.T2, Sequence.FLAIR)
_POINTS = 2_000


@dataclass(frozen=True, slots=True)
class Trial:
    """One image moved and found again.

    Parameters
    ----------
    mean_mm, worst_mm
        Distance from where the unmoved scan is put, mean and largest over the brain.
    published_mm
        Mean distance from where the publishers of the images put them.
    ok
        Whether the registration believes itself.
    """

    case: str
    sequence: str
    thickness_mm: float
    turn_deg: float
    shift_mm: float
    mean_mm: float
    worst_mm: float
    published_mm: float
    ok: bool
    score: float
    seconds: float
    cpu_seconds: float

    @property
    def failed(self) -> bool:
        """Whether the image ended in the wrong place, or in the right one without saying so."""
        return not self.ok or max(self.mean_mm, self.published_mm) > FAILED_MM


def random_motion(rng: np.random.Generator, centre_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a 4 × 4 rigid motion about a point, each angle and shift uniform in its range."""
    motion = np.eye(4)
    angles = rng.uniform(-MAX_TURN_DEG, MAX_TURN_DEG, 3)
    motion[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    shift = rng.uniform(-MAX_SHIFT_MM, MAX_SHIFT_MM, 3)
    motion[:3, 3] = centre_mm - motion[:3, :3] @ centre_mm + shift
    return motion


def scanned_anew(volume: Volume, rng: np.random.Generator, thickness_mm: float) -> Volume:
    """Sample an image on an oblique axial grid of 1 × 1 mm and the given slice thickness."""
    turn = Rotation.from_euler(
        "xyz", rng.uniform(-_SCANNER_TILT_DEG, _SCANNER_TILT_DEG, 3), degrees=True
    ).as_matrix()
    spacing = np.array([1.0, 1.0, thickness_mm])
    extent_mm = np.array(volume.geometry.shape_kji) * volume.geometry.spacing_mm
    count = np.ceil(extent_mm[::-1] / spacing).astype(int)
    centre = volume.geometry.to_patient_mm((np.array(volume.geometry.shape_kji) - 1) / 2)
    affine = np.eye(4)
    affine[:3, :3] = turn * spacing
    affine[:3, 3] = centre - affine[:3, :3] @ ((count - 1) / 2)
    ni, nj, nk = (int(n) for n in count)
    return resample(volume, Geometry((nk, nj, ni), affine), antialias=True)


def brain_points(volume: Volume, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return (n, 3) points all over what is not background, in LPS mm."""
    index = np.argwhere(volume.array_kji > volume.array_kji.min())
    chosen = rng.choice(len(index), size=min(_POINTS, len(index)), replace=False)
    return volume.geometry.to_patient_mm(index[chosen].astype(np.float64))


def left_over_mm(
    found: Geometry, true: Geometry, points_lps_mm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how far each point lies from its place under the grid that was found."""
    residual = found.affine_lps_mm @ np.linalg.inv(true.affine_lps_mm)
    moved = points_lps_mm @ residual[:3, :3].T + residual[:3, 3]
    distances: NDArray[np.float64] = np.linalg.norm(moved - points_lps_mm, axis=1)
    return distances


def run_trial(
    case: str,
    fixed: Volume,
    moving: Volume,
    sequence: Sequence,
    rng: np.random.Generator,
) -> Trial:
    """Scan `moving` anew, move it, register it to `fixed`."""
    thickness = float(rng.choice(_THICKNESS_MM))
    scan = scanned_anew(moving, rng, thickness)
    points = brain_points(fixed, rng)
    motion = random_motion(rng, points.mean(axis=0))
    displaced = replace(
        scan, geometry=Geometry(scan.geometry.shape_kji, motion @ scan.geometry.affine_lps_mm)
    )
    unmoved = register_rigid(scan, fixed).moved_geometry
    started, cpu_started = time.perf_counter(), time.process_time()
    found = register_rigid(displaced, fixed)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu_started
    distances = left_over_mm(found.moved_geometry, unmoved, points)
    published = left_over_mm(found.moved_geometry, scan.geometry, points)
    shift = motion[:3, :3] @ points.mean(axis=0) + motion[:3, 3] - points.mean(axis=0)
    return Trial(
        case=case,
        sequence=sequence.value,
        thickness_mm=thickness,
        turn_deg=float(np.degrees(Rotation.from_matrix(motion[:3, :3]).magnitude())),
        shift_mm=float(np.linalg.norm(shift)),
        mean_mm=float(distances.mean()),
        worst_mm=float(distances.max()),
        published_mm=float(published.mean()),
        ok=found.ok,
        score=found.score,
        seconds=seconds,
        cpu_seconds=cpu,
    )


def run_trials(folder: Path, first: int, count: int) -> Iterator[Trial]:
    """Run trials number `first` and following; the same number gives the same trial."""
    from desktop_app.services.opening.import_study import choose_roles, load_roles, open_path

    studies = [
        study
        for study in sorted(open_path(folder).studies, key=lambda one: one.name)
        if set(Sequence) <= set(study.roles)
    ]
    for number in range(first, first + count):
        rng = np.random.default_rng(number)
        study = studies[number % len(studies)]
        sequence = _MOVING[number // len(studies) % len(_MOVING)]
        roles = choose_roles(study)
        volumes = load_roles({one: roles[one] for one in (Sequence.T1C, sequence)})
        yield run_trial(study.name, volumes[Sequence.T1C], volumes[sequence], sequence, rng)


def print_trials(trials: list[Trial]) -> None:
    """Print the figures beside what they may be."""
    left = np.array([trial.mean_mm for trial in trials])
    published = np.array([trial.published_mm for trial in trials])
    table = Table(title=f"Registration to T1c: {len(trials)} trials, ±20°, ±30 mm")
    for column in ("", "measured", "aim"):
        table.add_column(column, justify="right" if column else "left")
    table.add_row("mean error over the brain", f"{left.mean():.2f} mm", f"≤ {AIM_MM} mm")
    table.add_row("95th percentile, largest", f"{np.percentile(left, 95):.2f}, {left.max():.2f} mm")
    apart = f"{published.mean():.2f}, {published.max():.2f} mm"
    table.add_row("from the publishers' place, mean, largest", apart)
    table.add_row("failed", str(sum(trial.failed for trial in trials)), "0")
    table.add_row("wall time", f"{np.mean([t.seconds for t in trials]):.2f} s")
    table.add_row("processor time", f"{np.mean([t.cpu_seconds for t in trials]):.2f} s")
    Console().print(table)


def main(arguments: list[str] | None = None) -> int:
    """Run the trials; 0 if none failed and the mean error is within its aim."""
    parser = argparse.ArgumentParser(prog="bench --registration", description=__doc__)
    parser.add_argument("folder", type=Path, help="patients in BraTS's layout")
    parser.add_argument("--first", type=int, default=0, help="number of the first trial")
    parser.add_argument("--count", type=int, default=100, help="how many trials")
    parser.add_argument("--json", action="store_true", help="print every trial as JSON")
    options = parser.parse_args(arguments)
    trials = []
    for trial in run_trials(options.folder, options.first, options.count):
        trials.append(trial)
        print(
            f"{trial.case} {trial.sequence} {trial.turn_deg:.0f}° {trial.shift_mm:.0f} mm: "
            f"{trial.mean_mm:.2f} mm, {trial.published_mm:.2f} mm from the publishers' place",
            file=sys.stderr,
        )
    if options.json:
        print(json.dumps([asdict(trial) for trial in trials], indent=2))
    else:
        print_trials(trials)
    failed = any(trial.failed for trial in trials)
    return int(failed or np.mean([trial.mean_mm for trial in trials]) > AIM_MM)


if __name__ == "__main__":
    sys.exit(main())

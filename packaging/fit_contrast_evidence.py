"""Fit the coefficients of ``desktop_app/imaging/contrast_weights.py`` and say how sure they are.

``python packaging/fit_contrast_evidence.py DATA [--write]``; DATA holds patients in BraTS's layout
below ``train`` and people without tumour below ``normal``. Each is seen as published
and as a poorer scan would show it: thick slices, noise, uneven coils, blur, a small misplacement, a
tighter brain mask. Logistic regression without intercept, quadratic penalty; the
figures printed are of people left out of the fit, whose images are given in every order.
"""

import argparse
import itertools
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from desktop_app.domain.study import Sequence  # noqa: E402
from desktop_app.imaging.contrast_evidence import (  # noqa: E402
    BrainLook,
    brain_looks,
    pair_features,
)
from desktop_app.imaging.contrast_weights import PairTest  # noqa: E402
from desktop_app.imaging.sequence_pixels import score_assignments  # noqa: E402
from desktop_app.services.import_study import choose_roles, load_roles, open_path  # noqa: E402
from desktop_app.services.sequence_check import SURE, is_clear, objection  # noqa: E402

PENALTY = 1.0
POOR_SCANS = 8
PAIRS = {
    PairTest.T1C_T1: ((Sequence.T1C, Sequence.T1),),
    PairTest.T1_T2: ((Sequence.T1, Sequence.T2), (Sequence.T1C, Sequence.T2)),
    PairTest.T1_FLAIR: ((Sequence.T1, Sequence.FLAIR), (Sequence.T1C, Sequence.FLAIR)),
    PairTest.T2_FLAIR: ((Sequence.T2, Sequence.FLAIR),),
}
# Features each test looks at, by their place in `pair_features`: the profiles and the broad
# difference tell weightings, the fine and sharp differences contrast agent.
LOOKS_AT = {test: slice(0, 12) for test in PairTest} | {PairTest.T1C_T1: slice(12, 18)}
_Image = NDArray[np.float32]
_Features = NDArray[np.float64]


def poorer(image: _Image, rng: np.random.Generator) -> _Image:
    """Return the image as another scan might show it; 0 stays 0."""
    kinds: tuple[Callable[[_Image], NDArray[np.floating[Any]]], ...] = (
        lambda a: a,
        _thick,
        lambda a: a + 0.06 * np.median(a[a > 0]) * rng.standard_normal(a.shape),
        lambda a: a * np.exp(0.12 * _smooth_field(a.shape, rng)),
        lambda a: ndimage.shift(a, rng.uniform(-0.8, 0.8, 3), order=1),
        lambda a: ndimage.gaussian_filter(a, 1.0),
    )
    changed = kinds[rng.integers(len(kinds))](image)
    kept: _Image = np.where(image != 0, changed, 0).astype(np.float32)
    return kept


def _thick(image: _Image, slices: int = 5) -> _Image:
    mean = ndimage.uniform_filter1d(image, slices, axis=0)[slices // 2 :: slices]
    place = np.clip((np.arange(len(image)) - slices // 2) / slices, 0, len(mean) - 1.001)
    first = place.astype(int)
    share = (place - first)[:, None, None]
    blended: _Image = (mean[first] * (1 - share) + mean[first + 1] * share).astype(np.float32)
    return blended


def _smooth_field(shape: tuple[int, ...], rng: np.random.Generator) -> _Image:
    coarse = rng.standard_normal((4, 4, 4))
    field: _Image = ndimage.zoom(coarse, np.array(shape) / 4, order=1).astype(np.float32)
    return field


def cases(data: Path) -> Iterator[tuple[str, dict[Sequence, _Image]]]:
    """Yield name and images of every patient with all four sequences, cut to the brain."""
    for folder in sorted([*(data / "train").iterdir(), *(data / "normal").glob("patient*")]):
        study = open_path(folder).studies[0]
        volumes = load_roles(choose_roles(study))
        if set(volumes) != set(Sequence):
            continue
        arrays = {one: np.asarray(v.array_kji, np.float32) for one, v in volumes.items()}
        some = np.logical_or.reduce([array != 0 for array in arrays.values()])
        box = ndimage.find_objects(some.astype(np.uint8))[0]
        yield folder.name, {one: array[box] for one, array in arrays.items()}


def features_of(
    images: dict[Sequence, _Image], seed: int
) -> tuple[dict[PairTest, list[_Features]], dict[Sequence, BrainLook]]:
    """Return the features of every pair, as published and as poorer scans show them.

    Returns
    -------
    tuple
        The features by test, and the images as published.
    """
    rng = np.random.default_rng(seed)
    whole = np.logical_or.reduce([image != 0 for image in images.values()])
    found: dict[PairTest, list[_Features]] = {test: [] for test in PairTest}
    for scan in range(1 + POOR_SCANS):
        seen = {one: poorer(image, rng) if scan else image for one, image in images.items()}
        tight = int(rng.integers(1, 4)) if scan > 5 else 0
        brain = ndimage.binary_erosion(whole, iterations=tight) if tight else whole
        looks = brain_looks(seen, brain)
        if scan == 0:
            published = looks
        for test, pairs in PAIRS.items():
            found[test] += [pair_features(looks[one], looks[other]) for one, other in pairs]
    return found, published


def fitted(rows: NDArray[np.float64], used: slice) -> NDArray[np.float64]:
    """Return the coefficients, 0 for features that are not used."""
    chosen = rows[:, used]
    scale = np.sqrt((chosen**2).mean(axis=0))
    scaled = chosen / scale

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds = scaled @ weights
        slope = -scaled.T @ (1 / (1 + np.exp(odds))) + 2 * PENALTY * weights
        return float(np.logaddexp(0, -odds).sum() + PENALTY * (weights**2).sum()), slope

    start = np.zeros(chosen.shape[1])
    weights = np.zeros(rows.shape[1])
    weights[used] = optimize.minimize(loss, start, jac=True, method="L-BFGS-B").x / scale
    return weights


def outcomes(looks: dict[Sequence, BrainLook], weights: dict[PairTest, _Features]) -> Counter[str]:
    """Give the images in every order, and every pair alone both ways; count what comes of it."""
    count: Counter[str] = Counter()
    subsets = [tuple(Sequence), *itertools.combinations(Sequence, 2)]
    for subset in subsets:
        scores = score_assignments({one: looks[one] for one in subset}, weights)
        best, likelihood = scores.best()
        is_right = all(best[one] is one for one in subset)
        kind = "four images" if len(subset) == len(Sequence) else "two images"
        # To give the images in another order is to start from that assignment.
        for given, score in zip(scores.assignments, scores.scores, strict=True):
            lead = likelihood - score
            given_right = all(given[one] is one for one in subset)
            moved = {one: next(r for r in subset if given[r] is best[one]) for one in subset}
            if lead <= objection(moved):
                result = "left as given, rightly" if given_right else "told that pixels cannot tell"
            elif lead >= SURE and is_clear(scores, best):
                result = "corrected, rightly" if is_right else "wrong"
            else:
                result = "asked"
            count[f"{kind}, {'right' if given_right else 'wrong'} order: {result}"] += 1
    return count


def main() -> int:
    """Fit, print how people left out come off, and write the coefficients if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--write", action="store_true", help="put them into the program")
    options = parser.parse_args()
    found: dict[str, dict[PairTest, list[_Features]]] = {}
    published: dict[str, dict[Sequence, BrainLook]] = {}
    for number, (name, images) in enumerate(cases(options.data)):
        found[name], published[name] = features_of(images, number)
        print(name, file=sys.stderr)
    lines = []
    without: dict[str, dict[PairTest, _Features]] = {name: {} for name in found}
    for test in PairTest:
        rows = {name: np.array(features[test]) for name, features in found.items()}
        lowest = []
        for name, own in rows.items():
            others = np.concatenate([row for other, row in rows.items() if other != name])
            without[name][test] = fitted(others, LOOKS_AT[test])
            lowest.append((float((own @ without[name][test]).min()), name))
        wrong = sum(odds <= 0 for odds, _ in lowest)
        print(
            f"{test}: {wrong} of {len(rows)} wrong; least sure "
            + ", ".join(f"{name} {odds:.1f}" for odds, name in sorted(lowest)[:5])
        )
        weights = fitted(np.concatenate(list(rows.values())), LOOKS_AT[test])
        values = ", ".join(f"{value:.3f}" for value in weights)
        lines.append(f"    PairTest.{test.name}: ({values}),")
    total: Counter[str] = Counter()
    for name, looks in published.items():
        total += outcomes(looks, without[name])
    for what, count in sorted(total.items()):
        print(f"{count:5d} {what}")
    table = "WEIGHTS: dict[PairTest, tuple[float, ...]] = {\n" + "\n".join(lines) + "\n}\n"
    if options.write:
        target = ROOT / "desktop_app" / "imaging" / "contrast_weights.py"
        text = target.read_text("utf-8")
        target.write_text(re.sub(r"WEIGHTS: .*\Z", table, text, flags=re.DOTALL), "utf-8")
    else:
        print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Fit the coefficients of ``desktop_app/imaging/contrast_weights.py`` and say how sure they are.

``python packaging/fit_contrast_evidence.py DATA [--write]``; DATA holds patients in BraTS's layout
below ``train``, people without tumour below ``normal`` and label maps below ``heads/labelmaps``;
simulated heads are added, see `contrast_cases`. Each is seen as it is and as a poorer scan would
show it: thick slices, noise, uneven coils, blur, a small misplacement, another outline of the
brain. Logistic regression without intercept, quadratic penalty; the figures printed are of people
left out of the fit, one after the other: each test's, those of images given in every order, and
those of images without any header (`docs/SEQUENCES.md` has the tables).
"""

import argparse
import itertools
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from contrast_cases import Case, all_cases, outline  # noqa: E402

from desktop_app.domain.study import Sequence  # noqa: E402
from desktop_app.imaging.contrast_evidence import brain_looks  # noqa: E402
from desktop_app.imaging.contrast_weights import PairTest  # noqa: E402
from desktop_app.imaging.sequence_pixels import (  # noqa: E402
    PairFeatures,
    compare_pairs,
    score_pairs,
)
from desktop_app.services.opening.sequence_check import SURE, is_clear, objection  # noqa: E402
from desktop_app.services.opening.sequence_naming import name_images  # noqa: E402

PENALTY = 0.1
POOR_SCANS = 5
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
_Weights = Mapping[PairTest, _Features]


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """What was seen of one person.

    Parameters
    ----------
    rows
        By test, (pairs, features) as published and as poorer scans show them.
    published
        Of every two images as published, and of each poorer scan.
    scans
        The same of every scan.
    """

    name: str
    is_real: bool
    rows: dict[PairTest, _Features]
    scans: tuple[PairFeatures, ...]

    @property
    def published(self) -> PairFeatures:
        """Of every two images as published."""
        return self.scans[0]

    @property
    def sequences(self) -> tuple[Sequence, ...]:
        """Those there are images of."""
        named = {name for pair in self.published for name in pair}
        return tuple(sequence for sequence in Sequence if sequence in named)


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


def look_at(case: Case, seed: int) -> Person:
    """Compare the images of a person, as published and as poorer scans show them."""
    rng = np.random.default_rng(seed)
    scans = []
    for scan in range(1 + POOR_SCANS):
        seen = {one: poorer(i, rng) if scan else i for one, i in case.images.items()}
        looks = brain_looks(seen, outline(case, rng, vary=scan > 0))
        scans.append(compare_pairs({one.value: look for one, look in looks.items()}))
    rows = {
        test: np.array([row for scan in scans for row in _rows(scan, pairs)])
        for test, pairs in PAIRS.items()
    }
    return Person(case.name, case.is_real, rows, tuple(scans))


def _rows(scan: PairFeatures, pairs: tuple[tuple[Sequence, Sequence], ...]) -> Iterator[_Features]:
    for one, other in pairs:
        if (one, other) in scan:
            yield scan[one, other]
        elif (other, one) in scan:
            yield -scan[other, one]


def fitted(rows: _Features, used: slice) -> _Features:
    """Return the coefficients, 0 for features that are not used."""
    chosen = rows[:, used]
    scale = np.sqrt((chosen**2).mean(axis=0))
    scaled = chosen / scale

    def loss(weights: _Features) -> tuple[float, _Features]:
        odds = scaled @ weights
        slope = -scaled.T @ (1 / (1 + np.exp(odds))) + 2 * PENALTY * weights
        return float(np.logaddexp(0, -odds).sum() + PENALTY * (weights**2).sum()), slope

    start = np.zeros(chosen.shape[1])
    weights = np.zeros(rows.shape[1])
    weights[used] = optimize.minimize(loss, start, jac=True, method="L-BFGS-B").x / scale
    return weights


def fit(people: list[Person]) -> dict[PairTest, _Features]:
    """Return the coefficients of every test."""
    return {
        test: fitted(
            np.concatenate([one.rows[test] for one in people if len(one.rows[test])]),
            LOOKS_AT[test],
        )
        for test in PairTest
    }


def in_every_order(person: Person, weights: _Weights) -> Counter[str]:
    """Give the images in every order, and every pair alone both ways; count what comes of it."""
    count: Counter[str] = Counter()
    for subset in (person.sequences, *itertools.combinations(person.sequences, 2)):
        pairs = {p: f for p, f in person.published.items() if set(p) <= set(subset)}
        scores = score_pairs(subset, pairs, weights)
        best, likelihood = scores.best()
        is_right = all(best[one] is one for one in subset)
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
            order = "right" if given_right else "wrong"
            count[f"{len(subset)} images in {order} order: {result}"] += 1
    return count


def without_headers(person: Person, weights: _Weights) -> Counter[str]:
    """Name images that nothing is known of, alone or beside others that are known."""
    count: Counter[str] = Counter()
    if len(person.sequences) < len(Sequence):
        return count
    for scan in person.scans:
        for size in range(1, len(Sequence) + 1):
            for unknown in itertools.combinations(Sequence, size):
                known = {one: one.value for one in Sequence if one not in unknown}
                named = name_images(scan, known, [one.value for one in unknown], weights)
                name_of = {image: sequence for sequence, image in named.items()}
                for image in unknown:
                    name = name_of.get(image)
                    result = "asked" if name is None else "right" if name is image else "wrong"
                    count[f"{size} of 4 unknown: {result}"] += 1
    return count


def _print_tests(people: list[Person], without: Mapping[str, _Weights]) -> None:
    for test in PairTest:
        lowest = sorted(
            (float((one.rows[test] @ without[one.name][test]).min()), one.name)
            for one in people
            if len(one.rows[test])
        )
        wrong = sum(odds <= 0 for odds, _ in lowest)
        least = ", ".join(f"{name} {odds:.1f}" for odds, name in lowest[:5])
        print(f"{test}: {wrong} of {len(lowest)} wrong; least sure {least}")


def _print_outcomes(people: list[Person], without: Mapping[str, _Weights]) -> None:
    for judge in (in_every_order, without_headers):
        for is_real in (True, False):
            total: Counter[str] = Counter()
            for one in people:
                if one.is_real is is_real:
                    total += judge(one, without[one.name])
            print("\nreal people" if is_real else "\nsimulated and painted heads")
            for what, number in sorted(total.items()):
                print(f"{number:6d} {what}")


def _table(weights: _Weights) -> str:
    lines = [
        f"    PairTest.{test.name}: ({', '.join(f'{value:.3f}' for value in weights[test])}),"
        for test in PairTest
    ]
    return "WEIGHTS: dict[PairTest, tuple[float, ...]] = {\n" + "\n".join(lines) + "\n}\n"


def main() -> int:
    """Fit, print how people left out come off, and write the coefficients if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--write", action="store_true", help="put them into the program")
    options = parser.parse_args()
    people = []
    for number, case in enumerate(all_cases(options.data)):
        people.append(look_at(case, number))
        print(case.name, file=sys.stderr)
    without = {one.name: fit([other for other in people if other is not one]) for one in people}
    _print_tests(people, without)
    _print_outcomes(people, without)
    table = _table(fit(people))
    if options.write:
        target = ROOT / "desktop_app" / "imaging" / "contrast_weights.py"
        text = target.read_text("utf-8")
        target.write_text(re.sub(r"WEIGHTS: .*\Z", table, text, flags=re.DOTALL), "utf-8")
    else:
        print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())

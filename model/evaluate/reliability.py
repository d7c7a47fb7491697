"""Do voxels called 70 % likely belong to the region in 70 % of cases? And if not, how to mend it.

Only voxels of which the network has some doubt or hope count (p above 0.01): the rest of the brain
is right by nature and would hide everything. That is a condition on what the network says, never
on the truth, and so distorts nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model.calibration import CODES, Scaling
from model.evaluate.out_of_fold import OutOfFold, code_values
from model.spec import REGIONS, region_masks

LEAST_PROBABILITY: Final = 0.01
BINS: Final = 10
_STEPS: Final = 50
_RIDGE: Final = 1e-6
_SLOPES: Final = (0.1, 10.0)

Counts = NDArray[np.int64]
"""(3, 2, 256): voxels by region, truth and code."""


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """Calibration error before and after scaling, and what remains.

    Attributes
    ----------
    scaling
        Fitted to all patients.
    error_before, error_after
        Per region the expected calibration error (Guo et al. 2017, arXiv 1706.04599) of the
        patients together; after: each patient's scans scaled by a fit to all other patients.
    diagram_after
        Per region rows of (mean probability, share that is true, voxels), after scaling.
    """

    scaling: Scaling
    error_before: tuple[float, ...]
    error_after: tuple[float, ...]
    diagram_after: tuple[tuple[tuple[float, float, int], ...], ...]

    def as_document(self) -> dict[str, Any]:
        """Return it for JSON, by region."""
        return {
            region.value: {
                "expected_calibration_error_before": round(before, 4),
                "expected_calibration_error_after": round(after, 4),
                "diagram_after": [
                    {"said": round(said, 4), "true": round(true, 4), "voxels": voxels}
                    for said, true, voxels in rows
                ],
            }
            for region, before, after, rows in zip(
                REGIONS, self.error_before, self.error_after, self.diagram_after, strict=True
            )
        }


def count_codes(patient: OutOfFold) -> Counts:
    """Return how often each code was true and false, per region."""
    truth = region_masks(patient.reference_kji)
    counts = np.empty((len(REGIONS), 2, CODES), dtype=np.int64)
    for region, (codes, mask) in enumerate(zip(patient.codes_ckji, truth, strict=True)):
        every = np.bincount(codes.ravel(), minlength=CODES)
        counts[region, 1] = np.bincount(codes[mask], minlength=CODES)
        counts[region, 0] = every - counts[region, 1]
    counts[:, :, code_values() <= LEAST_PROBABILITY] = 0
    return counts


def fit_reliability(counts: Sequence[Counts], patients: Sequence[str]) -> Reliability:
    """Fit a scaling to all patients and measure it on each by a fit to the others.

    Parameters
    ----------
    counts
        Per scan, see `count_codes`.
    patients
        Per scan, whose it is.
    """
    together = np.sum(counts, axis=0)
    values = code_values()
    without = {one: fit_scaling(together - _of(one, counts, patients)) for one in set(patients)}
    before, after, diagrams = [], [], []
    for region in range(len(REGIONS)):
        said = [values] * len(counts)
        scaled = [scaled_values(without[patient], region) for patient in patients]
        each = [one[region] for one in counts]
        before.append(_error(_diagram(said, each)))
        diagrams.append(_diagram(scaled, each))
        after.append(_error(diagrams[-1]))
    return Reliability(fit_scaling(together), tuple(before), tuple(after), tuple(diagrams))


def fit_scaling(counts: Counts) -> Scaling:
    """Return the slope and bias per region that make the counts most likely."""
    (tc, wt, et) = (_fit(counts[region]) for region in range(len(REGIONS)))
    return Scaling((tc[0], wt[0], et[0]), (tc[1], wt[1], et[1]))


def scaled_values(scaling: Scaling, region: int) -> NDArray[np.float64]:
    """Return the calibrated probability of each code."""
    scores = scaling.slope[region] * _logits() + scaling.bias[region]
    values: NDArray[np.float64] = 1 / (1 + np.exp(-scores))
    return values


def _of(patient: str, counts: Sequence[Counts], patients: Sequence[str]) -> Counts:
    own = [one for one, whose in zip(counts, patients, strict=True) if whose == patient]
    found: Counts = np.sum(own, axis=0)
    return found


def _logits() -> NDArray[np.float64]:
    values = np.clip(code_values(), 1e-4, 1 - 1e-4)
    logits: NDArray[np.float64] = np.log(values) - np.log1p(-values)
    return logits


def _fit(counts: NDArray[np.int64]) -> tuple[float, float]:
    """Weighted logistic regression by Newton's method; (1, 0) where one outcome never occurs."""
    false, true = counts.astype(np.float64)
    total = false + true
    if not false.any() or not true.any():
        return 1.0, 0.0
    weights = np.stack([_logits(), np.ones(CODES)])
    slope_bias = np.array([1.0, 0.0])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-(slope_bias @ weights)))
        gradient = weights @ (true - total * chance)
        curvature = (weights * (total * chance * (1 - chance))) @ weights.T
        step = np.linalg.solve(curvature + _RIDGE * np.eye(2), gradient)
        slope_bias += np.clip(step, -1.0, 1.0)
        slope_bias[0] = np.clip(slope_bias[0], *_SLOPES)
    return float(slope_bias[0]), float(slope_bias[1])


def _diagram(
    values: Iterable[NDArray[np.float64]], counts: Iterable[NDArray[np.int64]]
) -> tuple[tuple[float, float, int], ...]:
    said, true, voxels = np.zeros((3, BINS))
    for chance, (false_count, true_count) in zip(values, counts, strict=True):
        bins = np.minimum((chance * BINS).astype(int), BINS - 1)
        total = false_count + true_count
        said += np.bincount(bins, weights=chance * total, minlength=BINS)
        true += np.bincount(bins, weights=true_count, minlength=BINS)
        voxels += np.bincount(bins, weights=total, minlength=BINS)
    return tuple(
        (float(s / n), float(t / n), int(n))
        for s, t, n in zip(said, true, voxels, strict=True)
        if n
    )


def _error(diagram: Sequence[tuple[float, float, int]]) -> float:
    voxels = sum(n for *_, n in diagram)
    return sum(abs(said - true) * n for said, true, n in diagram) / max(voxels, 1)

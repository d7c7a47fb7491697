"""How images of any kind are brought to one grid and one scale: nnU-Net's rules.

Source: Isensee et al., Nature Methods 2021, doi 10.1038/s41592-020-01008-z. CT is clipped to the
0.5 and 99.5 percentiles of what is inside the labelled structures of all training cases, then
brought to their mean and deviation; every other modality is brought to mean 0 and deviation 1 over
the image itself. Cases are resampled to the median spacing of the training cases, here linearly.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from model.cropping import Box, occupied_box, place_in
from model.data import Case, CaseError
from model.errors import WeightsError
from model.spec import FloatArray, LabelArray

LOW_PERCENTILE, HIGH_PERCENTILE = 0.5, 99.5
SAMPLES_PER_CASE = 10_000
Spacing = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class CTRule:
    """Clipping and scaling of a CT channel, in Hounsfield units."""

    low: float
    high: float
    mean: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """How a data set's cases are prepared.

    Attributes
    ----------
    spacing_kji_mm
        Grid that they are resampled to.
    rules
        One for each modality; None scales each image by itself.
    """

    spacing_kji_mm: Spacing
    rules: tuple[CTRule | None, ...]

    def as_document(self) -> dict[str, Any]:
        """Return it for a model card."""
        return {
            "spacing_kji_mm": list(self.spacing_kji_mm),
            "normalisation": [
                {"kind": "ct", **asdict(rule)} if rule else {"kind": "z-score"}
                for rule in self.rules
            ],
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Fingerprint":
        """Read it from a model card's section ``task``.

        Raises
        ------
        WeightsError
            If the section lacks something.
        """
        try:
            k, j, i = document["spacing_kji_mm"]
            kinds = [dict(rule) for rule in document["normalisation"]]
            rules = tuple(CTRule(**rule) if rule.pop("kind") == "ct" else None for rule in kinds)
        except (KeyError, TypeError, ValueError) as error:
            msg = f"the model card does not say how images are prepared: {error!r}"
            raise WeightsError(msg) from error
        return cls((float(k), float(j), float(i)), rules)

    def prepare(self, case: Case) -> tuple[FloatArray, LabelArray]:
        """Return normalised images and labels of a case on the common grid.

        Raises
        ------
        CaseError
            If the case has no labels or no image.
        """
        if case.labels_kji is None:
            msg = f"{case.name}: no reference labels"
            raise CaseError(msg)
        images, box = self.prepare_images(case)
        labels = torch.from_numpy(np.array(case.labels_kji[box]))[None].float()
        k, j, i = images.shape[1:]
        on_grid = _resampled(labels, (k, j, i), nearest=True)[0].to(torch.uint8)
        return images, on_grid.numpy()

    def prepare_images(self, case: Case) -> tuple[FloatArray, Box]:
        """Return normalised images on the common grid, and which part of the case they show.

        Raises
        ------
        CaseError
            If the case has no image.
        """
        box = occupied_box(np.asarray(case.images_ckji.any(axis=0)))
        if box is None:
            msg = f"{case.name}: the image is zero throughout"
            raise CaseError(msg)
        images = np.stack(
            [
                _scaled(image, rule)
                for image, rule in zip(case.images_ckji[:, *box], self.rules, strict=True)
            ]
        )
        shape = _shape_at(images.shape[1:], case.spacing_kji_mm, self.spacing_kji_mm)
        return _resampled(torch.from_numpy(images), shape).numpy(), box

    def labels_on(
        self, logits_ckji: Tensor, box: Box, shape_kji: tuple[int, int, int]
    ) -> LabelArray:
        """Return the labels of a case on its own grid; background outside the box.

        The logits are brought there linearly and the largest wins, as nnU-Net does: labels that
        were resampled themselves would have the steps of the coarser grid.

        Parameters
        ----------
        logits_ckji
            On the common grid, the background first.
        box
            From `prepare_images`.
        shape_kji
            Of the case.
        """
        k, j, i = (part.stop - part.start for part in box)
        best = _resampled(logits_ckji[:1], (k, j, i))[0]
        labels = torch.zeros(best.shape, dtype=torch.uint8)
        # One channel after the other: a dozen at the full size of a CT would not fit in memory.
        for value in range(1, len(logits_ckji)):
            other = _resampled(logits_ckji[value : value + 1], (k, j, i))[0]
            labels[other > best] = value
            best = torch.maximum(best, other)
        return place_in(labels.numpy(), box, shape_kji)


def measure(
    cases: Iterable[Case], modalities: Sequence[str], spacing_kji_mm: Sequence[float] = ()
) -> Fingerprint:
    """Look at all training cases once.

    Parameters
    ----------
    cases
        Read one at a time.
    modalities
        Names; ``CT`` is clipped.
    spacing_kji_mm
        Overrides the median of the cases.

    Raises
    ------
    CaseError
        If a CT set has no labelled voxel anywhere.
    """
    rng = np.random.default_rng(0)
    spacings: list[Spacing] = []
    samples: list[npt.NDArray[np.float32]] = []
    is_ct = ["CT" in name.upper().split() for name in modalities]
    for case in cases:
        spacings.append(case.spacing_kji_mm)
        if any(is_ct) and case.labels_kji is not None:
            inside = case.images_ckji[:, case.labels_kji > 0]
            if inside.shape[1]:
                drawn = rng.integers(inside.shape[1], size=min(SAMPLES_PER_CASE, inside.shape[1]))
                samples.append(inside[:, drawn])
    if any(is_ct) and not samples:
        msg = "no case has a labelled voxel: nothing to scale CT by"
        raise CaseError(msg)
    values = np.concatenate(samples, axis=1) if samples else None
    rules = tuple(
        _ct_rule(values[n]) if ct and values is not None else None for n, ct in enumerate(is_ct)
    )
    k, j, i = spacing_kji_mm or np.median(np.array(spacings), axis=0).tolist()
    return Fingerprint((float(k), float(j), float(i)), rules)


def _ct_rule(values: npt.NDArray[np.float32]) -> CTRule:
    low, high = np.percentile(values, [LOW_PERCENTILE, HIGH_PERCENTILE]).tolist()
    mean = float(values.mean(dtype=np.float64))
    return CTRule(low, high, mean, max(float(values.std(dtype=np.float64)), 1e-6))


def _scaled(image: npt.NDArray[np.float32], rule: CTRule | None) -> FloatArray:
    if rule is not None:
        clipped = np.clip(image, rule.low, rule.high)
        return ((clipped - rule.mean) / rule.deviation).astype(np.float32)
    mean, deviation = float(image.mean(dtype=np.float64)), float(image.std(dtype=np.float64))
    return ((image - mean) / max(deviation, 1e-6)).astype(np.float32)


def _shape_at(shape: Sequence[int], spacing: Spacing, wanted: Spacing) -> tuple[int, int, int]:
    k, j, i = (max(1, round(n * a / b)) for n, a, b in zip(shape, spacing, wanted, strict=True))
    return k, j, i


def _resampled(image: Tensor, shape: tuple[int, int, int], *, nearest: bool = False) -> Tensor:
    if tuple(image.shape[1:]) == shape:
        return image
    if nearest:
        return functional.interpolate(image[None], shape, mode="nearest-exact")[0]
    return functional.interpolate(image[None], shape, mode="trilinear", align_corners=False)[0]

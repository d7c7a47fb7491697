"""What a model card says of the network's doubt, and how it is used; free of torch.

The section ``calibration`` of a card is written by ``python -m model.evaluate --folds``. A card
without it has nothing to say: no range is then given, and no study judged.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model.cropping import occupied_box
from model.familiarity import FamiliarityModel, Unfamiliarity, study_statistics
from model.spec import REGIONS, Region

CALIBRATION_SCHEMA: Final = "gliascope/calibration/1"
MEASURED_REGIONS: Final = ("NCR", "ED", "ET", "TC", "WT")

UNDECIDED: Final = "undecided share of the tumour"

LARGEST_LOGIT: Final = 8.0
CODES: Final = 256
"""Kept answers hold the logit in that many steps between ± `LARGEST_LOGIT`, see
`model.evaluate.out_of_fold`. The doubt was fitted to those, so what they cannot tell from 0 must
count as 0 wherever it is used."""
_LOGIT_STEP: Final = 2 * LARGEST_LOGIT / CODES
NOTHING_BELOW: Final = 1 / (1 + math.exp(LARGEST_LOGIT - _LOGIT_STEP))
"""Probabilities below it are no chance at all: 0.00036."""

# Below it a voxel is decided; most of the brain is.
_NEGLIGIBLE: Final = np.float16(0.01)
_EXPECTED_OFFSET_MM3: Final = 1000.0


@dataclass(frozen=True, slots=True)
class Scaling:
    """Platt scaling (Platt 1999): the chance of a voxel is ``sigmoid(slope * logit(p) + bias)``.

    Parameters
    ----------
    slope, bias
        Per region in the order of `model.spec.REGIONS`.

    Raises
    ------
    ValueError
        If a slope is not positive: more certain must stay more certain.
    """

    slope: tuple[float, float, float] = (1.0, 1.0, 1.0)
    bias: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        if not all(slope > 0 for slope in self.slope):
            raise ValueError(f"slopes must be positive: {self.slope}")

    def apply(self, probabilities_ckji: NDArray[np.float16]) -> NDArray[np.float32]:
        """Return calibrated probabilities, of the same shape; 0 and 1 stay what they are."""
        scaled = np.empty(probabilities_ckji.shape, dtype=np.float32)
        every = np.arange(2**16, dtype=np.uint16).view(np.float16).astype(np.float64)
        valid = np.clip(np.nan_to_num(every, nan=0.0), 0.0, 1.0)
        with np.errstate(divide="ignore", over="ignore"):
            logits = np.log(valid) - np.log1p(-valid)
            for target, source, slope, bias in zip(
                scaled, probabilities_ckji, self.slope, self.bias, strict=True
            ):
                # One entry for each of the numbers that float16 has.
                table = (1 / (1 + np.exp(-(slope * logits + bias)))).astype(np.float32)
                np.take(table, np.ascontiguousarray(source).view(np.uint16), out=target)
        return scaled


_SAME_VOXELS: Final = 1.5
_ROUNDING: Final = 0.01

WIDEST_FACTOR: Final = 3.0
"""A volume that may as well be a third or three times as large is given without a range. The offset
is added to both: 0.2 ml keep a range up to 2.6 ml, of which one learns that there is not much."""


@dataclass(frozen=True, slots=True)
class RegionDoubt:
    """How far the volume of one region was off in patients the network had not seen.

    Parameters
    ----------
    floor, gain
        Expected error of the logarithm of the volume: floor + gain × undecided share.
    quantile
        Multiple of it that covered the error in the share of patients asked for.

    Raises
    ------
    ValueError
        If one of them is negative, or all are zero.
    """

    floor: float
    gain: float
    quantile: float

    def __post_init__(self) -> None:
        if min(self.floor, self.gain, self.quantile) < 0 or self.floor + self.gain == 0:
            raise ValueError(f"floor, gain and quantile must not be negative: {self}")

    def log_half_width(self, undecided_share: float) -> float:
        """Return half the width of the range, as a difference of logarithms."""
        return self.quantile * (self.floor + self.gain * undecided_share)


@dataclass(frozen=True, slots=True)
class VolumeDoubt:
    """Half the width of each region's range in one study; see `range_mm3`.

    Parameters
    ----------
    coverage
        Share of patients whose true volume such ranges are meant to hold.
    offset_mm3
        Added to volumes before logarithms are taken: below it, errors count as they are, above
        it in proportion.
    log_half_width
        By region: NCR, ED, ET, TC, WT.
    patients
        How many the ranges were drawn from.
    voxel_mm
        The longest side of their voxels.
    """

    coverage: float
    offset_mm3: float
    log_half_width: Mapping[str, float]
    patients: int
    voxel_mm: float

    def holds_for(self, spacing_mm: tuple[float, float, float]) -> bool:
        """Whether labels on such a grid are as exact as those the ranges were drawn from.

        Half as long again counts as the same: series of the consensus protocol have 1 to 1.5 mm
        (Ellingson et al. 2015, doi 10.1093/neuonc/nov095). What thicker slices add to the error
        was never seen.
        """
        return max(spacing_mm) <= _SAME_VOXELS * self.voxel_mm + _ROUNDING

    def range_mm3(self, region: str, volume_mm3: float) -> tuple[float, float] | None:
        """Return the lowest and highest volume that are likely where this one was measured.

        ``None`` if they are further away than `WIDEST_FACTOR`: such a range tells nobody anything.
        """
        half_width = self.log_half_width[region]
        if half_width > math.log(WIDEST_FACTOR):
            return None
        return range_around(volume_mm3, half_width, self.offset_mm3)


@dataclass(frozen=True, slots=True)
class Doubt:
    """How far the result of one study is to be trusted.

    Parameters
    ----------
    volume
        The ranges of its volumes; ``None`` where none can be given, because a sequence is missing
        or the study is unfamiliar, and the patients the ranges were drawn from were neither.
    unfamiliarity
        How unlike other studies it is; ``None`` where the model card does not say what is usual.
    """

    volume: VolumeDoubt | None
    unfamiliarity: Unfamiliarity | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """The ``calibration`` section of a model card.

    Parameters
    ----------
    scaling
        From the network's numbers to chances.
    coverage, offset_mm3
        See `VolumeDoubt`.
    doubts
        By region: NCR, ED, ET, TC, WT.
    patients, voxel_mm
        See `VolumeDoubt`.
    familiarity
        What studies usually look like; ``None`` where the card says nothing of it.

    Raises
    ------
    ValueError
        If a region is missing, or coverage or offset are out of range.
    """

    scaling: Scaling
    coverage: float
    offset_mm3: float
    doubts: Mapping[str, RegionDoubt]
    patients: int
    voxel_mm: float
    familiarity: FamiliarityModel | None = None

    def __post_init__(self) -> None:
        if set(self.doubts) != set(MEASURED_REGIONS):
            raise ValueError(f"doubts are needed for {', '.join(MEASURED_REGIONS)}")
        if not 0 < self.coverage < 1 or self.offset_mm3 <= 0:
            raise ValueError("coverage must lie between 0 and 1, the offset above 0")

    @classmethod
    def from_card(cls, document: Mapping[str, Any]) -> "Calibration | None":
        """Read a model card; ``None`` if it has no calibration.

        Raises
        ------
        ValueError
            If the section is there and cannot be used.
        """
        section = document.get("calibration")
        if section is None:
            return None
        try:
            if section["schema"] != CALIBRATION_SCHEMA:
                raise ValueError(f"unknown calibration {section['schema']!r}")
            volume, scaling = section["volume"], section["scaling"]
            familiarity = section.get("familiarity")
            return cls(
                Scaling(
                    _by_region(scaling["slope"]),
                    _by_region(scaling["bias"]),
                ),
                float(volume["coverage"]),
                float(volume["offset_mm3"]),
                {
                    name: RegionDoubt(
                        float(one["floor"]), float(one["gain"]), float(one["quantile"])
                    )
                    for name, one in volume["regions"].items()
                },
                int(volume["patients"]),
                float(volume["voxel_mm"]),
                None if familiarity is None else FamiliarityModel.from_mapping(familiarity),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"the model card's calibration: {error!r}") from error

    def judge(
        self,
        image_ckji: NDArray[np.float32],
        probabilities_ckji: NDArray[np.float16],
        spacing_mm: tuple[float, float, float],
    ) -> Doubt:
        """Say how far one study's result is to be trusted.

        Parameters
        ----------
        image_ckji
            (4, k, j, i) normalised, cropped to the brain.
        probabilities_ckji
            (3, k, j, i), the network's own answer on that grid.
        spacing_mm
            Voxel size along k, j and i.
        """
        shares = undecided_shares(self.scaling, probabilities_ckji, spacing_mm)
        unfamiliarity = None
        if self.familiarity is not None:
            found = study_statistics(image_ckji, spacing_mm) | {UNDECIDED: shares[Region.WT]}
            unfamiliarity = self.familiarity.judge(found)
        unlike = unfamiliarity is not None and unfamiliarity.is_unfamiliar
        if unlike or not all(channel.any() for channel in image_ckji):
            return Doubt(None, unfamiliarity)
        widths = {name: self.doubts[name].log_half_width(shares[name]) for name in shares}
        volume = VolumeDoubt(self.coverage, self.offset_mm3, widths, self.patients, self.voxel_mm)
        return Doubt(volume, unfamiliarity)


def range_around(
    volume_mm3: float, log_half_width: float, offset_mm3: float
) -> tuple[float, float]:
    """Return the ends of a range whose half width is a difference of shifted logarithms."""
    factor = math.exp(log_half_width)
    shifted = volume_mm3 + offset_mm3
    return max(0.0, shifted / factor - offset_mm3), shifted * factor - offset_mm3


def undecided_shares(
    scaling: Scaling,
    probabilities_ckji: NDArray[np.float16],
    spacing_mm: tuple[float, float, float],
) -> dict[str, float]:
    """Return `measured_shares` of what a network says, looking only where it says something.

    Below `NOTHING_BELOW` it says nothing: a scaling would make much of it in the whole brain.
    """
    # Numbers of float16 that are not negative are in the order of their bits, which are faster.
    bits = np.ascontiguousarray(probabilities_ckji).view(np.uint16)
    some = np.asarray((bits > _NEGLIGIBLE.view(np.uint16)).any(axis=0))
    box = occupied_box(some)
    if box is None:
        return dict.fromkeys(MEASURED_REGIONS, 0.0)
    inside = probabilities_ckji[(slice(None), *box)]
    told = np.where(inside.astype(np.float32) < NOTHING_BELOW, np.float16(0), inside)
    return measured_shares(scaling.apply(told), spacing_mm)


def measured_shares(
    chances_ckji: NDArray[np.float32], spacing_mm: tuple[float, float, float]
) -> dict[str, float]:
    """Return how undecided the network is about each measured region.

    The share is the sum of p (1 - p) over the sum of p, one millilitre added to the latter, so
    that hardly any volume means hardly any doubt. A voxel is necrosis with the chance of core
    less that of enhancement, and oedema with the chance of tumour less that of core.

    Parameters
    ----------
    chances_ckji
        (3, k, j, i) in the order of `model.spec.REGIONS`, calibrated.
    spacing_mm
        Voxel size along k, j and i.
    """
    tc, wt, et = (chances_ckji[REGIONS.index(r)] for r in (Region.TC, Region.WT, Region.ET))
    necrosis, oedema = np.maximum(tc - et, 0), np.maximum(wt - tc, 0)
    parts = dict(zip(MEASURED_REGIONS, (necrosis, oedema, et, tc, wt), strict=True))
    voxel_mm3 = math.prod(spacing_mm)
    return {name: _undecided_share(part, voxel_mm3) for name, part in parts.items()}


def _undecided_share(chances: NDArray[np.float32], voxel_mm3: float) -> float:
    expected_mm3 = float(chances.sum()) * voxel_mm3 + _EXPECTED_OFFSET_MM3
    return float((chances * (1 - chances)).sum()) * voxel_mm3 / expected_mm3


def _by_region(values: Mapping[str, float]) -> tuple[float, float, float]:
    tc, wt, et = (float(values[region]) for region in REGIONS)
    return tc, wt, et

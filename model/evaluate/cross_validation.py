"""Scores every patient by the network that never read it, and learns from that what to expect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from model.calibration import MEASURED_REGIONS, UNDECIDED, undecided_shares
from model.data import patient_of
from model.evaluate.lesions import LesionScore, lesion_score
from model.evaluate.metrics import RegionScore, score
from model.evaluate.out_of_fold import OutOfFold
from model.evaluate.reliability import Reliability, count_codes, fit_reliability
from model.evaluate.tune import (
    choices,
    chosen_settings,
    dice_table,
    regions_that_gain,
    settings_without,
)
from model.evaluate.typical import TypicalStudies, fit_typical
from model.evaluate.volume_ranges import MeasuredVolume, RegionRange, fit_ranges
from model.postprocess import PostprocessSettings, labels_from_probabilities
from model.spec import REGION_LABELS, REGIONS, Label, LabelArray, Region, region_masks

_PARTS: Final[dict[str, tuple[Label, ...]]] = {
    "NCR": (Label.NCR,),
    "ED": (Label.ED,),
    **{region.value: labels for region, labels in REGION_LABELS.items()},
}


@dataclass(frozen=True, slots=True, eq=False)
class PatientScores:
    """How well one patient was segmented by a network that had never read it.

    Attributes
    ----------
    name
        Of the case.
    settings
        How probabilities became labels.
    regions, lesions
        Per region, over the whole patient and lesion by lesion.
    measured_mm3, true_mm3
        Volumes of NCR, ED, ET, TC and WT.
    """

    name: str
    settings: PostprocessSettings
    regions: Mapping[Region, RegionScore]
    lesions: Mapping[Region, LesionScore]
    measured_mm3: Mapping[str, float]
    true_mm3: Mapping[str, float]

    @property
    def enhances(self) -> bool:
        """Whether there is enhancing tumour in truth."""
        return self.true_mm3["ET"] > 0

    @property
    def mean_dice(self) -> float:
        """Mean Dice of the three regions."""
        return sum(one.dice for one in self.regions.values()) / len(self.regions)


@dataclass(frozen=True, slots=True, eq=False)
class Tuning:
    """What a choice of thresholds and sizes is worth.

    Attributes
    ----------
    scores
        Each patient under the settings chosen on all others, who also decided whether to choose.
    settings
        Chosen on all patients.
    normal
        For each brain without tumour the settings chosen without it; it had no say in whether to
        choose either.
    gain
        Mean Dice of the three regions, less that under the default settings.
    """

    scores: tuple[PatientScores, ...]
    settings: PostprocessSettings
    normal: tuple[PostprocessSettings, ...]
    gain: float


@dataclass(frozen=True, slots=True, eq=False)
class CrossValidation:
    """Everything that is known of a recipe after a cross-validation.

    Attributes
    ----------
    default
        Every patient under the default settings.
    tuning
        Under chosen settings; ``None`` if that was not asked for.
    reliability
        Of the probabilities.
    ranges, typical
        For the calibration; ``None`` with too few patients.
    """

    default: tuple[PatientScores, ...]
    tuning: Tuning | None
    reliability: Reliability
    ranges: Mapping[str, RegionRange] | None
    typical: TypicalStudies | None

    @property
    def patients(self) -> int:
        """Number of patients; there may be more scans."""
        return len({patient_of(one.name) for one in self.default})

    @property
    def scores(self) -> tuple[PatientScores, ...]:
        """The scores to report, whether the choice helped or not: else that were a choice too."""
        return self.default if self.tuning is None else self.tuning.scores


def cross_validate(
    patients: Sequence[OutOfFold],
    settings: PostprocessSettings,
    *,
    fold_of: Mapping[str, str],
    tune: bool,
    normal: Sequence[OutOfFold] = (),
) -> CrossValidation:
    """Score patients, choose settings and fit the calibration.

    Parameters
    ----------
    patients
        Each answered by a network that had never read it.
    settings
        The default.
    fold_of
        By the name of each patient, the fold that kept it out.
    tune
        Whether to choose thresholds and sizes; that takes `LEAST_TO_TUNE` patients.
    normal
        Brains without tumour; they have a say in that choice, and are in no figure.
    """
    default = tuple(score_patient(one, settings) for one in patients)
    tuning = _tune(patients, normal, settings, default) if tune else None
    owners = [patient_of(one.name) for one in patients]
    reliability = fit_reliability([count_codes(one) for one in patients], owners)
    reported = default if tuning is None else tuning.scores
    shares = [
        undecided_shares(reliability.scaling, one.probabilities_ckji, one.spacing_kji_mm)
        for one in patients
    ]
    ranges = fit_ranges(
        [_volumes(*one) for one in zip(reported, shares, strict=True)],
        [fold_of[one.name] for one in patients],
        owners,
    )
    typical = fit_typical(
        {
            one.name: {**one.statistics, UNDECIDED: share[Region.WT]}
            for one, share in zip(patients, shares, strict=True)
        }
    )
    return CrossValidation(default, tuning, reliability, ranges, typical)


def score_patient(patient: OutOfFold, settings: PostprocessSettings) -> PatientScores:
    """Compare labels made by these settings with the truth."""
    labels = labels_from_probabilities(
        patient.probabilities_ckji, spacing_mm=patient.spacing_kji_mm, settings=settings
    )
    predicted, reference = region_masks(labels), region_masks(patient.reference_kji)
    spacing = patient.spacing_kji_mm
    pairs = dict(zip(REGIONS, zip(predicted, reference, strict=True), strict=True))
    return PatientScores(
        patient.name,
        settings,
        {region: score(p, r, spacing) for region, (p, r) in pairs.items()},
        {region: lesion_score(p, r, spacing) for region, (p, r) in pairs.items()},
        region_volumes_mm3(labels, patient.voxel_mm3),
        region_volumes_mm3(patient.reference_kji, patient.voxel_mm3),
    )


def region_volumes_mm3(labels_kji: LabelArray, voxel_mm3: float) -> dict[str, float]:
    """Return the volumes of NCR, ED, ET, TC and WT."""
    counts = {label: int((labels_kji == label).sum()) for label in Label}
    return {
        name: sum(counts[label] for label in _PARTS[name]) * voxel_mm3 for name in MEASURED_REGIONS
    }


def _tune(
    patients: Sequence[OutOfFold],
    normal: Sequence[OutOfFold],
    settings: PostprocessSettings,
    default: tuple[PatientScores, ...],
) -> Tuning:
    grid = choices(settings)
    tables = dice_table([*patients, *normal], grid)
    owners = [patient_of(one.name) for one in patients]
    normal_owners = [patient_of(one.name) for one in normal]
    without = {
        person: settings_without(person, tables, grid, patients=owners, normal=normal_owners)
        for person in {*owners, *normal_owners}
    }
    scores = []
    for patient, owner, as_is in zip(patients, owners, default, strict=True):
        chosen = without[owner]
        scores.append(as_is if chosen == settings else score_patient(patient, chosen))
    gain = sum(one.mean_dice for one in scores) - sum(one.mean_dice for one in default)
    for_normal = tuple(without[owner] for owner in normal_owners)
    every = chosen_settings(tables, grid, regions_that_gain(tables, owners))
    return Tuning(tuple(scores), every, for_normal, gain / len(patients))


def _volumes(scores: PatientScores, shares: Mapping[str, float]) -> dict[str, MeasuredVolume]:
    return {
        name: MeasuredVolume(scores.measured_mm3[name], scores.true_mm3[name], shares[name])
        for name in MEASURED_REGIONS
    }

"""A cross-validation as JSON, as a table, and as sections of a model card."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from rich.table import Table

from model.calibration import CALIBRATION_SCHEMA
from model.data import patient_of
from model.evaluate.bootstrap import CONFIDENCE, RESAMPLES, SEED, Mean, bootstrap_mean
from model.evaluate.cross_validation import CrossValidation, PatientScores
from model.evaluate.lesions import DILATION_VOXELS, SMALLEST_LESION_MM3, WORST_LESION_MM
from model.evaluate.report import PROTOCOL, SHOWN_ORDER
from model.evaluate.volume_ranges import RegionRange, as_section
from model.spec import REGIONS, Region

SCHEMA: Final = "gliascope/cross-validation/1"
ET_PRESENT: Final = "ET, patients with"
ET_ABSENT: Final = "ET, patients without"

_Measure = Callable[[PatientScores, Region], float]
_MEASURES: Final[dict[str, _Measure]] = {
    "dice": lambda one, region: one.regions[region].dice,
    "hd95_mm": lambda one, region: one.regions[region].hd95_mm,
    "surface_dice": lambda one, region: one.regions[region].surface_dice,
    "lesion_dice": lambda one, region: one.lesions[region].dice,
    "lesion_hd95_mm": lambda one, region: one.lesions[region].hd95_mm,
}
_PROTOCOL: Final = {
    **PROTOCOL,
    "lesions": f"BraTS 2023: reference parts within a dilation by {DILATION_VOXELS} voxels are one "
    f"lesion; missed ones and false alarms count 0 and {WORST_LESION_MM:g} mm; lesions up to "
    f"{SMALLEST_LESION_MM3:g} mm³ are not scored",
    "interval": f"{CONFIDENCE:.0%} percentile bootstrap over patients, {RESAMPLES} resamples, "
    f"seed {SEED}",
}


@dataclass(frozen=True, slots=True)
class NormalBrain:
    """What was marked in a brain without tumour.

    Attributes
    ----------
    name
        Of the case.
    seen_in_training
        True: the figure says less about new people.
    marked_mm3
        By region, after small parts were dropped.
    """

    name: str
    seen_in_training: bool
    marked_mm3: Mapping[str, float]


def as_document(
    found: CrossValidation, about: Mapping[str, Any], normal: Sequence[NormalBrain] = ()
) -> dict[str, Any]:
    """Return the JSON document of a cross-validation.

    Parameters
    ----------
    about
        Folds, networks and conditions; stands first.
    normal
        Brains without tumour, if they were looked at.
    """
    document: dict[str, Any] = {
        "schema": SCHEMA,
        **about,
        "patients": found.patients,
        "scans": len(found.default),
        "protocol": _PROTOCOL,
        "settings": _settings(found),
        "mean": means(found.scores),
        "cases": {one.name: _case(one) for one in found.scores},
        "reliability": found.reliability.as_document(),
    }
    if found.tuning is not None:
        document["tuning"] = {
            "gain_mean_dice_left_one_out": round(found.tuning.gain, 5),
            "default": means(found.default),
            "left_one_out": means(found.tuning.scores),
            "settings": found.tuning.settings.as_section(),
        }
    if normal:
        document["normal"] = {
            one.name: {
                "seen_in_training": one.seen_in_training,
                "marked_mm3": {k: round(v, 1) for k, v in one.marked_mm3.items()},
            }
            for one in normal
        }
    return document


def calibration_section(found: CrossValidation) -> dict[str, Any] | None:
    """Return the ``calibration`` section of a card; ``None`` with too few patients."""
    if found.ranges is None:
        return None
    scaling = found.reliability.scaling
    section: dict[str, Any] = {
        "schema": CALIBRATION_SCHEMA,
        "scaling": {
            "slope": {r.value: round(v, 5) for r, v in zip(REGIONS, scaling.slope, strict=True)},
            "bias": {r.value: round(v, 5) for r, v in zip(REGIONS, scaling.bias, strict=True)},
        },
        "volume": as_section(
            dict(found.ranges),
            patients=found.patients,
            scans=len(found.default),
        ),
    }
    if found.typical is not None:
        section["familiarity"] = found.typical.as_section()
    return section


def means(scores: Sequence[PatientScores]) -> dict[str, dict[str, Any]]:
    """Return the mean of every measure with its interval, per region and group of patients."""
    groups: dict[str, tuple[Region, list[PatientScores]]] = {
        region.value: (region, list(scores)) for region in SHOWN_ORDER
    }
    groups[ET_PRESENT] = (Region.ET, [one for one in scores if one.enhances])
    groups[ET_ABSENT] = (Region.ET, [one for one in scores if not one.enhances])
    return {
        name: {
            measure: _rounded(
                bootstrap_mean(
                    [value(one, region) for one in group], [patient_of(one.name) for one in group]
                )
            )
            for measure, value in _MEASURES.items()
        }
        for name, (region, group) in groups.items()
        if group
    }


def as_table(found: CrossValidation, fold_of: Mapping[str, str]) -> Table:
    """Return the table a person reads: Dice / HD95 / surface Dice, and lesion-wise Dice."""
    table = Table(title="Dice / HD95 mm / surface Dice at 1 mm (lesion-wise Dice)")
    table.add_column("case")
    table.add_column("fold")
    for region in SHOWN_ORDER:
        table.add_column(region.value, justify="right")
    for one in found.scores:
        cells = [_cell(one, region) for region in SHOWN_ORDER]
        table.add_row(one.name, fold_of.get(one.name, ""), *cells)
    return table


def means_table(found: CrossValidation) -> Table:
    """Return the means with their intervals, before and after the choice of settings."""
    table = Table(title=f"Means over patients, {CONFIDENCE:.0%} bootstrap interval")
    for column in ("settings", "region", "n", *_MEASURES):
        table.add_column(column, justify="left" if column in ("settings", "region") else "right")
    blocks = [("default", found.default)]
    if found.tuning is not None:
        blocks.append(("left one out", found.tuning.scores))
    for title, scores in blocks:
        table.add_section()
        for name, row in means(scores).items():
            values = [_with_interval(one, measure) for measure, one in row.items()]
            table.add_row(title, name, str(row["dice"]["patients"]), *values)
    return table


def calibration_lines(found: CrossValidation) -> list[str]:
    """Return what the calibration found, one sentence a line."""
    reliability = found.reliability
    lines = [
        f"{region.value}: calibration error {before:.3f}, after scaling {after:.3f} "
        f"(slope {slope:.2f}, bias {bias:+.2f})"
        for region, before, after, slope, bias in zip(
            REGIONS,
            reliability.error_before,
            reliability.error_after,
            reliability.scaling.slope,
            reliability.scaling.bias,
            strict=True,
        )
    ]
    for name, one in (found.ranges or {}).items():
        lines += _range_lines(name, one, len(found.default))
    if found.typical is not None:
        flagged = ", ".join(found.typical.flagged) or "none"
        lines.append(
            f"Patients called unfamiliar by the others: {flagged}; two images exchanged noticed in "
            f"{found.typical.exchanges_noticed:.0%}"
        )
    if found.tuning is not None:
        lines.append(
            f"Choice of settings: mean Dice {found.tuning.gain:+.4f} on patients left out; "
            f"{found.tuning.settings}"
        )
    return lines


def _range_lines(name: str, one: RegionRange, scans: int) -> list[str]:
    lines = [
        f"{name}: range typically ×{one.median_factor} either way, narrow enough to be shown in "
        f"{one.shown} of {scans}"
    ]
    checks = {
        "floor and gain from the other folds": one.out_of_fold,
        "everything from the other folds": one.other_folds,
    }
    for how, check in checks.items():
        lines.append(
            f"  {how}: typically ×{check.median_factor}, held the truth in {check.covered} of "
            f"{scans}; {check.shown} would be shown, of which {check.shown_covered} hold it"
        )
    return lines


def _with_interval(one: Mapping[str, float], measure: str) -> str:
    digits = 1 if measure.endswith("mm") else 3
    return f"{one['mean']:.{digits}f} ({one['low']:.{digits}f}–{one['high']:.{digits}f})"


def _settings(found: CrossValidation) -> dict[str, Any]:
    if found.tuning is not None:
        return {"chosen": "on all other patients, for each patient"}
    return found.default[0].settings.as_section() if found.default else {}


def _case(one: PatientScores) -> dict[str, Any]:
    return {
        region.value: {
            **{
                measure: round(value(one, region), 2 if measure.endswith("mm") else 4)
                for measure, value in _MEASURES.items()
            },
            **{k: v for k, v in asdict(one.lesions[region]).items() if isinstance(v, int)},
            "reference_mm3": round(one.true_mm3[region], 1),
            "predicted_mm3": round(one.measured_mm3[region], 1),
        }
        for region in SHOWN_ORDER
    }


def _cell(one: PatientScores, region: Region) -> str:
    value, lesions = one.regions[region], one.lesions[region]
    return f"{value.dice:.3f} / {value.hd95_mm:.1f} / {value.surface_dice:.3f} ({lesions.dice:.3f})"


def _rounded(mean: Mean | None) -> dict[str, float | int]:
    if mean is None:
        return {}
    digits = 2 if max(abs(mean.high), abs(mean.value)) > 1 else 4
    return {
        "mean": round(mean.value, digits),
        "low": round(mean.low, digits),
        "high": round(mean.high, digits),
        "patients": mean.patients,
    }

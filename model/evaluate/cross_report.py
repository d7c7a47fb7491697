"""A cross-validation as JSON, as a table, and as sections of a model card."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.table import Table

from model.calibration import CALIBRATION_SCHEMA
from model.evaluate.cross_validation import CrossValidation
from model.evaluate.figures import (
    CASE_TITLE,
    PROTOCOL,
    SHOWN_ORDER,
    case_cells,
    case_figures,
    means,
    table_of_means,
)
from model.evaluate.volume_ranges import RegionRange, as_section
from model.spec import REGIONS

SCHEMA: Final = "gliascope/cross-validation/1"


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
        "protocol": PROTOCOL,
        "settings": _settings(found),
        "mean": means(found.scores),
        "cases": {one.name: case_figures(one) for one in found.scores},
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


def as_table(found: CrossValidation, fold_of: Mapping[str, str]) -> Table:
    """Return the table a person reads: Dice / HD95 / surface Dice, and lesion-wise Dice."""
    table = Table(title=CASE_TITLE)
    for column in ("case", "fold"):
        table.add_column(column, overflow="fold")
    for region in SHOWN_ORDER:
        table.add_column(region.value, justify="right", overflow="fold")
    for one in found.scores:
        table.add_row(one.name, fold_of.get(one.name, ""), *case_cells(one))
    return table


def means_table(found: CrossValidation) -> Table:
    """Return the means with their intervals, before and after the choice of settings."""
    blocks = {"default": found.default}
    if found.tuning is not None:
        blocks["left one out"] = found.tuning.scores
    return table_of_means(blocks)


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


def _settings(found: CrossValidation) -> dict[str, Any]:
    if found.tuning is not None:
        return {"chosen": "on all other patients, for each patient"}
    return found.default[0].settings.as_section() if found.default else {}

"""What is said of scored scans: every measure, its mean and interval, in one form everywhere."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final, Protocol

from rich.console import Console
from rich.table import Table

from model.data import patient_of
from model.evaluate.bootstrap import CONFIDENCE, RESAMPLES, SEED, Mean, bootstrap_mean
from model.evaluate.lesions import (
    DILATION_VOXELS,
    SMALLEST_LESION_MM3,
    WORST_LESION_MM,
    LesionScore,
)
from model.evaluate.metrics import SURFACE_TOLERANCE_MM, WORST_HAUSDORFF_MM, RegionScore
from model.spec import Region

SHOWN_ORDER: Final = (Region.WT, Region.TC, Region.ET)
ET_PRESENT: Final = "ET, patients with"
ET_ABSENT: Final = "ET, patients without"
_WIDTH: Final = 160
"""Columns of a page or log: wide enough for every table here."""
CASE_TITLE: Final = "Dice / HD95 mm / surface Dice at 1 mm (lesion-wise Dice)"
PROTOCOL: Final = {
    "regions": "WT = NCR + ED + ET, TC = NCR + ET, ET",
    "dice": "per case; 1 if both masks are empty, 0 if only one is",
    "hd95_mm": "larger of the two directed 95th percentiles of surface distance; 0 if both masks "
    f"are empty, {WORST_HAUSDORFF_MM} if only one is",
    "surface_dice": f"share of both surfaces within {SURFACE_TOLERANCE_MM} mm of the other",
    "mean": "arithmetic mean over cases; of ET also over those who have it and who have none",
    "lesions": f"BraTS 2023: reference parts within a dilation by {DILATION_VOXELS} voxels are one "
    f"lesion; missed ones and false alarms count 0 and {WORST_LESION_MM:g} mm; lesions up to "
    f"{SMALLEST_LESION_MM3:g} mm³ are not scored",
    "interval": f"{CONFIDENCE:.0%} percentile bootstrap over patients, {RESAMPLES} resamples, "
    f"seed {SEED}; none of one patient alone",
}


class Scored(Protocol):
    """A scan that was compared with its reference."""

    @property
    def name(self) -> str:
        """Of the case."""

    @property
    def regions(self) -> Mapping[Region, RegionScore]:
        """Per region, over the whole scan."""

    @property
    def lesions(self) -> Mapping[Region, LesionScore]:
        """Per region, lesion by lesion."""

    @property
    def enhances(self) -> bool:
        """Whether there is enhancing tumour in truth."""


_MEASURES: Final[dict[str, Callable[[Scored, Region], float]]] = {
    "dice": lambda one, region: one.regions[region].dice,
    "hd95_mm": lambda one, region: one.regions[region].hd95_mm,
    "surface_dice": lambda one, region: one.regions[region].surface_dice,
    "lesion_dice": lambda one, region: one.lesions[region].dice,
    "lesion_hd95_mm": lambda one, region: one.lesions[region].hd95_mm,
}


def means(scores: Sequence[Scored]) -> dict[str, dict[str, Any]]:
    """Return the mean of every measure with its interval, per region and group of patients."""
    groups: dict[str, tuple[Region, list[Scored]]] = {
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


def case_figures(one: Scored) -> dict[str, dict[str, float]]:
    """Return every measure of one scan, by region."""
    return {
        region.value: {
            **{
                measure: round(value(one, region), 2 if measure.endswith("mm") else 4)
                for measure, value in _MEASURES.items()
            },
            **{k: v for k, v in asdict(one.lesions[region]).items() if isinstance(v, int)},
            "reference_mm3": round(one.regions[region].reference_mm3, 1),
            "predicted_mm3": round(one.regions[region].predicted_mm3, 1),
        }
        for region in SHOWN_ORDER
    }


def case_cells(one: Scored) -> list[str]:
    """Return what a table says of one scan, region by region; see `CASE_TITLE`."""
    return [_cell(one.regions[region], one.lesions[region]) for region in SHOWN_ORDER]


def page() -> Console:
    """Return where tables go: the terminal, or a file, pipe or log that is wide enough."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH)


def table_of_means(blocks: Mapping[str, Sequence[Scored]]) -> Table:
    """Return the means with their intervals.

    Parameters
    ----------
    blocks
        The same scans under different settings, by the settings' name.
    """
    table = Table(title=f"Means over patients, {CONFIDENCE:.0%} bootstrap interval")
    named = len(blocks) > 1
    for column in (*(("settings",) if named else ()), "region"):
        table.add_column(column, overflow="fold")
    for column in ("n", *_MEASURES):
        table.add_column(column, justify="right", overflow="fold")
    for title, scores in blocks.items():
        table.add_section()
        for name, row in means(scores).items():
            values = [_with_interval(one, measure) for measure, one in row.items()]
            first = (title, name) if named else (name,)
            table.add_row(*first, str(row["dice"]["patients"]), *values)
    return table


def _cell(value: RegionScore, lesions: LesionScore) -> str:
    return f"{value.dice:.3f} / {value.hd95_mm:.1f} / {value.surface_dice:.3f} ({lesions.dice:.3f})"


def _with_interval(one: Mapping[str, float], measure: str) -> str:
    digits = 1 if measure.endswith("mm") else 3
    if "low" not in one:
        return f"{one['mean']:.{digits}f}"
    return f"{one['mean']:.{digits}f} ({one['low']:.{digits}f}–{one['high']:.{digits}f})"


def _rounded(mean: Mean | None) -> dict[str, float | int]:
    if mean is None:
        return {}
    largest = mean.value if mean.high is None else max(mean.value, mean.high, key=abs)
    digits = 2 if abs(largest) > 1 else 4
    parts = {"mean": mean.value, "low": mean.low, "high": mean.high}
    known = {name: round(value, digits) for name, value in parts.items() if value is not None}
    return {**known, "patients": mean.patients}

"""Scores of many cases: evaluated, averaged, printed, kept in the model card."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from statistics import fmean
from typing import Any, Final

from rich.table import Table

from model.data import Case, CaseError
from model.evaluate.metrics import SURFACE_TOLERANCE_MM, WORST_HAUSDORFF_MM, RegionScore, score
from model.spec import REGIONS, LabelArray, Region, region_masks

SCHEMA: Final = "gliascope/evaluation/1"
SHOWN_ORDER: Final = (Region.WT, Region.TC, Region.ET)
PROTOCOL: Final = {
    "regions": "WT = NCR + ED + ET, TC = NCR + ET, ET",
    "dice": "per case; 1 if both masks are empty, 0 if only one is",
    "hd95_mm": "larger of the two directed 95th percentiles of surface distance; 0 if both masks "
    f"are empty, {WORST_HAUSDORFF_MM} if only one is",
    "surface_dice": f"share of both surfaces within {SURFACE_TOLERANCE_MM} mm of the other",
    "mean": "arithmetic mean over cases",
}

Predictor = Callable[[Case], LabelArray]


@dataclass(frozen=True, slots=True, eq=False)
class CaseScores:
    """Scores of one case.

    Attributes
    ----------
    name
        Of the case.
    regions
        A score for each region.
    seen_in_training
        True: the figure says nothing about new patients.
    """

    name: str
    regions: Mapping[Region, RegionScore]
    seen_in_training: bool


def score_case(case: Case, labels_kji: LabelArray, *, seen_in_training: bool) -> CaseScores:
    """Compare a prediction with the case's reference, where that is known.

    Raises
    ------
    CaseError
        If the case has no reference.
    """
    if case.labels_kji is None:
        msg = f"{case.name}: no reference labels (…seg.nii.gz)"
        raise CaseError(msg)
    predicted, reference = region_masks(labels_kji), region_masks(case.labels_kji)
    if case.coverage_kji is not None:
        predicted &= case.coverage_kji
        reference &= case.coverage_kji
    scores = {
        region: score(predicted[n], reference[n], case.spacing_kji_mm)
        for n, region in enumerate(REGIONS)
    }
    return CaseScores(case.name, scores, seen_in_training)


def mean_score(scores: Iterable[RegionScore]) -> RegionScore:
    """Return the arithmetic mean of every measure."""
    rows = list(scores)
    return RegionScore(*(fmean(getattr(row, f.name) for row in rows) for f in fields(RegionScore)))


def as_document(cases: list[CaseScores], model: str, sha256: str) -> dict[str, Any]:
    """Return the JSON document of an evaluation."""
    return {
        "schema": SCHEMA,
        "model": model,
        "weights_sha256": sha256,
        "protocol": PROTOCOL,
        "mean": {
            region: _rounded(mean_score(c.regions[region] for c in cases)) for region in SHOWN_ORDER
        },
        "cases": {
            case.name: {
                "seen_in_training": case.seen_in_training,
                **{region: _rounded(case.regions[region]) for region in SHOWN_ORDER},
            }
            for case in cases
        },
    }


def as_table(cases: list[CaseScores]) -> Table:
    """Return the table a person reads; ``*`` marks cases that training has seen."""
    table = Table(title="Dice / HD95 mm / surface Dice at 1 mm")
    table.add_column("case")
    for region in SHOWN_ORDER:
        table.add_column(region.value, justify="right")
    for case in cases:
        name = f"{case.name} *" if case.seen_in_training else case.name
        table.add_row(name, *(_cell(case.regions[region]) for region in SHOWN_ORDER))
    table.add_section()
    table.add_row(
        f"mean of {len(cases)}",
        *(_cell(mean_score(c.regions[region] for c in cases)) for region in SHOWN_ORDER),
    )
    return table


def _cell(value: RegionScore) -> str:
    return f"{value.dice:.3f} / {value.hd95_mm:.1f} / {value.surface_dice:.3f}"


def _rounded(value: RegionScore) -> dict[str, float]:
    return {
        "dice": round(value.dice, 4),
        "hd95_mm": round(value.hd95_mm, 2),
        "surface_dice": round(value.surface_dice, 4),
        "reference_mm3": round(value.reference_mm3, 1),
        "predicted_mm3": round(value.predicted_mm3, 1),
    }

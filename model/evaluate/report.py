"""Scores of many cases: evaluated, averaged, printed, kept in the model card."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Group
from rich.table import Table

from model.data import Case, CaseError, patient_of
from model.evaluate.figures import (
    CASE_TITLE,
    PROTOCOL,
    SHOWN_ORDER,
    case_cells,
    case_figures,
    means,
    table_of_means,
)
from model.evaluate.lesions import LesionScore, lesion_score
from model.evaluate.metrics import RegionScore, score
from model.spec import REGIONS, LabelArray, Region, region_masks

SCHEMA: Final = "gliascope/evaluation/2"

Predictor = Callable[[Case], LabelArray]


@dataclass(frozen=True, slots=True, eq=False)
class CaseScores:
    """Scores of one case.

    Attributes
    ----------
    name
        Of the case.
    regions, lesions
        Per region, over the whole case and lesion by lesion.
    seen_in_training
        True: the figure says nothing about new patients.
    """

    name: str
    regions: Mapping[Region, RegionScore]
    lesions: Mapping[Region, LesionScore]
    seen_in_training: bool

    @property
    def enhances(self) -> bool:
        """Whether there is enhancing tumour in truth."""
        return self.regions[Region.ET].reference_mm3 > 0


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
    pairs = dict(zip(REGIONS, zip(predicted, reference, strict=True), strict=True))
    spacing = case.spacing_kji_mm
    return CaseScores(
        case.name,
        {region: score(p, r, spacing) for region, (p, r) in pairs.items()},
        {region: lesion_score(p, r, spacing) for region, (p, r) in pairs.items()},
        seen_in_training,
    )


def as_document(cases: list[CaseScores], model: str, sha256: str) -> dict[str, Any]:
    """Return the JSON document of an evaluation."""
    return {
        "schema": SCHEMA,
        "model": model,
        "weights_sha256": sha256,
        "protocol": PROTOCOL,
        "patients": len({patient_of(case.name) for case in cases}),
        "scans": len(cases),
        "mean": means(cases),
        "cases": {
            case.name: {"seen_in_training": case.seen_in_training, **case_figures(case)}
            for case in cases
        },
    }


def as_table(cases: list[CaseScores]) -> Group:
    """Return what a person reads: each case, ``*`` where training has seen it, and the means."""
    table = Table(title=CASE_TITLE)
    table.add_column("case", overflow="fold")
    for region in SHOWN_ORDER:
        table.add_column(region.value, justify="right", overflow="fold")
    for case in cases:
        name = f"{case.name} *" if case.seen_in_training else case.name
        table.add_row(name, *case_cells(case))
    return Group(table, table_of_means({"": cases}))

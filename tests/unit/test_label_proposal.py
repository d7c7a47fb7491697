"""What values and segments of other programs are proposed as; nothing where that is not sure."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from desktop_app.domain.segmentation import Region
from desktop_app.services.results.label_proposal import regions_of_segments, regions_of_values

NCR, ED, ET = Region.NCR, Region.ED, Region.ET
UNCODED = ("99GLIA", "X")
MASS, NECROSIS, EDEMA = (("SCT", value) for value in ("4147007", "6574001", "79654002"))

NAMES = {
    ED: (
        "ED",
        "SNFH",
        "edema",
        "Oedema",
        "Edema (Mass)",
        "peritumoral_edema",
        "PeritumoralEdema",
        "the peritumoral edema (ED — label 2)",
        "Peritumoral edematous/invaded tissue (ED)",
        "Surrounding non-enhancing FLAIR hyperintensity",
        "Surrounding non-enhancing FLAIR hyperintensity (SNFH)",
        "Peritumoral non-enhancing oedema",
        "Vasogenic edema",
        "FLAIR abnormality",
        "T2/FLAIR hyperintensity",
        "Hyperintensity on FLAIR",
        "Ödem",
        "Œdème",
    ),
    NCR: (
        "NCR",
        "NET",
        "NETC",
        "nCET",
        "TC (Tissue)",
        "Necrosis",
        "Nekrose",
        "Nécrose",
        "tumor core",
        "Tumour core",
        "Entire tumor core",
        "Necrotic tumor core (NCR)",
        "Necrotic or non-enhancing core",
        "the necrotic and non-enhancing tumor core (NCR/NET — label 1)",
        "Non-enhancing tumor core (NETC; Label 1)",
        "NonEnhancingTumorCore",
        "non-enhancing tumor",
        "Non-contrast-enhancing tumour",
        "Unenhancing core",
    ),
    ET: (
        "ET",
        "pred_et",
        "BraTS_ET",
        "ET (Tissue)",
        "CET",
        "enhancing tumour",
        "EnhancingTumor",
        "Enhancing tumour (Enhancing Lesion)",
        "the GD-enhancing tumor (ET — label 4)",
        "Enhancing tissue (ET)",
        "Contrast-enhancing lesion",
        "Nodular enhancing tumour",
        "Enhancing rim",
    ),
    None: (
        "",
        "background",
        "Clear Label",
        "Label 1",
        "Segment_1",
        "Tumor",
        "Neoplasm",
        "GTV",
        "Meningioma (Mass)",
        "Segment_1 (Mass)",
        "Whole tumor",
        "Resection cavity (RC)",
        "Cystic component (CC)",
        "Necrotic cavity",
        "Enhancing vessel",
        "Lesion at left temporal lobe",
        "Tumour at T1",
        "FLAIR",
        "T1 hyperintensity",
        "Tumor on contrast-enhanced T1",
        "No enhancement",
        "Enhancement: none",
        "Enhancement (nil)",
        "Never enhancing",
        "Prior enhancing tumor",
        "Enhancing tumor removed",
        "Tumor core incl. enhancing",
        "Tumour core including enhancing tumour",
        "Tumor core (enhancing part included)",
        "non-CET",
        "Weakly enhancing tumor",
        "Non-enhancing FLAIR signal",
        "Non-enhancing FLAIR tumour",
        "Non-enhancing infiltrative tumor",
        "Edema around enhancing tumour",
        "Peri-enhancing edema",
        "Peri-enhancing tumour",
        "Enhancing rim around necrosis",
        "NCR+ET",
        "ET and NET",
        "Tumor and edema",
        "Tumor/necrosis",
        "Non-edematous tumor",
        "Radiation necrosis",
        "Nécrose et œdème",
        "Tumeur et contraste",
        "Huber Ed",
        "Left thalamus",
    ),
}


@pytest.mark.parametrize(
    ("name", "region"), [(name, region) for region, names in NAMES.items() for name in names]
)
def test_a_name_tells_a_region_or_nothing(name: str, region: Region | None) -> None:
    assert regions_of_segments([(1, UNCODED, name)]).get(1) is region


@pytest.mark.parametrize(
    ("code", "name", "region"),
    [
        (EDEMA, "Segment_1", ED),
        (EDEMA, "Segment_1 (Edema)", ED),
        (NECROSIS, "Enhancing tumor", None),
        (NECROSIS, "Enhancing tumor (Necrosis)", None),
        (MASS, "Enhancing tumor (Mass)", ET),
        (MASS, "Edema", ED),
        (MASS, "Segment_1", None),
        (MASS, "Tumour core", NCR),
    ],
)
def test_a_code_counts_where_the_name_says_nothing_else(
    code: tuple[str, str], name: str, region: Region | None
) -> None:
    assert regions_of_segments([(1, code, name)]).get(1) is region


@pytest.mark.parametrize(
    ("names", "proposed"),
    [
        (
            (
                "Non-enhancing tumor core (NETC)",
                "Surrounding non-enhancing FLAIR hyperintensity (SNFH)",
                "Enhancing tissue (ET)",
                "Resection cavity (RC)",
            ),
            {1: NCR, 2: ED, 3: ET},
        ),
        (("edema", "non-enhancing tumor", "enhancing tumour"), {1: ED, 2: NCR, 3: ET}),
        (("whole tumor", "tumor core", "enhancing tumor"), {1: ED, 2: NCR, 3: ET}),
        (("WT", "TC", "ET"), {1: ED, 2: NCR, 3: ET}),
        (("Whole tumour", "Edema"), {2: ED}),
        (("Whole tumour without edema", "ET"), {2: ET}),
        (("Whole tumour",), {}),
    ],
)
def test_segments_are_proposed_together(
    names: tuple[str, ...], proposed: Mapping[int, Region]
) -> None:
    segments = ((number, UNCODED, name) for number, name in enumerate(names, start=1))
    assert regions_of_segments(segments) == proposed


def nested(*values: int) -> np.ndarray[Any, Any]:
    """Return a mask of shells around each other, the outermost first."""
    found = np.zeros((12, 12, 12), np.uint8)
    for depth, value in enumerate(values, start=1):
        found[(slice(depth, -depth),) * 3] = value
    return found


@pytest.mark.parametrize(
    ("outside_in", "proposed"),
    [
        ((2, 3, 1), {1: NCR, 2: ED, 3: ET}),
        ((2, 1, 3), {1: NCR, 2: ED, 3: ET}),
        ((1, 3, 2), {1: ED, 2: NCR, 3: ET}),
        ((1, 2, 3), {1: ED, 2: NCR, 3: ET}),
        ((2, 4, 1), {1: NCR, 2: ED, 4: ET}),
        ((2, 4), {2: ED, 4: ET}),
        ((4,), {4: ET}),
        ((2, 3, 1, 4), {1: NCR, 2: ED, 3: ET}),
        # Children's tumours in BraTS: 1 enhancing, 2 core, 4 oedema
        ((4, 2, 1), {}),
        ((4, 3, 2, 1), {}),
        ((3, 2, 1), {}),
        ((1, 2, 4), {}),
        ((1, 2), {}),
        ((2, 3), {}),
        ((1,), {}),
        ((2, 3, 1, 5), {}),
        ((7, 9), {}),
    ],
)
def test_values_are_told_by_what_lies_around_what(
    outside_in: tuple[int, ...], proposed: Mapping[int, Region]
) -> None:
    assert regions_of_values(nested(*outside_in), outside_in) == proposed


def test_values_beside_each_other_tell_nothing() -> None:
    beside = nested(2, 3)
    beside[1:-1, 1:6, 1:-1] = np.where(beside[1:-1, 1:6, 1:-1] == 2, 1, 3)
    assert regions_of_values(beside, (1, 2, 3)) == {}

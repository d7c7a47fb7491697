"""Labels on a grid and what each value means."""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.provenance import Provenance


@dataclass(frozen=True, slots=True)
class CodedConcept:
    """A code of a terminology (DICOM PS3.16): value, scheme, meaning."""

    value: str
    scheme: str
    meaning: str


class Region(StrEnum):
    """Sub-regions of a glioma (BraTS) and their unions."""

    NCR = "NCR"
    ED = "ED"
    ET = "ET"
    TC = "TC"
    WT = "WT"


REGION_TITLES = {
    Region.ET: "Enhancing tumour",
    # BraTS draws both as one label; without enhancement it is hardly ever necrosis.
    Region.NCR: "Necrotic or non-enhancing core",
    Region.ED: "Oedema",
    Region.TC: "Tumour core",
    Region.WT: "Whole tumour",
}
"""In the order of reading: the parts, then what they are together."""

# TC = NCR + ET and WT = TC + ED, Menze et al. 2015, doi 10.1109/TMI.2014.2377694
REGION_LABELS: dict[Region, tuple[int, ...]] = {
    Region.NCR: (1,),
    Region.ED: (2,),
    Region.ET: (3,),
    Region.TC: (1, 3),
    Region.WT: (1, 2, 3),
}


@dataclass(frozen=True, slots=True)
class LabelDefinition:
    """One label value: its name, display colour (0–255) and code."""

    value: int
    region: Region
    name: str
    rgb: tuple[int, int, int]
    coded_concept: CodedConcept


# Colours from the Okabe-Ito palette (2008), distinct under the common colour-vision deficiencies.
DEFAULT_LABELS: tuple[LabelDefinition, ...] = (
    LabelDefinition(
        1,
        Region.NCR,
        REGION_TITLES[Region.NCR],
        (0, 114, 178),
        CodedConcept("6574001", "SCT", "Necrosis"),
    ),
    LabelDefinition(
        2,
        Region.ED,
        REGION_TITLES[Region.ED],
        (240, 228, 66),
        CodedConcept("79654002", "SCT", "Edema"),
    ),
    LabelDefinition(
        3,
        Region.ET,
        REGION_TITLES[Region.ET],
        (213, 94, 0),
        CodedConcept("C113842", "NCIt", "Enhancing Lesion"),
    ),
)

_PARTS_OF_CORE = frozenset({Region.NCR, Region.ET})

# SNOMED CT has no code for the core of a glioma; a mass is the nearest that is true.
UNION_CODES = {
    Region.TC: CodedConcept("4147007", "SCT", "Mass"),
    Region.WT: CodedConcept("108369006", "SCT", "Neoplasm"),
}


NO_TUMOUR_FOUND = "No tumour found: the network marked no tumour. A person must check."
"""What is said of a segmentation without labels; never a diagnosis."""

NO_TUMOUR_LEFT = "No tumour marked: a person removed all that was marked."
"""The same where the network had marked some and a person took it away."""

NO_ENHANCEMENT = (
    "No enhancing tumour is marked: the core is then mostly tumour that does not enhance, "
    "not necrosis."
)
"""What is said of a core without enhancement, which BraTS gives the same label as necrosis."""

NO_TUMOUR = frozenset({NO_TUMOUR_FOUND, NO_TUMOUR_LEFT})
REMARKS = NO_TUMOUR | {NO_ENHANCEMENT}
"""All that `remarks_on` may say."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Segmentation:
    """Labels on the grid of the reference series; the array becomes read-only.

    Parameters
    ----------
    labels_kji
        (k, j, i) uint8; 0 background, else a value of `definitions`.
    shows_enhancement
        Whether T1c was among the images: without it nothing tells the parts of the core apart.
    """

    labels_kji: NDArray[np.uint8]
    geometry: Geometry
    provenance: Provenance
    definitions: tuple[LabelDefinition, ...] = DEFAULT_LABELS
    warnings: tuple[str, ...] = ()
    shows_enhancement: bool = True

    def __post_init__(self) -> None:
        labels = np.asarray(self.labels_kji)
        if labels.dtype != np.uint8:
            raise ValueError(f"labels must be uint8, not {labels.dtype}")
        if labels.shape != self.geometry.shape_kji:
            raise ValueError(f"labels are {labels.shape}, the grid {self.geometry.shape_kji}")
        known = {0, *(definition.value for definition in self.definitions)}
        # Looking at every voxel's value takes a tenth of a second; the largest tells mostly.
        unknown = set(range(int(labels.max(initial=0)) + 1)) - known
        if unknown and (unknown := unknown & set(np.unique(labels).tolist())):
            raise ValueError(f"labels hold undefined values {sorted(unknown)}")
        if labels.flags.writeable:
            labels = labels.view()
            labels.setflags(write=False)
        object.__setattr__(self, "labels_kji", labels)

    def mask_kji(self, region: Region) -> NDArray[np.bool_]:
        """Return the boolean mask of a region."""
        return _mask_of(self.labels_kji, region)

    @property
    def unknown(self) -> frozenset[Region]:
        """Regions of which nothing is known: no T1c, and no person drew enhancement."""
        if self.shows_enhancement or self.mask_kji(Region.ET).any():
            return frozenset()
        return _PARTS_OF_CORE

    @property
    def rough(self) -> frozenset[Region]:
        """Regions of which a volume is a rough guess: only T1c shows where core turns to oedema."""
        return frozenset({Region.TC, Region.ED}) if self.unknown else frozenset()

    @property
    def meanings(self) -> tuple[LabelDefinition, ...]:
        """What the labels stand for: `definitions`, or label 1 for the core as a whole."""
        unknown = self.unknown
        if not unknown:
            return self.definitions
        core = (_as_core(one) for one in self.definitions if one.region is Region.NCR)
        return (*core, *(one for one in self.definitions if one.region not in unknown))

    @property
    def is_empty(self) -> bool:
        """Whether no tumour is marked at all."""
        return not self.labels_kji.any()


def remarks_on(
    labels_kji: NDArray[np.uint8], *, is_corrected: bool, shows_enhancement: bool = True
) -> tuple[str, ...]:
    """Return what has to be said of the labels as they are, the network's or a person's."""
    if not labels_kji.any():
        return (NO_TUMOUR_LEFT if is_corrected else NO_TUMOUR_FOUND,)
    return (NO_ENHANCEMENT,) if shows_enhancement and _has_dull_core(labels_kji) else ()


def _as_core(definition: LabelDefinition) -> LabelDefinition:
    """Return a label as that of the whole core."""
    region = Region.TC
    return replace(
        definition, region=region, name=REGION_TITLES[region], coded_concept=UNION_CODES[region]
    )


def _has_dull_core(labels_kji: NDArray[np.uint8]) -> bool:
    """Whether there is a core of which nothing enhances."""
    has_ncr, has_et = (_mask_of(labels_kji, one).any() for one in (Region.NCR, Region.ET))
    return bool(has_ncr and not has_et)


def _mask_of(labels_kji: NDArray[np.uint8], region: Region) -> NDArray[np.bool_]:
    # Some hundred times as fast as numpy's isin, which the window would wait for at every stroke.
    first, *others = REGION_LABELS[region]
    mask: NDArray[np.bool_] = labels_kji == first
    for value in others:
        mask |= labels_kji == value
    return mask


def region_code(segmentation: Segmentation, region: Region) -> CodedConcept:
    """Return the code of a region: that of its label, or of a union of labels.

    Where nothing enhances, label 1 is the whole core and has its code: necrosis it hardly is.
    """
    if region is Region.NCR and _has_dull_core(segmentation.labels_kji):
        return UNION_CODES[Region.TC]
    for definition in segmentation.definitions:
        if definition.region is region:
            return definition.coded_concept
    return UNION_CODES[region]


def codes_of(definition: LabelDefinition) -> tuple[CodedConcept, ...]:
    """Return every code that a label may have, see `region_code`."""
    own = definition.coded_concept
    return (own, UNION_CODES[Region.TC]) if definition.region is Region.NCR else (own,)

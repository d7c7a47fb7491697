"""Which region a value or segment of another program's labels seems to be."""

import re
from collections.abc import Collection, Iterable, Mapping

from desktop_app.domain.segmentation import DEFAULT_LABELS, Region, codes_of

# In this order: "non-enhancing" is no enhancement, and a core is told before what lies around it.
_WORDS: tuple[tuple[Region, re.Pattern[str]], ...] = (
    (
        Region.NCR,
        re.compile(r"necro|non.?enhanc|\b(ncr|net|tc)\b|(?<!enhancing )tumou?r.core|^core\b", re.I),
    ),
    (Region.ET, re.compile(r"enhanc|\b(g?d?et|at)\b", re.I)),
    (Region.ED, re.compile(r"(o?e|ö)dem|infiltra|\b(ed|snfh)\b|flair.(hyper|abnorm)", re.I)),
)
_WHOLE = re.compile(r"whole.tumou?r|\bwt\b", re.I)
_CODES = {(code.scheme, code.value): one.region for one in DEFAULT_LABELS for code in codes_of(one)}


def regions_of_values(values: Collection[int]) -> Mapping[int, Region]:
    """Propose regions for the values of a mask, by what BraTS wrote: 1-2-3, or 1-2-4 until 2022.

    One value alone tells nothing, unless it can only be enhancing tumour.
    """
    present = set(values)
    if present == {4}:
        return {4: Region.ET}
    # Where both are there, 4 is the cavity of a resection (BraTS 2024)
    enhancing = 4 if 4 in present and 3 not in present else 3
    known = {1: Region.NCR, 2: Region.ED, enhancing: Region.ET}
    found = {value: region for value, region in known.items() if value in present}
    return found if len(found) > 1 else {}


def regions_of_segments(
    segments: Iterable[tuple[int, tuple[str, str], str]],
) -> Mapping[int, Region]:
    """Propose regions for segments, given their number, code and name.

    A whole tumour is proposed as oedema where what lies inside it is there, too: the inner regions
    are drawn over it.
    """
    found, whole = {}, []
    for number, code, name in segments:
        words = (region for region, pattern in _WORDS if pattern.search(name))
        region = _CODES.get(code) or next(words, None)
        if _WHOLE.search(name):
            whole.append(number)
        elif region is not None:
            found[number] = region
    if found and Region.ED not in found.values():
        found |= dict.fromkeys(whole, Region.ED)
    return found

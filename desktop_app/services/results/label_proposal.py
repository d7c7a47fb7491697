"""Which region a value or segment of another program's labels seems to be."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.segmentation import DEFAULT_LABELS, Region

# How much more of its surface has to lie open, for one region to lie around the other.
_CLEARLY = 1.25

# What words of a name speak of. Each takes its words away from those after it: what does not
# enhance must not be found to enhance.
_WORDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (sign, re.compile(pattern))
    for sign, pattern in (
        ("whole", r"\b(whole|complete|entire|total) ?(tumou?r|lesion)(?! ?core)|\bwt\b"),
        # What lies elsewhere, is left out, or is there beside something else
        ("other", r"cavit|resect|biops|cyst|vessel|vein|bleed|ha?emorr|\bradi(o|ation)"),
        ("other", r"\b(around|beside|beyond|outside|near|adjacent|without|except|exclu|minus)"),
        ("other", r"\b(absen|incl|lack|negativ|free|remov)\w*|enhanced|\bperi ?enhanc"),
        ("other", r"\b(none|nil|never|prior|previous|former)\b"),
        ("other", r"\b(poor|weak|faint|minim|mild|partial|low|less|hypo)\w* ?enhanc"),
        ("other", r"\b(non?|not) ?((oe|o|e)dem|ne[ck]ro)"),
        ("other", r"tumou?r (and|with|plus)\b|\b(and|with|plus) tumou?r(?! ?core)"),
        ("oedema", r"(oe|o|e)dem(as?|at\w+|es?|s)?\b|\bsnfh\b"),
        ("oedema", r"\b(flair|t2w?) (signal |flair )*(hyper ?int|abnorm)\w*"),
        ("oedema", r"\bhyper ?int\w*( \w+)? (flair|t2w?)\b"),
        ("dull", r"\b(non?|not|un) ?(contrast ?|gd ?)?enh(anc\w*|\b)"),
        ("dull", r"\b(non?|not) (\w+ ){1,2}enhanc\w*"),
        ("necrosis", r"ne[ck]ro\w*|\b(ncr|netc|ncet)\b"),
        ("enhancing", r"enhanc(ing|ement)|\benh\b"),
        ("beside", r"\bperi ?tumou?r"),
        ("core", r"\bcore\b"),
        ("tumour", r"tumou?r"),
        # The image that it was drawn on, or where the tumour cannot be told from the brain
        ("vague", r"\bflair\b|\bt[12]\w*|infiltra|inva[ds]"),
    )
)
# Too short to count among other words: "et" is French, "Ed" a name.
_SHORT = {
    "cet": "enhancing",
    "ed": "oedema",
    "et": "enhancing",
    "ncr": "necrosis",
    "net": "necrosis",
    "tc": "core",
    "wt": "whole",
}
_FILLING = frozenset({"brats", "label", "mask", "pred", "roi", "seg", "segment"})

# What a name has to speak of, and what else it may. Any other name tells nothing.
_MEANINGS: tuple[tuple[Region, frozenset[str], frozenset[str]], ...] = tuple(
    (region, frozenset(needed.split()), frozenset(allowed.split()))
    for region, needed, allowed in (
        (Region.WT, "whole", "tumour vague"),
        (Region.ED, "oedema", "dull beside vague"),
        (Region.ET, "enhancing", "core tumour"),
        (Region.NCR, "necrosis", "dull core tumour"),
        (Region.NCR, "core", "dull tumour"),
        (Region.NCR, "dull tumour", ""),
    )
)
# The core as a whole has the code of any mass.
_CODES = {(one.coded_concept.scheme, one.coded_concept.value): one.region for one in DEFAULT_LABELS}


def regions_of_values(
    values_kji: NDArray[np.generic], values: Collection[int]
) -> Mapping[int, Region]:
    """Propose regions for the values of a mask.

    BraTS wrote 1 core, 2 oedema, 4 enhancing tumour until 2022, since then 3 for 4, which is a
    cavity now. nnU-Net and the Decathlon write 1 oedema, 2 core, 3 enhancing tumour. Which of 1
    and 2 is oedema shows where it lies around all others. Fewer values tell too little, unless they
    can only be those of before 2022.

    Parameters
    ----------
    values
        Those of `values_kji` but 0.
    """
    present = set(values)
    if present == {4}:
        return {4: Region.ET}
    enhancing = 3 if 3 in present else 4
    least = {1, 2, 3} if enhancing == 3 else {2, 4}
    if not least <= present <= {1, 2, 3, 4}:
        return {}
    places = np.nonzero(values_kji)
    box_kji = values_kji[tuple(slice(max(one.min() - 1, 0), one.max() + 2) for one in places)]
    open_share = {one: _open_share(box_kji == one, box_kji != 0) for one in present}
    oedema = max(open_share, key=lambda value: open_share[value])
    core = 3 - oedema
    may_be = (1, 2) if enhancing == 3 else (2,)
    if oedema not in may_be or open_share[oedema] < _CLEARLY * open_share.get(core, 0.0):
        return {}
    found = {core: Region.NCR, oedema: Region.ED, enhancing: Region.ET}
    return {value: region for value, region in found.items() if value in present}


def regions_of_segments(
    segments: Iterable[tuple[int, tuple[str, str], str]],
) -> Mapping[int, Region]:
    """Propose regions for segments, given their number, code and name.

    What a code says counts where the name says nothing else. A whole tumour is proposed as oedema
    where what lies inside it is there, too: the inner regions are drawn over it.
    """
    found, whole = {}, []
    for number, code, name in segments:
        signs = frozenset(_signs(name))
        said, coded = _meaning(signs), _CODES.get(code)
        region = coded if not signs else said if coded in (said, None) else None
        if region is Region.WT:
            whole.append(number)
        elif region is not None:
            found[number] = region
    if found and Region.ED not in found.values():
        found |= dict.fromkeys(whole, Region.ED)
    return found


def _open_share(mask_kji: NDArray[np.bool_], marked_kji: NDArray[np.bool_]) -> float:
    """Return which share of the surface of a mask borders on what is not marked at all."""
    borders = free = 0
    for axis in range(mask_kji.ndim):
        mask, marked = (np.moveaxis(one, axis, 0) for one in (mask_kji, marked_kji))
        is_border = mask[1:] != mask[:-1]
        borders += int(np.count_nonzero(is_border))
        free += int(np.count_nonzero(is_border & (marked[1:] != marked[:-1])))
    return free / borders if borders else 0.0


def _meaning(signs: frozenset[str]) -> Region | None:
    return next(
        (region for region, needed, may in _MEANINGS if needed <= signs <= needed | may), None
    )


def _signs(name: str) -> Iterator[str]:
    """Return what a name speaks of."""
    plain = unicodedata.normalize("NFKD", name.replace("œ", "oe").replace("Œ", "Oe"))
    plain = "".join(one for one in plain if not unicodedata.combining(one))
    for part in re.split(r"[()\[\],:;]", plain):
        words = [one for one in re.findall(r"[a-z]+", part.casefold()) if one not in _FILLING]
        if _SHORT.keys() >= set(words):
            yield from (_SHORT[word] for word in words)
    plain = re.sub(r"(?<=[a-z][a-z])(?=[A-Z])", " ", plain)
    plain = re.sub(r"[+&/]", " and ", plain)
    text = " ".join(re.findall(r"[a-z0-9]+", plain.casefold()))
    for sign, pattern in _WORDS:
        text, count = pattern.subn(" ", text)
        if count:
            yield sign

"""Whose image it is, as far as the name of a NIfTI file or of its folder tells."""

import re
from collections.abc import Sequence

from desktop_app.io.sequences.text import role_in_file_name

_SUFFIX = re.compile(r"\.nii(\.gz)?$", re.IGNORECASE)
_SEPARATOR = re.compile(r"([\s_\-.]+)")
# In BIDS the first two entities are the patient and the session; the others say how it was taken.
_BIDS = re.compile(r"sub-[a-z0-9]+(?:_ses-[a-z0-9]+)?(?![a-z0-9])", re.IGNORECASE)
# Words for how an image was taken or treated, which say nothing of whose it is.
_OF_THE_IMAGE = re.compile(
    r"ax(ial)?|tra(ns(vers(e|al)?)?)?|sag(ittal)?|cor(onal)?|[23]d|iso"
    r"|pre|post|(pre|post)?contrast|contrast|gd|gad|gado|ce|km|with|without|nativ|native"
    r"|tse|fse|gre|fs|fatsat|space|cube|vista|mri?|brain|head|im|img|image|vol|volume|anat"
    r"|scan|reg|registered|coreg|n4|bet|skull|stripped|orig|raw",
    re.IGNORECASE,
)


def beginning(name: str) -> str:
    """Return what stands before the words that tell the sequence, in BIDS the patient's part."""
    stem = _SUFFIX.sub("", name)
    if bids := _BIDS.match(stem):
        return bids.group()
    parts = _SEPARATOR.split(stem)
    for end in range(len(parts), 0, -1):
        start = "".join(parts[:end])
        if role_in_file_name(start) is None:
            return start.strip(" _-.")
    return ""


def ending(name: str) -> str:
    """Return what stands behind the words that tell the sequence."""
    parts = _SEPARATOR.split(_SUFFIX.sub("", name))
    for start in range(len(parts)):
        rest = "".join(parts[start:])
        if role_in_file_name(rest) is None:
            return rest.strip(" _-.")
    return ""


def of_the_patient(text: str) -> tuple[str, ...]:
    """Return the words of a part of a name that may say whose the image is, in lower case."""
    if bids := _BIDS.match(text):
        return (bids.group().lower(),)
    words = _SEPARATOR.split(_SUFFIX.sub("", text))[::2]
    return tuple(word.lower() for word in words if word and not _OF_THE_IMAGE.fullmatch(word))


def are_numbered_series(names: Sequence[str]) -> bool:
    """Whether names of different sequences begin with numbers of series and not of patients.

    ``3_t1`` and ``5_flair``: every name begins with a number, no two with the same, and no
    sequence is there twice.
    """
    numbers = [_SEPARATOR.split(name)[0] for name in names]
    roles = [role_in_file_name(name) for name in names]
    return (
        all(number.isdigit() for number in numbers)
        and len({int(number) for number in numbers if number.isdigit()}) == len(names)
        and None not in roles
        and len(set(roles)) == len(names)
    )


def without_number(name: str) -> str:
    """Return a name without the number that it begins with."""
    return "".join(_SEPARATOR.split(name, maxsplit=1)[2:])

"""DICOM's way of writing names and dates, turned into people's."""

from collections.abc import Iterable


def readable_name(name: str) -> str:
    """Turn a DICOM person name (PS3.5 6.2.1.2) into one for people.

    ``Yamada^Tarou=山田^太郎`` becomes ``Yamada, Tarou (山田 太郎)``.
    """
    alphabetic, *others = [group.strip("^ ") for group in name.split("=")]
    family, *given = alphabetic.split("^")
    first = ", ".join(part for part in (family.strip(), _words(given)) if part)
    further = [_words(group.split("^")) for group in others if group]
    if not further:
        return first
    return f"{first} ({', '.join(further)})" if first else ", ".join(further)


def readable_date(date: str) -> str:
    """Write a DICOM date as ISO 8601; anything else stays as it is."""
    is_dicom = len(date) == 8 and date.isdigit()
    return f"{date[:4]}-{date[4:6]}-{date[6:]}" if is_dicom else date


def _words(parts: Iterable[str]) -> str:
    return " ".join(part.strip() for part in parts if part.strip())

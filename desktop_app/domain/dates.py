"""How the days of two studies lie to each other, and when something was made."""

from datetime import date, datetime
from enum import Enum, auto


class DateOrder(Enum):
    """How the date of a study that is to be the earlier one lies to that of the other."""

    EARLIER = auto()
    SAME_DAY = auto()
    LATER = auto()
    UNKNOWN = auto()


def date_order(earlier: str, now: str) -> DateOrder:
    """Say how the DICOM date of an earlier study lies to the current one's."""
    days = days_between(earlier, now)
    if days is None:
        return DateOrder.UNKNOWN
    if days == 0:
        return DateOrder.SAME_DAY
    return DateOrder.EARLIER if days > 0 else DateOrder.LATER


def days_between(earlier: str, now: str) -> int | None:
    """Return the days from one DICOM date to another; ``None`` where one is missing or no date."""
    first, second = _date(earlier), _date(now)
    return None if first is None or second is None else (second - first).days


def readable_instant(instant: datetime) -> str:
    """Write a point in time with its zone: ``2026-11-22 12:39:40 UTC-05:00``.

    One without a zone is of the computer's.
    """
    local = instant if instant.tzinfo is not None else instant.astimezone()
    zone = f"{local:%z}"
    return f"{local:%Y-%m-%d %H:%M:%S} UTC{zone[:3]}:{zone[3:5]}"


def _date(text: str) -> date | None:
    # DICOM's DA (PS3.5 6.2): eight digits and nothing else.
    if len(text) != 8 or not text.isascii() or not text.isdigit():
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None

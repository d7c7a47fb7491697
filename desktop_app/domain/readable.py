"""Names, dates and ranges as people write them."""

import math
from collections.abc import Iterable

from desktop_app.domain.measurement import AnatomicalPlane, reaches

_ROUNDING = 1e-9
_LEAST_READABLE_MM3 = 5.0
_UNITS_OF_AGE = {"D": "day", "W": "week", "M": "month", "Y": "year"}
# Letters of the two ends of the axis across a plane, the negative one of L, P, S first.
_ENDS = {
    AnatomicalPlane.SAGITTAL: ("R", "L"),
    AnatomicalPlane.CORONAL: ("A", "P"),
    AnatomicalPlane.AXIAL: ("I", "S"),
}


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


def readable_share(share: float, decimals: int = 0) -> str:
    """Return a share, 0 to 1, in per cent: ``82 %``."""
    return f"{100 * share:.{decimals}f} %"


def readable_date(date: str) -> str:
    """Write a DICOM date as ISO 8601; anything else stays as it is."""
    is_dicom = len(date) == 8 and date.isdigit()
    return f"{date[:4]}-{date[4:6]}-{date[6:]}" if is_dicom else date


def readable_time(time: str) -> str:
    """Write a DICOM time (PS3.5 6.2) in hours and minutes; anything else is left out."""
    digits = time.split(".")[0]
    return f"{digits[:2]}:{digits[2:4]}" if len(digits) >= 4 and digits.isdigit() else ""


def readable_age(age: str, birth_date: str = "", date: str = "") -> str:
    """Write a DICOM age (PS3.5 6.2), ``72 years``; else the one that two dates tell, or nothing."""
    unit = _UNITS_OF_AGE.get(age[3:])
    if unit is not None and age[:3].isdigit():
        return _counted(int(age[:3]), unit)
    if not all(len(one) == 8 and one.isdigit() for one in (birth_date, date)) or date < birth_date:
        return ""
    return _counted(int(date[:4]) - int(birth_date[:4]) - (date[4:] < birth_date[4:]), "year")


def readable_volume(volume_mm3: float) -> str:
    """Write a volume in cm³ with two decimals; a speck is never written as nothing."""
    # As files hold it: one volume reads alike wherever it comes from
    rounded_mm3 = round(volume_mm3, 3)
    if volume_mm3 > 0 and rounded_mm3 < _LEAST_READABLE_MM3:
        return "< 0.01"
    return f"{math.floor(rounded_mm3 / 10 + 0.5) / 100:.2f}"


def readable_change(change_mm3: float) -> str:
    """Write by how much a volume changed, in cm³ with its sign: ``+1.20``, ``−0.35``, ``0.00``."""
    size = readable_volume(abs(change_mm3))
    if change_mm3 == 0:
        return size
    sign = "+" if change_mm3 > 0 else "−"
    return f"{sign} {size}" if size.startswith("<") else f"{sign}{size}"


def readable_percent(percent: float) -> str:
    """Write a change in whole per cent with its sign, of which zero has none."""
    rounded = round(percent)
    return f"{rounded:+d} %".replace("-", "−") if rounded else "0 %"


def readable_range(low_mm3: float, high_mm3: float) -> str:
    """Write a range of volumes in cm³, rounded outwards to about two digits: ``29–39``."""
    digits = 0 if high_mm3 >= 10_000 else 1 if high_mm3 >= 1_000 else 2
    step_mm3 = 1000 / 10**digits
    low = math.floor(low_mm3 / step_mm3 + _ROUNDING) / 10**digits
    high = math.ceil(high_mm3 / step_mm3 - _ROUNDING) / 10**digits
    return f"{low:.{digits}f}–{high:.{digits}f}"


def readable_position(plane: AnatomicalPlane, position_mm: float) -> str:
    """Write where a plane lies in the patient, as archives do: ``S 34.2 mm``.

    Parameters
    ----------
    position_mm
        Along L, P or S, across the plane.
    """
    rounded_mm = round(position_mm, 1)
    return f"{_ENDS[plane][rounded_mm >= 0]} {abs(rounded_mm):.1f} mm"


def readable_diameters(long_mm: float, short_mm: float, least_mm: float) -> str:
    """Write two diameters in whole millimetres, ``38 × 27 mm``, on their side of a limit.

    Parameters
    ----------
    least_mm
        What decides whether a lesion is measurable, to a tenth of a millimetre: with 12 mm, 11.96
        must not be told as 12.
    """
    return " × ".join(_millimetres(mm, least_mm) for mm in (long_mm, short_mm)) + " mm"


def _millimetres(length_mm: float, least_mm: float) -> str:
    if not reaches(length_mm, least_mm):
        return f"{math.floor(length_mm * 10 + _ROUNDING) / 10:.1f}"
    decimals = 0 if round(length_mm) >= least_mm else 1
    return f"{length_mm:.{decimals}f}"


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def _words(parts: Iterable[str]) -> str:
    return " ".join(part.strip() for part in parts if part.strip())

"""Series that no header tells anything of; apart from `sequence_naming`, which loads slowly."""

from collections.abc import Collection, Mapping

from desktop_app.domain.study import Sequence, Series, Study
from desktop_app.io.sequences.rules import is_without_hint


def series_without_hint(study: Study, roles: Mapping[Sequence, Series]) -> tuple[Series, ...]:
    """Return the usable series in no role whose headers tell neither what they are nor are not."""
    taken = {series.series_uid for series in roles.values()}
    return tuple(
        series
        for series in study.series
        if series.usable and series.series_uid not in taken and is_without_hint(series)
    )


def can_name(
    study: Study, roles: Mapping[Sequence, Series], left_out: Collection[Sequence] = ()
) -> bool:
    """Whether a sequence is missing and there are series that the pixels may tell it of."""
    unknown = len(series_without_hint(study, roles))
    missing = len({*Sequence} - {*roles, *left_out})
    # Of fewer than four images one may be anything: a T1 may as well be a T1c, and what tells T1
    # from T1c says nothing of two T2s.
    return 0 < unknown == missing == len(Sequence) - len(roles)

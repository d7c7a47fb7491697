"""Which name is a series' own, and which that of its whole examination."""

from collections import defaultdict
from collections.abc import Sequence as Items
from dataclasses import replace

from desktop_app.domain.study import Sequence, Series
from desktop_app.io.sequences.text import examination_elsewhere, normalised, weighting_in
from desktop_app.io.sequences.timing import weighting_by_physics

_PROTOCOL = "ProtocolName"
_EXAMINATION = "NameOfExamination"
# Of the series with a protocol: enough that the two localizers of a study are no examination.
_LEAST_SHARE = 1 / 3


def own_name(series: Series) -> str:
    """Return the description; where there is none, the protocol."""
    return series.description or series.attributes.get(_PROTOCOL, "")


def own_weighting(series: Series) -> Sequence | None:
    """Return the weighting that the description names; where it names none, the protocol."""
    protocol = series.attributes.get(_PROTOCOL, "")
    return weighting_in(series.description) or weighting_in(protocol)


def examined_elsewhere(series: Series) -> str:
    """Return what says that the examination was not of the brain, empty if nothing does.

    Other than a technique, a region that an examination is named by holds for all of its series.
    """
    names = (series.attributes.get(key, "") for key in (_PROTOCOL, _EXAMINATION))
    return next((what for name in names if (what := examination_elsewhere(name))), "")


def without_names_of_examination(series: Items[Series]) -> list[Series]:
    """Return series whose protocol's name, where it is the whole examination's, no longer counts.

    Some scanners write it into every series; it says of none what it is. It is known by standing
    on series of different weighting.

    Parameters
    ----------
    series
        All series of one study.
    """
    bearers: dict[str, list[Series]] = defaultdict(list)
    for one in series:
        if protocol := one.attributes.get(_PROTOCOL):
            bearers[normalised(protocol)].append(one)
    least = _LEAST_SHARE * sum(map(len, bearers.values()))
    shared = {
        name
        for name, members in bearers.items()
        if len(members) >= least and len({_weighting(one) for one in members} - {None}) > 1
    }
    return [
        _without_protocol(one) if normalised(one.attributes.get(_PROTOCOL, "")) in shared else one
        for one in series
    ]


def _weighting(series: Series) -> Sequence | None:
    return weighting_by_physics(series)[0] or weighting_in(series.description)


def _without_protocol(series: Series) -> Series:
    attributes = dict(series.attributes)
    name = attributes.pop(_PROTOCOL)
    attributes[_EXAMINATION] = name
    is_borrowed = not attributes.get("SeriesDescription") and series.description == name
    description = "" if is_borrowed else series.description
    return replace(series, description=description, attributes=attributes)

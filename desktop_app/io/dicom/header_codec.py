"""What was read from a file as lists and text: for the cache, and between processes."""

from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

import numpy as np

from desktop_app.domain.study import PatientSummary
from desktop_app.io.dicom.headers import FileHeader, NotDicom, Unreadable
from desktop_app.io.dicom.slices import SliceHeader

Outcome = FileHeader | NotDicom

_SLICE_FIELDS = tuple(field.name for field in fields(SliceHeader) if field.name != "path")
_FILE_FIELDS = tuple(
    field.name
    for field in fields(FileHeader)
    if field.name not in ("path", "patient", "attributes", "slices")
)
# What is stored depends on them: whoever adds one makes what was stored before useless.
LAYOUT = ",".join((*_SLICE_FIELDS, *_FILE_FIELDS))

_ARRAY = "array"


def to_plain(outcome: Outcome) -> list[Any]:
    """Return a header, or the reason why there is none, as JSON knows it and without its path."""
    if isinstance(outcome, NotDicom):
        return [isinstance(outcome, Unreadable), str(outcome)]
    return [
        outcome.attributes,
        astuple(outcome.patient),
        [getattr(outcome, name) for name in _FILE_FIELDS],
        [[_plain(getattr(one, name)) for name in _SLICE_FIELDS] for one in outcome.slices],
    ]


def from_plain(stored: Any, path: Path) -> Outcome:
    """Return what `to_plain` was given, for a file at this path.

    Raises
    ------
    ValueError
        If `stored` does not come from `to_plain`.
    """
    try:
        if len(stored) == 2:
            unreadable, reason = stored
            return Unreadable(reason) if unreadable else NotDicom(reason)
        attributes, patient, values, slices = stored
        return FileHeader(
            path=path,
            patient=PatientSummary(*patient),
            attributes=attributes,
            slices=tuple([_slice(path, one) for one in slices]),
            **dict(zip(_FILE_FIELDS, values, strict=True)),
        )
    except (TypeError, KeyError) as error:
        raise ValueError("not a stored header") from error


def _slice(path: Path, stored: list[Any]) -> SliceHeader:
    values = {name: _value(one) for name, one in zip(_SLICE_FIELDS, stored, strict=True)}
    return SliceHeader(path=path, **values)


def _plain(value: Any) -> Any:
    return {_ARRAY: value.tolist()} if isinstance(value, np.ndarray) else value


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, dict):
        return np.array(value[_ARRAY], dtype=np.float64)
    return value

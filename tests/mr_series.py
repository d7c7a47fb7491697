"""Series as headers describe them, without any file."""

from pathlib import Path
from typing import Any

import numpy as np

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.study import InstanceRef, Series
from desktop_app.io.sequences.rules import propose_roles


def series(
    uid: str, description: str = "", *, slices: int = 30, step: float = 5.0, **kw: Any
) -> Series:
    affine = np.diag([1.0, 1.0, step, 1.0])
    known = {key: kw.pop(key) for key in ("number", "acquired", "usable") if key in kw}
    return Series(
        series_uid=uid,
        description=description,
        instances=(InstanceRef(Path(f"{uid}.dcm")),),
        geometry=Geometry((slices, 200, 180), affine),
        attributes={key: str(value) for key, value in kw.items()},
        **known,
    )


SE_T1 = {"RepetitionTime": 500, "EchoTime": 10, "ScanningSequence": "SE"}
MPRAGE = {
    "RepetitionTime": 2000,
    "EchoTime": 3,
    "InversionTime": 900,
    "ScanningSequence": "GR\\IR",
    "MRAcquisitionType": "3D",
}
T2 = {"RepetitionTime": 5000, "EchoTime": 98, "ScanningSequence": "SE"}
FLAIR = {
    "RepetitionTime": 9000,
    "EchoTime": 120,
    "InversionTime": 2500,
    "ScanningSequence": "SE\\IR",
}
GAD = {"ContrastBolusAgent": "Gadovist"}


def role_of(*all_series: Series) -> dict[str, str]:
    return {role.value: p.series_uid for role, p in propose_roles(all_series)[0].items()}

"""Studies as a scan would find them, for tests of what is shown."""

from pathlib import Path

import numpy as np

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.provenance import Provenance
from desktop_app.domain.study import (
    InstanceRef,
    PatientSummary,
    RoleProposal,
    Sequence,
    Series,
    Study,
)

GEOMETRY = Geometry((4, 5, 6), np.diag([1.0, 1.0, 5.0, 1.0]))
PROVENANCE = Provenance("model", "0" * 64, "0.1.0", "cpu", "fp32")


def make_series(uid: str, **changes: object) -> Series:
    instances = (InstanceRef(Path(uid) / "1.dcm"),)
    values = {"series_uid": uid, "description": uid, "instances": instances, "geometry": GEOMETRY}
    return Series(**{**values, **changes})  # type: ignore[arg-type]


def make_study(**changes: object) -> Study:
    series = (make_series("t1c", number=5), make_series("flair"), make_series("bad", usable=False))
    values = {
        "study_uid": "1",
        "name": "study",
        "patient": PatientSummary("ID7", "Müller^Änne"),
        "date": "20260131",
        "description": "Brain",
        "root": Path("root"),
        "series": series,
        "roles": {
            Sequence.T1C: RoleProposal("t1c", 0.95, "Contrast agent is named."),
            Sequence.FLAIR: RoleProposal("flair", 0.4, "Only the text says so."),
        },
        "skipped": (("a.txt", "not an image"),),
    }
    return Study(**{**values, **changes})  # type: ignore[arg-type]


def roles_of(study: Study) -> dict[Sequence, Series]:
    return {s: study.series_by_uid(p.series_uid) for s, p in study.roles.items()}

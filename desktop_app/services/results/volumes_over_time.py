"""What the exported results of one patient say of volumes, study by study."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop_app.domain.segmentation import Region
from desktop_app.domain.study import Sequence
from desktop_app.jobs.cancel import NEVER, CancelToken
from desktop_app.services.measuring.field_ends import is_cut_off
from desktop_app.services.results.label_files import are_changed
from desktop_app.services.results.stored_result import NUMBERS_FILE


@dataclass(frozen=True, slots=True)
class TimePoint:
    """The volumes of one study.

    Parameters
    ----------
    date
        Of the study, as DICOM writes it: YYYYMMDD.
    volumes_mm3
        Of WT, TC and ET; ``None`` where it cannot be known.
    missing
        Sequences that the network had to do without.
    cut_off
        Whether the tumour goes on beyond the image, and its volumes are too small.
    changed_outside
        Whether another program changed the labels since, and the volumes are those before.
    of_another_program
        Whether the labels were made elsewhere, and opened.
    """

    study_uid: str
    date: str
    folder: Path
    volumes_mm3: Mapping[Region, float | None]
    corrected: bool
    model_id: str
    missing: tuple[Sequence, ...]
    cut_off: bool = False
    changed_outside: bool = False
    of_another_program: bool = False


def time_points(patient_id: str, output: Path, token: CancelToken = NEVER) -> tuple[TimePoint, ...]:
    """Return what the folders of results in `output` hold of a patient, the earliest first.

    Results without the patient's identifier (of NIfTI files, anonymised) or without a date cannot
    be placed and are left out. Of two results of one study the one written last counts.

    Raises
    ------
    Cancelled
        If `token` was cancelled.
    """
    # Some anonymisers give all visits of a patient one UID.
    found: dict[tuple[str, str], tuple[float, TimePoint]] = {}
    for file in sorted(output.glob(f"*/{NUMBERS_FILE}")) if patient_id else ():
        token.raise_if_cancelled()
        point = _point(file, patient_id)
        if point is None:
            continue
        written = file.stat().st_mtime
        visit = (point.study_uid, point.date)
        if written >= found.get(visit, (0.0,))[0]:
            found[visit] = (written, point)
    return tuple(sorted((point for _, point in found.values()), key=lambda one: one.date))


def _point(file: Path, patient_id: str) -> TimePoint | None:
    """Return what a file says; ``None`` where it is damaged or of somebody else."""
    try:
        document: dict[str, Any] = json.loads(file.read_text("utf-8"))
        study, provenance = document["study"], document["provenance"]
        if study["patient_id"] != patient_id or not study["study_date"]:
            return None
        return TimePoint(
            study_uid=str(study["study_uid"]),
            date=str(study["study_date"]),
            folder=file.parent,
            volumes_mm3={
                one: _volume(document["regions"][one.value]["volume_mm3"])
                for one in (Region.WT, Region.TC, Region.ET)
            },
            corrected=bool(provenance["edited"]),
            model_id=str(provenance["model_id"]),
            missing=tuple(
                one for one in Sequence if not document["sequences"][one.value]["present"]
            ),
            cut_off=is_cut_off(str(one) for one in document.get("warnings", ())),
            changed_outside=are_changed(file.parent),
            of_another_program=bool(provenance["labels_of"]),
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _volume(stored: float | None) -> float | None:
    return None if stored is None else float(stored)

"""Open a study together with results that were written earlier."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from desktop_app.domain.provenance import Provenance
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Segmentation
from desktop_app.domain.study import Sequence, Series, Study
from desktop_app.domain.volume import Volume
from desktop_app.errors import InputError
from desktop_app.io.nifti import read_nifti
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import ProgressCallback
from desktop_app.services.import_study import load_roles
from desktop_app.services.measure import measure
from desktop_app.services.preprocess import prepare
from desktop_app.services.stages import Stages

LABELS_FILE = "segmentation.nii.gz"
MEASUREMENTS_FILE = "measurements.json"

_BRATS_2021_ET = 4
_ET = 3
_STAGE_SECONDS = {"import": 2.0, "preprocess": 5.0, "labels": 0.3}


def reopen_result(
    study: Study,
    roles: Mapping[Sequence, Series],
    folder: Path,
    *,
    progress: ProgressCallback | None = None,
    token: CancelToken | None = None,
) -> StudyResult:
    """Prepare a study's images again and put the labels kept in `folder` over them.

    Parameters
    ----------
    folder
        The study's folder of results, with labels as NIfTI and measurements as JSON.

    Raises
    ------
    InputError
        If the results are missing, damaged, or do not belong to these images.
    Cancelled
        If `token` was cancelled.
    """
    stages = Stages(_STAGE_SECONDS, progress)
    labels = _read_labels(folder / LABELS_FILE)
    document = _read_document(folder / MEASUREMENTS_FILE)
    with stages.stage("import", "Reading the images") as report:
        volumes = load_roles(roles, progress=report, token=token)
    with stages.stage("preprocess", "Preparing the images") as report:
        prepared = prepare(volumes, progress=report, token=token)
    with stages.stage("labels", "Reading the labels"):
        if not labels.geometry.matches(prepared.reference.geometry):
            raise _refused(folder, "The labels lie on another grid than the images chosen now.")
        segmentation = Segmentation(
            _with_current_values(labels.array_kji, folder),
            prepared.reference.geometry,
            _provenance(document, prepared.steps),
            warnings=tuple(document["warnings"]),
        )
    return StudyResult(study, dict(roles), prepared, segmentation, measure(segmentation))


def _read_labels(file: Path) -> Volume:
    if not file.is_file():
        raise _refused(file.parent, f"{LABELS_FILE} is missing.")
    return read_nifti(file)


def _read_document(file: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(file.read_text("utf-8"))
        if not {"warnings", "provenance"} <= document.keys():
            raise ValueError("not a document of measurements")
    except (OSError, ValueError, AttributeError) as error:
        raise _refused(file.parent, f"{MEASUREMENTS_FILE} is missing or damaged.") from error
    return document


def _with_current_values(values_kji: np.ndarray[Any, Any], folder: Path) -> np.ndarray[Any, Any]:
    """Return the labels as uint8, with enhancing tumour as 3 even if it was written as 4."""
    found = set(np.unique(values_kji).tolist())
    if not found <= {0, 1, 2, _ET, _BRATS_2021_ET} or {_ET, _BRATS_2021_ET} <= found:
        raise _refused(folder, f"{LABELS_FILE} holds values that are not labels of a tumour.")
    labels_kji = values_kji.astype(np.uint8)
    labels_kji[labels_kji == _BRATS_2021_ET] = _ET
    return labels_kji


def _provenance(document: Mapping[str, Any], steps: tuple[str, ...]) -> Provenance:
    kept = document["provenance"]
    return Provenance(
        model_id=str(kept.get("model_id", "")),
        weights_sha256=str(kept.get("weights_sha256", "")),
        app_version=str(kept.get("app_version", "")),
        device=str(kept.get("device", "")),
        precision=str(kept.get("precision", "")),
        steps=steps,
        edited=bool(kept.get("edited", False)),
        seconds={stage: float(seconds) for stage, seconds in kept.get("seconds", {}).items()},
    )


def _refused(folder: Path, why: str) -> InputError:
    return InputError(
        "The earlier result cannot be opened.", f"{folder}: {why}", "Segment the study again."
    )

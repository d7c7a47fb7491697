"""Opens a study together with the result that an earlier run wrote for it."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.measurement import (
    Interval,
    Measurement,
    MeasurementKind,
    Unfamiliarity,
)
from desktop_app.domain.provenance import Provenance
from desktop_app.domain.result import PreparedStudy, StudyResult
from desktop_app.domain.segmentation import Region, Segmentation
from desktop_app.domain.study import RoleProposal, Sequence, Series, Study
from desktop_app.errors import InputError
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import ProgressCallback
from desktop_app.services.brain_network import BrainNetwork
from desktop_app.services.export import is_about_export
from desktop_app.services.loaded_study import LoadedStudy, load_study
from desktop_app.services.measure import measure
from desktop_app.services.nameless_series import can_name
from desktop_app.services.role_origin import Assigner
from desktop_app.services.segment import header_confidence
from desktop_app.services.stages import Stages

LABELS_FILE = "segmentation.nii.gz"
NUMBERS_FILE = "measurements.json"

# Enhancing tumour as BraTS wrote it before 2023; inside the program it is 3.
_OLD_ET_LABEL = 4
_BY_IMAGE = "Assigned from its image when it was segmented; please check."
_STAGE_SECONDS = {"import": 2.0, "preprocess": 5.0, "labels": 1.0}


@dataclass(frozen=True, slots=True, eq=False)
class EarlierChoice:
    """Which series a result was made from.

    Parameters
    ----------
    study
        With what their images had decided then among its proposals.
    overrides
        Per sequence the UID of the series that the user chose over what is proposed, or ``None``
        where it was left out.
    """

    study: Study
    overrides: Mapping[Sequence, str | None]


def earlier_choice(study: Study, folder: Path) -> EarlierChoice:
    """Read which series an earlier result was made from, where that is not what is proposed.

    Parameters
    ----------
    folder
        Where the results of this study were written. Where they do not say it (anonymised, damaged
        or missing), nothing is overruled.
    """
    try:
        stored = _read_document(folder / NUMBERS_FILE)["sequences"]
        used = {one: stored[one.value] for one in Sequence if one.value in stored}
        uids = {one: str(said["series_uid"]) for one, said in used.items() if said["present"]}
        by_image = {one for one in uids if used[one].get("assigned_by") == Assigner.IMAGES}
    except (InputError, KeyError, TypeError, AttributeError):
        return EarlierChoice(study, {})
    known = {series.series_uid for series in study.series}
    if not uids or not set(uids.values()) <= known:
        return EarlierChoice(study, {})
    shown = {one: RoleProposal(uids[one], 0.0, _BY_IMAGE, by_pixels=True) for one in by_image}
    study = replace(study, roles={**study.roles, **shown})
    proposed = {one: role.series_uid for one, role in study.roles.items()}
    return EarlierChoice(
        study, {one: uids.get(one) for one in used if uids.get(one) != proposed.get(one)}
    )


@dataclass(frozen=True, slots=True, eq=False)
class Reopened:
    """A finished study as the window needs it.

    Parameters
    ----------
    loaded
        The images as they were read, by what they were given as; for another segmentation.
    """

    loaded: LoadedStudy
    result: StudyResult


def reopen_result(
    study: Study,
    roles: Mapping[Sequence, Series],
    folder: Path,
    *,
    network: BrainNetwork | None = None,
    chosen_by_user: Collection[Sequence] = (),
    progress: ProgressCallback | None = None,
    token: CancelToken | None = None,
) -> Reopened:
    """Load and prepare the images, and read the labels instead of running the network.

    Parameters
    ----------
    folder
        Where the results of this study were written.
    network
        Outlines the brain, as it did for the result.
    chosen_by_user
        Sequences whose series the user chose for that result, which no pixels overrule.

    Raises
    ------
    InputError
        If the results are missing, damaged or of another image.
    Cancelled
        If `token` was cancelled.
    """
    from desktop_app.services.preprocess import prepare

    naming = can_name(study, roles, set(chosen_by_user) - set(roles))
    stages = Stages(({"name": 10.0} if naming else {}) | _STAGE_SECONDS, progress)
    loaded = None
    if naming:
        from desktop_app.services.sequence_naming import completed

        with stages.stage("name", "Looking at images without a description") as report:
            named = completed(
                study,
                roles,
                network=network,
                chosen_by_user=chosen_by_user,
                progress=report,
                token=token,
            )
        study, roles, loaded = named.study, named.roles, named.loaded
    with stages.stage("import", "Reading the images") as report:
        loaded = loaded or load_study(roles, progress=report, token=token)
    by_image = {one for one, proposal in study.roles.items() if proposal.by_pixels}
    with stages.stage("preprocess", "Preparing the images") as report:
        # Decided when the result was made; the labels fit no other grid.
        prepared = prepare(
            loaded.volumes,
            header_confidence=header_confidence(study, roles),
            chosen_by_user={*chosen_by_user, *by_image} & set(roles),
            network=network,
            memory=loaded.memory,
            progress=report,
            token=token,
        )
    with stages.stage("labels", "Reading the result"):
        labels_kji = _read_labels(folder / LABELS_FILE, prepared)
        document = _read_document(folder / NUMBERS_FILE)
        provenance, warnings = _read_numbers(document, folder / NUMBERS_FILE)
    segmentation = Segmentation(
        labels_kji, prepared.reference.geometry, provenance, warnings=warnings
    )
    measurements, unfamiliarity = _with_ranges(measure(segmentation), document, folder)
    result = StudyResult(
        study, prepared.now(roles), prepared, segmentation, measurements, unfamiliarity
    )
    return Reopened(loaded, result)


def _read_labels(file: Path, prepared: PreparedStudy) -> NDArray[np.uint8]:
    from desktop_app.io.nifti import read_nifti

    if not file.is_file():
        raise _unusable("The result holds no labels.", file)
    labels = read_nifti(file)
    if not labels.geometry.matches(prepared.reference.geometry, tolerance_mm=0.1):
        raise _unusable("The result was made from other images.", file)
    values_kji = np.asarray(labels.array_kji)
    unknown = np.setdiff1d(np.unique(values_kji), (0, 1, 2, 3, _OLD_ET_LABEL))
    if unknown.size:
        raise _unusable(f"The result holds unknown labels: {unknown.tolist()}.", file)
    labels_kji = values_kji.astype(np.uint8)
    labels_kji[labels_kji == _OLD_ET_LABEL] = 3
    return labels_kji


def _read_document(file: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _unusable("The result's numbers cannot be read.", file) from error
    return document


def _with_ranges(
    measurements: tuple[Measurement, ...], document: dict[str, Any], folder: Path
) -> tuple[tuple[Measurement, ...], Unfamiliarity | None]:
    """Add what the network said of its error; results of earlier versions say nothing."""
    try:
        stored = document.get("uncertainty") or {}
        coverage, unlike = stored.get("coverage"), stored.get("unfamiliarity")
        ranges = {
            region: document["regions"][region.value].get("volume_range_mm3") for region in Region
        }
        unfamiliarity = None
        if unlike is not None:
            unfamiliarity = Unfamiliarity(float(unlike["score"]), str(unlike["reason"]))
        if coverage is None:
            return measurements, unfamiliarity
        intervals = {
            region: Interval(float(low), float(high), float(coverage))
            for region, (low, high) in ((r, found) for r, found in ranges.items() if found)
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unusable("The result's numbers cannot be read.", folder / NUMBERS_FILE) from error
    return tuple(
        replace(one, interval=intervals.get(one.region))
        if one.kind is MeasurementKind.VOLUME
        else one
        for one in measurements
    ), unfamiliarity


def _read_numbers(document: dict[str, Any], file: Path) -> tuple[Provenance, tuple[str, ...]]:
    try:
        stored = document["provenance"]
        provenance = Provenance(
            model_id=stored["model_id"],
            weights_sha256=stored["weights_sha256"],
            app_version=stored["app_version"],
            device=stored["device"],
            precision=stored["precision"],
            edited=stored["edited"],
            seconds=dict(stored["seconds"]),
        )
        # What that export left out, the next one tells for itself.
        return provenance, tuple(one for one in document["warnings"] if not is_about_export(one))
    except (ValueError, KeyError, TypeError) as error:
        raise _unusable("The result's numbers cannot be read.", file) from error


def _unusable(title: str, file: Path) -> InputError:
    return InputError(title, str(file), "Segment the study again.")

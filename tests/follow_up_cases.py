"""Two examinations of one patient, each a ball of a tumour on a grid of its own; no files."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.registration import Registration
from desktop_app.domain.result import PreparedStudy, StudyResult
from desktop_app.domain.segmentation import Segmentation
from desktop_app.domain.study import RoleProposal, Sequence
from desktop_app.domain.volume import Volume
from desktop_app.imaging import registration as registering
from desktop_app.services.measuring.measure import measure
from model.calibration import VolumeDoubt
from tests.study_cases import PROVENANCE, make_series, make_study

Matrix = NDArray[np.float64]
GRID = Geometry((44, 52, 48), np.diag([1.0, 1.0, 1.0, 1.0]), "frame now")
CENTRE_MM = (24.0, 25.0, 21.0)
BOTH = (Sequence.T1C, Sequence.FLAIR)


def motion(shift_mm: tuple[float, ...], turn_deg: tuple[float, ...]) -> Matrix:
    """A rigid motion about the middle of `GRID`."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(np.radians(turn_deg)).as_matrix()
    middle = GRID.to_patient_mm((np.array(GRID.shape_kji) - 1) / 2)
    matrix[:3, 3] = middle - matrix[:3, :3] @ middle + shift_mm
    return matrix


EARLIER_TO_NOW = motion((6.0, -9.0, 4.0), (8.0, -5.0, 12.0))


def oblique_grid(
    shape_kji: tuple[int, int, int] = (18, 60, 56), spacing_mm: tuple[float, ...] = (3.5, 1.2, 1.1)
) -> Geometry:
    """Tilted thick slices around the middle of `GRID`, in the current patient coordinates."""
    affine = motion((0, 0, 0), (-10.0, 14.0, 6.0)) @ np.diag([*spacing_mm[::-1], 1.0])
    middle = (np.array(shape_kji) - 1) / 2
    grid = Geometry(shape_kji, affine, "frame earlier")
    affine[:3, 3] += GRID.to_patient_mm((np.array(GRID.shape_kji) - 1) / 2) - grid.to_patient_mm(
        middle
    )
    return Geometry(shape_kji, affine, "frame earlier")


def moved(geometry: Geometry, matrix: Matrix) -> Geometry:
    return Geometry(
        geometry.shape_kji, matrix @ geometry.affine_lps_mm, geometry.frame_of_reference_uid
    )


EARLIER_GRID = moved(oblique_grid(), np.linalg.inv(EARLIER_TO_NOW))
"""Where the earlier scanner, in its own coordinates, saw what `oblique_grid` shows now."""


def ball(
    geometry: Geometry, radius_mm: float, centre_lps_mm: tuple[float, ...] = CENTRE_MM
) -> NDArray[np.uint8]:
    """Necrosis in an enhancing rim in oedema, nested balls; none where the radius is 0."""
    index = np.stack(np.meshgrid(*map(np.arange, geometry.shape_kji), indexing="ij"), -1)
    points = geometry.to_patient_mm(index.astype(np.float64))
    away = np.linalg.norm(points - centre_lps_mm, axis=-1)
    labels = np.zeros(geometry.shape_kji, np.uint8)
    for value, share in ((2, 1.0), (3, 0.7), (1, 0.4)):
        labels[away < share * radius_mm] = value
    return labels


def visit(
    labels_kji: NDArray[np.uint8],
    geometry: Geometry = GRID,
    *,
    name: str = "now",
    sequences: Iterable[Sequence] = BOTH,
    doubt: VolumeDoubt | None = None,
    provenance: dict[str, Any] | None = None,
    **study: Any,
) -> StudyResult:
    """A finished examination; series, UID and name of the study are called after `name`."""
    series = {one: make_series(f"{name} {one.value}") for one in sequences}
    values = {
        "study_uid": f"1.{len(name)}",
        "name": name,
        "date": "20260904",
        "series": tuple(series.values()),
        "roles": {one: RoleProposal(s.series_uid, 0.9, "Said.") for one, s in series.items()},
    }
    noise = np.random.default_rng(len(name)).random(geometry.shape_kji).astype(np.float32)
    image = Volume(noise + 0.1, geometry)
    prepared = PreparedStudy(
        np.zeros((4, *geometry.shape_kji), np.float32),
        geometry,
        np.ones(geometry.shape_kji, bool),
        image,
        next(iter(series)),
        dict.fromkeys(series, image),
        {},
    )
    segmentation = Segmentation(labels_kji, geometry, replace(PROVENANCE, **(provenance or {})))
    return StudyResult(
        make_study(**{**values, **study}),
        series,
        prepared,
        segmentation,
        measure(segmentation, doubt),
    )


def earlier_visit(radius_mm: float = 10.0, **changes: Any) -> StudyResult:
    """The same patient before, head and slices lying otherwise; the tumour in the same place."""
    before = np.linalg.inv(EARLIER_TO_NOW) @ [*CENTRE_MM, 1.0]
    labels = ball(EARLIER_GRID, radius_mm, tuple(before[:3]))
    return visit(labels, EARLIER_GRID, **{"name": "earlier", "date": "20260312", **changes})


def registration(
    moving: Volume, fixed: Volume, matrix: Matrix = EARLIER_TO_NOW, **changes: Any
) -> Registration:
    """What registering would find if it made no error."""
    geometry = moved(moving.geometry, matrix)
    geometry = replace(geometry, frame_of_reference_uid=fixed.geometry.frame_of_reference_uid)
    found = Registration(geometry, 0.9, True, 11.5, 15.0, "Registered.")
    return replace(found, **changes)


def registering_finds(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Let registering find the true motion at once, but for what a test puts into the answer."""
    changes: dict[str, Any] = {}
    monkeypatch.setattr(
        registering,
        "register_rigid",
        lambda moving, fixed, *, check: registration(moving, fixed, **changes),
    )
    return changes

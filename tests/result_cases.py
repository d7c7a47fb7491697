"""Finished studies without files, for tests of what happens to results."""

from typing import Any

import numpy as np

from desktop_app.domain.result import PreparedStudy, StudyResult
from desktop_app.domain.segmentation import Segmentation
from desktop_app.domain.study import Sequence, Study
from desktop_app.domain.volume import Volume
from desktop_app.services.measuring.measure import measure
from tests.study_cases import GEOMETRY, PROVENANCE, roles_of


def make_result(
    study: Study,
    labels_kji: np.ndarray[Any, Any],
    warnings: tuple[str, ...] = (),
    image: Volume | None = None,
) -> StudyResult:
    """A result of the study on the grid of an image, else on that of `tests.study_cases`."""
    image = image or Volume(np.ones(GEOMETRY.shape_kji, np.float32), GEOMETRY)
    geometry = image.geometry
    roles = roles_of(study)
    prepared = PreparedStudy(
        np.zeros((4, *geometry.shape_kji), np.float32),
        geometry,
        np.ones(geometry.shape_kji, bool),
        image,
        Sequence.T1C,
        dict.fromkeys(roles, image),
        {},
    )
    segmentation = Segmentation(labels_kji, geometry, PROVENANCE, warnings=warnings)
    return StudyResult(study, roles, prepared, segmentation, measure(segmentation))

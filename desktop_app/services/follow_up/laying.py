"""Lays an earlier study on the current one: its images are moved, its labels resampled once."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.follow_up import FollowUp
from desktop_app.domain.geometry import Geometry
from desktop_app.domain.registration import Registration
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Segmentation
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.jobs.cancel import CancelToken


def sequences_to_register(now: StudyResult, earlier: StudyResult) -> tuple[Sequence, Sequence]:
    """Return which image of the earlier study is laid on which of the current one.

    The current reference's counterpart; else the sequence with the thinnest slices among those that
    both have; else the two references.
    """
    here, there = now.prepared.volumes, earlier.prepared.volumes
    reference = now.prepared.reference_sequence
    shared = [one for one in Sequence if one in here and one in there]
    if not shared:
        return earlier.prepared.reference_sequence, reference

    def thickness_mm(one: Sequence) -> float:
        return max(*here[one].geometry.spacing_mm, *there[one].geometry.spacing_mm)

    best = min(shared, key=lambda one: (one is not reference, thickness_mm(one)))
    return best, best


def register(
    now: StudyResult, earlier: StudyResult, pair: tuple[Sequence, Sequence], token: CancelToken
) -> tuple[Registration, NDArray[np.float64]]:
    """Lay the earlier study on the current one.

    Returns
    -------
    Registration
        What was found.
    ndarray
        4 × 4, from earlier patient coordinates to current ones; no motion where none is believed.

    Raises
    ------
    Cancelled
        If `token` was cancelled.
    """
    # Loads slowly; a window that only starts need not wait for it.
    from desktop_app.imaging.registration import register_rigid
    from desktop_app.imaging.stripped import is_brain_extracted

    moving, fixed = earlier.prepared.volumes[pair[0]], now.prepared.volumes[pair[1]]
    if is_brain_extracted(moving) is not is_brain_extracted(fixed):
        # A skull that only one of them has would pull.
        moving, fixed = _without_skull(earlier, pair[0]), _without_skull(now, pair[1])
    found = register_rigid(moving, fixed, check=token.raise_if_cancelled)
    if not found.ok:
        return found, np.eye(4)
    if found.is_still and moving.geometry.matches(fixed.geometry):
        # Laid on each other before by somebody else: they need not be interpolated once more.
        message = "The studies lie on each other already."
        return replace(found, moved_geometry=moving.geometry, message=message), np.eye(4)
    moved, before = found.moved_geometry.affine_lps_mm, moving.geometry.affine_lps_mm
    return found, moved @ np.linalg.inv(before)


def _without_skull(result: StudyResult, sequence: Sequence) -> Volume:
    prepared = result.prepared
    return Volume(prepared.channels[sequence], prepared.work_geometry)


def laid_beside(
    now: StudyResult,
    earlier: StudyResult,
    registration: Registration,
    pair: tuple[Sequence, Sequence],
    motion: NDArray[np.float64],
) -> FollowUp:
    """Return both studies in the current patient coordinates, still without numbers."""
    from desktop_app.imaging.label_transfer import labels_on, seen_on

    frame = now.segmentation.geometry.frame_of_reference_uid

    def moved(geometry: Geometry) -> Geometry:
        if not registration.ok:
            return geometry
        return Geometry(geometry.shape_kji, motion @ geometry.affine_lps_mm, frame)

    images = {
        sequence: replace(volume, geometry=moved(volume.geometry))
        for sequence, volume in earlier.prepared.volumes.items()
    }
    labels = replace(earlier.segmentation, geometry=moved(earlier.segmentation.geometry))
    on_now, seen = None, None
    if registration.ok:
        grid = now.segmentation.geometry
        on_now = Segmentation(
            labels_on(labels, grid),
            grid,
            labels.provenance,
            shows_enhancement=labels.shows_enhancement,
        )
        seen = seen_on(labels.geometry, grid)
        seen.setflags(write=False)
    return FollowUp(
        now=now,
        earlier=earlier,
        registration=registration,
        registered_by=pair,
        motion_lps_mm=motion,
        earlier_images=images,
        earlier_labels=labels,
        earlier_on_now=on_now,
        seen_kji=seen,
        regions={},
    )

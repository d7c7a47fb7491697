"""Registers, resamples and strips a study's images: one grid, one outline of the brain."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.missing import WITHOUT
from desktop_app.domain.readable import readable_share
from desktop_app.domain.registration import Registration
from desktop_app.domain.result import PreparedStudy
from desktop_app.domain.stopping import Check
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.errors import InputError
from desktop_app.imaging.registration import match_as_placed, register_rigid
from desktop_app.imaging.resample import resample, shares_voxels, work_geometry
from desktop_app.imaging.stripped import background_value, is_brain_extracted
from desktop_app.jobs.cancel import NEVER, CancelToken
from desktop_app.jobs.events import ProgressCallback, silent
from desktop_app.services.opening.loaded_study import PreparationMemory
from desktop_app.services.segmenting.brain_network import BrainNetwork
from desktop_app.services.segmenting.brain_outline import outline_brain

# Enhancing tumour is outlined on T1c; where there is none, on what shows most of a tumour.
_REFERENCE_ORDER = (Sequence.T1C, Sequence.FLAIR, Sequence.T2, Sequence.T1)
_MIN_COVERAGE = 0.9
_THIN_MM, _THICK_MM = 2.0, 4.0


@dataclass(slots=True)
class _Notes:
    """What was done and what the user should know, gathered on the way.

    Parameters
    ----------
    is_makeshift
        Whether a device failed on the way, and another attempt may do better.
    """

    steps: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    is_makeshift: bool = False


def align(
    volumes: Mapping[Sequence, Volume],
    *,
    network: BrainNetwork | None = None,
    memory: PreparationMemory | None = None,
    progress: ProgressCallback = silent,
    token: CancelToken = NEVER,
) -> PreparedStudy:
    """Register, resample and strip the sequences of one study; ask no pixels which is which.

    Parameters
    ----------
    volumes
        At least one sequence, as loaded.
    network
        Outlines the brain in whole heads; without it the classical method does.
    memory
        Of what was prepared of these images before; keeps what is prepared now.
    progress, token
        Told the stage; asked between stages.

    Raises
    ------
    InputError
        If there is no volume, or an image is blank.
    Cancelled
        If `token` was cancelled.
    """
    memory = memory or PreparationMemory()
    with memory.turn(progress, token) as report:
        known = memory.recall(volumes, network)
        if known is not None:
            return known
        started = time.perf_counter()
        prepared, is_makeshift = _prepare(volumes, network, report, token)
        prepared = replace(prepared, seconds=time.perf_counter() - started)
        if not is_makeshift:
            memory.keep(volumes, network, prepared)
        return prepared


def _prepare(
    volumes: Mapping[Sequence, Volume],
    network: BrainNetwork | None,
    report: ProgressCallback,
    token: CancelToken,
) -> tuple[PreparedStudy, bool]:
    """Return the study, and whether another attempt may do better."""
    notes, check = _Notes(), token.raise_if_cancelled
    _refuse_blank(volumes)
    for sequence, volume in volumes.items():
        notes.warnings.extend(f"{sequence}: {note}" for note in volume.notes)
    reference_sequence = _choose_reference(volumes, notes)
    reference = volumes[reference_sequence]
    report(0.0, "Looking for the skull")
    stripped = {sequence: is_brain_extracted(volume) for sequence, volume in volumes.items()}
    check()

    moved, registrations = _register(
        volumes,
        reference_sequence,
        notes,
        all_stripped=all(stripped.values()),
        report=report,
        check=check,
    )
    grid = work_geometry(reference.geometry)
    report(0.6, "Resampling")
    on_grid = _resample(moved, grid, notes, check)
    report(0.75, "Removing skull and scalp")
    brain = _brain(on_grid, moved, stripped, notes, network=network, token=token)
    report(0.95, "Removing skull and scalp")
    image = np.zeros((len(Sequence), *grid.shape_kji), dtype=np.float32)
    for channel, sequence in enumerate(Sequence):
        if sequence in on_grid:
            np.copyto(image[channel], on_grid[sequence].array_kji, where=brain)
            _warn_of_coverage(sequence, image[channel], brain, notes)
    for array in (image, brain):
        array.setflags(write=False)
    check()
    prepared = PreparedStudy(
        image_ckji=image,
        work_geometry=grid,
        brain_kji=brain,
        reference=reference,
        reference_sequence=reference_sequence,
        volumes={sequence: moved[sequence] for sequence in Sequence if sequence in moved},
        registrations=registrations,
        steps=tuple(notes.steps),
        warnings=tuple(dict.fromkeys(notes.warnings)),
    )
    return prepared, notes.is_makeshift


def _refuse_blank(volumes: Mapping[Sequence, Volume]) -> None:
    if not volumes:
        raise InputError(
            "There is no image to segment.", "No sequence was chosen.", "Choose the sequences."
        )
    for sequence, volume in volumes.items():
        if volume.array_kji.min() == volume.array_kji.max():
            raise InputError(
                f"The {sequence} image is blank.", volume.source, "Choose another series."
            )


def _choose_reference(volumes: Mapping[Sequence, Volume], notes: _Notes) -> Sequence:
    # Without T1c a series of thin slices serves everything else better than one of thick slices.
    reference = min(
        (sequence for sequence in _REFERENCE_ORDER if sequence in volumes),
        key=lambda one: (
            one is not Sequence.T1C,
            max(volumes[one].geometry.spacing_mm) > _THIN_MM,
        ),
    )
    for sequence in Sequence:
        if sequence not in volumes:
            notes.warnings.append(f"No {sequence}: {WITHOUT[sequence]}.")
    if reference is not Sequence.T1C:
        notes.warnings.append(f"Without T1c the labels are drawn on the grid of {reference}.")
    thickness = max(volumes[reference].geometry.spacing_mm)
    if thickness > _THICK_MM:
        notes.warnings.append(
            f"{reference} has slices {thickness:.1f} mm apart: volumes are less certain."
        )
    return reference


def _register(
    volumes: Mapping[Sequence, Volume],
    reference_sequence: Sequence,
    notes: _Notes,
    *,
    all_stripped: bool,
    report: ProgressCallback,
    check: Check,
) -> tuple[dict[Sequence, Volume], dict[Sequence, Registration]]:
    reference = volumes[reference_sequence]
    moved = dict(volumes)
    registrations: dict[Sequence, Registration] = {}
    others = [sequence for sequence in volumes if sequence is not reference_sequence]
    for number, sequence in enumerate(others):
        report(0.05 + 0.55 * number / len(others), f"Registering {sequence}")
        check()
        volume = volumes[sequence]
        same_grid = volume.geometry.matches(reference.geometry)
        if same_grid and all_stripped and match_as_placed(volume, reference).ok:
            notes.steps.append(f"{sequence} shares {reference_sequence}'s grid.")
            continue
        found = register_rigid(volume, reference, check=check)
        if same_grid and found.is_still and found.ok:
            notes.steps.append(f"{sequence} shares {reference_sequence}'s grid; no motion found.")
            continue
        registrations[sequence] = found
        sentence = f"{sequence} to {reference_sequence}: {found.message}"
        if found.ok:
            moved[sequence] = replace(volume, geometry=found.moved_geometry)
            notes.steps.append(sentence)
        else:
            # Labels from an image of another place would look like any others.
            del moved[sequence]
            notes.warnings.append(f"{sentence} It is left out: {WITHOUT[sequence]}.")
    return moved, registrations


def _resample(
    moved: Mapping[Sequence, Volume],
    grid: Geometry,
    notes: _Notes,
    check: Check,
) -> dict[Sequence, Volume]:
    on_grid: dict[Sequence, Volume] = {}
    for sequence, volume in moved.items():
        check()
        on_grid[sequence] = resample(_with_empty_zero(volume), grid, antialias=True)
    if all(shares_voxels(volume.geometry, grid) for volume in moved.values()):
        notes.steps.append("Already on a 1 mm grid; values untouched.")
    else:
        nk, nj, ni = grid.shape_kji
        notes.steps.append(f"Resampled to {ni} × {nj} × {nk} voxels of 1 mm.")
    return on_grid


def _with_empty_zero(volume: Volume) -> Volume:
    """Return the image with 0 where it shows nothing, as all that follows takes it.

    The network does not see the shift: normalising takes it away.
    """
    empty = background_value(volume)
    if empty == 0:
        return volume
    return replace(volume, array_kji=np.asarray(volume.array_kji, np.float32) - np.float32(empty))


def _brain(
    on_grid: Mapping[Sequence, Volume],
    moved: Mapping[Sequence, Volume],
    stripped: Mapping[Sequence, bool],
    notes: _Notes,
    *,
    network: BrainNetwork | None,
    token: CancelToken,
) -> NDArray[np.bool_]:
    with_mask = [sequence for sequence in on_grid if stripped[sequence]]
    if not with_mask:
        outline = outline_brain(on_grid, network, token=token)
        notes.steps.append(outline.step)
        notes.warnings.extend(outline.warnings)
        notes.is_makeshift = outline.is_makeshift
        return outline.brain_kji
    if len(with_mask) < len(on_grid):
        names = ", ".join(with_mask)
        notes.warnings.append(
            f"Only {names} came without the skull; that outline is used for all sequences."
        )
    else:
        notes.steps.append("The images came without the skull; their outline is kept.")
    grid = on_grid[with_mask[0]].geometry
    outlines = [_outline(moved[sequence], grid) for sequence in with_mask]
    union: NDArray[np.bool_] = np.logical_or.reduce(outlines)
    return union


def _outline(volume: Volume, grid: Geometry) -> NDArray[np.bool_]:
    present = (volume.array_kji != background_value(volume)).astype(np.float32)
    inside: NDArray[np.bool_] = resample(Volume(present, volume.geometry), grid).array_kji > 0.5
    return inside


def _warn_of_coverage(
    sequence: Sequence,
    channel_kji: NDArray[np.float32],
    brain: NDArray[np.bool_],
    notes: _Notes,
) -> None:
    size = int(brain.sum())
    covered = np.count_nonzero(channel_kji) / size if size else 0.0
    if covered < _MIN_COVERAGE:
        notes.warnings.append(f"{sequence} covers only {readable_share(covered)} of the brain.")

"""DICOM series to volumes whose every voxel lies where the scanner measured it."""

from collections.abc import Sequence as Items

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from desktop_app.domain.stopping import Check, go_on
from desktop_app.domain.study import Series
from desktop_app.domain.volume import Volume
from desktop_app.errors import InputError
from desktop_app.io.dicom.codecs import UnreadablePixels
from desktop_app.io.dicom.decoder_process import DecoderProcess
from desktop_app.io.dicom.geometry import (
    SliceStack,
    UnusableStack,
    nearest_voxel,
    stack_slices,
)
from desktop_app.io.dicom.pixels import INVERTED_NOTE, read_pixels
from desktop_app.io.dicom.slices import SliceHeader

_Frame = NDArray[np.float32]
_Mask = NDArray[np.bool_]


def load_dicom(
    series: Series,
    *,
    check: Check = go_on,
    decoder: DecoderProcess | None = None,
) -> Volume:
    """Load a DICOM series.

    Parameters
    ----------
    series
        A usable series of a scan.
    check
        Called between files; raises to stop the loading.
    decoder
        Shared with other series of the study; one for this series otherwise.

    Returns
    -------
    Volume
        float32 values after each slice's own rescale, which grow with brightness; `notes` tell what
        was repaired.

    Raises
    ------
    InputError
        If too few slices can be read to make the volume.
    """
    if decoder is None:
        with DecoderProcess() as own:
            read = _read_slices(series, check, own)
    else:
        read = _read_slices(series, check, decoder)
    headers, frames, padding, unreadable, repaired = read
    if not headers and not any(ref.path.exists() for ref in series.instances):
        raise InputError(
            "The files of a series are no longer there.",
            f"Series “{series.description}”, {len(series.instances)} images",
            "Connect the drive, or copy the study again, and open it anew.",
        )
    if not headers:
        why = f"none of its {len(series.instances)} images can be read."
        raise _refused(series, " ".join((why, *unreadable[:1])))
    try:
        stack = stack_slices(headers, _frame_of_reference(series))
    except UnusableStack as error:
        why = f"{error}."
        if unreadable:
            why += f" {len(unreadable)} of {len(series.instances)} unreadable: {unreadable[0]}"
        raise _refused(series, why) from error
    arrays = [frames[id(header)] for header in stack.slices]
    if INVERTED_NOTE in repaired:
        # Before the stack is put together, which writes 0 where nothing was measured.
        highest = max(array.max() for array in arrays)
        arrays = [highest - array for array in arrays]
        for header, array in zip(stack.slices, arrays, strict=True):
            if id(header) in padding:
                array[padding[id(header)]] = 0
    notes = [*unreadable[:3], *repaired, *stack.problems]
    if len(unreadable) > 3:
        notes.append(f"{len(unreadable)} files could not be read.")
    return Volume(
        assemble(stack, arrays),
        stack.geometry,
        source=series.description,
        notes=tuple(notes),
    )


def _refused(series: Series, why: str) -> InputError:
    return InputError(
        "A series cannot be loaded as one volume.",
        f"Series “{series.description}”: {why}",
        "Export the series from the scanner or archive again, or choose another one.",
    )


def _frame_of_reference(series: Series) -> str:
    return series.geometry.frame_of_reference_uid if series.geometry else ""


def _read_slices(
    series: Series, check: Check, decoder: DecoderProcess
) -> tuple[list[SliceHeader], dict[int, _Frame], dict[int, _Mask], list[str], list[str]]:
    wanted = {(ref.path, ref.frame) for ref in series.instances}
    headers: list[SliceHeader] = []
    frames: dict[int, _Frame] = {}
    padding: dict[int, _Mask] = {}
    unreadable: list[str] = []
    repaired: dict[str, None] = {}
    paths = dict.fromkeys(ref.path for ref in series.instances)
    for number, path in enumerate(paths, start=1):
        check()
        try:
            pixels = read_pixels(path, decoder, check)
        except UnreadablePixels as error:
            # By number: file names may tell who the patient is, and notes go into every export.
            unreadable.append(f"File {number} of {len(paths)} left out: {error}.")
            continue
        repaired.update(dict.fromkeys(pixels.notes))
        for slice_header in pixels.slices:
            index = (slice_header.frame or 1) - 1
            if (path, slice_header.frame) in wanted and index < len(pixels.values):
                headers.append(slice_header)
                frames[id(slice_header)] = pixels.values[index]
                if pixels.padding is not None:
                    padding[id(slice_header)] = pixels.padding[index]
    return headers, frames, padding, unreadable, list(repaired)


def assemble(stack: SliceStack, frames: Items[_Frame]) -> NDArray[np.float32]:
    """Put slices on the stack's grid, interpolating linearly where the stack is not regular.

    Parameters
    ----------
    stack
        The grid and where each slice lies on it.
    frames
        (rows, columns) values of each slice, in the stack's order.

    Returns
    -------
    ndarray
        (k, j, i) float32.
    """
    if stack.is_regular:
        return np.stack(frames).astype(np.float32, copy=False)
    size_ji = stack.geometry.shape_kji[1:]
    straight = [
        _moved(frame, shift, size_ji)
        for frame, shift in zip(frames, stack.shift_voxels, strict=True)
    ]
    values = np.stack(straight).astype(np.float32, copy=False)
    planes = np.arange(stack.geometry.shape_kji[0], dtype=np.float64)
    last = len(frames) - 1
    upper = np.clip(np.searchsorted(stack.depth_voxels, planes, side="left"), 1, last)
    below, above = stack.depth_voxels[upper - 1], stack.depth_voxels[upper]
    weight = np.clip((planes - below) / (above - below), 0.0, 1.0).astype(np.float32)
    # A plane that a slice lies on takes that slice's values unchanged.
    result: NDArray[np.float32] = np.where(
        weight[:, None, None] == 1.0,
        values[upper],
        values[upper - 1] + weight[:, None, None] * (values[upper] - values[upper - 1]),
    )
    return result


def _moved(frame: _Frame, shift: NDArray[np.float64], size_ji: tuple[int, int]) -> _Frame:
    """Return a slice on a plane of that size, moved along j and i by so many voxels."""
    if frame.shape == size_ji and not shift.any():
        return frame
    whole = nearest_voxel(shift)
    rest = shift - whole
    if rest.any():
        # Content that lies further along an axis has to move there by as many voxels.
        frame = ndimage.shift(frame, rest, order=1, mode="nearest")
    # Zero where the slice was not measured.
    plane = np.zeros(size_ji, dtype=frame.dtype)
    (j, i), (rows, columns) = np.clip(whole, 0, np.subtract(size_ji, frame.shape)), frame.shape
    plane[j : j + rows, i : i + columns] = frame
    return plane

"""Pixels of DICOM files as stored values times their own rescale."""

import filecmp
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from desktop_app.domain.stopping import Check, go_on
from desktop_app.errors import UserFacingError
from desktop_app.io.dicom.codecs import (
    NATIVE_CODE,
    UnreadablePixels,
    read_whole,
)
from desktop_app.io.dicom.decoder_process import DecoderProcess
from desktop_app.io.dicom.elements import integer, lenient_pydicom, text
from desktop_app.io.dicom.geometry import MAX_VOXELS
from desktop_app.io.dicom.slices import SliceHeader, slices_of

INVERTED_NOTE = "Stored with inverted greys (MONOCHROME1); turned the right way round."

_GREY = ("MONOCHROME1", "MONOCHROME2")
# Codes pack a blank slice better than anything else; still more is a damaged header.
_MAX_PACKED_RATIO = 1000
_ALWAYS_PLAUSIBLE_BYTES = 32 << 20
_FLOAT_KEYWORDS = ("FloatPixelData", "DoubleFloatPixelData")


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """What a file holds.

    Parameters
    ----------
    slices
        Where each frame lies, as far as the header says.
    values
        (frames, rows, columns) float32.
    notes
        One plain sentence for each thing that was repaired or assumed.
    padding
        Where nothing of the image is, as `values`; ``None`` where there is no such place.
    """

    slices: tuple[SliceHeader, ...]
    values: NDArray[np.float32]
    notes: tuple[str, ...] = ()
    padding: NDArray[np.bool_] | None = None


def read_pixels(
    path: Path,
    decoder: DecoderProcess | None = None,
    check: Check = go_on,
) -> Pixels:
    """Decode a DICOM file.

    Parameters
    ----------
    path
        A grey-scale image with one frame or many, in any transfer syntax a decoder is at hand for.
    decoder
        Used where the transfer syntax needs it; one of its own for this file otherwise.
    check
        Called while a decoder is waited for; raises to stop.

    Returns
    -------
    Pixels
        Stored values after rescale slope and intercept. MONOCHROME1 is left inverted, and noted:
        all slices of a series have to be turned alike.

    Raises
    ------
    UnreadablePixels
        If the file is truncated, damaged, or stored in a way no decoder knows.
    MemoryError
        If the file holds more than the computer has room for.
    """
    stored_as = "unknown transfer syntax"
    with lenient_pydicom():
        try:
            dataset = read_whole(path)
            stored_as = _syntax(dataset).name
            stored = _stored_values(path, dataset, decoder, check)
            slices = slices_of(path, dataset, text(dataset, "SOPClassUID"))
            return Pixels(slices, *_finished(stored, dataset))
        except (UnreadablePixels, UserFacingError, MemoryError):
            raise
        except OSError as error:
            raise UnreadablePixels(f"cannot be read ({error.strerror or 'unreadable'})") from error
        except (ValueError, EOFError) as error:
            # pydicom raises these where bytes are missing.
            raise UnreadablePixels(f"truncated or damaged pixels ({stored_as})") from error
        except Exception as error:
            raise UnreadablePixels(f"its pixels cannot be decoded ({stored_as})") from error


def same_pixels(one: Path, other: Path) -> bool:
    """Whether two files hold the same pixels; files that cannot be decoded are not the same.

    Compressed pixels are compared as they are stored, without decoding them.
    """
    try:
        with lenient_pydicom():
            first, second = read_whole(one), read_whole(other)
            if _syntax(first) in NATIVE_CODE or _syntax(second) in NATIVE_CODE:
                return _description(first) == _description(second)
        return np.array_equal(read_pixels(one).values, read_pixels(other).values)
    except Exception:  # noqa: BLE001 - what cannot be read is nobody's copy
        return False


def is_copy(one: Path, other: Path) -> bool:
    """Whether two files of the same identifier and place are the same image, stored twice.

    Stored in different transfer syntaxes, they are taken as such: that is what the identifier says.
    """
    try:
        if one == other or filecmp.cmp(one, other, shallow=False):
            return True
        with lenient_pydicom():
            if _syntax(read_whole(one)) != _syntax(read_whole(other)):
                return True
    except Exception:  # noqa: BLE001 - a file that cannot be read is told when it is loaded
        return True
    return same_pixels(one, other)


def _description(dataset: Dataset) -> tuple[object, ...]:
    keywords = ("Rows", "Columns", "PixelRepresentation", "RescaleSlope", "RescaleIntercept")
    return (_syntax(dataset), dataset.PixelData, *(text(dataset, name) for name in keywords))


def _syntax(dataset: Dataset) -> UID:
    meta = getattr(dataset, "file_meta", None) or {}
    if "TransferSyntaxUID" in meta:
        return UID(str(meta["TransferSyntaxUID"].value))
    # A file without meta information: what pydicom found when it read the elements.
    implicit, little = dataset.original_encoding
    if not little:
        return ExplicitVRBigEndian
    return ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian


def _stored_values(
    path: Path,
    dataset: Dataset,
    decoder: DecoderProcess | None,
    check: Check,
) -> NDArray[np.generic]:
    """Return (frames, rows, columns) as stored."""
    syntax = _syntax(dataset)
    _check_plausible(dataset, syntax)
    if syntax in NATIVE_CODE:
        if decoder is None:
            with DecoderProcess() as own:
                return _stacked(own.frames(path, check))
        return _stacked(decoder.frames(path, check))
    try:
        native = get_decoder(syntax)
    except NotImplementedError as error:
        raise UnreadablePixels(f"stored as {syntax.name}, which is not read") from error
    # Bits above the stored ones may hold overlays; the stored ones need not be the lowest.
    options: Any = {"raw": True, "correct_unused_bits": False}
    array, _ = native.as_array(dataset, **options)
    stored = array.reshape(-1, *array.shape[-2:])
    return stored if stored.dtype.kind == "f" else _stored_bits(stored, dataset)


def _check_plausible(dataset: Dataset, syntax: UID) -> None:
    """Refuse what is no grey-scale image, or whose size can only be a damaged header's."""
    packed = max(len(dataset.get(name) or b"") for name in ("PixelData", *_FLOAT_KEYWORDS))
    if not packed:
        raise UnreadablePixels("it holds no pixels")
    colours = text(dataset, "PhotometricInterpretation")
    if integer(dataset, "SamplesPerPixel") > 1 or (colours and colours not in _GREY):
        raise UnreadablePixels("it is a colour image")
    rows, columns = integer(dataset, "Rows"), integer(dataset, "Columns")
    frames = integer(dataset, "NumberOfFrames") or 1
    if min(rows, columns, frames) < 1 or rows * columns * frames > MAX_VOXELS:
        raise UnreadablePixels(f"its size of {columns}×{rows}×{frames} is not possible")
    bits, stored, high = (integer(dataset, n) for n in ("BitsAllocated", "BitsStored", "HighBit"))
    is_float = any(name in dataset for name in _FLOAT_KEYWORDS)
    if not is_float and (bits not in (8, 16, 32) or not stored - 1 <= high < bits or stored < 1):
        raise UnreadablePixels(f"its {stored} of {bits} bits a voxel are not possible")
    unpacked = rows * columns * frames * bits // 8
    room = max(_ALWAYS_PLAUSIBLE_BYTES, _MAX_PACKED_RATIO * packed)
    if (syntax in NATIVE_CODE or syntax == RLELossless) and unpacked > room:
        raise UnreadablePixels("its pixels are too few for the size that it gives")


def _stacked(frames: list[NDArray[np.generic]]) -> NDArray[np.generic]:
    if not frames or any(frame.shape != frames[0].shape for frame in frames):
        raise UnreadablePixels("its frames do not fit each other")
    return np.stack(frames)


def _stored_bits(array: NDArray[np.generic], dataset: Dataset) -> NDArray[np.generic]:
    """Keep the bits that hold the value (PS3.5 8.1.1), with its sign."""
    width = 8 * array.dtype.itemsize
    stored, high = integer(dataset, "BitsStored"), integer(dataset, "HighBit")
    if stored == width:
        return array
    integers: NDArray[np.signedinteger] = array  # type: ignore[assignment]
    return (integers << (width - 1 - high)) >> (width - stored)


def _finished(
    stored: NDArray[np.generic], dataset: Dataset
) -> tuple[NDArray[np.float32], tuple[str, ...], NDArray[np.bool_] | None]:
    """Return values after rescale, what was repaired, and where padding stands."""
    notes = []
    values = stored.astype(np.float32)
    is_inverted = text(dataset, "PhotometricInterpretation") == "MONOCHROME1"
    padding = _padding(stored, dataset)
    if padding is not None:
        # Inverted, the darkest value is the highest; that of the series is known once all are read.
        values[padding] = values[~padding].max() if is_inverted else 0
        notes.append("Padding around the image set to 0.")
    if is_inverted:
        notes.append(INVERTED_NOTE)
    values = _rescaled(values, dataset)
    if not np.isfinite(values).all():
        raise UnreadablePixels("it holds values that are not finite")
    return values, tuple(notes), padding


def _padding(stored: NDArray[np.generic], dataset: Dataset) -> NDArray[np.bool_] | None:
    """Return where padding stands (PS3.3 C.7.5.1.1.2), if it is told from the image's values."""
    if "PixelPaddingValue" not in dataset or stored.dtype.kind == "f":
        return None
    value = integer(dataset, "PixelPaddingValue")
    mask: NDArray[np.bool_] = stored == value
    if value == 0 or not mask.any() or mask.all():
        return None
    image = stored[~mask]
    # By the standard no voxel of the image has this value; where one might, the header errs.
    return mask if not image.min() < value < image.max() else None


def _rescaled(array: NDArray[np.float32], dataset: Dataset) -> NDArray[np.float32]:
    if "PerFrameFunctionalGroupsSequence" not in dataset:
        slope, intercept = _slope_and_intercept(dataset)
        if (slope, intercept) == (1.0, 0.0):
            return array
        return array * np.float32(slope) + np.float32(intercept)
    shared_items = dataset.get("SharedFunctionalGroupsSequence") or (Dataset(),)
    shared = shared_items[0].get("PixelValueTransformationSequence") or (Dataset(),)
    for n, frame in enumerate(dataset.PerFrameFunctionalGroupsSequence[: len(array)]):
        own = frame.get("PixelValueTransformationSequence") or shared
        slope, intercept = _slope_and_intercept(own[0])
        array[n] = array[n] * np.float32(slope) + np.float32(intercept)
    return array


def _slope_and_intercept(dataset: Dataset) -> tuple[float, float]:
    try:
        slope, intercept = (
            float(dataset.get(keyword) or 0) for keyword in ("RescaleSlope", "RescaleIntercept")
        )
    except (TypeError, ValueError) as error:
        raise UnreadablePixels("it has a rescale that is not a number") from error
    if not math.isfinite(slope) or not math.isfinite(intercept):
        raise UnreadablePixels("it has a rescale that is not a number")
    return slope or 1.0, intercept

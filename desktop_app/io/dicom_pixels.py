"""Pixels of DICOM files as stored values times their own rescale."""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID

from desktop_app.io.dicom_elements import lenient_pydicom


class UnreadablePixels(ValueError):
    """The pixels cannot be decoded; the message says why, in plain words."""


def read_pixels(path: Path) -> NDArray[np.float32]:
    """Decode a DICOM file.

    Parameters
    ----------
    path
        A grey-scale image with one frame or many, in any transfer syntax a decoder is at hand for.

    Returns
    -------
    ndarray
        (frames, rows, columns) stored values after rescale slope and intercept. MONOCHROME1 is not
        inverted: that is a matter of display.

    Raises
    ------
    UnreadablePixels
        If the file is truncated, damaged, or stored in a way no decoder knows.
    """
    with lenient_pydicom():
        try:
            dataset = dcmread(path, force=True)
            return _rescaled(_stored_values(dataset), dataset)
        except OSError as error:
            raise UnreadablePixels(f"cannot be read ({error.strerror or 'unreadable'})") from error
        except Exception as error:
            raise UnreadablePixels(_why(path, error)) from error


def _stored_values(dataset: Dataset) -> NDArray[np.float32]:
    if "PixelData" not in dataset and "FloatPixelData" not in dataset:
        raise ValueError("it holds no pixels")
    array = np.asarray(dataset.pixel_array)
    if int(dataset.get("SamplesPerPixel", 1)) != 1:
        raise ValueError("it is a colour image")
    return array.reshape(-1, *array.shape[-2:]).astype(np.float32)


def _why(path: Path, error: Exception) -> str:
    if isinstance(error, ValueError) and str(error).startswith("it "):
        return str(error)
    try:
        meta = dcmread(path, force=True, stop_before_pixels=True, specific_tags=[]).file_meta
        name = UID(meta.TransferSyntaxUID).name
    except Exception:  # noqa: BLE001 - only to enrich the message of the failure itself
        name = "unknown transfer syntax"
    # pydicom raises ValueError where bytes are missing, RuntimeError where every decoder gave up.
    if isinstance(error, ValueError):
        return f"truncated or damaged pixels ({name})"
    return f"its pixels cannot be decoded ({name})"


def _rescaled(array: NDArray[np.float32], dataset: Dataset) -> NDArray[np.float32]:
    if "PerFrameFunctionalGroupsSequence" not in dataset:
        slope, intercept = _slope_and_intercept(dataset)
        return array * np.float32(slope) + np.float32(intercept)
    shared_items = dataset.get("SharedFunctionalGroupsSequence") or (Dataset(),)
    shared = shared_items[0].get("PixelValueTransformationSequence") or (Dataset(),)
    result = np.empty_like(array)
    for n, frame in enumerate(dataset.PerFrameFunctionalGroupsSequence[: len(array)]):
        own = frame.get("PixelValueTransformationSequence") or shared
        slope, intercept = _slope_and_intercept(own[0])
        result[n] = array[n] * np.float32(slope) + np.float32(intercept)
    return result


def _slope_and_intercept(dataset: Dataset) -> tuple[float, float]:
    try:
        slope, intercept = (
            float(dataset.get(keyword) or 0) for keyword in ("RescaleSlope", "RescaleIntercept")
        )
    except (TypeError, ValueError) as error:
        raise ValueError("it has a rescale that is not a number") from error
    if not math.isfinite(slope) or not math.isfinite(intercept):
        raise ValueError("it has a rescale that is not a number")
    return slope or 1.0, intercept


def same_pixels(one: Path, other: Path) -> bool:
    """Whether two files hold the same pixels; files that cannot be decoded are not the same."""
    try:
        return np.array_equal(read_pixels(one), read_pixels(other))
    except UnreadablePixels:
        return False

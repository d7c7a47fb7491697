"""Elements of pydicom datasets as plain values, whatever the scanner wrote into them."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from pydicom import config
from pydicom.dataset import Dataset

_READERS = ("pydicom", "openjpeg", "pylibjpeg")


def text(dataset: Dataset, keyword: str) -> str:
    r"""Return an element as text, several values joined by ``\``; empty where absent."""
    value = dataset.get(keyword)
    if value is None:
        return ""
    if (
        not isinstance(value, str)
        and hasattr(value, "__iter__")
        and not hasattr(value, "formatted")
    ):
        return "\\".join(str(item).strip() for item in value)
    # A damaged text value may hold NUL bytes, which no file system or report takes.
    return str(value).replace("\x00", "").strip()


def integer(dataset: Dataset, keyword: str) -> int:
    """Return a whole number, 0 where the element does not hold one."""
    try:
        return int(float(text(dataset, keyword)))
    except ValueError:
        return 0


def numbers(dataset: Dataset, keyword: str, count: int) -> NDArray[np.float64] | None:
    """Return `count` finite numbers, or ``None`` where the element does not hold them."""
    try:
        values = np.array([float(v) for v in dataset.get(keyword) or ()], dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return values if values.shape == (count,) and np.isfinite(values).all() else None


@contextmanager
def lenient_pydicom() -> Iterator[None]:
    """Take odd values from real scanners as they are, without a warning for each."""
    loggers = [logging.getLogger(name) for name in _READERS]
    levels = [logger.level for logger in loggers]
    with config.disable_value_validation(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)

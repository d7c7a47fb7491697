"""Elements of pydicom datasets as plain values, whatever the scanner wrote into them."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
from numpy.typing import NDArray
from pydicom import config
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

_READERS = ("pydicom", "openjpeg", "pylibjpeg")

# Value representations of PS3.5 6.2 that are text in the default repertoire, and those that are
# so as long as they hold ASCII and no escape sequence.
_PLAIN = frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI"})
_PLAIN_IF_ASCII = frozenset({"LO", "PN", "SH"})


def text(dataset: Dataset, keyword: str) -> str:
    r"""Return an element as text, several values joined by ``\``; empty where absent."""
    plain = _stored_text(dataset, keyword)
    if plain is not None:
        return plain
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
    plain = _stored_text(dataset, keyword)
    try:
        stored = (dataset.get(keyword) or ()) if plain is None else plain.split("\\")
        values = np.array([float(v) for v in stored], dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return values if values.shape == (count,) and np.isfinite(values).all() else None


def _stored_text(dataset: Dataset, keyword: str) -> str | None:
    r"""Return the text of an element that nobody has converted yet; ``None`` where it is not text.

    Most of the time a header takes goes into making objects of its values, which text needs not.
    """
    tag, vr = _known(keyword)
    element: object = dataset.get_item(tag, keep_deferred=True)
    if not isinstance(element, RawDataElement) or not isinstance(element.value, bytes):
        return None
    stored, vr = element.value, element.VR or vr
    if vr in _PLAIN_IF_ASCII:
        is_plain = stored.isascii() and b"\x1b" not in stored
        if not is_plain and not _is_latin_for_utf8(dataset, stored):
            return None
    elif vr not in _PLAIN:
        return None
    values = stored.decode("iso8859").replace("\x00", "").split("\\")
    return "\\".join([value.strip() for value in values])


def _is_latin_for_utf8(dataset: Dataset, stored: bytes) -> bool:
    """Whether bytes cannot be the UTF-8 that a header declares; gateways then leave Latin-1."""
    if "ISO_IR 192" not in text(dataset, "SpecificCharacterSet"):
        return False
    try:
        stored.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


@cache
def _known(keyword: str) -> tuple[BaseTag, str]:
    """Return tag and value representation of the dictionary's element."""
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(keyword)
    return BaseTag(tag), dictionary_VR(tag)


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

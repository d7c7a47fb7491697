"""Native-code decoders for the pixels of DICOM files: JPEG, JPEG-LS, JPEG 2000.

Called from a process of their own, see `decoder_process`.
"""

import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
    JPEGExtended12Bit,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
)

from desktop_app.io.file_head import META_BYTES, META_LENGTH_END

# The strictest decoders first; those that fill with guesses what a damaged file lacks are left out.
# CharLS gives up on some sound files of 16 bits, which GDCM reads.
_DECODERS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(JPEGTransferSyntaxes, ("gdcm",)),
    **dict.fromkeys(JPEGLSTransferSyntaxes, ("pyjpegls", "gdcm")),
    **dict.fromkeys(JPEG2000TransferSyntaxes, ("pylibjpeg",)),
}
NATIVE_CODE = frozenset(_DECODERS)

# All four codes end in this marker (ITU-T T.81 B.1.1.3, T.87 C.1.1, T.800 A.4.4); padding may
# follow.
_END_OF_CODE = b"\xff\xd9"
_TAIL_BYTES = 64
# Start of an extended sequential frame with one component (T.81 B.2.2): length 11, precision 12.
_FRAME_OF_12_BITS = b"\xff\xc1\x00\x0b\x0c"

# A slice without signal packs a thousandfold but stays below this; heads pack two- to fourfold.
_ALWAYS_INFLATED_BYTES = 64 << 20
_MAX_INFLATED_RATIO = 50
_INFLATED_PIECE_BYTES = 1 << 20


class UnreadablePixels(ValueError):
    """The pixels cannot be decoded; the message says why, in plain words."""


def read_whole(path: Path) -> Dataset:
    """Read a file with its pixels; a length that the header makes up reserves no memory.

    Raises
    ------
    OSError
        If the file cannot be read.
    UnreadablePixels
        If it is deflated and would unpack to more than any image does.
    Exception
        Whatever pydicom raises over a damaged header.
    """
    data = path.read_bytes()
    if DeflatedExplicitVRLittleEndian.encode("ascii") in data[:META_BYTES]:
        _refuse_bomb(data)
    return dcmread(BytesIO(data), force=True)


def _refuse_bomb(data: bytes) -> None:
    """Unpack a deflated data set piece by piece, keeping nothing, as far as is allowed."""
    length = int.from_bytes(data[META_LENGTH_END - 4 : META_LENGTH_END], "little")
    left = max(_ALWAYS_INFLATED_BYTES, _MAX_INFLATED_RATIO * len(data))
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    packed = data[META_LENGTH_END + length :]
    while packed:
        piece = inflate.decompress(packed, _INFLATED_PIECE_BYTES)
        left -= len(piece)
        if left < 0:
            raise UnreadablePixels("it unpacks to far more than an image (deflated)")
        if not piece:
            return
        packed = inflate.unconsumed_tail


def decoded_frames(dataset: Dataset) -> Iterator[NDArray[np.generic]]:
    """Decode frame by frame, here and now.

    Raises
    ------
    UnreadablePixels
        If a frame is incomplete or cannot be decoded.
    """
    syntax = UID(dataset.file_meta.TransferSyntaxUID)
    count = int(dataset.get("NumberOfFrames") or 1)
    coded = list(generate_frames(dataset.PixelData, number_of_frames=count))
    if any(_END_OF_CODE not in frame[-_TAIL_BYTES:] for frame in coded):
        raise UnreadablePixels(f"truncated pixels ({syntax.name})")
    if syntax == JPEGExtended12Bit and dataset.BitsStored > 8:
        yield from (_extended_12_bit(frame, dataset) for frame in coded)
        return
    yield from (_frame(dataset, syntax, number) for number in range(len(coded)))


def _frame(dataset: Dataset, syntax: UID, number: int) -> NDArray[np.generic]:
    for plugin in _DECODERS[syntax]:
        try:
            array: NDArray[np.generic] = get_decoder(syntax).as_array(
                dataset, index=number, raw=True, decoding_plugin=plugin
            )[0]
        except RuntimeError:
            continue
        return array
    raise UnreadablePixels(f"damaged pixels ({syntax.name})")


def _extended_12_bit(frame: bytes, dataset: Dataset) -> NDArray[np.integer]:
    """Decode JPEG Extended of 12 bits, which GDCM does well though pydicom does not ask it to."""
    # Only the process that decodes has to load it.
    import gdcm

    if _FRAME_OF_12_BITS not in frame:
        raise UnreadablePixels("damaged pixels (JPEG Extended without 12 bits)")
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(frame)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((dataset.Columns, dataset.Rows, 1))
    image.SetDataElement(element)
    grey = gdcm.PhotometricInterpretation.MONOCHROME2
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(grey))
    kind = gdcm.TransferSyntax.JPEGExtendedProcess2_4
    image.SetTransferSyntax(gdcm.TransferSyntax(kind))
    image.SetPixelFormat(gdcm.PixelFormat(1, 16, 12, 11, 0))
    # The wrapper hands bytes over as text in this encoding.
    values = image.GetBuffer().encode("utf-8", errors="surrogateescape")
    if len(values) != 2 * dataset.Rows * dataset.Columns:
        raise UnreadablePixels("damaged pixels (JPEG Extended)")
    array = np.frombuffer(values, np.uint16).reshape(dataset.Rows, dataset.Columns)
    # The code knows no sign: it stands in the highest of the 12 bits.
    return (array << 4).view(np.int16) >> 4 if dataset.PixelRepresentation else array

"""A small image in every transfer syntax that MR files come in, and decoding it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from desktop_app.paths import assets_dir
from desktop_app.services.selftest.checks import CheckFailed, Checklist

SIDE = 16


@dataclass(frozen=True, slots=True)
class SyntaxSample:
    """One file.

    Parameters
    ----------
    title
        As users know the syntax.
    bits
        Stored for each pixel.
    tolerance
        Greatest error that its encoding has brought; 0 where nothing may be lost.
    """

    title: str
    bits: int = 12
    tolerance: float = 0.0

    @property
    def file_name(self) -> str:
        """Name of the file among the program's assets."""
        return f"{self.title.lower().replace(' ', '-')}.dcm"


SAMPLES = (
    SyntaxSample("implicit"),
    SyntaxSample("explicit"),
    SyntaxSample("big-endian"),
    SyntaxSample("deflated"),
    SyntaxSample("RLE"),
    SyntaxSample("JPEG lossless"),
    SyntaxSample("JPEG lossless SV1"),
    SyntaxSample("JPEG-LS"),
    SyntaxSample("JPEG-LS near-lossless", tolerance=3.0),
    SyntaxSample("JPEG 2000"),
    SyntaxSample("JPEG 2000 lossy"),
    SyntaxSample("HTJ2K"),
    SyntaxSample("HTJ2K RPCL"),
    SyntaxSample("HTJ2K lossy"),
    SyntaxSample("JPEG 8 bits", bits=8, tolerance=12.0),
    SyntaxSample("JPEG 12 bits", tolerance=4.0),
)


def plane(bits: int = 12) -> NDArray[np.uint16]:
    """Return what the samples hold: values that differ from pixel to pixel, (SIDE, SIDE)."""
    j, i = np.mgrid[0:SIDE, 0:SIDE]
    values_ji: NDArray[np.uint16] = ((37 * j + 101 * i + 7 * j * i) % 997).astype(np.uint16)
    return values_ji // 4 if bits == 8 else values_ji


def samples_dir() -> Path:
    """Return the folder of the samples."""
    return assets_dir() / "transfer_syntaxes"


def check_codecs(checklist: Checklist) -> None:
    """Decode each of the samples as a study's files are decoded, native code in its process."""
    from desktop_app.io.dicom.decoder_process import DecoderProcess

    with DecoderProcess() as decoder:

        def decode(sample: SyntaxSample) -> str:
            from desktop_app.io.dicom.pixels import read_pixels

            found_ji = read_pixels(samples_dir() / sample.file_name, decoder).values[0]
            error = float(np.abs(found_ji - plane(sample.bits).astype(np.float64)).max())
            if error > sample.tolerance:
                raise CheckFailed(f"off by {error:g}, limit {sample.tolerance:g}")
            return f"off by {error:g} at most" if sample.tolerance else "every pixel as encoded"

        for sample in SAMPLES:
            checklist.attempt(f"decode {sample.title}", partial(decode, sample))


def headers_in_processes() -> Iterator[Path]:
    """Read the samples' headers in further processes, as a large folder's; yield what was read."""
    from desktop_app.io.dicom.header_pool import read_headers
    from desktop_app.io.dicom.headers import NotDicom

    paths = [samples_dir() / sample.file_name for sample in SAMPLES]
    for path, header in read_headers(paths, processes=2):
        if isinstance(header, NotDicom):
            raise CheckFailed(f"{path.name}: {header}")
        yield path

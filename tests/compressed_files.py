"""One small image in every transfer syntax that MR files come in, encoded as scanners do.

``python -m tests.compressed_files`` writes the files that the program's self-test decodes.
"""

import base64
import shutil
import tempfile
from pathlib import Path

import gdcm
import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import HTJ2K as HTJ2KLossy
from pydicom.uid import JPEG2000 as JPEG2000Lossy
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from desktop_app.services.selftest.codecs import SAMPLES, plane, samples_dir
from tests.mr_files import write_series

NATIVE = {
    "implicit": ImplicitVRLittleEndian,
    "explicit": ExplicitVRLittleEndian,
    "big-endian": ExplicitVRBigEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
}
COMPRESSED = {
    "RLE": RLELossless,
    "JPEG lossless": JPEGLossless,
    "JPEG lossless SV1": JPEGLosslessSV1,
    "JPEG-LS": JPEGLSLossless,
    "JPEG-LS near-lossless": JPEGLSNearLossless,
    "JPEG 2000": JPEG2000Lossless,
    "JPEG 2000 lossy": JPEG2000Lossy,
    "HTJ2K": HTJ2KLossless,
    "HTJ2K RPCL": HTJ2KLosslessRPCL,
    "HTJ2K lossy": HTJ2KLossy,
    "JPEG 8 bits": JPEGBaseline8Bit,
    "JPEG 12 bits": JPEGExtended12Bit,
}
SYNTAXES: dict[str, UID] = {**NATIVE, **COMPRESSED}

TOLERANCE = {sample.title: sample.tolerance for sample in SAMPLES}

_GDCM = {
    JPEGLossless: gdcm.TransferSyntax.JPEGLosslessProcess14,
    JPEGLosslessSV1: gdcm.TransferSyntax.JPEGLosslessProcess14_1,
    JPEGBaseline8Bit: gdcm.TransferSyntax.JPEGBaselineProcess1,
    JPEG2000Lossless: gdcm.TransferSyntax.JPEG2000Lossless,
    JPEG2000Lossy: gdcm.TransferSyntax.JPEG2000,
}

# No encoders are at hand for two syntaxes: `plane()` without loss, as
# OpenJPH writes it (progression RPCL).
_HTJ2K_PLANE = (
    "|4;u>04YEK0000G0000G00000000000000G0000G0000000000009pH0sl|{2mk^A000XAQUDA90ssL31q1{@0smY86C"
    "j9?kdTm&kdTm&kdTmwh=~7W02crOPjF>!N>E53R%LP^FfKASE;BCwkN^q*00001ZU6!QlfVEbm;40>bN~Rr0206e62Jf"
    "x0NeqGbO2BRhjaix`~rt`0Kfnh5C8>400C62fftbg$20)W!UeYgz_b7k?4%&z^8mt>0Kfni<NyI{zyKE50#a<zG0z}=z"
    "UBx6x6z6AZMM<=0Bvc;AOn~HLhcH^?~cL3(kx?y0Z;(@6j5-5xt9P2=JeRx>3DQ4?xF)LOb2Ts+I;;DMaCc#mjJ*3FF}"
    "9+UHkw7?7(#L`2v}@9%#p>haPm%6<;+J?g2(td)VV<-5z@O;M|n%_<FGUg&z2T5#Jw>{gB8-`79ID_~~(~!Z0QDW6}Y1"
    "_wo07@Otj0dygKvbn$a~dptXQd-mL8cW-ac4oL>oGnMY99_RRsgO7rcNTFXlz40c;s?*+pAUh;u(*f3vhff~9@!_-1I{"
    "3sFpL~3L<Hr|Y^6(`OANk~y&%l$U^7MT1iE+yV^XG^_JN%>50sq+"
)
# The same with loss in 12 bits, as libjpeg-turbo writes it.
_JPEG_12_BIT_PLANE = (
    "|JeWF01!$>Nk#wx0RR9200961|JwjV009930RaI40RaI40RaI40s;X60RaO70s;a90|W#E0|NsD1O^2J1O)^G0|f^K"
    "1qKEN1_lHL2L}fR2L=WP2LHhT3k(1d01yEI5di<h02TlN0RaF20000000000000092oC?m03{Fr0s#a80|WyA00000"
    "000051_uKK2nh-T3m5?u6&Ds6VgK3y2mt{A06zf6@OJlO4P5X%;oBqf(%J?f`Jdx&)v?yRHGrLv3Q=5#mzhTVPJqNX"
    "wM458U+Gp;*FtO#mIjih;>BnL@4-|VaG2}w5O8Nz9%pw5IibU!v7SWSpEKq~khM#pJam)TKEujs&g<FM5fa7MP9zzO"
    "qCin#0tpM%*$h`SK0HYttP;+d<ClrbjA&NGaXLhm@{fdf4;-T%0boBL-F0dtZuU0opP5@PB&@~7n68V;QF40=iPOvW"
    ")#LCHLR4owmA*CV)6fvTq^Vx1f!4iBBM8-qAPu{DmoLj)_i|4Ua2jdZZdiOa0`}E7*ymO}{XpQ|i;2>0-SSO&HDM0%"
    "gvsx~fJ;m=yp&SAM?jnQW)DP=&I%M7qq`dq|Je"
)
_READY_MADE = {
    HTJ2KLossless: _HTJ2K_PLANE,
    HTJ2KLosslessRPCL: _HTJ2K_PLANE,
    HTJ2KLossy: _HTJ2K_PLANE,
    JPEGExtended12Bit: _JPEG_12_BIT_PLANE,
}


def stored_plane(name: str) -> NDArray[np.uint16]:
    """What a file in this syntax is made from: 8 bits hold less."""
    return plane(8) if name == "JPEG 8 bits" else plane()


def write_in_syntax(folder: Path, name: str, slices: int = 3) -> list[Path]:
    """Write a series of equal planes, each with a rescale of its own, in one transfer syntax."""
    syntax = SYNTAXES[name]
    values = np.repeat(stored_plane(name)[None], slices, axis=0)
    bits = 8 if name == "JPEG 8 bits" else 12

    def edit(number: int, dataset: Dataset) -> None:
        dataset.BitsStored, dataset.HighBit = bits, bits - 1
        dataset.RescaleSlope, dataset.RescaleIntercept = 1, 1000 * number
        if bits == 8:
            dataset.BitsAllocated = 8
            dataset.PixelData = values[number].astype(np.uint8).tobytes()

    if name in NATIVE:
        stored = values.astype(">u2") if name == "big-endian" else values
        return write_series(folder, stored, syntax=syntax, edit=edit)
    paths = write_series(folder, values, edit=edit)
    for path in paths:
        _compress(path, syntax)
    return paths


def _compress(path: Path, syntax: UID) -> None:
    dataset = dcmread(path)
    if syntax in _GDCM:
        dataset.PixelData = _encoded_by_gdcm(path, syntax)
        dataset["PixelData"].VR = "OB"
        dataset.file_meta.TransferSyntaxUID = syntax
    elif syntax in _READY_MADE:
        dataset.PixelData = encapsulate([base64.b85decode(_READY_MADE[syntax])])
        dataset["PixelData"].VR = "OB"
        dataset.file_meta.TransferSyntaxUID = syntax
    elif syntax == JPEGLSNearLossless:
        dataset.compress(syntax, jls_error=2, generate_instance_uid=False)
    else:
        dataset.compress(syntax, generate_instance_uid=False)
    dataset.save_as(path)


def _encoded_by_gdcm(path: Path, syntax: UID) -> bytes:
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(_GDCM[syntax]))
    change.SetInput(reader.GetImage())
    codec = gdcm.JPEGCodec()
    if syntax == JPEGBaseline8Bit:
        codec.SetLossless(False)
        codec.SetQuality(95)
        codec.SetPixelFormat(reader.GetImage().GetPixelFormat())
        change.SetUserCodec(codec)
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    encoded = path.with_suffix(".gdcm")
    writer.SetFileName(str(encoded))
    assert writer.Write()
    pixels: bytes = dcmread(encoded).PixelData
    encoded.unlink()
    return pixels


def write_samples(folder: Path) -> None:
    """Write the self-test's samples, one file each."""
    folder.mkdir(exist_ok=True)
    for sample in SAMPLES:
        with tempfile.TemporaryDirectory() as temporary:
            (path,) = write_in_syntax(Path(temporary), sample.title, slices=1)
            shutil.copyfile(path, folder / sample.file_name)


if __name__ == "__main__":
    write_samples(samples_dir())

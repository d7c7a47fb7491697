import zlib
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from desktop_app.errors import Cancelled, InputError
from desktop_app.io.dicom import codecs as dicom_codecs
from desktop_app.io.dicom.codecs import UnreadablePixels
from desktop_app.io.dicom.decoder_process import DecoderProcess
from desktop_app.io.dicom.pixels import read_pixels
from desktop_app.io.load import load_series
from desktop_app.io.scan import scan
from tests.mr_files import only_series, pattern, write_series

SHAPE = (12, 48, 40)


def test_files_lost_after_the_scan_are_refused_in_plain_words(tmp_path: Path) -> None:
    paths = write_series(tmp_path, pattern(SHAPE))
    series = only_series(tmp_path)
    for path in paths[:-1]:
        path.unlink()
    with pytest.raises(InputError) as refused:
        load_series(series)
    assert "11 of 12 unreadable" in refused.value.detail


def test_series_of_damaged_pixels_is_refused_for_these(tmp_path: Path) -> None:
    for path in write_series(tmp_path, pattern(SHAPE)):
        path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(InputError) as refused:
        load_series(only_series(tmp_path))
    assert refused.value.detail.startswith(
        "Series “t1_se_tra”: none of its 12 images can be read. File 1 of 12 left out: truncated"
    )


def test_series_that_is_gone_since_the_scan_is_told_as_gone(tmp_path: Path) -> None:
    paths = write_series(tmp_path, pattern(SHAPE))
    series = only_series(tmp_path)
    for path in paths:
        path.unlink()
    with pytest.raises(InputError, match="no longer there") as refused:
        load_series(series)
    assert "Connect the drive" in refused.value.remedy


def test_file_without_pixels_is_named(tmp_path: Path) -> None:
    path = write_series(tmp_path, pattern((2, 4, 4)))[0]
    dataset = dcmread(path)
    del dataset.PixelData
    dataset.save_as(path)
    with pytest.raises(UnreadablePixels, match="no pixels"):
        read_pixels(path)


def test_deflated_file_that_unpacks_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_series(tmp_path, pattern((2, 4, 4)), syntax=DeflatedExplicitVRLittleEndian)[0]
    assert read_pixels(path).values.shape == (1, 4, 4)
    data = path.read_bytes()
    meta_end = 144 + int.from_bytes(data[140:144], "little")
    raw = zlib.decompress(data[meta_end:], -zlib.MAX_WBITS)
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    path.write_bytes(data[:meta_end] + packer.compress(raw + bytes(20_000_000)) + packer.flush())
    monkeypatch.setattr(dicom_codecs, "_ALWAYS_INFLATED_BYTES", 1 << 20)
    with pytest.raises(UnreadablePixels, match="far more than an image"):
        read_pixels(path)


@pytest.mark.parametrize("slant", [(0.0, 0.0), (0.0, 0.3)])
def test_inverted_greys_are_turned_once_for_all(tmp_path: Path, slant: tuple[float, float]) -> None:
    values = pattern(SHAPE)
    values[:, :5] = 0
    inverted = values.max() - values
    inverted[:, :4] = 4095
    write_series(tmp_path / "plain", values, shear_mm_per_mm=slant)
    write_series(tmp_path / "inverted", inverted, shear_mm_per_mm=slant, edit=_invert)
    plain, turned = (load_series(only_series(tmp_path / kind)) for kind in ("plain", "inverted"))
    np.testing.assert_allclose(turned.array_kji, plain.array_kji, atol=1e-3)


def test_padding_of_inverted_greys_is_zero_where_no_slice_holds_air(tmp_path: Path) -> None:
    values = pattern(SHAPE)
    inverted = np.stack([values.max() + 100 * (n + 1) - plane for n, plane in enumerate(values)])
    inverted[:, :4] = 4095
    write_series(tmp_path, inverted, edit=_invert)
    turned = load_series(only_series(tmp_path)).array_kji
    assert not turned[:, :4].any()
    highest = inverted[:, 4:].max()
    np.testing.assert_allclose(turned[:, 4:], highest - inverted[:, 4:], atol=1e-3)


def _invert(_number: int, dataset: Dataset) -> None:
    dataset.PhotometricInterpretation = "MONOCHROME1"
    dataset.add_new("PixelPaddingValue", "SS", 4095)


def test_loss_of_compression_is_told(tmp_path: Path) -> None:
    write_series(tmp_path, pattern(SHAPE), LossyImageCompression="01")
    assert any("with loss" in problem for problem in only_series(tmp_path).problems)


def test_loading_stops_when_asked(tmp_path: Path) -> None:
    write_series(tmp_path, pattern(SHAPE))

    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        load_series(only_series(tmp_path), check=stop)


def test_unusable_series_is_refused(tmp_path: Path) -> None:
    write_series(tmp_path / "a", pattern(SHAPE))
    write_series(tmp_path / "b", pattern((1, 4, 4)), "T2")
    (study,) = scan(tmp_path).studies
    unusable = next(series for series in study.series if not series.usable)
    with pytest.raises(InputError, match="only one slice"):
        load_series(unusable)


@pytest.mark.patients
def test_every_lossless_syntax_of_real_files_decodes_alike(shared_data: Path) -> None:
    folder = shared_data / "dicom" / "dcm_qa_ts"
    vendors = shared_data / "dicom" / "wg04_mr"
    with DecoderProcess() as decoder:
        images = [read_pixels(folder / f"{number}.dcm", decoder).values for number in range(1, 10)]
        assert all(np.array_equal(image, images[0]) for image in images[1:])
        for number in range(1, 5):
            coded = [
                read_pixels(vendors / kind / f"MR{number}_{kind}", decoder).values
                for kind in ("RLE", "JPLL", "JLSL", "J2KR")
            ]
            assert all(np.array_equal(image, coded[0]) for image in coded[1:])


@pytest.mark.patients
def test_no_real_file_makes_the_scan_fail(shared_data: Path) -> None:
    result = scan(shared_data / "dicom")
    assert len(result.studies) >= 10
    for study in result.studies:
        for series in study.series:
            if series.usable:
                volume = load_series(series)
                assert volume.array_kji.shape == volume.geometry.shape_kji


def test_slice_with_a_rescale_that_is_no_number_is_left_out(tmp_path: Path) -> None:
    values = pattern(SHAPE)
    path = write_series(tmp_path, values, RescaleSlope=1.5, RescaleIntercept=0)[5]
    path.write_bytes(path.read_bytes().replace(b"DS\x04\x001.5 ", b"DS\x04\x001.x "))
    volume = load_series(scan(tmp_path).studies[0].series[0])
    assert any("rescale that is not a number" in note for note in volume.notes)
    np.testing.assert_allclose(volume.array_kji[4], values[4] * 1.5)

"""Every transfer syntax that MR files come in is read, or refused by its name."""

from collections.abc import Iterable
from multiprocessing import active_children
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import psutil
import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import MPEG2MPML

from desktop_app.errors import Cancelled, InputError
from desktop_app.io.dicom.codecs import UnreadablePixels
from desktop_app.io.dicom.decoder_process import DecoderProcess
from desktop_app.io.dicom.pixels import is_copy, read_pixels, same_pixels
from desktop_app.io.load import load_series
from desktop_app.io.scan import scan
from tests.compressed_files import COMPRESSED, NATIVE, TOLERANCE, stored_plane, write_in_syntax

IN_ANOTHER_PROCESS = tuple(name for name in COMPRESSED if name != "RLE")


@pytest.fixture(scope="module")
def decoder():
    with DecoderProcess() as process:
        yield process


def started_since(before: Iterable[BaseProcess]) -> list[psutil.Process]:
    known = {process.pid for process in before}
    return [psutil.Process(one.pid) for one in active_children() if one.pid not in known]


@pytest.mark.parametrize("name", [*NATIVE, *COMPRESSED])
def test_comes_back_as_it_was(name: str, tmp_path: Path, decoder: DecoderProcess) -> None:
    write_in_syntax(tmp_path, name)
    (study,) = scan(tmp_path).studies
    volume = load_series(study.series[0], decoder=decoder)
    expected = stored_plane(name) + 1000.0 * np.arange(3)[:, None, None]
    np.testing.assert_allclose(volume.array_kji, expected, atol=TOLERANCE.get(name, 0))


@pytest.mark.parametrize("name", IN_ANOTHER_PROCESS)
def test_code_that_was_cut_off_is_refused(
    name: str, tmp_path: Path, decoder: DecoderProcess
) -> None:
    path = write_in_syntax(tmp_path, name, slices=1)[0]
    dataset = dcmread(path)
    code = next(generate_frames(dataset.PixelData, number_of_frames=1))
    dataset.PixelData = encapsulate([code[: len(code) * 2 // 3]])
    dataset.save_as(path)
    with pytest.raises(UnreadablePixels, match="truncated"):
        read_pixels(path, decoder)


def test_unknown_syntax_is_named(tmp_path: Path) -> None:
    for path in write_in_syntax(tmp_path, "RLE"):
        dataset = dcmread(path)
        dataset.file_meta.TransferSyntaxUID = MPEG2MPML
        dataset.save_as(path)
    with pytest.raises(InputError, match="MPEG2 Main Profile / Main Level, which is not read"):
        load_series(scan(tmp_path).studies[0].series[0])


def test_a_decoder_that_dies_is_replaced(tmp_path: Path) -> None:
    path = write_in_syntax(tmp_path, "JPEG lossless", slices=1)[0]
    before = active_children()
    with DecoderProcess() as decoder:
        read_pixels(path, decoder)
        (process,) = started_since(before)
        process.kill()
        with pytest.raises(UnreadablePixels, match="could not stand"):
            read_pixels(path, decoder)
        np.testing.assert_array_equal(
            read_pixels(path, decoder).values[0], stored_plane("JPEG lossless")
        )
    assert not started_since(before)


def test_a_decoder_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_in_syntax(tmp_path, "JPEG lossless", slices=1)[0]
    before = active_children()
    with DecoderProcess() as decoder:
        read_pixels(path, decoder)
        (process,) = started_since(before)
        process.suspend()
        monkeypatch.setattr("desktop_app.io.dicom.decoder_process._FRAME_WALL_SECONDS", 0.2)
        with pytest.raises(UnreadablePixels, match="in time"):
            read_pixels(path, decoder)
        assert not process.is_running()


def test_waiting_for_a_decoder_can_be_stopped(tmp_path: Path) -> None:
    path = write_in_syntax(tmp_path, "JPEG-LS", slices=1)[0]

    def stop() -> None:
        raise Cancelled

    with DecoderProcess() as decoder, pytest.raises(Cancelled):
        read_pixels(path, decoder, stop)


def test_a_size_that_the_code_cannot_hold_is_refused_before_memory_is_taken(
    tmp_path: Path, decoder: DecoderProcess
) -> None:
    path = write_in_syntax(tmp_path, "JPEG 2000", slices=1)[0]
    dataset = dcmread(path)
    dataset.Rows = dataset.Columns = 16_000
    dataset.save_as(path)
    with pytest.raises(UnreadablePixels, match="too few for the size"):
        read_pixels(path, decoder)


def test_compressed_copies_are_known_without_decoding(tmp_path: Path) -> None:
    one, other, _ = write_in_syntax(tmp_path, "JPEG-LS")
    before = active_children()
    assert not same_pixels(one, other)  # their rescale differs
    dataset = dcmread(other)
    dataset.RescaleIntercept = dcmread(one).RescaleIntercept
    dataset.save_as(other)
    assert same_pixels(one, other)
    assert not started_since(before)


def test_the_same_image_in_another_syntax_is_a_copy(tmp_path: Path) -> None:
    one = write_in_syntax(tmp_path / "a", "JPEG-LS", slices=1)[0]
    other = write_in_syntax(tmp_path / "b", "explicit", slices=1)[0]
    assert is_copy(one, other)

"""The defects that archives contain, each as files and as what must come of them.

One entry for each row of the table in docs/IMPORT.md. The outcome says how many images there are,
what is told of them, and what their voxels must be.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, generate_uid

from tests.mr_files import SAGITTAL, pattern, set_pixels, write_enhanced, write_series

SHAPE = (12, 8, 6)
VALUES = pattern(SHAPE)
OTHER = pattern(SHAPE, 1)
Array = NDArray[Any]


@dataclass(frozen=True)
class Defect:
    """A defect, the files that have it, and what must come of them.

    `images` are the volumes expected, largest first; none where all is `refused`, in whose reason
    that text stands. `told` must stand in the problems or notes of every image; where it is empty,
    nothing may be told, since nothing was repaired or assumed.
    """

    name: str
    write: Callable[[Path], Any]
    images: tuple[Array, ...] = ()
    told: str = ""
    refused: str = ""
    tolerance: float = 0.0


def _missing(folder: Path) -> None:
    write_series(folder, VALUES)[5].unlink()


def _between(values: Array, k: int) -> Array:
    filled = values.astype(np.float64)
    filled[k] = (filled[k - 1] + filled[k + 1]) / 2
    return filled


def _gap(folder: Path) -> None:
    for path in write_series(folder, pattern((20, 8, 6)))[8:13]:
        path.unlink()


def _duplicate(folder: Path) -> None:
    write_series(folder, VALUES)
    write_series(folder / "again", VALUES[4:5], positions_mm=[12.0], FlipAngle=90)


def _different_duplicate(folder: Path) -> None:
    write_series(folder, VALUES)
    write_series(folder / "again", OTHER, AcquisitionNumber=2)


def _aborted(folder: Path) -> None:
    """The patient moved: a scan was stopped after five slices and taken again."""
    write_series(folder / "a", OTHER[:5], AcquisitionNumber=1)
    write_series(folder / "b", VALUES, AcquisitionNumber=2)


def _untold_repeat(folder: Path) -> None:
    write_series(folder / "a", OTHER[:5])
    write_series(folder / "b", VALUES, NumberOfAverages=2)


def _shifted(folder: Path) -> None:
    write_series(folder / "a", VALUES, AcquisitionNumber=1)
    higher = [3.0 * n + 1.5 for n in range(12)]
    write_series(folder / "b", OTHER, AcquisitionNumber=2, positions_mm=higher)


def _packages(folder: Path) -> None:
    def number(n: int, dataset: Dataset) -> None:
        dataset.AcquisitionNumber, dataset.AcquisitionTime = 1 + n % 2, f"10150{n % 2}"

    write_series(folder, VALUES, edit=number)


def _overlapping_packages(folder: Path) -> None:
    """Slices twice as thick as their distance, which the headers give."""

    def number(n: int, dataset: Dataset) -> None:
        dataset.AcquisitionNumber = 1 + n % 2
        dataset.SliceThickness, dataset.SpacingBetweenSlices = 6.0, 3.0

    write_series(folder, VALUES, edit=number)


def _time_of_each(folder: Path) -> None:
    """Each slice has a time of its own, and one was taken again."""

    def at(number: int, dataset: Dataset) -> None:
        dataset.AcquisitionTime = f"1015{number:02d}"

    write_series(folder / "a", VALUES, edit=at)

    def last(_number: int, dataset: Dataset) -> None:
        dataset.InstanceNumber, dataset.AcquisitionTime = 13, "110000"

    write_series(folder / "b", OTHER[4:5], positions_mm=[12.0], edit=last, NumberOfAverages=2)


def _every_third(folder: Path) -> None:
    for path in write_series(folder, VALUES)[1:12:3]:
        path.unlink()


def _every_second(folder: Path) -> None:
    for path in write_series(folder, VALUES)[1:12:2]:
        path.unlink()


def _copied_file(folder: Path) -> None:
    path = write_series(folder, VALUES)[3]
    (folder / "copy").write_bytes(path.read_bytes())


def _conflicting_copy(folder: Path) -> None:
    """The same identifier and place twice, with other pixels: one of them was altered."""
    path = write_series(folder, VALUES)[3]
    dataset = dcmread(path)
    set_pixels(dataset, OTHER[3])
    dataset.save_as(folder / "z_altered.dcm")


def _one_identifier(folder: Path) -> None:
    uid = generate_uid(entropy_srcs=["anonymised badly"])
    write_series(folder, VALUES, edit=lambda _n, dataset: setattr(dataset, "SOPInstanceUID", uid))


_PLACES = [0.0, 3.0, 6.4, 9.0, 12.7, 15.0, 18.3, 21.0, 24.0, 27.0, 30.0, 33.0]


def _uneven(folder: Path) -> None:
    ramp = np.array(_PLACES)[:, None, None] * np.ones(SHAPE) * 10
    write_series(folder, ramp.astype(np.int16), positions_mm=_PLACES)


def _ramp_on_even_places() -> Array:
    return np.broadcast_to(10 * 3.0 * np.arange(12)[:, None, None], SHAPE)


def _tilt(folder: Path) -> None:
    """Values that hang on L alone, in a stack that moves along L by two voxels a slice."""
    values = np.zeros(SHAPE, dtype=np.int16)
    for k in range(12):
        values[k] = 100 + 20 * np.arange(6) + 4 * k
    write_series(folder, values, shear_mm_per_mm=(0.1, 0.0))


def _tilt_straight() -> Array:
    # Two columns more than a slice has: all that was measured stays.
    column = np.broadcast_to(np.arange(SHAPE[2] + 2), (*SHAPE[:2], SHAPE[2] + 2))
    shift = 0.2 * np.arange(SHAPE[0])[:, None, None]
    whole = np.round(shift)
    is_measured = (column >= whole) & (column < whole + SHAPE[2])
    measured = 100 + 20 * np.clip(column, shift, shift + SHAPE[2] - 1)
    return np.where(is_measured, measured, 0.0)


def _localizer(folder: Path) -> None:
    write_series(folder / "a", VALUES)
    write_series(folder / "b", OTHER[:3], orientation=SAGITTAL, FlipAngle=15)


def _two_echoes(folder: Path) -> None:
    write_series(folder / "a", VALUES, EchoTime=20)
    write_series(folder / "b", OTHER, EchoTime=90)


def _two_b_values(folder: Path) -> None:
    write_series(folder / "a", VALUES, DiffusionBValue=0.0)
    write_series(folder / "b", OTHER, DiffusionBValue=1000.0)


def _magnitude_and_phase(folder: Path) -> None:
    write_series(folder / "a", VALUES, ImageType=["ORIGINAL", "PRIMARY", "M"])
    write_series(folder / "b", OTHER, ImageType=["ORIGINAL", "PRIMARY", "P"])


def _truncated(folder: Path) -> None:
    path = write_series(folder, VALUES)[5]
    path.write_bytes(path.read_bytes()[:-40])


def _no_position(folder: Path) -> None:
    def forget(number: int, dataset: Dataset) -> None:
        if number == 5:
            del dataset.ImagePositionPatient

    write_series(folder, VALUES, edit=forget)


def _edited(**values: Any) -> Callable[[Path], Any]:
    def edit(_number: int, dataset: Dataset) -> None:
        for keyword, value in values.items():
            setattr(dataset, keyword, value)

    return lambda folder: write_series(folder, VALUES, edit=edit)


def _without(keyword: str) -> Callable[[Path], Any]:
    return lambda folder: write_series(folder, VALUES, edit=lambda _n, d: d.pop(keyword))


def _out_of_reach(folder: Path) -> None:
    def edit(number: int, dataset: Dataset) -> None:
        dataset.ImagePositionPatient = [0, 0, 1e7 + 3 * number]

    write_series(folder, VALUES, edit=edit)


def _jitter(folder: Path) -> None:
    def edit(number: int, dataset: Dataset) -> None:
        wobble = 4e-4 if number % 2 else -4e-4
        dataset.ImageOrientationPatient = [1.0, wobble, 0.0, -wobble, 1.0, 0.0]
        place = [float(v) for v in dataset.ImagePositionPatient]
        dataset.ImagePositionPatient = [place[0], place[1], place[2] + 50 * wobble]

    write_series(folder, VALUES, edit=edit)


def _bare(folder: Path) -> None:
    for path in write_series(folder, VALUES, names="{series}{number}"):
        content = path.read_bytes()[132:]
        path.write_bytes(content)


def _own_rescale(folder: Path) -> None:
    def edit(number: int, dataset: Dataset) -> None:
        dataset.RescaleSlope, dataset.RescaleIntercept = 1 + number, -number

    write_series(folder, VALUES, edit=edit)


_NUMBERS = np.arange(12)[:, None, None]


def _big_endian(folder: Path) -> None:
    write_series(folder, VALUES.astype(">i2"), syntax=ExplicitVRBigEndian)


def _overlay_in_high_bits(folder: Path) -> None:
    """12 bits of a value, and an overlay's bit above them, as scanners wrote them until 2004."""
    drawn = VALUES.astype(np.uint16) | (np.indices(SHAPE).sum(axis=0) % 2 << 12).astype(np.uint16)

    def edit(_number: int, dataset: Dataset) -> None:
        dataset.BitsStored, dataset.HighBit = 12, 11

    write_series(folder, drawn, edit=edit)


def _left_justified(folder: Path) -> None:
    def edit(_number: int, dataset: Dataset) -> None:
        dataset.BitsStored, dataset.HighBit = 12, 15

    write_series(folder, VALUES.astype(np.uint16) << 4, edit=edit)


def _signed_12_bits(folder: Path) -> None:
    def edit(number: int, dataset: Dataset) -> None:
        set_pixels(dataset, (VALUES[number] - 500).astype(np.int16) & 0x0FFF)
        dataset.PixelRepresentation, dataset.BitsStored, dataset.HighBit = 1, 12, 11

    write_series(folder, VALUES, edit=edit)


def _padded(folder: Path) -> None:
    padded = VALUES.copy()
    padded[:, :2] = -2000

    def edit(_number: int, dataset: Dataset) -> None:
        dataset.add_new("PixelPaddingValue", "SS", -2000)

    write_series(folder, padded, edit=edit)


def _padding_emptied() -> Array:
    emptied = VALUES.copy()
    emptied[:, :2] = 0
    return emptied


def _mixed_sizes(folder: Path) -> None:
    write_series(folder / "a", VALUES)
    write_series(folder / "b", pattern((4, 10, 10)), FlipAngle=15)


def _two_stacks(folder: Path) -> None:
    def number_stacks(number: int, frame: Dataset) -> None:
        frame.FrameContentSequence[0].StackID = str(1 + number // 6)
        if number >= 6:
            frame.PlanePositionSequence[0].ImagePositionPatient[2] += 40.0

    write_enhanced(folder / "stacks.dcm", VALUES, edit=number_stacks)


def _enhanced_values(values: Array, first: int = 0) -> Array:
    return values * 2.0 + np.arange(first, first + len(values))[:, None, None]


def _enhanced_echoes(folder: Path) -> None:
    def set_echo(number: int, frame: Dataset) -> None:
        echo = Dataset()
        echo.EffectiveEchoTime = 90.0 if number % 2 else 20.0
        frame.MREchoSequence = [echo]

    write_enhanced(folder / "echoes.dcm", VALUES, repeats=2, edit=set_echo)


_MOSAIC = ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]
_EMPTY_PLACE = "do not say where the slices lie"

DEFECTS = (
    Defect("nothing wrong", lambda f: write_series(f, VALUES), (VALUES,)),
    Defect("missing slice", _missing, (_between(VALUES, 5),), "1 slice missing"),
    Defect("five slices missing together", _gap, refused="5 slices missing, 5 of them together"),
    Defect("every third slice missing", _every_third, refused="4 of 12 slices missing"),
    Defect("every second slice missing", _every_second, (VALUES[::2],)),
    Defect("duplicate slice of equal pixels", _duplicate, (VALUES,), "Duplicates of 1 slices"),
    Defect("duplicates of other pixels", _different_duplicate, (VALUES, OTHER), "same place"),
    Defect("aborted acquisition and its repeat", _aborted, (VALUES, OTHER[:5]), "same place"),
    Defect("repeat that nothing tells", _untold_repeat, refused="do not tell which belong"),
    Defect("acquisition between another's slices", _shifted, (VALUES, OTHER),
           "lie between one another"),
    Defect("packages of one acquisition", _packages, (VALUES,)),
    Defect("packages of slices that overlap", _overlapping_packages, (VALUES,)),
    Defect("time of each slice, one taken again", _time_of_each, (VALUES,), "same place"),
    Defect("file stored twice", _copied_file, (VALUES,), "Copies of 1 images left out"),
    Defect("file stored twice with other pixels", _conflicting_copy, (VALUES,), "same place"),
    Defect("one identifier for all", _one_identifier, (VALUES,), "share one identifier"),
    Defect("variable spacing", _uneven, (_ramp_on_even_places(),), "not evenly spaced",
           tolerance=1.0),
    Defect("gantry tilt", _tilt, (_tilt_straight(),), "slanted by 5.7°", tolerance=0.5),
    Defect("steep slant", lambda f: write_series(f, VALUES, shear_mm_per_mm=(1.2, 0.0)),
           refused="slanted by 50°"),
    Defect("localizer in the series", _localizer, (VALUES, OTHER[:3]), "another orientation"),
    Defect("two echoes in a series", _two_echoes, (VALUES, OTHER), "echo times"),
    Defect("two b-values in a series", _two_b_values, (VALUES, OTHER), "b-values"),
    Defect("magnitude and phase in a series", _magnitude_and_phase, (VALUES, OTHER),
           "image types"),
    Defect("truncated file", _truncated, (_between(VALUES, 5),),
           "File 6 of 12 left out: truncated"),
    Defect("one position missing", _no_position, (_between(VALUES, 5),),
           "1 slice without a position left out"),
    Defect("no positions", _without("ImagePositionPatient"), refused=_EMPTY_PLACE),
    Defect("no orientations", _without("ImageOrientationPatient"), refused=_EMPTY_PLACE),
    Defect("no pixel spacing", _without("PixelSpacing"), refused="do not give the pixel spacing"),
    Defect("positions out of reach", _out_of_reach, refused="where no scanner reaches"),
    Defect("one slice", lambda f: write_series(f, VALUES[:1]), refused="only one slice"),
    Defect("MONOCHROME1", _edited(PhotometricInterpretation="MONOCHROME1"),
           (VALUES.max() - VALUES,),
           "inverted greys"),
    Defect("orientation jitter", _jitter, (VALUES,)),
    Defect("no suffix, no preamble", _bare, (VALUES,)),
    Defect("rescale of each slice", _own_rescale, (VALUES * (1.0 + _NUMBERS) - _NUMBERS,)),
    Defect("negative values", lambda f: write_series(f, VALUES - np.int16(500)),
           (VALUES - 500.0,)),
    Defect("negative values in 12 bits", _signed_12_bits, (VALUES - 500.0,)),
    Defect("big-endian", _big_endian, (VALUES,)),
    Defect("overlay in the high bits", _overlay_in_high_bits, (VALUES,)),
    Defect("value in the upper 12 bits", _left_justified, (VALUES,)),
    Defect("padding", _padded, (_padding_emptied(),), "Padding around the image set to 0"),
    Defect("mixed matrix sizes", _mixed_sizes, (VALUES, pattern((4, 10, 10))), "matrix sizes"),
    Defect("colours", _edited(PhotometricInterpretation="RGB"), refused="colour image"),
    Defect("compressed with loss", _edited(LossyImageCompression="01"), (VALUES,),
           "compressed with loss"),
    Defect("mosaic", lambda f: write_series(f, VALUES, ImageType=_MOSAIC), refused="mosaic"),
    Defect("enhanced multi-frame", lambda f: write_enhanced(f / "e.dcm", VALUES),
           (_enhanced_values(VALUES),)),
    Defect("enhanced: repeats", lambda f: write_enhanced(f / "e.dcm", VALUES, repeats=2),
           (_enhanced_values(VALUES), _enhanced_values(VALUES)), "same place"),
    Defect("enhanced: two echoes", _enhanced_echoes,
           (_enhanced_values(VALUES), _enhanced_values(VALUES)), "echo times"),
    Defect("enhanced: two stacks", _two_stacks,
           (_enhanced_values(VALUES[:6]), _enhanced_values(VALUES[6:], 6)), "other stacks"),
)  # fmt: skip

"""Damage to one file: some to its bytes, some to what its header says."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
from pydicom import config, dcmread
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    EnhancedMRImageStorage,
    MRImageStorage,
)

Random = np.random.Generator
Mutation = Callable[[bytes, Random], bytes]

_EDGES = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_VRS = (b"AE AS AT CS DA DS DT FL FD IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST TM UC UI UL "
        b"UN UR US UT ZZ").split()  # fmt: skip
_ODD_NUMBERS = ("nan", "inf", "-inf", "1e400", "1e38", "-1e38", "0", "-1", "", "x", "1\\2", "٣")
_ODD_TEXTS = ("", "\x00\x00", "\x1b$B\x1b(B", "../../etc/passwd", "A" * 70_000, "^^^^", "\\" * 40)
_CHARACTER_SETS = ("ISO 2022 IR 87", "ISO_IR 13", "GB18030", "nonsense", "ISO_IR 192\\ISO_IR 100")
_LEADS = (b"\x08\x00", b"\x10\x00", b"\x18\x00", b"\x20\x00", b"\x28\x00", b"\xe0\x7f", b"\xfe\xff")


def flip_bits(content: bytes, random: Random) -> bytes:
    changed = bytearray(content)
    for _ in range(int(random.integers(1, 24))):
        changed[int(random.integers(len(changed)))] ^= 1 << int(random.integers(8))
    return bytes(changed)


def flip_bits_of_the_header(content: bytes, random: Random) -> bytes:
    middle = min(len(content), 900)
    return flip_bits(content[:middle], random) + content[middle:]


def flip_bits_of_the_pixels(content: bytes, random: Random) -> bytes:
    start = max(0, len(content) - 520)
    return content[:start] + flip_bits(content[start:], random)


def noise(content: bytes, random: Random) -> bytes:
    changed = bytearray(content)
    start = int(random.integers(len(changed)))
    length = min(len(changed) - start, int(random.integers(1, 200)))
    changed[start : start + length] = random.bytes(length)
    return bytes(changed)


def truncate(content: bytes, random: Random) -> bytes:
    return content[: int(random.integers(len(content)))]


def cut_out(content: bytes, random: Random) -> bytes:
    start = int(random.integers(len(content)))
    return content[:start] + content[start + int(random.integers(1, 60)) :]


def repeat(content: bytes, random: Random) -> bytes:
    start = int(random.integers(len(content)))
    stop = start + int(random.integers(1, 300))
    return content[:stop] + content[start:stop] * int(random.integers(1, 40)) + content[stop:]


def edge_number(content: bytes, random: Random) -> bytes:
    changed = bytearray(content)
    width = int(random.choice((1, 2, 4)))
    value = int(random.choice(_EDGES)) & (256**width - 1)
    start = int(random.integers(max(1, len(changed) - width)))
    order = "little" if random.random() < 0.8 else "big"
    changed[start : start + width] = value.to_bytes(width, order)
    return bytes(changed)


def wrong_vr(content: bytes, random: Random) -> bytes:
    """Change the two letters, the length or the tag of an element, wherever one seems to start."""
    starts = [n for n in range(132, len(content) - 8) if content[n : n + 2] in _LEADS]
    if not starts:
        return flip_bits(content, random)
    start = int(random.choice(starts))
    changed = bytearray(content)
    kind = int(random.integers(3))
    if kind == 0:
        changed[start + 4 : start + 6] = _VRS[int(random.integers(len(_VRS)))]
    elif kind == 1:
        changed[start + 6 : start + 8] = int(random.choice(_EDGES) & 0xFFFF).to_bytes(2, "little")
    else:
        changed[start : start + 4] = content[int(random.choice(starts)) :][:4]
    return bytes(changed)


def duplicate_element(content: bytes, random: Random) -> bytes:
    starts = [n for n in range(132, len(content) - 8) if content[n : n + 2] in _LEADS]
    if len(starts) < 2:
        return repeat(content, random)
    start, stop = sorted(int(n) for n in random.choice(starts, 2, replace=False))
    place = int(random.choice(starts))
    return content[:place] + content[start:stop] + content[place:]


def _edited(edit: Callable[[Dataset, Random], None]) -> Mutation:
    def mutate(content: bytes, random: Random) -> bytes:
        try:
            dataset = dcmread(BytesIO(content), force=True)
            edit(dataset, random)
            sink = BytesIO()
            dataset.save_as(sink, enforce_file_format=False)
        except Exception:  # noqa: BLE001 - what pydicom will not write is damaged in bytes instead
            return flip_bits(content, random)
        return sink.getvalue()

    mutate.__name__ = edit.__name__
    return mutate


def _any_dataset(dataset: Dataset, random: Random) -> Dataset:
    """Return the dataset or one nested in it."""
    while random.random() < 0.6:
        sequences = [element for element in dataset if element.VR == "SQ" and element.value]
        if not sequences:
            break
        items = sequences[int(random.integers(len(sequences)))].value
        dataset = items[int(random.integers(len(items)))]
    return dataset


def _any_tag(dataset: Dataset, random: Random) -> Any:
    return list(dataset.keys())[int(random.integers(len(dataset)))]


def delete_elements(dataset: Dataset, random: Random) -> None:
    for _ in range(int(random.integers(1, 4))):
        owner = _any_dataset(dataset, random)
        if len(owner):
            del owner[_any_tag(owner, random)]


def empty_element(dataset: Dataset, random: Random) -> None:
    owner = _any_dataset(dataset, random)
    element = owner[_any_tag(owner, random)]
    element.value = [] if element.VR == "SQ" else None


def odd_size(dataset: Dataset, random: Random) -> None:
    keywords = (
        *("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "SamplesPerPixel"),
        *("PixelRepresentation", "NumberOfFrames", "PlanarConfiguration"),
    )
    for _ in range(int(random.integers(1, 4))):
        keyword = keywords[int(random.integers(len(keywords)))]
        setattr(dataset, keyword, int(random.choice((*_EDGES[:8], 3, 8, 12, 15, 32, 64, 4096))))


def odd_place(dataset: Dataset, random: Random) -> None:
    keywords = {"ImagePositionPatient": 3, "ImageOrientationPatient": 6, "PixelSpacing": 2}
    keyword = list(keywords)[int(random.integers(3))]
    for owner in (dataset, _any_dataset(dataset, random)):
        if owner is dataset or keyword in owner:
            odd = [_odd_number(random) for _ in range(keywords[keyword])]
            _write_as_text(owner, keyword, "\\".join(odd))


def odd_value(dataset: Dataset, random: Random) -> None:
    keywords = (
        *("RescaleSlope", "RescaleIntercept", "EchoTime", "InstanceNumber", "SeriesNumber"),
        *("PixelPaddingValue", "InversionTime", "AcquisitionTime", "StudyDate", "NumberOfFrames"),
    )
    _write_as_text(dataset, keywords[int(random.integers(len(keywords)))], _odd_number(random))


def odd_text(dataset: Dataset, random: Random) -> None:
    if random.random() < 0.4:
        dataset.SpecificCharacterSet = str(random.choice(_CHARACTER_SETS)).split("\\")
    keywords = (
        *("PatientName", "PatientID", "SeriesDescription", "ImageType", "StudyDescription"),
        *("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "PhotometricInterpretation"),
    )
    text = _ODD_TEXTS[int(random.integers(len(_ODD_TEXTS)))]
    _write_as_text(dataset, keywords[int(random.integers(len(keywords)))], text)


def other_class(dataset: Dataset, random: Random) -> None:
    dataset.SOPClassUID = str(
        random.choice((MRImageStorage, EnhancedMRImageStorage, CTImageStorage, "", "1.2.3"))
    )


def other_colours(dataset: Dataset, random: Random) -> None:
    kinds = ("RGB", "PALETTE COLOR", "YBR_FULL_422", "YBR_ICT", "MONOCHROME1", "XYZ")
    dataset.PhotometricInterpretation = str(random.choice(kinds))
    dataset.SamplesPerPixel = int(random.choice((1, 3)))


def other_syntax(dataset: Dataset, random: Random) -> None:
    """Say the pixels were stored in a way they were not."""
    from tests.compressed_files import SYNTAXES

    choices = [uid for uid in SYNTAXES.values() if uid != DeflatedExplicitVRLittleEndian]
    dataset.file_meta.TransferSyntaxUID = choices[int(random.integers(len(choices)))]


def nested(dataset: Dataset, random: Random) -> None:
    depth = int(random.choice((3, 30, 200)))
    inner = Dataset()
    for _ in range(depth):
        outer = Dataset()
        outer.ReferencedImageSequence = [inner]
        inner = outer
    keyword = "PerFrameFunctionalGroupsSequence" if random.random() < 0.5 else "SourceImageSequence"
    setattr(dataset, keyword, [inner] * int(random.integers(1, 4)))


def many_frames(dataset: Dataset, random: Random) -> None:
    groups = dataset.get("PerFrameFunctionalGroupsSequence")
    if groups:
        count = int(random.integers(2, 60))
        dataset.PerFrameFunctionalGroupsSequence = list(groups) * count
    dataset.NumberOfFrames = int(random.choice((0, 2, 5000, 2**31 - 1)))


def _odd_number(random: Random) -> str:
    return _ODD_NUMBERS[int(random.integers(len(_ODD_NUMBERS)))]


def _write_as_text(dataset: Dataset, keyword: str, text: str) -> None:
    """Put text where pydicom would want a number."""
    with config.disable_value_validation():
        dataset.add_new(Tag(keyword), "LO", text)


ON_BYTES: tuple[Mutation, ...] = (
    flip_bits,
    flip_bits_of_the_header,
    flip_bits_of_the_pixels,
    noise,
    truncate,
    cut_out,
    repeat,
    edge_number,
    wrong_vr,
    duplicate_element,
)
ON_HEADERS: tuple[Mutation, ...] = tuple(
    _edited(edit)
    for edit in (
        delete_elements,
        empty_element,
        odd_size,
        odd_place,
        odd_value,
        odd_text,
        other_class,
        other_colours,
        other_syntax,
        nested,
        many_frames,
    )
)


def mutate(content: bytes, random: Random, *, is_dicom: bool) -> tuple[bytes, str]:
    """Return the damaged content and the names of the damages, one or two of them."""
    names = []
    for _ in range(1 if random.random() < 0.7 else 2):
        if not content:
            break
        pool = (*ON_BYTES, *ON_HEADERS) if is_dicom else ON_BYTES[:8]
        mutation = pool[int(random.integers(len(pool)))]
        content = mutation(content, random)
        names.append(mutation.__name__)
    return content, "+".join(names)

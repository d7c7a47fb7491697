"""Text read from the stored bytes is the text that pydicom's own objects give."""

from io import BytesIO

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from desktop_app.io.dicom.elements import integer, lenient_pydicom, numbers, text

_WORDS = st.text(st.characters(codec="ascii", exclude_categories=["C"]), max_size=16)
_NAMES = st.text(st.characters(exclude_categories=["C"], exclude_characters="\\="), max_size=12)
_DECIMALS = st.floats(-1e6, 1e6).map(lambda value: f"{value:.6g}")


def as_read(implicit: bool = False, **values: object) -> Dataset:
    """Return a data set with these elements as a file holds them."""
    dataset = Dataset()
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = implicit, True
    with lenient_pydicom():
        for keyword, value in values.items():
            setattr(dataset, keyword, value)
        write_dataset(buffer, dataset)
        return dcmread(BytesIO(buffer.getvalue()), force=True)


def with_bytes(stored: bytes, character_set: str) -> Dataset:
    """Return a data set whose name is these bytes, whatever the character set says of them."""
    dataset = Dataset()
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = False, True
    dataset.SpecificCharacterSet, dataset.PatientName = character_set, "x" * len(stored)
    write_dataset(buffer, dataset)
    return dcmread(BytesIO(buffer.getvalue().replace(b"x" * len(stored), stored)), force=True)


@pytest.mark.parametrize(
    ("stored", "character_set", "expected"),
    [
        ("Müller^A".encode(), "ISO_IR 192", "Müller^A"),
        # As many gateways write them.
        ("Müller^Ab".encode("latin1"), "ISO_IR 192", "Müller^Ab"),
        ("Müller^Ab".encode("latin1"), "ISO_IR 100", "Müller^Ab"),
        ("Müller^Ab".encode("latin1"), "", "Müller^Ab"),
    ],
)
def test_names_that_are_not_in_the_character_set_they_declare(
    stored: bytes, character_set: str, expected: str
) -> None:
    dataset = with_bytes(stored, character_set)
    with lenient_pydicom():
        assert [text(dataset, "PatientName") for _ in range(2)] == [expected] * 2


def both_ways(dataset: Dataset, keyword: str) -> tuple[str, str]:
    with lenient_pydicom():
        stored = text(dataset, keyword)
        if keyword in dataset:
            dataset[keyword].value  # noqa: B018 - makes pydicom convert it
        return stored, text(dataset, keyword)


@given(st.lists(_WORDS, max_size=3), st.booleans())
@example([" a ", "", "b"], False)
def test_words(words: list[str], implicit: bool) -> None:
    words = [word.replace("\\", "") for word in words]
    stored, converted = both_ways(as_read(implicit, ImageType=words), "ImageType")
    assert stored == converted


@given(_WORDS, _NAMES, st.booleans())
def test_descriptions_and_names_of_any_script(description: str, name: str, implicit: bool) -> None:
    dataset = as_read(
        implicit,
        SpecificCharacterSet="ISO_IR 192",
        SeriesDescription=description,
        PatientName=name,
    )
    for keyword in ("SeriesDescription", "PatientName"):
        stored, converted = both_ways(dataset, keyword)
        assert stored == converted


@given(st.lists(_DECIMALS, min_size=3, max_size=3), st.booleans())
def test_numbers(decimals: list[str], implicit: bool) -> None:
    dataset = as_read(implicit, ImagePositionPatient=decimals, EchoTime=decimals[0])
    expected = [float(value) for value in decimals]
    with lenient_pydicom():
        found = numbers(dataset, "ImagePositionPatient", 3)
        assert found is not None
        np.testing.assert_array_equal(found, expected)
        assert numbers(dataset, "ImagePositionPatient", 2) is None
    stored, converted = both_ways(dataset, "EchoTime")
    assert stored == converted


def test_names_in_japanese_code_are_decoded() -> None:
    # PS3.5 H.3.1: escape sequences around Kanji.
    name = "Yamada^Tarou=山田^太郎"
    dataset = as_read(SpecificCharacterSet=["", "ISO 2022 IR 87"], PatientName=name)
    assert text(dataset, "PatientName") == name


def test_a_number_that_is_none_costs_only_itself() -> None:
    dataset = as_read(EchoTime="12", InstanceNumber="7")
    raw = dataset.get_item("EchoTime")
    dataset._dict[raw.tag] = raw._replace(value=b"about 12")
    assert text(dataset, "EchoTime") == "about 12"
    assert numbers(dataset, "EchoTime", 1) is None
    assert integer(dataset, "EchoTime") == 0
    assert integer(dataset, "InstanceNumber") == 7


def test_an_unknown_keyword_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        text(Dataset(), "NoSuchElement")

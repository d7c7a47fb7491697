import pytest

from desktop_app.domain.readable import (
    readable_age,
    readable_date,
    readable_name,
    readable_time,
    readable_volume,
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Müller-Łoś^Zoë=山田^太郎", "Müller-Łoś, Zoë (山田 太郎)"),
        ("Bono", "Bono"),
        ("Doe^Jane^Mary^Dr.^", "Doe, Jane Mary Dr."),
        ("=山田^太郎=やまだ^たろう", "山田 太郎, やまだ たろう"),
        ("^^^^", ""),
        ("", ""),
        ("Sample^Glioma", "Sample, Glioma"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou (山田 太郎, やまだ たろう)"),
        ("=山田^太郎", "山田 太郎"),
    ],
)
def test_names_are_readable(name: str, expected: str) -> None:
    assert readable_name(name) == expected


def test_dates_are_iso() -> None:
    assert readable_date("20240229") == "2024-02-29"
    assert readable_date("2024-02") == "2024-02"


@pytest.mark.parametrize(
    ("volume_mm3", "expected"),
    [(0.0, "0.00"), (4.0, "< 0.01"), (40.0, "0.04"), (34_560.0, "34.56")],
)
def test_a_small_volume_is_never_written_as_nothing(volume_mm3: float, expected: str) -> None:
    assert readable_volume(volume_mm3) == expected


@pytest.mark.parametrize("volume_mm3", [28_504.9999999, 28_505.0, 28_505.0000001])
def test_a_volume_reads_alike_in_memory_and_from_a_file(volume_mm3: float) -> None:
    assert readable_volume(volume_mm3) == readable_volume(round(volume_mm3, 3)) == "28.51"


@pytest.mark.parametrize(
    ("age", "birth_date", "expected"),
    [
        ("072Y", "", "72 years"),
        ("001M", "", "1 month"),
        ("72", "19510703", "72 years"),
        ("", "19520228", "72 years"),
        ("", "19520301", "71 years"),
        ("", "", ""),
        ("", "20250101", ""),
    ],
)
def test_ages_are_told_or_follow_from_two_dates(age: str, birth_date: str, expected: str) -> None:
    assert readable_age(age, birth_date, "20240229") == expected


def test_times_are_hours_and_minutes() -> None:
    assert readable_time("101112.345") == "10:11"
    assert readable_time("") == readable_time("10") == readable_time("noon") == ""

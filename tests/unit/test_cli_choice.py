"""Which study of a folder the command line segments."""

from pathlib import Path

import pytest

from desktop_app.cli.segment import chosen_study
from desktop_app.errors import InputError
from tests.study_cases import make_study

EARLIER = make_study(name="ID7_20260131", study_uid="1.2.3", date="20260131")
LATER = make_study(name="ID7_20260402", study_uid="1.2.4", date="20260402")
UNDATED = make_study(name="case", study_uid="folder", date="")
PATH = Path("export")


def test_the_only_study_needs_no_name() -> None:
    assert chosen_study([LATER], PATH) is LATER


@pytest.mark.parametrize("wanted", ["ID7_20260402", "1.2.4"])
def test_a_study_is_chosen_by_name_or_uid(wanted: str) -> None:
    assert chosen_study([EARLIER, LATER, UNDATED], PATH, wanted) is LATER


def test_several_studies_are_listed_by_name_and_date() -> None:
    with pytest.raises(InputError, match="There are 3 studies") as caught:
        chosen_study([EARLIER, LATER, UNDATED], PATH)
    listed = "ID7_20260131 (2026-01-31), ID7_20260402 (2026-04-02), case"
    assert caught.value.detail == f"export: {listed}"
    assert "--study" in caught.value.remedy


def test_another_study_than_the_one_asked_for_is_never_taken() -> None:
    with pytest.raises(InputError, match="no study “other”"):
        chosen_study([LATER], PATH, "other")


def test_the_uid_in_the_headers_chooses_where_the_scan_tells_visits_apart() -> None:
    first, second = (
        make_study(name=f"ID7_{day}", study_uid=f"1.2.5#{day}", date=day)
        for day in ("20260131", "20260402")
    )
    assert chosen_study([EARLIER, first], PATH, "1.2.5") is first
    assert chosen_study([first, second], PATH, "1.2.5#20260402") is second
    with pytest.raises(InputError, match=r"There are 2 studies “1\.2\.5” here") as caught:
        chosen_study([EARLIER, first, second], PATH, "1.2.5")
    assert caught.value.detail == "export: ID7_20260131 (2026-01-31), ID7_20260402 (2026-04-02)"

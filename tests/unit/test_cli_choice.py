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

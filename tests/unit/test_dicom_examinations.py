"""Patients and visits under one study identifier stay apart, under names that do not change."""

from pathlib import Path
from typing import Any

import pytest
from pydicom import config
from pydicom.uid import generate_uid

from desktop_app.domain.study import Study
from desktop_app.io.scan import scan
from desktop_app.services.opening.study_identity import identity
from tests.mr_files import STUDY_UID, pattern, write_series

SHAPE = (8, 6, 5)
FIRST, LATER = "20250301", "20250918"
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"


def write(folder: Path, series: str, day: str = FIRST, **values: Any) -> None:
    dates = dict.fromkeys(("StudyDate", "SeriesDate", "AcquisitionDate"), day)
    target = folder / f"{series}{len(list(folder.glob('*')))}"
    uid = generate_uid(entropy_srcs=[target.name])
    with config.disable_value_validation():
        write_series(
            target, pattern(SHAPE), series, **{"SeriesInstanceUID": uid, **dates, **values}
        )


def studies(folder: Path) -> tuple[Study, ...]:
    return scan(folder, use_cache=False).studies


def contents(study: Study) -> list[str]:
    return sorted(series.description for series in study.series)


def test_two_visits_under_one_identifier_stay_apart(tmp_path: Path) -> None:
    for series in ("T1", "T1c", "T2"):
        write(tmp_path, series)
    write(tmp_path, "FLAIR", LATER)
    first, later = studies(tmp_path)
    assert (first.date, later.date) == (FIRST, LATER)
    assert (first.name, later.name) == (f"TEST-1_{FIRST}", f"TEST-1_{LATER}")
    assert (len(first.series), contents(later)) == (3, ["t2_tirm_tra dark fluid"])
    for study in (first, later):
        assert study.skipped[0] == (
            f"Study identifier {STUDY_UID}",
            "used for 2 visits of a patient, which are kept apart by their dates",
        )


def test_archive_that_gave_both_visits_one_study_date(tmp_path: Path) -> None:
    write(tmp_path, "T1", StudyDate=LATER)
    write(tmp_path, "T2", LATER)
    assert [study.date for study in studies(tmp_path)] == [FIRST, LATER]


def test_date_of_a_visit_is_the_one_that_it_has_alone(tmp_path: Path) -> None:
    """Results are known by it; this one was registered before midnight and measured after it."""
    write(tmp_path, "T1", "20250302", StudyDate=FIRST)
    alone = [study.date for study in studies(tmp_path)]
    write(tmp_path, "T2", LATER)
    assert [study.date for study in studies(tmp_path)] == [*alone, LATER] == [FIRST, LATER]


def test_visit_over_midnight_is_one(tmp_path: Path) -> None:
    write(tmp_path, "T1", "20250301")
    write(tmp_path, "T2", "20250302")
    (study,) = studies(tmp_path)
    assert (study.study_uid, study.date, len(study.series)) == (STUDY_UID, "20250301", 2)
    assert not any("Study identifier" in what for what, _ in study.skipped)


def test_no_visit_lasts_longer_however_close_its_days(tmp_path: Path) -> None:
    for day in ("20250301", "20250302", "20250303"):
        write(tmp_path, "T1", day)
    assert [(one.date, len(one.series)) for one in studies(tmp_path)] == [
        ("20250301", 2),
        ("20250303", 1),
    ]


@pytest.mark.parametrize(
    "values",
    [
        {"SeriesDate": LATER},
        {"SeriesDate": LATER, "AcquisitionDate": "", "ImageType": ["DERIVED", "SECONDARY"]},
        {"AcquisitionDate": "19000101"},
        {"AcquisitionDate": "2025.03.01"},
        {"AcquisitionDate": "99999999"},
        {"AcquisitionDate": "", "SeriesDate": ""},
    ],
    ids=["reformatted", "derived", "replaced", "old way", "no day", "study date alone"],
)
def test_series_of_the_same_visit_stays_with_it(tmp_path: Path, values: dict[str, Any]) -> None:
    write(tmp_path, "T1")
    write(tmp_path, "T2", **values)
    assert [len(study.series) for study in studies(tmp_path)] == [2]


def test_what_was_drawn_later_is_no_visit(tmp_path: Path) -> None:
    write(tmp_path, "T1")
    write(tmp_path, "T2", LATER)
    drawn = {"SOPClassUID": SEGMENTATION, "Modality": "SEG", "SeriesDescription": "drawn"}
    write(tmp_path, "SEG", "20251001", **drawn)
    first, later = studies(tmp_path)
    assert "segmentation, not MR" not in [reason for _, reason in first.skipped]
    assert "segmentation, not MR" in [reason for _, reason in later.skipped]


def test_image_without_any_date_joins_no_visit(tmp_path: Path) -> None:
    write(tmp_path, "T1")
    write(tmp_path, "T2", LATER)
    write(tmp_path, "FLAIR", "")
    assert [(one.date, len(one.series)) for one in studies(tmp_path)] == [
        ("", 1),
        (FIRST, 1),
        (LATER, 1),
    ]


# The anonymiser replaced the date of the study and left that of the acquisition.
REPLACED = {"StudyDate": "20000101", "SeriesDate": ""}
REFORMATTED = {"AcquisitionDate": "", "ImageType": ["DERIVED", "SECONDARY", "MPR"]}


@pytest.mark.parametrize(
    "flair",
    [
        REPLACED | REFORMATTED,
        REPLACED | REFORMATTED | {"SeriesDate": "20000101"},
        REFORMATTED | {"StudyDate": "", "SeriesDate": ""},
        REFORMATTED | {"StudyDate": "20000101", "SeriesDate": FIRST},
    ],
    ids=["study date alone", "all replaced", "no date", "its own day"],
)
def test_image_without_its_own_day_joins_the_only_visit(
    tmp_path: Path, flair: dict[str, Any]
) -> None:
    for series in ("T1", "T1c", "T2"):
        write(tmp_path, series, **REPLACED)
    write(tmp_path, "FLAIR", **flair)
    (study,) = studies(tmp_path)
    assert (study.study_uid, len(study.series)) == (STUDY_UID, 4)


@pytest.mark.parametrize(
    "values",
    [
        {"SeriesInstanceUID": "1.2.7"},
        {"SeriesDate": LATER},
        {"StudyDate": LATER},
        {"StudyDate": "20000601"},
    ],
    ids=["series", "series date", "study date", "study date replaced"],
)
def test_image_without_its_own_day_joins_its_visit(tmp_path: Path, values: dict[str, Any]) -> None:
    write(tmp_path, "T1", **REPLACED)
    later = {"StudyDate": "20000601", "SeriesDate": "", "SeriesInstanceUID": "1.2.7"}
    write(tmp_path, "T2", LATER, **later)
    without = REFORMATTED | {"StudyDate": "", "SeriesDate": "", "InstanceNumber": 9}
    write(tmp_path, "T1c", **(without | values))
    first, second = studies(tmp_path)
    images = [sum(len(one.instances) for one in study.series) for study in (first, second)]
    assert images[1] == 2 * images[0]


def test_image_of_another_study_date_is_another_visit(tmp_path: Path) -> None:
    write(tmp_path, "T1")
    write(tmp_path, "T2", AcquisitionDate="", SeriesDate="", StudyDate=LATER)
    assert [study.date for study in studies(tmp_path)] == [FIRST, LATER]


def test_visit_opened_alone_is_the_one_opened_with_others(tmp_path: Path) -> None:
    """Archives give merged studies one date: a later visit must not pass for the first."""
    for visit, day in (("one", FIRST), ("two", LATER)):
        (tmp_path / visit).mkdir()
        write(tmp_path / visit, "T1", day, StudyDate=FIRST)
    alone = [*studies(tmp_path / "one"), *studies(tmp_path / "two")]
    together = studies(tmp_path)
    assert [one.date for one in alone] == [one.date for one in together] == [FIRST, LATER]
    assert [one.name for one in alone] == [one.name for one in together]
    assert [identity(one) for one in alone] == [identity(one) for one in together]


def test_identifier_does_not_depend_on_who_else_is_there(tmp_path: Path) -> None:
    """Results are filed under it: a third patient must not come to own those of another."""
    write(tmp_path, "T1", PatientID="M")
    write(tmp_path, "T1", PatientID="P")
    before = {one.patient.patient_id: one.study_uid for one in studies(tmp_path)}
    write(tmp_path, "T1", PatientID="A")
    write(tmp_path, "T1", LATER, PatientID="P")
    after = {(one.patient.patient_id, one.date): one.study_uid for one in studies(tmp_path)}
    assert len(set(after.values())) == 4
    assert {who: after[who, FIRST] for who in before} == before
    assert all(uid.startswith(f"{STUDY_UID}#") for uid in after.values())


def test_visits_and_patients_are_told(tmp_path: Path) -> None:
    write(tmp_path, "T1", PatientID="M")
    write(tmp_path, "T1", PatientID="P")
    write(tmp_path, "T1", LATER, PatientID="P")
    for study in studies(tmp_path):
        assert [reason for _, reason in study.skipped[:2]] == [
            "used for 2 patients, who are kept apart",
            "used for 2 visits of a patient, which are kept apart by their dates",
        ]


def test_what_a_report_is_filed_by_is_read(tmp_path: Path) -> None:
    write(tmp_path, "T1", AccessionNumber="", StudyTime="")
    said = {"AccessionNumber": "ACC-4711", "StudyTime": "101112.5", "PatientAge": "072Y"}
    write(tmp_path, "T2", MagneticFieldStrength="3", **said)
    (study,) = studies(tmp_path)
    assert (study.accession_number, study.time, study.age) == ("ACC-4711", "101112.5", "072Y")
    assert study.series[1].attributes["MagneticFieldStrength"] == "3"

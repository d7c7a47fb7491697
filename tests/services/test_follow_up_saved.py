"""What the command line writes and prints of a comparison."""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from desktop_app import cli
from desktop_app.domain.dates import readable_instant
from desktop_app.domain.follow_up import Difference
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region
from desktop_app.domain.study import PatientSummary, Study
from desktop_app.errors import ExitCode, OutputError
from desktop_app.io.nifti.files import read_nifti
from desktop_app.io.scan import ScanResult
from desktop_app.services.export.report import ReportPage
from desktop_app.services.follow_up import compare, compare_results, save, save_follow_up
from desktop_app.services.follow_up.document import DOCUMENT_FILE
from desktop_app.services.follow_up.page import FollowUpPage
from desktop_app.services.opening import import_study
from tests import follow_up_cases as cases
from tests.follow_up_cases import GRID, ball, earlier_visit, visit

ALL_FILES = [
    "follow-up.json",
    "change-WT.nii.gz",
    "change-TC.nii.gz",
    "change-ET.nii.gz",
    "earlier-labels.nii.gz",
]


@pytest.fixture(autouse=True)
def registration_changes(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    return cases.registering_finds(monkeypatch)


def test_maps_lie_on_the_grid_of_the_current_labels(tmp_path: Path) -> None:
    found = compare_results(visit(ball(GRID, 12.0)), earlier_visit())
    saved = save_follow_up(found, tmp_path)
    assert saved.folder == tmp_path / "now-since-earlier"
    assert [file.name for file in saved.files] == ALL_FILES
    for region in (Region.WT, Region.TC, Region.ET):
        change = read_nifti(saved.folder / f"change-{region}.nii.gz")
        assert change.geometry.matches(GRID)
        assert np.array_equal(change.array_kji, found.difference_kji(region))
        assert Difference.NEW in change.array_kji
    labels = read_nifti(saved.folder / "earlier-labels.nii.gz")
    assert found.earlier_on_now is not None
    assert np.array_equal(labels.array_kji, found.earlier_on_now.labels_kji)


def test_a_comparison_without_map_leaves_no_older_map(
    tmp_path: Path, registration_changes: dict[str, Any]
) -> None:
    now, earlier = visit(ball(GRID, 12.0)), earlier_visit()
    save_follow_up(compare_results(now, earlier), tmp_path)
    registration_changes["ok"] = False
    saved = save_follow_up(compare_results(now, earlier), tmp_path)
    assert [file.name for file in saved.folder.iterdir()] == [DOCUMENT_FILE]


def test_a_comparison_of_studies_called_alike_leaves_the_first_one(tmp_path: Path) -> None:
    """As NIfTI studies in folders of one name, or visits of a patient whose dates were removed."""
    first = compare_results(visit(ball(GRID, 12.0)), earlier_visit())
    other_now = compare_results(
        visit(ball(GRID, 6.0), study_uid="1.77", date=""), earlier_visit(study_uid="1.88")
    )
    other_earlier = compare_results(visit(ball(GRID, 12.0)), earlier_visit(study_uid="1.88"))
    saved = [save_follow_up(one, tmp_path) for one in (first, other_now, other_earlier, first)]
    names = [one.folder.name for one in saved]
    assert names == ["now-since-earlier", *(f"now-since-earlier_{n}" for n in (2, 3)), names[0]]
    uids = [
        json.loads((one.folder / DOCUMENT_FILE).read_text("utf-8"))["now"]["study_uid"]
        for one in saved
    ]
    assert uids == ["1.3", "1.77", "1.3", "1.3"]


def test_what_cannot_be_written_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = compare_results(visit(ball(GRID, 12.0)), earlier_visit())
    file = save_follow_up(found, tmp_path).folder / DOCUMENT_FILE
    before = file.read_text("utf-8")

    def full(*_: Any, **__: Any) -> NoReturn:
        raise OutputError("There is no room left on the disk.", "there", "Make room.")

    monkeypatch.setattr(save, "write_json", full)
    with pytest.raises(OutputError):
        save_follow_up(replace(found, warnings=("another",)), tmp_path)
    assert file.read_text("utf-8") == before
    assert len(list(file.parent.iterdir())) == len(ALL_FILES)


def test_anonymised_files_bear_no_name(tmp_path: Path) -> None:
    found = compare_results(visit(ball(GRID, 12.0)), earlier_visit())
    saved = save_follow_up(found, tmp_path, anonymise=True)
    assert saved.folder.name.startswith("ANON-")
    assert "now" not in saved.folder.name.split("-since-")
    document = json.loads((saved.folder / DOCUMENT_FILE).read_text("utf-8"))
    assert document["now"]["patient_id"] == ""


class KeptPage:
    """Keeps the page instead of drawing it."""

    def render(self, page: FollowUpPage, path: Path) -> None:
        self.page = page
        path.touch()


@pytest.mark.parametrize("anonymise", [False, True])
def test_page_and_numbers_tell_one_time_with_its_zone(tmp_path: Path, anonymise: bool) -> None:
    found, kept = compare_results(visit(ball(GRID, 12.0)), earlier_visit()), KeptPage()
    saved = save_follow_up(found, tmp_path, anonymise=anonymise, renderer=kept)
    document = json.loads((saved.folder / DOCUMENT_FILE).read_text("utf-8"))
    assert kept.page.created == readable_instant(datetime.fromisoformat(document["created"]))


def test_an_anonymised_page_bears_the_names_of_the_folders(tmp_path: Path) -> None:
    found, kept = compare_results(visit(ball(GRID, 12.0)), earlier_visit()), KeptPage()
    saved = save_follow_up(found, tmp_path, anonymise=True, renderer=kept)
    identity = dict(kept.page.identity)
    assert identity["Patient"] == "Anonymised"
    names = f"{identity['Current study']}-since-{identity['Earlier study']}"
    assert names == saved.folder.name
    assert identity["Between them"] == "176 days"


def unwanted(*_: object) -> NoReturn:
    raise AssertionError("neither a window nor a page is wanted")


@pytest.fixture
def visits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, StudyResult]:
    """Folders by name, each with a study whose tumour is found at once."""
    visits = {"now": visit(ball(GRID, 12.0)), "earlier": earlier_visit()}
    for name in visits:
        (tmp_path / name).mkdir()

    def open_path(path: Path, **_: Any) -> ScanResult:
        return ScanResult((visits[path.name].study,), (), ())

    def find_tumour(study: Study, *_: Any, progress: Any, token: Any) -> StudyResult:
        return visits[study.name]

    monkeypatch.setattr(import_study, "open_path", open_path)
    monkeypatch.setattr(compare, "find_tumour", find_tumour)
    return visits


class Page:
    def render(self, page: ReportPage | FollowUpPage, path: Path) -> None:
        path.write_text(page.title)

    def picture(self, page: ReportPage) -> NoReturn:
        raise AssertionError("a picture is not wanted")


def run(folder: Path, *further: str) -> int:
    arguments = ["compare", str(folder / "now"), str(folder / "earlier"), "-o", str(folder / "out")]
    return cli.run([*arguments, *further], cli.Frontend(unwanted, Page))


@pytest.mark.usefixtures("visits")
def test_the_command_prints_the_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path) == ExitCode.DONE
    printed = capsys.readouterr().out
    assert "Now       now, 2026-09-04, labels by model" in printed
    assert "Earlier   earlier, 2026-03-12, labels by model" in printed
    assert "Between   176 days" in printed
    assert "New, cm³" in printed
    assert "Slices lie 1.0 mm apart now" in printed
    assert "Not a medical device" in printed
    files = ["follow-up.pdf", *ALL_FILES]
    assert all(str(tmp_path / "out" / "now-since-earlier" / one) in printed for one in files)


@pytest.mark.usefixtures("visits")
def test_the_page_can_be_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "--no-report") == ExitCode.DONE
    assert "follow-up.pdf" not in capsys.readouterr().out
    assert not list(tmp_path.rglob("*.pdf"))


@pytest.mark.usefixtures("visits")
def test_quiet_prints_only_where_the_files_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--quiet") == ExitCode.DONE
    captured = capsys.readouterr()
    assert captured.out == f"{tmp_path / 'out' / 'now-since-earlier'}\n"
    assert captured.err == ""


def test_different_patients_are_refused_before_anything_is_segmented(
    visits: dict[str, StudyResult], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    visits["earlier"] = earlier_visit(patient=PatientSummary("ID8", "Meier^Jo"))
    assert run(tmp_path, "--quiet") == ExitCode.INPUT
    captured = capsys.readouterr()
    assert captured.err.startswith("The studies are of different patients.\n")
    assert len(captured.err.splitlines()) == 3
    assert not (tmp_path / "out").exists()

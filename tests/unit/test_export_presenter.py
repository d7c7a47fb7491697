"""What an export saves, and what the window says of it; without a window."""

import json
from dataclasses import replace
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest

from desktop_app.jobs.cancel import NEVER
from desktop_app.jobs.events import silent
from desktop_app.services.session import Session
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_study
from ui.presenters.export_presenter import ExportPresenter
from ui.presenters.job_line import JobLine
from ui.views.study_view import StudyView

STUDY = make_study()
RESULT = make_result(STUDY, np.full(GEOMETRY.shape_kji, 3, np.uint8))


def corrected():
    provenance = replace(RESULT.segmentation.provenance, edited=True)
    return replace(RESULT, segmentation=replace(RESULT.segmentation, provenance=provenance))


class Scene:
    """A presenter whose jobs are done at once."""

    def __init__(self, output):
        self.output = output
        self.view = MagicMock(spec=StudyView)
        self.session = Session()
        self.session.open_study(STUDY)
        jobs = MagicMock(spec=JobLine)
        jobs.start.side_effect = lambda _title, work, done, **_: done(work(silent, NEVER))
        self.presenter = ExportPresenter(
            self.view, self.session, jobs, lambda: None, page_renderer=MagicMock()
        )

    def accept(self, result):
        self.session.accept_result(result, self.session.generation)

    def export(self, *formats, anonymise=False):
        self.view.reset_mock()
        self.presenter.export(self.output, formats, anonymise=anonymise)
        return self.view.show_message.call_args.args


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


def test_exporting_saves_and_lists_the_files(scene):
    scene.accept(RESULT)
    title, lines, folder = scene.export("nifti", "csv")
    assert title == "Exported."
    assert lines == (
        f"Folder: {folder}",
        "",
        "segmentation.nii.gz",
        "measurements.csv",
        "run.log",
    )
    assert folder == scene.output / STUDY.name
    assert scene.session.saved
    _, _, elsewhere = scene.export("csv", anonymise=True)
    assert elsewhere.name.startswith("ANON-")


def test_corrections_exported_as_numbers_alone_are_told(scene):
    scene.accept(corrected())
    title, lines, _ = scene.export("csv")
    assert title == "Exported without the corrected labels."
    assert any("labels you corrected" in line for line in lines)
    assert not scene.session.saved
    assert scene.export("nifti")[0] == "Exported."
    assert scene.export("csv")[0] == "Exported."


def test_an_export_of_fewer_files_removes_none_of_the_same_result(scene):
    scene.accept(corrected())
    *_, folder = scene.export("nifti", "csv")
    scene.export("csv")
    assert {file.name for file in folder.iterdir()} == {
        "segmentation.nii.gz",
        "measurements.csv",
        "run.log",
    }


def test_where_earlier_corrections_are_kept_is_told(scene):
    scene.accept(corrected())
    scene.export("nifti")
    scene.accept(RESULT)
    title, lines, folder = scene.export("nifti")
    (kept,) = folder.glob("corrected-*")
    assert title == "Exported."
    assert f"Earlier results corrected by hand are kept in {STUDY.name}/{kept.name}." in lines


def test_without_a_result_nothing_is_exported(scene):
    scene.presenter.export(Path("out"), ("csv",), anonymise=False)
    scene.view.show_message.assert_not_called()


def test_target_lesions_exported_without_numbers_are_told(scene):
    scene.accept(RESULT)
    assert scene.export("nifti")[0] == "Exported."
    scene.session.choose_targets((1,))
    title, lines, _ = scene.export("nifti")
    assert title == "Exported without the target lesions."
    assert any("measurements.json" in line for line in lines)
    assert not scene.session.saved
    title, _, folder = scene.export("nifti", "json")
    assert title == "Exported."
    assert scene.session.saved
    written = json.loads((folder / "measurements.json").read_text("utf-8"))
    assert "target_lesions" in written

"""Files of a result are written while something else is opened or the window closes."""

from threading import Event
from unittest.mock import MagicMock

import pytest

from desktop_app.errors import Cancelled
from desktop_app.services.results.saved_results import SavedResults
from tests.study_cases import make_study
from tests.study_scene import shown_result
from ui.presenters import export_presenter


@pytest.mark.parametrize("other", ["chosen", "opened"])
def test_files_are_written_whatever_is_opened(scene, monkeypatch, tmp_path, other):
    scene.open()
    scene.session.accept_result(shown_result(scene.study), scene.session.generation)
    release, saved = Event(), MagicMock()

    def save(*_args, token, **_options):
        assert release.wait(10)
        token.raise_if_cancelled()
        return SavedResults(tmp_path, ())

    monkeypatch.setattr(export_presenter, "save_results", save)
    scene.presenter.exporting.on_exported = saved
    scene.presenter.exporting.export(tmp_path, ("csv",), anonymise=False)
    if other == "chosen":
        scene.session.set_studies((scene.study, make_study(name="other")))
        scene.presenter.reading.choose_study(1)
    else:
        scene.presenter.reading.open_path(tmp_path)
    assert "being written" in scene.presenter.exporting.what_runs
    release.set()
    scene.settle()
    saved.assert_called_once()
    assert not scene.presenter.exporting.what_runs


def test_closing_stops_what_is_written_behind_another_job(scene, monkeypatch, tmp_path):
    scene.open()
    scene.session.accept_result(shown_result(scene.study), scene.session.generation)
    begun, stopped = Event(), Event()

    def save(*_args, token, **_options):
        begun.set()
        try:
            token.wait(10)
        except Cancelled:
            stopped.set()
            raise

    monkeypatch.setattr(export_presenter, "save_results", save)
    scene.presenter.exporting.export(tmp_path, ("csv",), anonymise=False)
    assert begun.wait(10)
    scene.presenter.reading.open_path(tmp_path)
    scene.presenter.close()
    assert stopped.wait(10)
    scene.settle()

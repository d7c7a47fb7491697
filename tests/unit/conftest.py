"""What several tests use; what it takes is imported where a test asks for it."""

import pytest


@pytest.fixture
def runner():
    """Runs jobs off the test's thread."""
    from desktop_app.jobs.runner import JobRunner

    runner = JobRunner()
    yield runner
    runner.close()


@pytest.fixture
def scene(monkeypatch, runner):
    """The presenter of a study whose services are replaced."""
    from tests.study_scene import Scene

    return Scene(monkeypatch, runner)


@pytest.fixture
def user_data(tmp_path_factory, monkeypatch):
    """Folder for what the program keeps for a user, of this test alone."""
    folder = tmp_path_factory.mktemp("user")
    monkeypatch.setenv("GLIASCOPE_USER_DATA", str(folder))
    return folder

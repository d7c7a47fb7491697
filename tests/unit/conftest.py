"""The scene that several tests use; what it takes is imported where a test asks for it."""

import pytest


@pytest.fixture
def scene(monkeypatch):
    """The presenter of a study whose services are replaced."""
    from desktop_app.jobs.runner import JobRunner
    from tests.study_scene import Scene

    runner = JobRunner()
    yield Scene(monkeypatch, runner)
    runner.close()

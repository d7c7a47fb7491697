"""What several tests of the services share."""

from pathlib import Path

import pytest

from tests.batch_cases import Stage, make_stage


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A folder of three studies whose processing is replaced."""
    return make_stage(tmp_path, monkeypatch)

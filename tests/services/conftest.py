"""What several tests of the services share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from desktop_app.domain.result import StudyResult
from desktop_app.services.correction.correction import Correction
from tests.batch_cases import Stage, make_stage


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A folder of three studies whose processing is replaced."""
    return make_stage(tmp_path, monkeypatch)


@pytest.fixture
def correction(tmp_path: Path) -> Callable[[StudyResult], Correction]:
    """Begins correcting a result, with its journal in the test's folder."""
    return lambda result: Correction(result, tmp_path)

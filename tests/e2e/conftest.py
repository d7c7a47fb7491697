"""Studies that the end-to-end tests share."""

import pytest

from model.synthetic import SampleStudy, write_sample_study


@pytest.fixture(scope="session")
def small_study(tmp_path_factory: pytest.TempPathFactory) -> SampleStudy:
    """The sample study with voxels twice as long; quick, and not to be changed by a test."""
    return write_sample_study(tmp_path_factory.mktemp("small") / "study", coarseness=2.0)

"""The sample study: a synthetic head with a glioma, installed or made at first use."""

from pathlib import Path

import desktop_app
from desktop_app.jobs.cancel import NEVER, CancelToken
from desktop_app.jobs.events import ProgressCallback, silent
from desktop_app.paths import sample_dir

# Another version may make another head, so it makes its own.
_FOLDER = f"sample-study-{desktop_app.__version__}"


def ensure_sample_study(
    user_data: Path,
    progress: ProgressCallback = silent,
    token: CancelToken = NEVER,
) -> Path:
    """Return the DICOM folder of the sample study.

    An installed program has it; from a source tree it is written if it is not there yet.

    Parameters
    ----------
    user_data
        Folder for what the program keeps for this user.
    """
    from model.synthetic import read_sample_study, write_sample_study

    if sample_dir().is_dir():
        return read_sample_study(sample_dir()).dicom_folder
    progress(0.0, "Making the sample study (only once)")
    folder = user_data / _FOLDER
    sample = read_sample_study(folder) if folder.is_dir() else write_sample_study(folder)
    token.raise_if_cancelled()
    return sample.dicom_folder

"""Stores with a sample study what this source finds in it, for the frozen program to find again.

``gliascope selftest`` of an installed program segments the sample study and compares the labels
with these, voxel by voxel.
"""

import tempfile
from pathlib import Path

from desktop_app import composition
from desktop_app.services.case import CaseOptions, process_study
from desktop_app.services.export.formats import FILE_NAMES, ExportFormat
from desktop_app.services.opening.import_study import choose_roles, open_path
from desktop_app.services.results.saved_results import ExportOptions
from desktop_app.services.selftest.sample import store_expected
from model.synthetic import read_sample_study


def add_expected(sample: Path) -> None:
    """Segment the sample study in `sample` and write the folder ``expected`` beside its truth.

    Raises
    ------
    UserFacingError
        If the study cannot be segmented.
    """
    with (
        tempfile.TemporaryDirectory() as temporary,
        composition.build(user_data=Path(temporary) / "settings") as app,
    ):
        (study,) = open_path(read_sample_study(sample).dicom_folder, use_cache=False).studies
        outcome = process_study(
            study,
            choose_roles(study),
            CaseOptions(export=ExportOptions((ExportFormat.NIFTI,))),
            Path(temporary),
            app.worker,
        )
        store_expected(outcome.result, outcome.folder / FILE_NAMES[ExportFormat.NIFTI], sample)

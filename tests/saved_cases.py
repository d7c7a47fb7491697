"""A result to be written, and what lies in its folder, for tests of saving."""

from pathlib import Path

import numpy as np

from desktop_app.domain.study import PatientSummary
from desktop_app.services.export.formats import ExportFormat
from desktop_app.services.results.saved_results import ExportOptions
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_study

OPTIONS = ExportOptions((ExportFormat.NIFTI, ExportFormat.CSV, ExportFormat.JSON))
STUDY = make_study(
    name="Mueller_Aenne",
    root=Path("/data/Mueller_Aenne"),
    patient=PatientSummary("ID-4711", "Müller^Änne", "19500102"),
)
LABELS = np.zeros(GEOMETRY.shape_kji, np.uint8)
RESULT = make_result(
    STUDY, LABELS, ("Series of Müller in /data/Mueller_Aenne (ID-4711) is short.",)
)
ONLY_TABLE = ExportOptions((ExportFormat.CSV,))


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def written_lines(folder: Path) -> list[str]:
    lines = (folder / "run.log").read_text("utf-8").splitlines()
    return [line.removeprefix("Written: ") for line in lines if line.startswith("Written: ")]

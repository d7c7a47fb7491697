"""Options that several commands share, and what they mean."""

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from model.messages import DEFAULT_MODEL, Precision, is_device_name

if TYPE_CHECKING:
    from desktop_app.services.case import CaseOptions
    from desktop_app.services.models import ModelStore
    from desktop_app.services.segmenting.segment import SegmentOptions

DEFAULT_EXPORTS = "nifti,seg,csv,json,pdf"


class EtLabel(Enum):
    """Value of enhancing tumour in the NIfTI labels."""

    THREE = "3"
    FOUR = "4"


def _device_name(text: str) -> str:
    if not is_device_name(text):
        raise typer.BadParameter("choose auto, cpu, cuda, cuda:N or mps")
    return text


Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the results.")
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="auto|cpu|cuda[:N]|mps",
        callback=_device_name,
        help="Where the network runs.",
    ),
]
PrecisionOption = Annotated[
    Precision, typer.Option("--precision", help="Number format of the network.")
]
ModelName = Annotated[str, typer.Option("--model", metavar="NAME", help="Which weights to use.")]
Export = Annotated[
    str,
    typer.Option(
        "--export",
        metavar="LIST",
        help="Files to write, separated by commas: nifti, seg, sr, rtstruct, sc, csv, json, pdf.",
    ),
]
EtLabelOption = Annotated[
    EtLabel,
    typer.Option("--et-label", help="Value of enhancing tumour in the NIfTI file (4: BraTS 2021)."),
]
Anonymise = Annotated[
    bool, typer.Option("--anonymise", help="Leave out name, identifier and dates.")
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress bar; print only where the results are.")
]

__all__ = [
    "DEFAULT_EXPORTS",
    "DEFAULT_MODEL",
    "Anonymise",
    "Device",
    "EtLabel",
    "EtLabelOption",
    "Export",
    "ModelName",
    "Output",
    "Precision",
    "PrecisionOption",
    "Quiet",
    "case_options",
    "segment_options",
]


def case_options(
    models: "ModelStore",
    *,
    device: str,
    precision: Precision,
    model: str,
    export: str,
    et_label: EtLabel,
    anonymise: bool,
) -> "CaseOptions":
    """Return the options of a study as the services take them.

    Raises
    ------
    UsageError
        If a format or model does not exist.
    InputError
        If the model was trained for something else than brain tumours.
    """
    from desktop_app.services.case import CaseOptions
    from desktop_app.services.export.formats import parse_formats
    from desktop_app.services.results.saved_results import ExportOptions

    return CaseOptions(
        segment_options(models, device=device, precision=precision, model=model),
        ExportOptions(parse_formats(export), int(et_label.value), anonymise),
    )


def segment_options(
    models: "ModelStore", *, device: str, precision: Precision, model: str
) -> "SegmentOptions":
    """Return the options of a segmentation as the services take them.

    Raises
    ------
    UsageError
        If the model does not exist.
    InputError
        If the model was trained for something else than brain tumours.
    """
    from desktop_app.services.models import require_tumour_model
    from desktop_app.services.segmenting.segment import SegmentOptions

    entry = models.find(model)
    require_tumour_model(entry)
    return SegmentOptions(device, precision, model, entry.folder)

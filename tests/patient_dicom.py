"""The raw patient as a scanner would have sent it, with every word taken out of the headers."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.io.nifti.files import read_nifti
from tests.mr_files import write_series

RAW = "TCGA-FG-6692"
_FILES = {Sequence.T1: "t1", Sequence.T1C: "t1ce", Sequence.T2: "t2", Sequence.FLAIR: "flair"}
# What spin echo at 1.5 T is run with; each series some minutes after the one before.
_TIMING: dict[Sequence, dict[str, Any]] = {
    Sequence.T2: {"RepetitionTime": 3000, "EchoTime": 102, "ScanningSequence": "SE"},
    Sequence.FLAIR: {
        "RepetitionTime": 10_002,
        "EchoTime": 155,
        "InversionTime": 2200,
        "ScanningSequence": ["SE", "IR"],
    },
    Sequence.T1: {"RepetitionTime": 550, "EchoTime": 10, "ScanningSequence": "SE"},
    Sequence.T1C: {"RepetitionTime": 550, "EchoTime": 10, "ScanningSequence": "SE"},
}
_WORDS = ("SeriesDescription", "ProtocolName", "SequenceName")
_TIMES = ("RepetitionTime", "EchoTime", "InversionTime", "ScanningSequence")


def raw_volumes(data: Path) -> dict[Sequence, Volume]:
    """The four images of the raw patient."""
    folder = data / "raw" / RAW
    return {s: read_nifti(folder / f"{RAW}_{name}.nii.gz") for s, name in _FILES.items()}


def write_raw_patient(
    data: Path, folder: Path, *, with_agent: bool = True, with_timing: bool = True
) -> dict[str, Sequence]:
    """Write the raw patient as DICOM series without words, and two series that are none of four.

    Parameters
    ----------
    with_agent
        Whether T1c's header names the contrast agent.
    with_timing
        Whether the headers hold TR, TE, TI and the kind of sequence; without, times of day and
        numbers of series are alike too.

    Returns
    -------
    dict
        Which sequence each Series Instance UID is.
    """
    found = {}
    volumes = raw_volumes(data)
    for number, sequence in enumerate(_TIMING, start=2):
        extra = dict(_TIMING[sequence]) if with_timing else {}
        if with_agent and sequence is Sequence.T1C:
            extra["ContrastBolusAgent"] = "MAGNEVIST"
        clock = number if with_timing else 0
        uid = generate_uid(entropy_srcs=["raw", sequence.value])
        write_volume(
            folder / f"S{number:03d}",
            volumes[sequence],
            SeriesInstanceUID=uid,
            SeriesNumber=number if with_timing else 0,
            AcquisitionTime=f"10{10 + 6 * clock:02d}00",
            **extra,
        )
        found[str(uid)] = sequence
    localizer = volumes[Sequence.T1]
    write_volume(
        folder / "S001",
        localizer,
        range(10, 13),
        SeriesNumber=1,
        ImageType=["ORIGINAL", "LOCALIZER"],
    )
    diffusion = {"RepetitionTime": 8000, "EchoTime": 90, "ScanningSequence": "EP"}
    write_volume(
        folder / "S009", volumes[Sequence.T2], SeriesNumber=9, DiffusionBValue=1000.0, **diffusion
    )
    return found


def write_volume(
    folder: Path, volume: Volume, slices: Iterable[int] | None = None, **header: Any
) -> list[Path]:
    """Write a volume, or some of its slices, as one classic series without words.

    Values are rounded; slices go the way that rows and columns say.
    """
    geometry = volume.geometry
    chosen = list(range(geometry.shape_kji[0])) if slices is None else list(slices)
    directions = geometry.direction_lps
    normal = np.cross(directions[:, 0], directions[:, 1])
    if normal @ directions[:, 2] < 0:
        chosen = chosen[::-1]
    first = geometry.to_patient_mm(np.array([chosen[0], 0, 0], dtype=np.float64))
    array = np.rint(volume.array_kji[chosen]).astype(np.uint16)
    timing = {keyword: header.get(keyword) for keyword in _TIMES}

    def without_words(_number: int, dataset: Dataset) -> None:
        for keyword in (*_WORDS, *(k for k, value in timing.items() if value is None)):
            if keyword in dataset:
                delattr(dataset, keyword)

    return write_series(
        folder,
        array,
        "",
        spacing_mm=geometry.spacing_mm,
        orientation=tuple(directions[:, :2].T.ravel()),
        origin_lps_mm=first,
        edit=without_words,
        **{"SeriesInstanceUID": generate_uid(entropy_srcs=[str(folder)]), **header},
    )

"""From a path to the volumes of the four sequences."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_app.domain.study import Sequence, Series, Study
from desktop_app.domain.volume import Volume
from desktop_app.errors import InputError, OutputError
from desktop_app.jobs.cancel import NEVER, CancelToken
from desktop_app.jobs.events import ProgressCallback, silent
from desktop_app.services.opening.other_study import from_outside
from desktop_app.services.opening.series_memory import user_series_memory

# pydicom, nibabel and SciPy take seconds to load from a slow disk, and a window that only starts
# needs none of them: so what reads files is imported where it is used.
if TYPE_CHECKING:
    from desktop_app.io.scan import ScanResult

LEAVE_OUT = "none"
"""Override that leaves a sequence out, whatever is proposed for it."""


def open_path(
    path: Path,
    *,
    progress: ProgressCallback = silent,
    token: CancelToken = NEVER,
    use_cache: bool = True,
    limited: bool = True,
) -> "ScanResult":
    """Find the studies in a folder, ZIP archive, DICOMDIR or single file.

    Series like those the user chose in an earlier study are proposed again.

    Parameters
    ----------
    use_cache
        Whether headers are looked up among those of earlier scans, and kept for later ones.
    limited
        Look at no more than 200,000 files, so that a whole disk opened by mistake ends somewhere.

    Raises
    ------
    InputError
        If there is nothing usable at all.
    Cancelled
        If `token` was cancelled.
    """
    from desktop_app.io.scan import scan

    found = scan(
        path,
        progress=progress,
        check=token.raise_if_cancelled,
        use_cache=use_cache,
        limited=limited,
    )
    memory = user_series_memory()
    return replace(found, studies=tuple(memory.apply(study) for study in found.studies))


def forget_scans() -> None:
    """Remove what is kept of earlier scans, names of patients among it.

    Raises
    ------
    OutputError
        If the system does not let it be removed.
    """
    from desktop_app.io.dicom.header_cache import cache_file, clear_cache

    file = cache_file()
    try:
        clear_cache(file)
    except OSError as error:
        raise OutputError(
            "The list of earlier scans cannot be removed.",
            f"{file}: {error.strerror or error}",
            "Close other windows of the program and try again, or delete the file.",
        ) from error


def choose_roles(
    study: Study, overrides: Mapping[Sequence, str] | None = None
) -> dict[Sequence, Series]:
    """Return the series to use per sequence: the proposals, overruled by the user.

    Parameters
    ----------
    overrides
        Per sequence a series UID of the study, a folder with one series, a NIfTI file, or
        `LEAVE_OUT`. A series named for one sequence is no longer proposed for another; nothing
        takes its place there. One from outside the study says so among its problems.

    Returns
    -------
    dict
        In the order of `Sequence`; a sequence without a series is absent.

    Raises
    ------
    InputError
        If an override names nothing usable, or a series of another patient, or one series is
        named for two sequences.
    """
    overrides = overrides or {}
    named = {
        sequence: _override(study, sequence, text)
        for sequence, text in overrides.items()
        if text.strip().lower() != LEAVE_OUT
    }
    _refuse_double_use(named)
    taken = {series.series_uid for series in named.values()}
    roles: dict[Sequence, Series] = {}
    for sequence in Sequence:
        if sequence in named:
            roles[sequence] = named[sequence]
        elif sequence not in overrides and sequence in study.roles:
            uid = study.roles[sequence].series_uid
            if uid not in taken:
                roles[sequence] = study.series_by_uid(uid)
    return roles


def load_roles(
    roles: Mapping[Sequence, Series],
    *,
    progress: ProgressCallback = silent,
    token: CancelToken = NEVER,
) -> dict[Sequence, Volume]:
    """Load the chosen series.

    Raises
    ------
    InputError
        If a series cannot be loaded.
    Cancelled
        If `token` was cancelled.
    """
    from desktop_app.io.dicom.decoder_process import DecoderProcess
    from desktop_app.io.load import load_series

    volumes: dict[Sequence, Volume] = {}
    with DecoderProcess() as decoder:
        for number, sequence in enumerate(one for one in Sequence if one in roles):
            progress(number / len(roles), f"Reading {sequence}")
            volumes[sequence] = load_series(
                roles[sequence], check=token.raise_if_cancelled, decoder=decoder
            )
    progress(1.0, "Reading images")
    return volumes


def load_one(
    series: Series,
    *,
    progress: ProgressCallback = silent,
    token: CancelToken = NEVER,
) -> Volume:
    """Load a single series to look at, whatever it is; raises as `load_roles`."""
    from desktop_app.io.load import load_series

    volume = load_series(series, check=token.raise_if_cancelled)
    progress(1.0, "Reading the image")
    return volume


def _override(study: Study, sequence: Sequence, text: str) -> Series:
    from desktop_app.io.nifti.files import is_nifti_path
    from desktop_app.io.nifti.scan import nifti_series

    for series in study.series:
        if series.series_uid == text:
            return _usable(series, sequence)
    path = Path(text)
    # A file named again is the series the scan already knows.
    for series in study.series:
        if series.is_nifti and path.exists() and series.instances[0].path.samefile(path):
            return series
    if path.is_file() and is_nifti_path(path):
        return from_outside(nifti_series(path), None, study, sequence)
    if path.exists():
        owner, series = _only_series(path, sequence)
        return from_outside(series, None if series.is_nifti else owner, study, sequence)
    raise InputError(
        f"What is named for {sequence} does not exist.",
        f"“{text}” is neither a series UID of study {study.name}, nor a folder or NIfTI file.",
        "List the series with “gliascope scan”, and name one of those.",
    )


def _usable(series: Series, sequence: Sequence) -> Series:
    if not series.usable:
        raise InputError(
            f"The series named for {sequence} cannot be used.",
            f"“{series.description}”: {' '.join(series.problems)}",
            "Choose another series.",
        )
    return series


def _only_series(path: Path, sequence: Sequence) -> tuple[Study, Series]:
    """Return the one series of a folder; of several, the one proposed for the sequence.

    With it goes the study that it is of.
    """
    from desktop_app.io.scan import scan

    studies = scan(path).studies
    series = [(study, one) for study in studies for one in study.series if one.usable]
    if len(series) == 1:
        return series[0]
    proposed = [
        (study, study.series_by_uid(study.roles[sequence].series_uid))
        for study in studies
        if sequence in study.roles
    ]
    if len(proposed) == 1:
        return proposed[0]
    raise InputError(
        f"What is named for {sequence} holds {len(series)} series.",
        str(path),
        "Name one series by its UID, or a folder with one series.",
    )


def _refuse_double_use(named: Mapping[Sequence, Series]) -> None:
    by_uid: dict[str, Sequence] = {}
    for sequence, series in named.items():
        first = by_uid.setdefault(series.series_uid, sequence)
        if first is not sequence:
            raise InputError(
                f"One series is named for both {first} and {sequence}.",
                f"“{series.description}” ({series.series_uid})",
                "Name another series for one of them, or leave it out.",
            )

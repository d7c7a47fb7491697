"""Load a series, whatever it is stored as."""

from dataclasses import replace

from desktop_app.domain.stopping import Check, go_on
from desktop_app.domain.study import Series
from desktop_app.domain.volume import Volume
from desktop_app.errors import InputError
from desktop_app.io.dicom.decoder_process import DecoderProcess
from desktop_app.io.dicom.load import load_dicom
from desktop_app.io.nifti.files import read_nifti


def load_series(
    series: Series,
    *,
    check: Check = go_on,
    decoder: DecoderProcess | None = None,
) -> Volume:
    """Load a DICOM or NIfTI series.

    Parameters
    ----------
    series
        A usable series.
    check
        Called between files, and often within large ones; raises to stop.
    decoder
        Shared with other series of the study, for compressed DICOM; one for this series otherwise.

    Returns
    -------
    Volume
        float32; `notes` hold what the scan and the loading repaired.

    Raises
    ------
    InputError
        If the series is not usable, its files cannot be read, or memory does not hold them.
    """
    if not series.usable:
        raise InputError(
            "This series cannot be loaded as one volume.",
            f"“{series.description}”: {' '.join(series.problems)}",
            "Choose another series for this sequence.",
        )
    try:
        volume = (
            read_nifti(series.instances[0].path, check=check)
            if series.is_nifti
            else load_dicom(series, check=check, decoder=decoder)
        )
    except MemoryError as error:
        raise InputError(
            "There is not enough memory to load this series.",
            f"“{series.description}”, {len(series.instances)} images",
            "Close other programs, or choose a series with fewer images.",
        ) from error
    notes = tuple(dict.fromkeys((*series.problems, *volume.notes)))
    return replace(volume, notes=notes)

"""Forgetting what is kept of earlier studies to be quicker with the next ones."""

from dataclasses import dataclass

from desktop_app.services.import_study import forget_scans
from desktop_app.services.series_memory import user_series_memory


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was removed.

    Parameters
    ----------
    scan_bytes
        Size of the list of earlier scans, which names patients.
    choices
        How many choices of a series for a sequence were remembered.
    """

    scan_bytes: int
    choices: int


def forget_earlier_studies() -> Forgotten:
    """Remove the list of earlier scans and the remembered choices; results and settings stay.

    Raises
    ------
    OutputError
        If the system does not let them be removed.
    """
    from desktop_app.io.header_cache import cache_file

    file = cache_file()
    scan_bytes = file.stat().st_size if file.exists() else 0
    forget_scans()
    return Forgotten(scan_bytes, user_series_memory().forget())

"""Forgetting what is kept of earlier studies to be quicker with the next ones."""

from dataclasses import dataclass

from desktop_app.services.opening.import_study import forget_scans
from desktop_app.services.opening.series_memory import user_series_memory


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was removed.

    Parameters
    ----------
    scan_bytes
        Size of the list of earlier scans, which names patients.
    choices
        How many choices of a series for a sequence were remembered.
    corrections
        Of how many studies corrections were kept that were never exported.
    """

    scan_bytes: int
    choices: int
    corrections: int


def forget_earlier_studies() -> Forgotten:
    """Remove earlier scans, remembered choices and kept corrections; results and settings stay.

    Raises
    ------
    OutputError
        If the system does not let them be removed.
    """
    from desktop_app.io.correction_journal import corrections_folder, forget_journals
    from desktop_app.io.dicom.header_cache import cache_file

    file = cache_file()
    scan_bytes = file.stat().st_size if file.exists() else 0
    forget_scans()
    corrections = forget_journals(corrections_folder())
    return Forgotten(scan_bytes, user_series_memory().forget(), corrections)

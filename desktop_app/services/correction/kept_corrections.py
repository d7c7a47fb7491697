"""Corrections that were never exported, found before anything is segmented again."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from desktop_app.domain.study import Series, Study
from desktop_app.io.correction_journal import JournalPlace, corrections_folder
from desktop_app.services.opening.study_identity import identity


@dataclass(frozen=True, slots=True)
class KeptCorrections:
    """What a window that ended left of a study.

    Parameters
    ----------
    series
        On whose grid the labels lie.
    started
        When the first correction was made, local time with its offset.
    """

    series: Series
    started: datetime


def kept_corrections(study: Study, folder: Path | None = None) -> KeptCorrections | None:
    """Return the latest corrections kept of a study, on whichever of its series.

    Parameters
    ----------
    folder
        Where they are written down; the user's own if not given.
    """
    folder = folder if folder is not None else corrections_folder()
    of_study = identity(study)
    found = []
    for series in study.series:
        left = JournalPlace(folder, of_study, series.series_uid).left_behind()
        if left.corrections is not None:
            found.append(KeptCorrections(series, left.corrections.started))
    return max(found, key=lambda one: one.started.timestamp(), default=None)

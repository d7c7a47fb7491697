"""The volumes of one patient over time, from the results that were exported."""

from collections.abc import Callable
from collections.abc import Sequence as Many
from pathlib import Path

from desktop_app.domain.measurement import change_percent
from desktop_app.domain.missing import volume_if_known
from desktop_app.domain.provenance import UNKNOWN
from desktop_app.domain.readable import (
    readable_date,
    readable_name,
    readable_percent,
)
from desktop_app.domain.segmentation import Region
from desktop_app.domain.study import PatientSummary
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import ProgressCallback
from desktop_app.jobs.runner import Lane
from desktop_app.services.results.volumes_over_time import TimePoint, time_points
from desktop_app.services.session import Session
from ui.presenters.job_line import JobLine
from ui.views.time_view import TimeRow, TimeView

_REGIONS = (Region.WT, Region.TC, Region.ET)
_NONE = "No volumes over time."
_WHY_NONE = "In {folder} there is no exported result with a date of this patient."
_NO_PATIENT = "The open study does not say whose it is: it has no patient ID."
_NOT_LISTED = (
    "The open study's result is not among them as it is now: listed is what was exported to this "
    "folder with measurements.json and not anonymised."
)
_LOOKING = "Looking for earlier results"
_BUSY = "Something else is going on."
_WHY_BUSY = "Wait until it has ended, or cancel it; then look at the volumes."


class TimePresenter:
    """Looks for a patient's results, and lists what they say.

    Parameters
    ----------
    jobs
        The line of the study's jobs: looking takes its place there.
    folder
        Returns where results are.
    """

    def __init__(
        self, view: TimeView, session: Session, jobs: JobLine, folder: Callable[[], Path]
    ) -> None:
        self._view = view
        self._session = session
        self._jobs = jobs
        self._folder = folder

    def show(self) -> None:
        """List the volumes of the open study's patient, unless another is open by then."""
        study = self._session.study
        if study is None:
            return
        patient, folder = study.patient, self._folder()
        if not patient.patient_id:
            self._view.show_message(_NONE, (_NO_PATIENT,))
            return
        if self._jobs.busy:
            self._view.show_message(_BUSY, (_WHY_BUSY,))
            return

        def work(_progress: ProgressCallback, token: CancelToken) -> tuple[TimePoint, ...]:
            return time_points(patient.patient_id, folder, token)

        def done(points: tuple[TimePoint, ...]) -> None:
            now = self._session.study
            if now is not None and now.patient == patient:
                self._tell(patient, folder, points)

        self._jobs.start(_LOOKING, work, done, lane=Lane.IO, kind="over time")

    def _tell(self, patient: PatientSummary, folder: Path, points: Many[TimePoint]) -> None:
        if not points:
            self._view.show_message(_NONE, (_WHY_NONE.format(folder=folder),))
            return
        named = (readable_name(patient.name), patient.patient_id)
        who = " · ".join(part for part in named if part)
        note = "" if self._lists_what_is_open(points) else _NOT_LISTED
        self._view.show_volumes_over_time(who, folder, time_rows(points), note)

    def _lists_what_is_open(self, points: Many[TimePoint]) -> bool:
        """Whether nobody could take a row for the result on the screen that is not of it."""
        result, listed = self._session.result, {one.folder.resolve() for one in points}
        return result is None or any(
            one.segmentation is result.segmentation and folder.resolve() in listed
            for folder, one in self._session.written.items()
        )


def time_rows(points: Many[TimePoint]) -> tuple[TimeRow, ...]:
    """Return a row for each study, with the change since the one before."""
    rows = []
    for index, point in enumerate(points):
        before = points[index - 1] if index else None
        volumes = tuple(
            volume_if_known(point.volumes_mm3[one], is_rough=_is_rough(point, one))
            for one in _REGIONS
        )
        changes = tuple(_change(before, point, one) for one in _REGIONS)
        rows.append(TimeRow(readable_date(point.date), volumes, changes, _note(before, point)))
    return tuple(rows)


def _is_rough(point: TimePoint, region: Region) -> bool:
    """Whether a volume is a guess: the core's where nothing is known of what enhances."""
    return region is Region.TC and point.volumes_mm3[Region.ET] is None


def _change(before: TimePoint | None, now: TimePoint, region: Region) -> str:
    if before is None:
        return ""
    was_mm3, is_mm3 = before.volumes_mm3[region], now.volumes_mm3[region]
    if was_mm3 is None or is_mm3 is None or _is_rough(before, region) or _is_rough(now, region):
        return "–"
    percent = change_percent(was_mm3, is_mm3)
    if percent is None:
        return "new" if is_mm3 else "–"
    return readable_percent(percent)


def _note(before: TimePoint | None, now: TimePoint) -> str:
    """Say what keeps two volumes from being compared as they are."""
    notes = ["cut off by the end of the image: too small"] if now.cut_off else []
    if now.changed_outside:
        notes.append("labels changed since in another program: measured before")
    if now.of_another_program:
        notes.append("labels of another program")
    elif now.corrected:
        notes.append("corrected by hand")
    if now.missing:
        notes.append(f"without {', '.join(now.missing)}")
    if now.model_id == UNKNOWN:
        notes += [] if now.of_another_program else ["network not known"]
    elif before is not None and before.model_id not in (now.model_id, UNKNOWN):
        notes.append(f"another network: {now.model_id}")
    return "; ".join(notes)

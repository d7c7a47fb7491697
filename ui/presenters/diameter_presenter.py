"""Keeps the diameters in sight up to date, without a stroke of the brush waiting for them."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from desktop_app.domain.lesion import Lesion
from desktop_app.domain.measurement import Diameters
from desktop_app.domain.readable import readable_position
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import Done, Event, Failed, ProgressCallback
from desktop_app.jobs.runner import Job, JobRunner, Lane
from desktop_app.services.measuring.diameters import (
    CRITERIA,
    in_words,
    measure_diameters,
    slice_in_words,
)
from desktop_app.services.measuring.lesions import measure_lesions
from desktop_app.services.measuring.places import measure_places, place_in_words
from desktop_app.services.session import Session
from desktop_app.services.session_changes import Change, ResultChanged, ResultCorrected
from ui.presenters.failures import tell_failure
from ui.presenters.job_line import Dispatch
from ui.views.diameter_view import DiameterRow, DiameterView

# After a stroke the surfaces are built first, and strokes in quick succession are measured once:
# both at a time hold the window up.
_AFTER_STROKE_S = 0.5


class Measured(NamedTuple):
    """The diameters of a result, and its enhancing lesions one by one."""

    diameters: Mapping[Region, Diameters]
    lesions: tuple[Lesion, ...]


_NOTHING = Measured({}, ())


class DiameterPresenter:
    """Has every result measured in the background, and shows the latest answer.

    Parameters
    ----------
    dispatch
        Queues a function onto the GUI thread.

    Attributes
    ----------
    on_measured
        Called with what was found, nothing where nothing could be measured; and with ``None`` where
        what was found before is out of date.
    measured
        What was found in the result that is shown; ``None`` until it is measured.
    """

    def __init__(
        self, view: DiameterView, session: Session, runner: JobRunner, dispatch: Dispatch
    ) -> None:
        self._view = view
        self._runner = runner
        self._dispatch = dispatch
        self.on_measured: Callable[[Measured | None], None] = lambda _: None
        self.measured: Measured | None = None
        self._asked: StudyResult | None = None
        self._job: Job | None = None
        session.subscribe(self._on_change)

    def _on_change(self, change: Change) -> None:
        match change:
            case ResultChanged(result, _):
                self._measure(result)
            case ResultCorrected(result):
                self._measure(result, after_s=_AFTER_STROKE_S)
            case _:
                pass

    def _measure(self, result: StudyResult | None, *, after_s: float = 0.0) -> None:
        self._asked = result
        self.measured = None
        self.on_measured(None)
        if self._job is not None:
            self._job.cancel()
        if result is None:
            self._view.show_diameters(())
            self.on_measured(_NOTHING)
            return
        self._view.show_diameters(None)

        def work(_progress: ProgressCallback, token: CancelToken) -> Measured:
            token.wait(after_s)
            diameters = measure_diameters(result.segmentation, token)
            token.raise_if_cancelled()
            measure_places(result)  # kept for the rows below
            return Measured(diameters, measure_lesions(result.segmentation, token))

        def listen(event: Event) -> None:
            if isinstance(event, Done | Failed):
                self._dispatch(lambda: self._finish(result, event))

        self._job = self._runner.submit(work, listen, lane=Lane.IO)

    def _finish(self, result: StudyResult, event: Done | Failed) -> None:
        if result is not self._asked:
            return
        if isinstance(event, Failed):
            self._view.show_diameters(())
            self.on_measured(_NOTHING)
            tell_failure(self._view, event)
            return
        measured = self.measured = event.result
        self._view.show_diameters(diameter_rows(result, measured.diameters))
        self.on_measured(measured)


def diameter_rows(
    result: StudyResult, diameters: Mapping[Region, Diameters]
) -> tuple[DiameterRow, ...]:
    """Return what the window shows of diameters, and on which side the whole tumour lies."""
    whole = measure_places(result).get(Region.WT)
    side = "" if whole is None or whole.side is None else whole.side.value
    return tuple(
        DiameterRow(
            in_words(one, side if one.region is Region.WT else "", numbers_slice=True),
            _note(result, one),
            (one.long_ends, one.short_ends),
            one.middle,
        )
        for one in diameters.values()
    )


def _note(result: StudyResult, one: Diameters) -> str:
    if one.is_measurable:
        worth = f"Measurable after {CRITERIA}: both at least {one.least_mm:.3g} mm."
    elif one.in_several_slices:
        worth = f"Not measurable after {CRITERIA}: one is shorter than {one.least_mm:.3g} mm."
    else:
        worth = f"Not measurable after {CRITERIA}: in one slice only."
    where = f"{place_in_words(result)}. " if one.region is Region.WT else ""
    return (
        f"{where}The longest diameter in one slice and the longest perpendicular to it, inside the "
        "lesion. "
        f"Product {one.product_mm2:.0f} mm², {slice_in_words(result, one)}, "
        f"{readable_position(one.plane, one.position_mm)}. {worth} "
        "Click to go there."
    )

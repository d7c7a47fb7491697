"""Turns what a hand does over the slices into corrected labels."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.correction import ToolSettings
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region
from desktop_app.domain.study import Sequence
from desktop_app.errors import OutputError
from desktop_app.services.correction.kept_corrections import KeptCorrections, kept_corrections
from desktop_app.services.session import Session
from desktop_app.services.session_changes import (
    Change,
    ResultAwaited,
    ResultChanged,
    ResultSaved,
    RolesChanged,
)
from ui.views.correction_view import CorrectionState, CorrectionView

if TYPE_CHECKING:
    from desktop_app.services.correction.correction import Correction


class CorrectionPresenter:
    """Answers what the user does with brush, outline and undo.

    Parameters
    ----------
    folder
        Where corrections are kept until they are exported; the user's own if not given.
    """

    def __init__(self, view: CorrectionView, session: Session, folder: Path | None = None) -> None:
        self._view = view
        self._session = session
        self._folder = folder
        self._correction: Correction | None = None
        self._is_active = False
        self._is_held = False
        self._shows_limits = False
        self._kept: KeptCorrections | None = None
        session.subscribe(self._on_change)
        self._show_state()

    @property
    def is_unsaved(self) -> bool:
        """Whether the labels were corrected and not exported since."""
        result = self._session.result
        return (
            result is not None and result.segmentation.provenance.edited and not self._session.saved
        )

    def set_active(self, active: bool) -> None:
        """Take the tools out or put them away."""
        if not active:
            self.finish_redraw()
            self._forget_outcome()
        self._is_active = active and self._correction is not None and not self._is_held
        self._show_state()

    def move_on(self) -> None:
        """Tell of an undo no longer once its user looks elsewhere, the tools being away."""
        if not self._is_active and self._correction is not None and self._correction.outcome:
            self._forget_outcome()
            self._show_state()

    def begin(
        self,
        settings: ToolSettings,
        point_lps_mm: NDArray[np.float64],
        normal_lps: NDArray[np.float64],
        shown: Sequence | None = None,
    ) -> None:
        """Begin a stroke on the slice of an image; `normal_lps` leads through the slice."""
        one = self._correction
        if one is not None and self._is_active and not one.is_drawing:
            self.finish_redraw()
            self._refresh_if(one.begin(settings, point_lps_mm, normal_lps, shown))

    def extend(self, point_lps_mm: NDArray[np.float64]) -> None:
        """Go on with the stroke."""
        if self._correction is not None:
            self._refresh_if(self._correction.extend(point_lps_mm))

    def finish(self) -> None:
        """End the stroke."""
        if self._correction is not None and self._correction.is_drawing:
            self._change(lambda one: one.finish())

    def cancel(self) -> None:
        """Give the stroke up."""
        if self._correction is not None and self._correction.is_drawing:
            self._correction.cancel()
            self._view.refresh_labels()
            self._show_state()

    def undo(self) -> None:
        """Take the last change back."""
        self._change(lambda one: one.undo())

    def redo(self) -> None:
        """Do again what was taken back."""
        self._change(lambda one: one.redo())

    def smooth(self, hidden: frozenset[int] = frozenset()) -> None:
        """Even out ragged borders, but for those of labels out of sight."""
        self._change(lambda one: one.smooth(hidden))

    def remove_specks(self, hidden: frozenset[int] = frozenset()) -> None:
        """Take small parts away, but for those with labels out of sight."""
        self._change(lambda one: one.remove_specks(hidden=hidden))

    def fill_between(self, settings: ToolSettings) -> None:
        """Fill the region in hand between the slices it was drawn in."""
        self._change(lambda one: one.fill_between(settings))

    def grow(self, settings: ToolSettings) -> None:
        """Complete regions from the strokes drawn in them."""
        self._change(lambda one: one.grow(settings))

    def move_border(
        self,
        settings: ToolSettings,
        by_mm: float,
        at_lps_mm: NDArray[np.float64] | None = None,
    ) -> None:
        """Make the region in hand, or its part at a place, wider; narrower below 0."""
        self._change(lambda one: one.move_border(settings, by_mm, at_lps_mm))

    def show_limits(self, shown: bool) -> None:
        """Take the sliders of the network's certainty out, or put them away."""
        self._shows_limits = shown
        self._show_state()

    def redraw(self, region: Region, limit: float, hidden: frozenset[int] = frozenset()) -> None:
        """Draw a region where the network gives more than a limit, until `finish_redraw` anew."""
        if self._correction is not None and self._is_active:
            self._refresh_if(self._correction.redraw(region, limit, hidden))

    def finish_redraw(self) -> None:
        """Let the last limit count."""
        self._change(lambda _: False)

    def forget(self) -> None:
        """Remove what is kept of the corrections; the labels stay as they are."""
        self._kept = None
        if self._correction is not None:
            self._forget(self._correction)
        self._show_state()

    def close(self) -> None:
        """Forget corrections that the user agreed to lose."""
        self._let_go()

    def _change(self, change: Callable[["Correction"], bool]) -> None:
        """Change the labels and hand the new result on, even if it cannot be written down."""
        one = self._correction
        if one is None or self._is_held:
            return
        is_changed = True
        try:
            # A slide that has not settled is a step of its own
            is_settled = one.finish_redraw()
            is_changed = change(one) or is_settled
        except OutputError as error:
            self._view.show_error(error)
        # What is as it was stays exported
        if is_changed:
            self._kept = None  # was told, and other things are to be told now
            self._view.refresh_labels()
            self._session.accept_correction(one.result())
        self._show_state()

    def _refresh_if(self, changed: bool) -> None:
        if changed:
            self._view.refresh_labels()

    def _on_change(self, change: Change) -> None:
        match change:
            case ResultChanged(result, _):
                self._let_go()
                if result is not None:
                    self._take_up(result)
                self._show_state()
            case RolesChanged() if self._correction is None:
                # Of a result that was left for this all is settled: what is kept now is of before
                study = self._session.study
                self._kept = kept_corrections(study, self._folder) if study is not None else None
                self._show_state()
            case ResultAwaited(is_awaited):
                self._hold(is_awaited)
            case ResultSaved() if self._correction is not None:
                self._forget(self._correction)
                self._forget_outcome()
                self._show_state()
            case _:
                pass

    def _hold(self, is_held: bool) -> None:
        """Put the tools away while the network makes what will replace the labels."""
        if is_held:
            self.finish()
            self.finish_redraw()
            self._is_active = False
        self._is_held = is_held
        self._show_state()

    def _take_up(self, result: StudyResult) -> None:
        from desktop_app.services.correction.correction import Correction  # loads slowly

        one = self._correction = Correction(result, self._folder)
        segmentation = result.segmentation
        self._view.show_live_labels(one.labels_kji, segmentation.labels_kji, segmentation.geometry)
        earlier = one.earlier
        if earlier is not None:
            self._kept = None  # asked for now

        def answer(wanted: bool) -> None:
            if self._correction is not one or one.earlier is None:
                return
            if wanted:
                self._change(lambda one: one.restore())
            else:
                self._forget(one)

        if earlier is not None:
            self._view.offer_restore(earlier.started, len(earlier.edits), answer)

    def _let_go(self) -> None:
        one, self._correction = self._correction, None
        self._is_active = False
        # Whoever leaves a result was asked before, or has exported it; but nobody yet said what is
        # to become of corrections that were offered and not answered for.
        if one is not None and one.earlier is None:
            self._forget(one)

    def _forget(self, one: "Correction") -> None:
        try:
            one.forget()
        except OutputError as error:
            self._view.show_error(error)

    def _forget_outcome(self) -> None:
        if self._correction is not None:
            self._correction.forget_outcome()

    def _show_state(self) -> None:
        one, result = self._correction, self._session.result
        self._view.show_correction(
            CorrectionState(
                is_possible=one is not None and not self._is_held,
                is_active=self._is_active,
                undo_title=one.undo_title if one is not None else "",
                redo_title=one.redo_title if one is not None else "",
                drawn_plane=(one.drawn_plane or "") if one is not None else "",
                limits=one.limits if one is not None and self._are_limits_out else None,
                outcome=(one.outcome if one is not None else "") or self._kept_in_words(),
                is_core_whole=result is not None and not result.segmentation.shows_enhancement,
            )
        )

    @property
    def _are_limits_out(self) -> bool:
        return self._is_active and self._shows_limits

    def _kept_in_words(self) -> str:
        if self._kept is None:
            return ""
        # Short, since what is under the pointer is told beside it
        series = self._kept.series
        which = f"series {series.number}" if series.number else f"“{series.description}”"
        when = f"{self._kept.started:%Y-%m-%d %H:%M}"
        return (
            f"Corrections of {when} were never exported. "
            f"Segment on {which}, or open its result, to go on with them."
        )

"""Wires the tools that correct labels: bar, menus, views, presenter."""

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.correction import PaintOver, ToolSettings
from desktop_app.domain.segmentation import DEFAULT_LABELS
from desktop_app.services.session import Session
from ui.main_window import MainWindow
from ui.presenters.correction_presenter import CorrectionPresenter
from ui.presenters.study_presenter import StudyPresenter


class Correcting:
    """Connects the window's tools with the presenter of corrections.

    Parameters
    ----------
    study
        Knows which image is shown.
    """

    def __init__(self, window: MainWindow, session: Session, study: StudyPresenter) -> None:
        self._window = window
        self._page = window.study_page
        self._study = study
        self.presenter = CorrectionPresenter(window, session)
        self._connect_commands()
        self._connect_strokes()

    def _connect_commands(self) -> None:
        page, menus, correction = self._page, self._window.menus, self.presenter
        bar, limits = page.correction_bar, page.limits_bar
        page.tools_requested.connect(correction.set_active)
        menus.correct.triggered.connect(correction.set_active)
        menus.undo.triggered.connect(correction.undo)
        menus.redo.triggered.connect(correction.redo)
        bar.undo_requested.connect(correction.undo)
        bar.redo_requested.connect(correction.redo)
        bar.smooth_requested.connect(correction.smooth)
        bar.specks_requested.connect(correction.remove_specks)
        bar.fill_requested.connect(correction.fill_between)
        bar.grow_requested.connect(correction.grow)
        bar.margin_requested.connect(self._ask_margin)
        page.limits_toggled.connect(correction.show_limits)
        limits.limit_moved.connect(
            lambda region, limit: correction.redraw(region, limit, bar.hidden)
        )
        limits.limit_settled.connect(correction.finish_redraw)

    def _ask_margin(self, settings: ToolSettings) -> None:
        region = next(one.name.lower() for one in DEFAULT_LABELS if one.value == settings.value)
        at_lps_mm = self._page.views.cursor_lps_mm

        def move(by_mm: float, is_part: bool) -> None:
            self.presenter.move_border(settings, by_mm, at_lps_mm if is_part else None)

        self._window.ask_margin(region, move)

    def _connect_strokes(self) -> None:
        views, correction = self._page.views, self.presenter
        views.stroke_began.connect(self._begin_stroke)
        views.stroke_moved.connect(correction.extend)
        views.stroke_ended.connect(correction.finish)
        views.stroke_cancelled.connect(correction.cancel)
        views.cursor_moved.connect(lambda _: correction.move_on())

    def _begin_stroke(
        self, point_lps_mm: NDArray[np.float64], normal_lps: NDArray[np.float64], erases: bool
    ) -> None:
        settings = self._page.correction_bar.settings(erases=erases)
        if settings is None:
            return
        drawn_on = self._page.views.drawn_on
        is_hidden = drawn_on is None and self._study.image.others.volume is not None
        if settings.over is PaintOver.SIMILAR and is_hidden:
            # What is "about as bright" would be judged by an image that nobody sees.
            self._window.show_message(
                "Show one of the four sequences first.",
                ("Similar brightness is that of a sequence, not of another series.",),
            )
            return
        shown = drawn_on or self._study.image.sequence
        self.presenter.begin(settings, point_lps_mm, normal_lps, shown)

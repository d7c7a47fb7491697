"""A window that shows one study: what the presenters of a study say goes to its page."""

from collections.abc import Mapping
from collections.abc import Sequence as Many

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSizePolicy, QStackedWidget

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.segmentation import Segmentation
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from ui.dialogs.compare_dialog import CompareDialog
from ui.icons import Icons
from ui.panels.start_page import StartPage
from ui.panels.study_page import StudyPage
from ui.telling_window import TellingWindow
from ui.views.correction_view import CorrectionState
from ui.views.diameter_view import DiameterRow
from ui.views.export_view import ExportState
from ui.views.sequences_view import SequenceImage
from ui.views.study_view import (
    Actions,
    Comparison,
    Findings,
    JobStatus,
    SequenceSlot,
    SeriesChoice,
    StudyHeader,
    Verdict,
)
from ui.widgets.card import styled_label
from ui.widgets.short_label import ShortLabel

_INDENT = 8


class StudyWindow(TellingWindow):
    """Shows a study and its labels; the start page before there is one."""

    def __init__(self, icons: Icons) -> None:
        super().__init__()
        self._grid: Geometry | None = None
        self._comparison: CompareDialog | None = None
        self.start_page = StartPage(icons)
        self.study_page = StudyPage(icons)
        self._study_stack = QStackedWidget()
        self._study_stack.addWidget(self.start_page)
        self._study_stack.addWidget(self.study_page)
        self._readout = ShortLabel("muted")
        # What a command did comes first; the read-out has the room that is left.
        self._readout.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._readout.setIndent(_INDENT)
        self._outcome = ShortLabel()
        self._outcome.setIndent(_INDENT)
        self._outcome.hide()
        self.statusBar().addWidget(self._outcome)
        self.statusBar().addWidget(self._readout, 1)
        self._other_note = styled_label("", "notice")
        self.statusBar().addPermanentWidget(self._other_note)
        self._connect_page()

    def _connect_page(self) -> None:
        page, bar, views = self.study_page, self.study_page.viewer_bar, self.study_page.views
        page.left_out_requested.connect(self.show_left_out)
        page.sequences.checks_requested.connect(self.show_checks)
        views.value_probed.connect(self._readout.setText)
        bar.window_reset_requested.connect(views.reset_window)
        bar.crosshair_toggled.connect(views.set_crosshair_visible)
        bar.overlay_toggled.connect(views.set_overlay_visible)

    def show_study(self, header: StudyHeader, slots: Many[SequenceSlot]) -> None:
        """Show the pre-flight table; forget images and results of the study before."""
        self._study_stack.setCurrentWidget(self.study_page)
        self.setWindowTitle(f"{header.title}[*] — Gliascope")
        self.study_page.show_header(header)
        self.show_slots(slots)
        self.show_image(None, reference=None)
        # The keys for slices are of use at once, and no drop-down takes them for its own
        self.study_page.views.first_view.setFocus()

    def show_studies(self, titles: Many[str], current: int) -> None:
        """Offer the studies that were found together."""
        self.study_page.show_studies(titles, current)

    def show_other_series(self, choices: Many[SeriesChoice], current: str, note: str) -> None:
        """Offer series that serve as no sequence, to look at; `note` says what is shown of them."""
        self.study_page.viewer_bar.show_other_series(choices, current)
        self._other_note.setText(f"{note}   ·   " if note else "")

    def show_slots(self, slots: Many[SequenceSlot]) -> None:
        """Replace the rows of the pre-flight table."""
        self.study_page.sequences.show_slots(slots)

    def show_verdict(self, verdict: Verdict) -> None:
        """Show what the pre-flight table comes to."""
        self.study_page.show_verdict(verdict)

    def show_comparison(self, comparison: Comparison) -> None:
        """Show two of the images over each other, in a window of their own."""
        self._close_comparison()
        views = self.study_page.views
        dialog = self._comparison = CompareDialog(
            comparison,
            self,
            cursor_lps_mm=views.cursor_lps_mm,
            windows=views.sequence_windows(),
        )
        dialog.setWindowTitle(f"Compare images: {self.windowTitle()}")
        dialog.finished.connect(self._take_comparison_back)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()

    def _close_comparison(self) -> None:
        """Close the images of another study or choice, which nobody should take for these."""
        dialog, self._comparison = self._comparison, None
        if dialog is not None:
            dialog.close()

    def _take_comparison_back(self) -> None:
        """Show the place where its user stopped to look; that of other images is none here."""
        dialog, self._comparison = self._comparison, None
        if dialog is not None:
            self.study_page.views.go_to(dialog.cursor_lps_mm.tolist())

    def show_sequences(self, available: Many[Sequence], current: Sequence | None) -> None:
        """Offer these sequences above the slices."""
        self.study_page.viewer_bar.show_sequences(available, current)

    def show_sequence_images(self, images: Mapping[Sequence, SequenceImage]) -> None:
        """Have these images ready to stand beside each other."""
        self.study_page.views.set_sequence_images(images)

    def show_image(
        self,
        volume: Volume | None,
        *,
        reference: Volume | None,
        series_uid: str = "",
        sequence: Sequence | None = None,
    ) -> None:
        """Show an image in planes of the reference's grid."""
        if volume is None:
            self._close_comparison()
        views = self.study_page.views
        place, before = views.cursor_lps_mm, self._grid
        self._grid = reference.geometry if reference is not None else None
        views.set_reference(self._grid)
        if _is_within(place, before, self._grid):
            views.go_to(place.tolist())
        views.set_image(volume, series_uid, sequence)
        self.study_page.viewer_bar.show_has_image(reference is not None)

    def show_segmentation(self, segmentation: Segmentation | None) -> None:
        """Show labels over the slices and as surfaces, and turn to where they are largest."""
        self.study_page.show_has_result(segmentation is not None)
        views = self.study_page.views
        # A result is never hidden from the start
        self.study_page.viewer_bar.overlay.setChecked(True)
        self.study_page.regions.show_all()
        if segmentation is None:
            views.set_labels(None, None)
            return
        # What nothing tells apart may still be drawn by hand.
        drawn = {one.value: one for one in (*segmentation.definitions, *segmentation.meanings)}
        views.set_labels(segmentation.labels_kji, segmentation.geometry, tuple(drawn.values()))
        views.go_to_labels([definition.value for definition in segmentation.definitions])

    def show_corrected(self, segmentation: Segmentation) -> None:
        """Show corrected labels as surfaces; the slices show them already."""
        self.study_page.views.set_surfaces(
            segmentation.labels_kji, segmentation.geometry, segmentation.definitions
        )

    def show_export_state(self, state: ExportState | None) -> None:
        """Show what became of the result, here and in the title."""
        self.study_page.show_export_state(state)
        self.setWindowModified(state is not None and not state.is_exported)

    def show_brain(self, brain_kji: NDArray[np.bool_] | None, geometry: Geometry | None) -> None:
        """Show the brain's outline around the surfaces."""
        self.study_page.views.set_brain(brain_kji, geometry)

    def show_findings(self, findings: Findings | None) -> None:
        """Show what was found; ``None`` where nothing was segmented yet."""
        self.study_page.regions.show_findings(findings)

    def show_diameters(self, rows: Many[DiameterRow] | None) -> None:
        """Show diameters below the volumes and over their slices."""
        self.study_page.regions.show_diameters(rows)
        if rows is not None:
            self.study_page.views.set_diameters([row.lines for row in rows])

    def show_job(self, status: JobStatus | None) -> None:
        """Show what runs; ``None`` hides the bar."""
        is_of_use = status is not None or self.study_page.has_study
        self._study_stack.setCurrentWidget(self.study_page if is_of_use else self.start_page)
        self.study_page.show_job(status)

    def show_actions(self, actions: Actions) -> None:
        """Enable what can be done now."""
        self.study_page.show_actions(actions)

    def show_correction(self, state: CorrectionState) -> None:
        """Offer the tools, or take them away; tell what the last command did."""
        self._outcome.setText(state.outcome)
        self._outcome.setVisible(bool(state.outcome))
        self.study_page.show_correction(state)

    def show_live_labels(
        self,
        labels_kji: NDArray[np.uint8],
        before_kji: NDArray[np.uint8],
        geometry: Geometry,
    ) -> None:
        """Show labels over the slices that will change in place, and can be compared."""
        self.study_page.views.set_live_labels(labels_kji, geometry)
        self.study_page.views.set_labels_before(before_kji, geometry)

    def refresh_labels(self) -> None:
        """Draw the slices' labels anew: they have changed in place."""
        self.study_page.views.refresh_labels()


def _is_within(
    point_lps_mm: NDArray[np.float64], before: Geometry | None, grid: Geometry | None
) -> bool:
    """Whether a place in one grid is to be shown in another one that takes its place."""
    if before is None or grid is None or grid.matches(before):
        return False
    index_kji = np.rint(grid.to_index_kji(point_lps_mm))
    is_inside = bool(np.all((index_kji >= 0) & (index_kji < grid.shape_kji)))
    return is_inside and before.frame_of_reference_uid == grid.frame_of_reference_uid

"""One study: table, results and what runs on the left, the views on the right."""

from collections.abc import Sequence as Many

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ui.icons import Icons, beside_icon
from ui.panels.correction_bar import CorrectionBar
from ui.panels.job_bar import JobBar
from ui.panels.limits_bar import LimitsBar
from ui.panels.region_panel import RegionPanel
from ui.panels.sequence_panel import SequencePanel
from ui.panels.viewer_bar import ViewerBar
from ui.viewers.quad_view import QuadView
from ui.viewers.view_pages import ViewLayout
from ui.views.correction_view import CorrectionState
from ui.views.export_view import ExportState
from ui.views.study_view import Actions, JobStatus, StudyHeader, Verdict
from ui.widgets.card import Card, breakable, set_kind, styled_label
from ui.widgets.choice_box import ChoiceBox
from ui.widgets.export_note import ExportNote

# Of the left column: a quarter of the page between these.
_LEAST_WIDTH, _MOST_WIDTH = 392, 460
SEGMENT_KEY = "Ctrl+Return"
_SEGMENT_TIP = "Mark the tumour's regions (Ctrl+Return)"


class StudyPage(QWidget):
    """Lays out the panels of one study; knows nothing of what they mean.

    Signals
    -------
    segment_requested(), export_requested()
    tools_requested(bool)
        The tools that correct labels are to be taken out, or put away.
    left_out_requested(StudyHeader)
        What was left out is to be listed.
    limits_toggled(bool)
        The sliders of the network's certainty are to be taken out, or put away.
    study_chosen(int)
        Another of the studies that were found together is to be opened.
    """

    segment_requested = Signal()
    left_out_requested = Signal(object)
    export_requested = Signal()
    tools_requested = Signal(bool)
    limits_toggled = Signal(bool)
    study_chosen = Signal(int)

    def __init__(self, icons: Icons) -> None:
        super().__init__()
        self.setObjectName("page")
        self._icons = icons
        self.sequences = SequencePanel()
        self.regions = RegionPanel()
        self.viewer_bar = ViewerBar(icons)
        self.correction_bar = CorrectionBar(icons)
        self.correction_bar.hide()
        self.limits_bar = LimitsBar()
        self.limits_bar.hide()
        self._shows_limits = False
        self.views = QuadView()
        self.job_bar = JobBar()
        self._header = Card()
        self._title = styled_label("", "title", wrap=True)
        self._subtitle = styled_label("", "muted", wrap=True)
        self._note = QPushButton()
        self._note.setProperty("kind", "link")
        self._note.setToolTip("Show what was left out, and why")
        self._note.clicked.connect(lambda: self.left_out_requested.emit(self._shown_header))
        self._studies = ChoiceBox()
        self._studies.setAccessibleName("Study to show")
        self._studies.setToolTip("The studies that were found together")
        self._studies.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._studies.activated.connect(self.study_chosen)
        self._studies.hide()
        self._shown_header: StudyHeader | None = None
        self._has_result = self._is_exported = False
        self.export_note = ExportNote()
        for widget in (self._studies, self._title, self._subtitle, self._note):
            self._header.body.addWidget(widget)
        self._segment = QPushButton()
        self._segment.setToolTip(_SEGMENT_TIP)
        self._segment.clicked.connect(self.segment_requested)
        self._export = QPushButton(beside_icon("Export …"))
        self._export.setToolTip("Write masks, volumes and the report (Ctrl+E)")
        self._export.clicked.connect(self.export_requested)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 10, 10, 10)
        layout.setSpacing(10)
        # Without a study there is nobody to name and nothing to choose.
        self._header.hide()
        self.sequences.hide()
        self._column = self._side()
        layout.addWidget(self._column)
        layout.addLayout(self._centre(), 1)
        self._connect_overlay()
        self._mark_next_step()

    @property
    def has_study(self) -> bool:
        """Whether a study is shown."""
        return self._shown_header is not None

    def show_studies(self, titles: Many[str], current: int) -> None:
        """Offer the studies that were found together; a single one is no choice."""
        self._studies.clear()
        self._studies.addItems(list(titles))
        self._studies.setCurrentIndex(current)
        self._studies.setVisible(len(titles) > 1)

    def show_header(self, header: StudyHeader) -> None:
        """Show who and when."""
        self._header.show()
        self.sequences.show()
        self._title.setText(breakable(header.title))
        self._title.setToolTip(header.title)
        self._title.setAccessibleName(header.title)
        self._subtitle.setText(breakable(header.subtitle))
        self._note.setText(header.note)
        self._note.setVisible(bool(header.note))
        self._shown_header = header

    def show_verdict(self, verdict: Verdict) -> None:
        """Show what the pre-flight table comes to; a button that refuses says why."""
        self.sequences.show_verdict(verdict)
        self._segment.setToolTip(verdict.sentence if verdict.refuses else _SEGMENT_TIP)

    def show_job(self, status: JobStatus | None) -> None:
        """Show what runs; the choice of series is mostly locked meanwhile."""
        self.job_bar.show_status(status)
        is_free = status is None or status.can_choose
        self.sequences.set_editable(is_free)
        self._studies.setEnabled(is_free)

    def show_actions(self, actions: Actions) -> None:
        """Enable the buttons."""
        self._segment.setEnabled(actions.segment)
        self._export.setEnabled(actions.export)
        self.sequences.set_comparable(actions.compare)

    def show_has_result(self, has_result: bool) -> None:
        """Make room for a result when it comes: the table before it folds up."""
        if has_result != self._has_result:
            self._has_result = has_result
            self.sequences.set_folded(has_result)
            self._mark_next_step()

    def show_export_state(self, state: ExportState | None) -> None:
        """Say what became of the result; once it is exported, no button stands out."""
        self.export_note.show_state(state)
        is_exported = state is not None and state.is_exported
        if is_exported != self._is_exported:
            self._is_exported = is_exported
            self._mark_next_step()

    @property
    def can_export(self) -> bool:
        """Whether there is a result that can be exported now."""
        return self._export.isEnabled()

    @property
    def _is_export_next(self) -> bool:
        return self._has_result and not self._is_exported

    def _mark_next_step(self) -> None:
        """Have the button stand out that is likely pressed next."""
        set_kind(self._segment, "" if self._has_result else "primary")
        set_kind(self._export, "primary" if self._is_export_next else "")
        verb = "Segment again" if self._has_result else "Segment"
        self._segment.setText(beside_icon(verb))
        # Another text takes the key away
        self._segment.setShortcut(SEGMENT_KEY)
        self.refresh_icons()

    def refresh_icons(self) -> None:
        """Draw the icons anew after a change of theme."""
        self._segment.setIcon(self._icons.get("segment", on_accent=not self._has_result))
        self._export.setIcon(self._icons.get("export", on_accent=self._is_export_next))
        self.viewer_bar.refresh_icons()
        self.correction_bar.refresh_icons()

    def show_correction(self, state: CorrectionState) -> None:
        """Put the tools above the slices, or away."""
        self.viewer_bar.show_correction(state)
        self.correction_bar.show_state(state)
        self.correction_bar.setVisible(state.is_active)
        self.limits_bar.show_limits(state.limits)
        self.limits_bar.setVisible(state.is_active and self._shows_limits)
        if state.is_active:
            self.viewer_bar.overlay.setChecked(True)  # nobody paints what is not seen
        self._hand_tool_out()

    def _toggle_limits(self, shown: bool) -> None:
        self._shows_limits = shown
        self.limits_toggled.emit(shown)

    def _lay_views_out(self, has_sequences: bool) -> None:
        self.views.set_view_layout(ViewLayout.SEQUENCES if has_sequences else ViewLayout.PLANES)

    def _hand_tool_out(self) -> None:
        tool = None if self.correction_bar.isHidden() else self.correction_bar.settings()
        if tool is not None and tool.value:
            self.regions.reveal(tool.value)
        self.views.set_tool(tool)

    def _side(self) -> QWidget:
        column = QWidget()
        layout = QVBoxLayout(column)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        for widget in (self._header, self.sequences, self.regions):
            layout.addWidget(widget)
        layout.addStretch(1)
        area = QScrollArea()
        area.setWidget(column)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # What the keyboard reaches in it is brought into sight; itself it has nothing to say.
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        side = QWidget()
        side.setFixedWidth(_LEAST_WIDTH)
        below = QVBoxLayout(side)
        below.setContentsMargins(0, 0, 4, 0)
        below.addWidget(area, 1)
        # Outside what scrolls: on a small screen they would lie below the edge.
        steps = QHBoxLayout()
        steps.setSpacing(8)
        for step in (self._segment, self._export):
            step.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Preferred)
            steps.addWidget(step, 1)
        # Not among the views: they would shrink and grow under the eyes of who reads them
        below.addWidget(self.job_bar)
        below.addWidget(self.export_note)
        below.addLayout(steps)
        return side

    def minimumSizeHint(self) -> QSize:
        """Ask for the room of the narrowest left column, however wide it is now."""
        return super().minimumSizeHint() - QSize(self._column.minimumWidth() - _LEAST_WIDTH, 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the names of series more room where there is."""
        super().resizeEvent(event)
        quarter = event.size().width() // 4
        self._column.setFixedWidth(max(_LEAST_WIDTH, min(_MOST_WIDTH, quarter)))

    def _centre(self) -> QVBoxLayout:
        layout = QVBoxLayout()
        layout.setSpacing(8)
        policy = QSizePolicy.Policy.Expanding
        self.views.setSizePolicy(policy, policy)
        layout.addWidget(self.viewer_bar)
        layout.addWidget(self.correction_bar)
        layout.addWidget(self.limits_bar)
        layout.addWidget(self.views, 1)
        return layout

    def _connect_overlay(self) -> None:
        self.regions.opacity_changed.connect(self.views.set_opacity)
        self.regions.outline_changed.connect(self.views.set_outline)
        self.regions.place_requested.connect(self.views.go_to)
        self.regions.visibility_changed.connect(self.views.set_region_visible)
        self.regions.visibility_changed.connect(self.correction_bar.set_region_visible)
        # Whoever asks for one sequence wants to see it in its planes
        self.sequences.sequence_chosen.connect(lambda _: self.viewer_bar.four.setChecked(False))
        self.viewer_bar.sequences_toggled.connect(self._lay_views_out)
        self.viewer_bar.sequences_bar.plane_chosen.connect(self.views.set_sequence_plane)
        self.viewer_bar.sequences_bar.alone_requested.connect(
            lambda sequence: self.views.toggle_maximised(self.views.sequence_views[sequence])
        )
        self.viewer_bar.views_reset_requested.connect(self.views.reset_views)
        self.viewer_bar.correction_toggled.connect(self.tools_requested)
        self.correction_bar.tool_changed.connect(self._hand_tool_out)
        self.views.brush_resized.connect(self.correction_bar.resize_brush)
        self.correction_bar.limits_toggled.connect(self._toggle_limits)
        self.correction_bar.before_toggled.connect(self.views.set_before_visible)
        self.views.set_opacity(self.regions.opacity)

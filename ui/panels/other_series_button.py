"""A menu of the series that serve as no sequence, and what is said of one that is shown."""

from collections.abc import Sequence as Many

from PySide6.QtCore import Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QToolButton, QWidget

from ui.views.study_view import SeriesChoice
from ui.widgets.card import styled_label


class OtherSeriesButton(QWidget):
    """Offers diffusion, susceptibility … to look at.

    Signals
    -------
    series_chosen(str)
        UID of a series to show.
    """

    series_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._button = QToolButton()
        self._button.setText("Other")
        self._button.setAccessibleName("Show another series")
        self._button.setCheckable(True)
        self._button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._menu = QMenu(self._button)
        self._button.setMenu(self._menu)
        self._note = styled_label("", "notice")
        # The views say it too: on a narrow window they have to do.
        self._note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._button)
        layout.addWidget(self._note, 1)
        self.show_choices((), "", "")

    @property
    def menu(self) -> QMenu:
        """The series on offer."""
        return self._menu

    def show_choices(self, choices: Many[SeriesChoice], current: str, note: str) -> None:
        """Offer these series; `note` says what is to be known of the one that is shown."""
        self._menu.clear()
        group = QActionGroup(self._menu)
        for choice in choices:
            action = self._menu.addAction(choice.text.replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(choice.series_uid == current)
            action.triggered.connect(lambda _, uid=choice.series_uid: self.series_chosen.emit(uid))
            group.addAction(action)
        self._button.setEnabled(bool(choices))
        self._button.setChecked(bool(current))
        self._button.setToolTip(
            "Look at a series that is not used for segmentation"
            if choices
            else "Every usable series serves as one of the four"
        )
        self._note.setText(note)

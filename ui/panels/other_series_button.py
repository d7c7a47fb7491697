"""A menu of the series that serve as no sequence."""

from collections.abc import Sequence as Many

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QToolButton

from ui.views.study_view import SeriesChoice


class OtherSeriesButton(QToolButton):
    """Offers diffusion, susceptibility … to look at.

    Signals
    -------
    series_chosen(str)
        UID of a series to show.
    """

    series_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setText("Other")
        self.setAccessibleName("Show another series")
        self.setCheckable(True)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._menu = QMenu(self)
        self._group = QActionGroup(self)
        self._offered: tuple[Many[SeriesChoice], str] = ((), "")
        # Queued: the menu hides before it triggers the action that was clicked
        self._menu.aboutToHide.connect(self._fill, Qt.ConnectionType.QueuedConnection)
        self.setMenu(self._menu)
        self.show_choices((), "")

    def show_choices(self, choices: Many[SeriesChoice], current: str) -> None:
        """Offer these series, one of which may be shown; an open menu stays until it closes."""
        self._offered = choices, current
        if not self._menu.isVisible():
            self._fill()
        self.setEnabled(bool(choices))
        self.setChecked(bool(current))
        self.setToolTip(
            "Look at a series that is not used for segmentation"
            if choices
            else "Every usable series serves as one of the four"
        )

    def _fill(self) -> None:
        choices, current = self._offered
        self._menu.clear()
        for choice in choices:
            action = self._menu.addAction(choice.text.replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(choice.series_uid == current)
            action.triggered.connect(lambda _, uid=choice.series_uid: self.series_chosen.emit(uid))
            self._group.addAction(action)

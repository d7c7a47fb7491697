"""A line that says whether the open result was exported; a click opens its folder."""

from PySide6.QtCore import QUrl
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ui.views.export_view import ExportState
from ui.widgets.card import styled_label
from ui.widgets.message import open_outside
from ui.widgets.place_link import PlaceLink


class ExportNote(QWidget):
    """Says it in words where there is no folder, and as a link where there is one.

    Either stands out where the files do not hold what is on the screen.
    """

    def __init__(self) -> None:
        super().__init__()
        self._state: ExportState | None = None
        self._words = styled_label("", "notice")
        self.link = PlaceLink()
        self.link.clicked.connect(self._open)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._words)
        layout.addWidget(self.link)
        self.hide()

    @property
    def text(self) -> str:
        """What is said."""
        return self._words.text()

    def show_state(self, state: ExportState | None) -> None:
        """Say what became of the result; nothing where there is none."""
        self._state = state
        self.setVisible(state is not None)
        if state is None:
            return
        self._words.setText(state.text)
        self._words.setVisible(state.folder is None)
        self.link.setVisible(state.folder is not None)
        self.link.set_notable(not state.is_exported)
        if state.folder is not None:
            self.link.show_place(state.text, f"{state.folder}\nClick to open the folder.")

    def _open(self) -> None:
        if self._state is not None and self._state.folder is not None:
            open_outside(QUrl.fromLocalFile(str(self._state.folder)), self)

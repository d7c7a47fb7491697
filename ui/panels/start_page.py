"""The first thing a new user sees."""

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from desktop_app import DISCLAIMER
from ui.icons import Icons
from ui.widgets.card import Card, styled_label


class StartPage(QWidget):
    """Says what to do: drop a study, open one, try the sample.

    Signals
    -------
    open_requested(), sample_requested(), batch_requested()
    """

    open_requested = Signal()
    sample_requested = Signal()
    batch_requested = Signal()

    def __init__(self, icons: Icons) -> None:
        super().__init__()
        self.setObjectName("page")
        card = Card()
        card.setMaximumWidth(620)
        card.body.setContentsMargins(40, 36, 40, 36)
        card.body.setSpacing(14)
        logo = styled_label()
        pixmap = icons.get("gliascope").pixmap(48, 48)
        logo.setPixmap(pixmap)
        title = styled_label("Open a brain-tumour MR study", "hero")
        text = styled_label(
            "Drop a folder, a ZIP or a DICOMDIR anywhere in this window. Gliascope finds the T1, "
            "T1 with contrast, T2 and FLAIR series itself. Nothing leaves this computer.",
            wrap=True,
        )
        text.setMinimumHeight(48)
        buttons = QHBoxLayout()
        self._add(buttons, "Open study …", self.open_requested, primary=True)
        self._add(buttons, "Sample study", self.sample_requested)
        self._add(buttons, "Batch of studies …", self.batch_requested)
        notice = styled_label(DISCLAIMER, "notice")
        for widget in (logo, title, text):
            card.body.addWidget(widget)
        card.body.addLayout(buttons)
        card.body.addWidget(notice)
        layout = QVBoxLayout(self)
        layout.addStretch(2)
        layout.addWidget(card, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(3)

    @staticmethod
    def _add(row: QHBoxLayout, text: str, signal: SignalInstance, *, primary: bool = False) -> None:
        button = QPushButton(text)
        if primary:
            button.setProperty("kind", "primary")
            button.setDefault(True)
        button.clicked.connect(signal)
        row.addWidget(button)

"""What is chosen while the sequences stand beside each other: their plane, one of them alone."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QToolButton, QWidget

from desktop_app.domain.study import Sequence
from ui.viewers.planes import Plane

NEXT_PLANE_KEY = "V"


class SequencesBar(QWidget):
    """Takes the place of the buttons that choose one sequence, and their keys with it.

    Signals
    -------
    plane_chosen(Plane)
    alone_requested(Sequence)
        One sequence is to be shown alone, or all again.
    """

    plane_chosen = Signal(object)
    alone_requested = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._group = QButtonGroup(self)
        self.buttons: dict[Plane, QToolButton] = {}
        for plane in Plane:
            button = QToolButton()
            button.setText(plane.title)
            button.setCheckable(True)
            button.setToolTip(f"All sequences in {plane.title.lower()} slices ({NEXT_PLANE_KEY})")
            button.setAccessibleName(f"{plane.title} slices")
            button.clicked.connect(lambda _, one=plane: self.plane_chosen.emit(one))
            self._group.addButton(button)
            self.buttons[plane] = button
            layout.addWidget(button)
        layout.addStretch(1)
        self.buttons[Plane.AXIAL].setChecked(True)
        self._keys = [QShortcut(QKeySequence(NEXT_PLANE_KEY), self, self._turn)]
        for number, sequence in enumerate(Sequence, start=1):
            key = QShortcut(QKeySequence(str(number)), self)
            key.activated.connect(lambda one=sequence: self.alone_requested.emit(one))
            self._keys.append(key)
        self.set_in_use(False)

    def set_in_use(self, in_use: bool) -> None:
        """Show the choice, or hide it and leave its keys to others."""
        self.setVisible(in_use)
        for key in self._keys:
            key.setEnabled(in_use)

    def _turn(self) -> None:
        planes = tuple(Plane)
        current = next(plane for plane, button in self.buttons.items() if button.isChecked())
        self.buttons[planes[(planes.index(current) + 1) % len(planes)]].click()

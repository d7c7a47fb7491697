"""A traffic light that can be read without seeing colours: a shape of its own and a word."""

from PySide6.QtWidgets import QLabel

from desktop_app.domain.preflight import Light
from ui.widgets.card import set_kind, styled_label


def light_label(light: Light = Light.UNKNOWN) -> QLabel:
    """Return a label with the light's sign."""
    label = styled_label()
    show_light(label, light, light.word)
    return label


def show_light(label: QLabel, light: Light, word: str) -> None:
    """Change a label's sign, colour and word."""
    label.setText(light.sign)
    set_kind(label, light.value)
    label.setToolTip(word)
    label.setAccessibleName(word)

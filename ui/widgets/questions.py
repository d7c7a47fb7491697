"""Questions to the user: those that wait for the answer, and those that do not."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget


def agrees(parent: QWidget, question: str, yes: QMessageBox.StandardButton) -> bool:
    """Whether the user answers with this button; otherwise it was cancelled."""
    cancel = QMessageBox.StandardButton.Cancel
    return QMessageBox.question(parent, "Gliascope", question, yes | cancel, cancel) == yes


def offer(
    parent: QWidget,
    what: str,
    question: str,
    titles: tuple[str, str],
    answer: Callable[[bool], None],
    *,
    loses: bool = False,
) -> None:
    """Ask without stopping the event loop.

    Parameters
    ----------
    titles
        Of the buttons to accept and to refuse.
    answer
        Told what the user wants.
    loses
        Whether something is lost by refusing: then no key does that unnoticed.
    """
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle("Gliascope")
    box.setText(what)
    box.setInformativeText(question)
    wanted = box.addButton(titles[0], QMessageBox.ButtonRole.AcceptRole)
    role = QMessageBox.ButtonRole
    box.addButton(titles[1], role.DestructiveRole if loses else role.RejectRole)
    box.setDefaultButton(wanted)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.buttonClicked.connect(lambda button: answer(button is wanted))
    box.open()

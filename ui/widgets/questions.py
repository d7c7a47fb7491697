"""Questions to the user: those that wait for the answer, and those that do not."""

from collections.abc import Callable
from enum import Enum, auto

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget


def agrees(parent: QWidget, question: str, yes: QMessageBox.StandardButton) -> bool:
    """Whether the user answers with this button; otherwise it was cancelled."""
    cancel = QMessageBox.StandardButton.Cancel
    return QMessageBox.question(parent, "Gliascope", question, yes | cancel, cancel) == yes


class Keeping(Enum):
    """What is to become of something that would be lost."""

    KEEP = auto()
    LOSE = auto()
    STAY = auto()


def ask_to_keep(
    parent: QWidget,
    what: str,
    remark: str,
    lose: str,
    *,
    can_keep: bool,
    is_grave: bool,
) -> Keeping:
    """Ask what to do with something that was not exported.

    Parameters
    ----------
    lose
        Title of the button that goes on without it; empty where nobody can.
    can_keep
        Whether it can be exported now.
    is_grave
        Whether it cannot be had again.
    """
    icon = QMessageBox.Icon.Warning if is_grave else QMessageBox.Icon.Question
    box = QMessageBox(icon, "Gliascope", what, QMessageBox.StandardButton.Cancel, parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setInformativeText(remark)
    keep = None
    box.setDefaultButton(QMessageBox.StandardButton.Cancel)
    if can_keep:
        keep = box.addButton("Export …", QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(keep)
    lost = box.addButton(lose, QMessageBox.ButtonRole.DestructiveRole) if lose else None
    box.exec()
    pressed = box.clickedButton()
    box.deleteLater()
    if lost is not None and pressed is lost:
        return Keeping.LOSE
    return Keeping.KEEP if keep is not None and pressed is keep else Keeping.STAY


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

"""Return does what a dialog is there for; it never gives it up."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialogButtonBox

from desktop_app.domain.label_part import LabelPart
from desktop_app.domain.segmentation import Region
from tests.study_cases import make_study
from ui.dialogs.export_dialog import ExportDialog
from ui.dialogs.labels_dialog import LabelsDialog
from ui.dialogs.margin_dialog import MarginDialog
from ui.dialogs.reject_dialog import RejectDialog
from ui.dialogs.study_dialog import StudyDialog


def told(*_):
    """Take an answer."""


@pytest.mark.parametrize(
    "make",
    [
        lambda: ExportDialog([], Path("out")),
        lambda: LabelsDialog("a.nii.gz", [LabelPart(1, "1", 100.0, Region.NCR)], told),
        lambda: MarginDialog("oedema", told),
        lambda: RejectDialog(told),
        lambda: StudyDialog([make_study(), make_study(study_uid="2")]),
    ],
    ids=["export", "labels", "margin", "reject", "study"],
)
def test_the_button_that_return_presses_is_not_cancel(qtbot, make):
    dialog = make()
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.open()
    buttons = dialog.findChild(QDialogButtonBox)
    (default,) = [one for one in buttons.buttons() if one.isDefault()]
    assert buttons.buttonRole(default) is QDialogButtonBox.ButtonRole.AcceptRole

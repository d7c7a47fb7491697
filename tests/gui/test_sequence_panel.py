"""The table of sequences: choosing series, folding, and names and sentences that fit."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent

from desktop_app.domain.preflight import Light
from desktop_app.domain.study import Sequence
from desktop_app.services.preflight.headers import check_headers
from tests.study_cases import make_study, roles_of
from tests.window_cases import nested_segmentation, shown_texts
from ui.presenters.slots import slots_of
from ui.views.study_view import JobStatus, StudyHeader, Verdict


def test_series_can_be_chosen_while_images_are_read_and_not_while_segmenting(study_window):
    box = study_window.study_page.sequences.choice_box(Sequence.T2)
    study_window.show_job(JobStatus("Reading", "", -1.0, None, can_choose=True))
    assert box.isEnabled()
    study_window.show_job(JobStatus("Segmenting", "", -1.0, None))
    assert not box.isEnabled()


@pytest.mark.qt_log_ignore("This plugin does not support")
@pytest.mark.parametrize("does_choose", [True, False])
def test_an_open_drop_down_stays_under_the_hand(study_window, qtbot, does_choose):
    study = make_study()
    box = study_window.study_page.sequences.choice_box(Sequence.T1C)
    other = {**roles_of(study), Sequence.T1C: study.series_by_uid("flair")}
    box.showPopup()
    box.view().setCurrentIndex(box.model().index(0, 0))
    study_window.show_slots(slots_of(study, check_headers(study, other)))
    assert box.view().currentIndex().row() == 0
    assert box.currentData() == "t1c"
    key = Qt.Key.Key_Return if does_choose else Qt.Key.Key_Escape
    with qtbot.waitSignal(box.closed):
        qtbot.keyClick(box.view(), key)
    if does_choose:
        assert box.currentData() == "flair"
    else:
        qtbot.waitUntil(lambda: box.currentData() == "flair")


def test_the_same_choices_are_not_made_anew(study_window):
    study = make_study()
    box = study_window.study_page.sequences.choice_box(Sequence.T1C)
    box.setItemData(0, "mine", Qt.ItemDataRole.ToolTipRole)
    study_window.show_slots(slots_of(study, check_headers(study, roles_of(study))))
    assert box.itemData(0, Qt.ItemDataRole.ToolTipRole) == "mine"


def test_choosing_a_series_reports_sequence_and_uid(study_window, qtbot):
    box = study_window.study_page.sequences.choice_box(Sequence.T2)
    with qtbot.waitSignal(study_window.study_page.sequences.role_changed) as changed:
        box.setCurrentIndex(2)
        box.activated.emit(2)
    assert changed.args == [Sequence.T2, "flair"]


def test_the_wheel_over_a_series_does_not_choose_another(study_window, qtbot):
    box = study_window.study_page.sequences.choice_box(Sequence.T2)
    before = box.currentIndex()
    middle = QPointF(box.rect().center())
    wheel = QWheelEvent(
        middle,
        QPointF(box.mapToGlobal(box.rect().center())),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    with qtbot.assertNotEmitted(study_window.study_page.sequences.role_changed):
        box.wheelEvent(wheel)
    assert box.currentIndex() == before
    assert not wheel.isAccepted()


def test_the_sequences_fold_up_when_there_is_a_result(study_window):
    panel = study_window.study_page.sequences
    box = panel.choice_box(Sequence.T1C)
    assert box.isVisible()
    study_window.show_segmentation(nested_segmentation())
    assert panel.is_folded
    assert not box.isVisible()
    # Unfolded by the user, they stay so until there is another result.
    panel.set_folded(False)
    study_window.show_segmentation(nested_segmentation())
    assert box.isVisible()
    study_window.show_segmentation(None)
    study_window.show_segmentation(nested_segmentation())
    assert panel.is_folded


def test_more_room_shows_more_of_a_series_name(study_window, qtbot):
    page = study_window.study_page
    for width, expected in ((1366, 392), (1700, 425), (2400, 460), (1300, 392)):
        study_window.resize(width, 700)
        qtbot.waitUntil(lambda wanted=expected: page._column.width() == wanted)


def test_a_long_name_shows_its_end_and_gives_way_before_it(study_window):
    box = study_window.study_page.sequences.choice_box(Sequence.T1C)
    box.clear()
    name = "5: KM Kopf neuroonko standard t1_tra_gd"
    box.add_choice(f"{name}, 09:31 (256×256×176, 1.0 mm)", "1", (f"{name}, 09:31", name))
    assert box.shown_text.startswith("5: KM")
    assert box.shown_text.endswith("_gd")
    box.clear()
    box.add_choice("5: t1_gd, 09:31 (256×256×176, 1.0 mm)", "1", ("5: t1_gd, 09:31", "5: t1_gd"))
    assert box.shown_text == "5: t1_gd, 09:31"


def test_long_names_do_not_widen_the_column(study_window):
    page = study_window.study_page
    for name in ("W" * 120, "欧阳" * 40):
        page.show_header(StudyHeader(name, name))
        assert page._title.minimumSizeHint().width() < 200
        assert page._title.toolTip() == name


def test_a_long_sentence_of_a_series_is_not_cut(study_window, qtbot):
    panel = study_window.study_page.sequences
    slots = tuple(
        replace(slot, sentence="From the words of its description. " * repeats)
        for repeats, slot in enumerate(panel._slots, start=1)
    )
    panel.show_slots(slots)
    labels = [row.sentence for row in panel._rows.values()]
    qtbot.waitUntil(lambda: all(one.height() >= one.heightForWidth(one.width()) for one in labels))


def test_sentences_are_whole_at_once_and_preparing_moves_nothing(study_window, qtbot):
    panel = study_window.study_page.sequences
    qtbot.waitUntil(lambda: panel.height() == panel.heightForWidth(panel.width()))
    slots = tuple(replace(slot, sentence="From its words. " * 9) for slot in panel._slots)
    panel.show_slots(slots)
    labels = [row.sentence for row in panel._rows.values()]
    assert all(one.height() >= one.heightForWidth(one.width()) for one in labels)
    panel.show_verdict(Verdict(Light.FAIR, "Ready to segment; please check FLAIR."))
    height, before = panel.height(), set(shown_texts(panel))
    panel.show_verdict(
        Verdict(Light.FAIR, "Ready to segment; please check FLAIR.", is_looking=True)
    )
    assert set(shown_texts(panel)) - before == {"Preparing the images …"}
    qtbot.wait(50)
    assert panel.height() == height
    assert all(one.height() >= one.heightForWidth(one.width()) for one in labels)

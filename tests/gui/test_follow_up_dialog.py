"""Two studies beside each other: linked, dated, with a map of change told by more than colour."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QLabel, QPushButton

from desktop_app.domain.change_marks import CHANGE_MARKS
from desktop_app.domain.follow_up import Difference, FollowUp
from desktop_app.domain.segmentation import Region
from desktop_app.domain.study import Sequence
from desktop_app.services.follow_up.table import REGIONS
from tests.follow_up_cases import CENTRE_MM, GRID, ball, earlier_visit, visit
from tests.follow_up_found import apart, compared
from tests.viewer_cases import drag
from tests.window_cases import shown_texts
from ui.dialogs.earlier_study_dialog import EarlierStudyDialog
from ui.dialogs.follow_up_dialog import FollowUpDialog
from ui.presenters.follow_up_rows import shown_follow_up
from ui.viewers.change_overlay import ChangeOverlay
from ui.viewers.planes import Plane
from ui.viewers.visit_views import VisitOverlay
from ui.viewers.window_level import Window
from ui.views.follow_up_view import EarlierRow, Visit

EARLIER, NOW = Visit.EARLIER, Visit.NOW


@pytest.fixture(scope="module")
def found() -> FollowUp:
    return compared()


@pytest.fixture
def dialog(qtbot, found):
    return opened(qtbot, found)


def opened(qtbot, found: FollowUp, **named: object) -> FollowUpDialog:
    dialog = FollowUpDialog(shown_follow_up(found), **named)
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.show()
    return dialog


def view(dialog: FollowUpDialog, visit: Visit):
    return dialog.views.views[visit]


def texts(dialog: FollowUpDialog) -> str:
    return "\n".join(label.text() for label in dialog.findChildren(QLabel))


def overlay(dialog: FollowUpDialog, visit: Visit) -> np.ndarray:
    """Return the coloured pixels over the slice shown."""
    one = view(dialog, visit)
    _, _, picture = one._renderer.render(one.frame, one.step, one.viewport, 1.0)
    return np.frombuffer(picture.constBits(), np.uint32).copy()


def colours(dialog: FollowUpDialog, visit: Visit) -> set[int]:
    return set(np.unique(overlay(dialog, visit)).tolist())


def test_each_view_says_which_study_it_shows_and_of_when(dialog):
    assert view(dialog, EARLIER).heading == "Earlier · 2026-03-12"
    assert view(dialog, NOW).accessibleName() == "Now · 2026-09-04, view"
    assert dialog.views.sequence is Sequence.T1C
    assert not dialog.sequences[Sequence.T2].isEnabled()
    assert "For research use. Not a medical device." in texts(dialog)


def test_regions_stand_in_one_order_and_are_named_where_there_is_little_room(dialog):
    named = [text.split("(")[1] for text in shown_texts(dialog.legend) if "(" in text]
    assert named == ["ET)", "NCR)", "ED)"]
    dialog.region.setFixedWidth(90)
    assert dialog.region.shown_text == "WT"


@pytest.mark.parametrize(
    ("is_earlier_known", "wanted"),
    [(False, ["TC)", "ED)"]), (True, ["TC), now", "ET), earlier", "NCR), earlier", "ED)"])],
)
def test_without_t1c_legend_and_map_know_the_core_as_one(qtbot, found, is_earlier_known, wanted):
    def without_t1c(labels):
        core = np.minimum(labels.labels_kji, 2)
        return replace(labels, labels_kji=core, shows_enhancement=False)

    changes = {"now": replace(found.now, segmentation=without_t1c(found.now.segmentation))}
    if not is_earlier_known:
        changes["earlier_labels"] = without_t1c(found.earlier_labels)
    dialog = opened(qtbot, replace(found, **changes))
    assert [text.split("(")[1] for text in shown_texts(dialog.legend) if "(" in text] == wanted
    assert [dialog.region.itemText(i) for i in range(dialog.region.count())] == ["WT: whole tumour"]


def test_what_is_scrolled_or_zoomed_in_one_is_so_in_both(dialog, qtbot):
    earlier, now = view(dialog, EARLIER), view(dialog, NOW)
    before = now.step
    qtbot.keyClick(earlier, Qt.Key.Key_Up)
    assert (earlier.step, now.step) == (before + 1, before + 1)
    qtbot.keyClick(now, Qt.Key.Key_Plus)
    assert earlier.viewport.scale == pytest.approx(now.viewport.scale)
    assert earlier.viewport.centre_u_mm == pytest.approx(now.viewport.centre_u_mm)
    qtbot.mouseClick(earlier, Qt.MouseButton.LeftButton, pos=QPoint(90, 90))
    np.testing.assert_allclose(earlier._cursor_lps, now._cursor_lps)
    qtbot.keyClick(now, Qt.Key.Key_R)
    assert earlier._is_fitted


def test_both_begin_where_the_current_tumour_is_largest(dialog):
    np.testing.assert_allclose(view(dialog, EARLIER)._cursor_lps, CENTRE_MM, atol=2.5)


def test_a_window_changes_in_both_each_in_its_own_range(qtbot, found):
    dim = found.earlier_images[Sequence.T1C]
    bright = replace(dim, array_kji=dim.array_kji * 10)
    flair = replace(dim, array_kji=dim.array_kji * 5)
    dialog = opened(
        qtbot, replace(found, earlier_images={Sequence.T1C: bright, Sequence.FLAIR: flair})
    )
    before = {visit: view(dialog, visit)._renderer.window for visit in Visit}
    now = view(dialog, NOW)
    drag(now, Qt.MouseButton.RightButton, QPointF(60, 60), QPointF(100, 75))
    after = {visit: view(dialog, visit)._renderer.window for visit in Visit}
    wider = after[NOW].width / before[NOW].width
    assert wider > 1.1
    assert after[EARLIER].width / before[EARLIER].width == pytest.approx(wider)
    # It is that of the sequence: another one has its own, and this one comes back.
    dialog.sequences[Sequence.FLAIR].click()
    assert view(dialog, EARLIER)._renderer.window == view(dialog, EARLIER).image.auto_window
    dialog.sequences[Sequence.T1C].click()
    assert {visit: view(dialog, visit)._renderer.window for visit in Visit} == after
    qtbot.keyClick(dialog, Qt.Key.Key_C)
    qtbot.waitUntil(lambda: view(dialog, EARLIER)._renderer.window == before[EARLIER])


def test_the_current_study_begins_with_the_users_window(qtbot, found):
    own = Window(0.9, 0.4)
    dialog = opened(qtbot, found, windows={Sequence.T1C: own})
    assert view(dialog, NOW)._renderer.window == own
    assert view(dialog, EARLIER)._renderer.window != view(dialog, EARLIER).image.auto_window


def test_keys_choose_sequence_plane_and_overlay(dialog, qtbot):
    views = dialog.views.views.values()
    qtbot.keyClick(dialog, Qt.Key.Key_4)
    assert dialog.views.sequence is Sequence.FLAIR
    for plane in (Plane.CORONAL, Plane.SAGITTAL, Plane.AXIAL):
        qtbot.keyClick(dialog, Qt.Key.Key_V)
        assert {one.plane for one in views} == {plane}
    regions = overlay(dialog, NOW)
    qtbot.keyClick(dialog, Qt.Key.Key_L)
    qtbot.waitUntil(lambda: not np.array_equal(overlay(dialog, NOW), regions))
    # The two views may differ by a pixel in width: colours are compared, not pictures.
    outlined = {visit: colours(dialog, visit) for visit in Visit}
    qtbot.keyClick(dialog, Qt.Key.Key_M)
    qtbot.waitUntil(lambda: all(not colours(dialog, one) & (outlined[one] - {0}) for one in Visit))
    assert colours(dialog, NOW) - {0}
    qtbot.keyClick(dialog, Qt.Key.Key_O)
    qtbot.waitUntil(lambda: all(one._is_peeking for one in views))
    qtbot.keyClick(dialog, Qt.Key.Key_X)
    qtbot.waitUntil(lambda: not any(one._has_crosshair for one in views))


def test_the_map_is_of_the_region_chosen_and_leads_to_what_is_new(dialog, qtbot, found):
    dialog.region.setCurrentIndex(REGIONS.index(Region.ET))
    dialog.region.activated.emit(REGIONS.index(Region.ET))
    assert dialog.overlays[VisitOverlay.CHANGE].isChecked()
    assert dialog.legend.currentIndex() == 1
    grid, change_kji = found.now.segmentation.geometry, found.difference_kji(Region.ET)

    def there() -> int:
        k, j, i = np.rint(grid.to_index_kji(view(dialog, EARLIER)._cursor_lps)).astype(int)
        return int(change_kji[k, j, i])

    assert there() != Difference.NEW
    qtbot.keyClick(dialog, Qt.Key.Key_N)
    qtbot.waitUntil(lambda: there() == Difference.NEW)


@pytest.mark.parametrize(
    ("key", "kind"), [(Qt.Key.Key_N, Difference.NEW), (Qt.Key.Key_B, Difference.GONE)]
)
def test_keys_lead_to_new_and_gone_from_the_regions_too(qtbot, key, kind):
    after = visit(ball(GRID, 13.0, (CENTRE_MM[0] + 6, *CENTRE_MM[1:])))
    found = compared(after, earlier_visit(12.0))
    dialog = opened(qtbot, found)
    grid, change_kji = found.now.segmentation.geometry, found.difference_kji(REGIONS[0])

    def there() -> int:
        k, j, i = np.rint(grid.to_index_kji(view(dialog, NOW)._cursor_lps)).astype(int)
        return int(change_kji[k, j, i])

    assert dialog.overlays[VisitOverlay.FILLED].isChecked()
    assert there() != kind
    qtbot.keyClick(view(dialog, NOW), key)
    qtbot.waitUntil(lambda: there() == kind)
    assert dialog.overlays[VisitOverlay.CHANGE].isChecked()


def test_kinds_of_change_differ_without_their_colours():
    labels = np.zeros((60, 240), np.uint8)
    for column, mark in enumerate(CHANGE_MARKS):
        labels[10:50, 10 + 60 * column : 50 + 60 * column] = mark.difference
    solid = ChangeOverlay().paint(labels, 1) >> 24 == 255
    insides = [solid[15:45, 15 + 60 * column : 45 + 60 * column] for column in range(4)]
    patterns = {inside.tobytes() for inside in insides}
    assert len(patterns) == len(CHANGE_MARKS)
    assert not ChangeOverlay().paint(labels, 1)[:9].any()


def test_tab_goes_from_the_bar_to_the_views_and_to_the_numbers(dialog):
    first, widget = dialog.sequences[Sequence.T1], dialog.sequences[Sequence.T1]
    order = [first]
    while (widget := widget.nextInFocusChain()) is not first:
        order.append(widget)
    wanted = (
        dialog.planes[Plane.AXIAL],
        dialog.region,
        dialog.overlay_tool,
        view(dialog, EARLIER),
        view(dialog, NOW),
        dialog.legend.places[Difference.NEW],
        dialog.numbers.table,
    )
    places = [order.index(one) for one in wanted]
    assert places == sorted(places)


def test_one_study_is_seen_alone_and_escape_brings_the_other_back(dialog, qtbot):
    qtbot.keyClick(view(dialog, EARLIER), Qt.Key.Key_Return)
    assert dialog.views.alone is EARLIER
    qtbot.keyClick(view(dialog, EARLIER), Qt.Key.Key_Escape)
    assert dialog.views.alone is None
    assert dialog.isVisible()


def test_every_number_is_read_whole(dialog):
    table = dialog.numbers.table
    assert table.rowCount() >= 10
    for row in range(table.rowCount()):
        for column in range(table.columnCount()):
            needed = table.sizeHintForIndex(table.model().index(row, column)).width()
            assert needed <= table.columnWidth(column)
    assert table.item(0, 0).text() == "Earlier, cm³"


def test_what_does_not_lie_on_each_other_is_not_linked(qtbot):
    dialog = opened(qtbot, apart())
    assert not dialog.overlays[VisitOverlay.CHANGE].isEnabled()
    assert not dialog.region.isEnabled()
    assert "each view is scrolled and zoomed for itself" in texts(dialog)
    before = view(dialog, NOW).step
    place = view(dialog, NOW)._cursor_lps
    qtbot.keyClick(view(dialog, EARLIER), Qt.Key.Key_Up)
    qtbot.keyClick(view(dialog, EARLIER), Qt.Key.Key_Plus)
    assert view(dialog, NOW).step == before
    assert view(dialog, NOW)._is_fitted
    np.testing.assert_array_equal(view(dialog, NOW)._cursor_lps, place)


def test_a_sequence_that_one_study_lacks_is_said_to_be_missing(qtbot, found):
    images = {Sequence.T1C: found.earlier_images[Sequence.T1C]}
    dialog = opened(qtbot, replace(found, earlier_images=images))
    dialog.sequences[Sequence.FLAIR].click()
    assert view(dialog, EARLIER).image is None
    assert "no FLAIR in this study" in view(dialog, EARLIER)._empty_text()
    assert view(dialog, NOW).image is not None


def test_labels_that_were_corrected_since_are_told(dialog, qtbot):
    assert dialog.outdated.isHidden()
    assert dialog.again.isHidden()
    dialog.note_outdated()
    assert dialog.outdated.isVisible()
    with qtbot.waitSignal(dialog.again_requested):
        dialog.again.click()


def test_what_the_labels_no_longer_are_is_not_passed_on(dialog, qtbot):
    assert [one.text() for one in dialog.passing_on] == ["Copy", "Save report …", "Save files …"]
    dialog.note_outdated()
    asked = []
    for signal in (dialog.copy_requested, dialog.save_requested, dialog.files_requested):
        signal.connect(lambda: asked.append(True))
    for button in dialog.passing_on:
        button.click()
        assert "compare again first" in button.toolTip()
    for key in (Qt.Key.Key_C, Qt.Key.Key_S):
        qtbot.keyClick(dialog, key, Qt.KeyboardModifier.ControlModifier)
    assert not asked


def test_enter_starts_and_closes_nothing(dialog, qtbot):
    dialog.note_outdated()
    assert not [one for one in dialog.findChildren(QPushButton) if one.autoDefault()]
    with qtbot.assertNotEmitted(dialog.again_requested):
        qtbot.keyClick(dialog.numbers.table, Qt.Key.Key_Return)
        qtbot.keyClick(dialog.sequences[Sequence.T1C], Qt.Key.Key_Return)
    assert dialog.isVisible()


def test_compared_again_the_window_stays_as_it_was(dialog, qtbot, found):
    dialog.planes[Plane.CORONAL].click()
    dialog.overlays[VisitOverlay.CHANGE].click()
    dialog.region.setCurrentIndex(2)
    dialog.resize(1240, 700)
    again = opened(qtbot, found)
    again.begin_as(dialog)
    assert again.planes[Plane.CORONAL].isChecked()
    assert again.views.plane is Plane.CORONAL
    assert again.overlays[VisitOverlay.CHANGE].isChecked()
    assert again.region.currentIndex() == 2
    assert again.size() == dialog.size()


def test_compared_again_place_zoom_and_contrast_stay(dialog, qtbot, found):
    now = view(dialog, NOW)
    qtbot.keyClick(now, Qt.Key.Key_Up)
    qtbot.keyClick(now, Qt.Key.Key_Plus)
    drag(now, Qt.MouseButton.RightButton, QPointF(60, 60), QPointF(100, 75))
    dialog.crosshair_tool.click()
    dialog.overlay_tool.click()
    shown = {one: (v.step, v._renderer.window) for one, v in dialog.views.views.items()}
    again = FollowUpDialog(shown_follow_up(replace(found)))
    qtbot.addWidget(again)
    again.begin_as(dialog)
    with qtbot.waitExposed(again):
        again.show()
    views = again.views.views
    assert {one: (v.step, v._renderer.window) for one, v in views.items()} == shown
    for one, there in views.items():
        before = view(dialog, one)
        np.testing.assert_allclose(there._cursor_lps, before._cursor_lps)
        assert there.viewport.scale == pytest.approx(before.viewport.scale)
        assert not there._has_crosshair
        assert there._is_peeking
    assert not again.crosshair_tool.isChecked()
    assert again.views.alone is None


def test_compared_again_a_study_alone_stays_alone(dialog, qtbot, found):
    qtbot.keyClick(view(dialog, EARLIER), Qt.Key.Key_Return)
    again = FollowUpDialog(shown_follow_up(found))
    qtbot.addWidget(again)
    again.begin_as(dialog)
    again.show()
    assert again.views.alone is EARLIER


def test_another_earlier_study_is_not_shown_as_the_one_before(dialog, qtbot, found):
    drag(view(dialog, NOW), Qt.MouseButton.RightButton, QPointF(60, 60), QPointF(100, 75))
    images = {one: replace(image) for one, image in found.earlier_images.items()}
    again = opened(qtbot, replace(found, earlier_images=images))
    again.begin_as(dialog)
    assert view(again, NOW)._renderer.window == view(dialog, NOW)._renderer.window
    assert view(again, EARLIER)._renderer.window == view(again, EARLIER).image.auto_window


def test_copy_and_report_are_asked_for_by_keys(dialog, qtbot):
    with qtbot.waitSignals([dialog.copy_requested, dialog.save_requested]):
        qtbot.keyClick(dialog, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
        qtbot.keyClick(dialog, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)


ROWS = (
    EarlierRow("2025-01-01", "MR", "T1", "none", "", is_ready=False),
    EarlierRow("2024-06-01", "MR", "T1c, FLAIR", "of 2024-06-02", "", is_ready=True),
)


def test_a_study_that_can_be_compared_is_chosen(qtbot):
    dialog = EarlierStudyDialog("Doe, Jo · 7", ROWS)
    qtbot.addWidget(dialog)
    with qtbot.waitSignal(dialog.chosen) as chosen:
        dialog.compare.click()
    assert chosen.args == [1]
    again = EarlierStudyDialog("Doe, Jo · 7", ROWS)
    qtbot.addWidget(again)
    again.table.selectRow(0)
    assert not again.compare.isEnabled()
    with qtbot.assertNotEmitted(again.chosen):
        again.table.doubleClicked.emit(again.table.model().index(0, 0))


def test_without_another_study_a_folder_is_asked_for(qtbot):
    dialog = EarlierStudyDialog("Doe, Jo · 7", ())
    qtbot.addWidget(dialog)
    assert not dialog.compare.isEnabled()
    assert "No other study of this patient" in texts(dialog)
    button = next(
        one for one in dialog.findChildren(type(dialog.compare)) if "folder" in one.text()
    )
    with qtbot.waitSignal(dialog.folder_requested):
        button.click()

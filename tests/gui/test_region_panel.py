"""The panel of results: regions that are hidden, volumes, and what is said of a result."""

from dataclasses import replace

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QLabel, QSlider

from desktop_app.domain.preflight import Light
from desktop_app.domain.segmentation import Segmentation
from desktop_app.services.measuring.measure import measure
from tests.study_cases import GEOMETRY, PROVENANCE
from tests.window_cases import findings_of_one_voxel, nested_segmentation, shown_texts, texts
from ui.presenters.rows import region_rows
from ui.views.correction_view import CorrectionState
from ui.views.study_view import Findings


def test_a_region_stays_hidden_when_the_table_is_filled_again(study_window, qtbot):
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels[1, 2, 3] = 3
    segmentation = Segmentation(labels, GEOMETRY, PROVENANCE)
    findings = Findings(region_rows(segmentation, measure(segmentation)))
    regions = study_window.study_page.regions
    study_window.show_findings(findings)
    enhancing = next(one for one in regions.findChildren(QCheckBox) if "(ET)" in one.text())
    with qtbot.waitSignal(regions.visibility_changed) as changed:
        enhancing.click()
    assert changed.args == [3, False]
    study_window.show_findings(findings)
    fresh = [one for one in regions.findChildren(QCheckBox) if "(ET)" in one.text()][-1]
    assert not fresh.isChecked()


def without_t1c(value: int) -> Segmentation:
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels[1, 2, 3] = value
    return Segmentation(labels, GEOMETRY, PROVENANCE, shows_enhancement=False)


def test_what_is_not_known_is_no_headline(study_window):
    segmentation = without_t1c(1)
    study_window.show_findings(Findings(region_rows(segmentation, measure(segmentation))))
    labels = study_window.study_page.regions.findChildren(QLabel)
    kinds = {one.text(): one.property("kind") for one in labels}
    assert kinds["Enhancing tumour (ET)"] == "muted"
    assert kinds["Whole tumour (WT)"] == "title"
    volume = next(text for text in kinds if text.startswith("about "))
    assert kinds[volume] == "muted"


def test_the_undivided_core_keeps_its_name_while_it_is_corrected(study_window):
    segmentation = without_t1c(1)
    study_window.show_segmentation(segmentation)
    before = segmentation.labels_kji
    study_window.show_live_labels(before.copy(), before, GEOMETRY)
    names = {one.value: one.name for one in study_window.study_page.views.overlay_style.definitions}
    assert names[1] == "Tumour core"


def test_without_t1c_one_begins_with_the_core_not_with_what_nothing_shows(study_window):
    bar = study_window.study_page.correction_bar
    study_window.show_correction(CorrectionState(True, True, is_core_whole=True))
    assert bar.settings().value == 1
    study_window.show_correction(CorrectionState(True, True, "Undo", is_core_whole=True))
    assert bar.settings().value == 1
    study_window.show_correction(CorrectionState(True, True))
    assert bar.settings().value == 3


def test_nothing_stays_hidden_for_the_next_result_or_the_tool_in_hand(study_window):
    page = study_window.study_page
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    rows = region_rows(Segmentation(labels, GEOMETRY, PROVENANCE), ())
    study_window.show_findings(Findings(rows))
    box = next(one for one in page.regions.findChildren(QCheckBox) if "(ET)" in one.text())
    slider = page.regions.findChild(QSlider)
    box.setChecked(False)
    slider.setValue(0)
    assert page.views.overlay_style.hidden == {3}
    study_window.show_segmentation(Segmentation(labels, GEOMETRY, PROVENANCE))
    assert not page.views.overlay_style.hidden
    assert page.views.overlay_style.opacity > 0
    assert box.isChecked()
    study_window.show_correction(CorrectionState(True, True, "", ""))
    page.correction_bar._tools.button(1).click()
    value = page.correction_bar.settings().value
    box.setChecked(False)
    page.correction_bar._tools.button(2).click()
    assert value not in page.views.overlay_style.hidden


def test_what_is_hidden_is_not_corrected(study_window):
    page = study_window.study_page
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    study_window.show_findings(
        Findings(region_rows(Segmentation(labels, GEOMETRY, PROVENANCE), ()))
    )
    box = next(one for one in page.regions.findChildren(QCheckBox) if "(ED)" in one.text())
    box.setChecked(False)
    assert page.correction_bar.settings().hidden == {2}
    study_window.show_segmentation(Segmentation(labels, GEOMETRY, PROVENANCE))
    assert not page.correction_bar.settings().hidden


def test_there_is_no_panel_of_results_before_there_are_results(study_window):
    regions = study_window.study_page.regions
    assert not regions.isVisible()
    study_window.show_findings(findings_of_one_voxel(origin="Network x on CPU"))
    assert "Network x on CPU" in shown_texts(regions)
    study_window.show_findings(None)
    assert not regions.isVisible()


def test_a_small_volume_is_not_shown_as_nothing(study_window):
    speck = nested_segmentation()
    measured = [replace(one, value=min(one.value, 4.9)) for one in measure(speck)]
    study_window.show_findings(Findings(region_rows(speck, measured)))
    assert "< 0.01 cm³" in texts(study_window.study_page.regions)


def test_no_tumour_found_cannot_be_missed(study_window, qtbot):
    regions = study_window.study_page.regions
    study_window.show_findings(findings_of_one_voxel())
    study_window.show_findings(Findings((), "No tumour found", "Look yourself."))
    headline = next(one for one in regions.findChildren(QLabel) if one.text() == "No tumour found")
    assert headline.isVisible()
    assert headline.font().pointSizeF() >= 14
    assert "Look yourself." in shown_texts(regions)
    assert regions.findChildren(QCheckBox, options=Qt.FindChildOption.FindDirectChildrenOnly) == []
    assert not any(box.isVisible() for box in regions.findChildren(QCheckBox))
    study_window.show_findings(findings_of_one_voxel())
    assert not headline.isVisible()
    assert any(box.isVisible() for box in regions.findChildren(QCheckBox))


def test_warnings_of_a_result_stand_out_and_go_with_it(study_window, qtbot):
    regions = study_window.study_page.regions
    study_window.show_findings(findings_of_one_voxel(warnings=("T2 is missing.",)))
    told = {"T2 is missing.", Light.FAIR.sign}
    qtbot.waitUntil(lambda: told <= set(shown_texts(regions)))
    study_window.show_findings(findings_of_one_voxel())
    assert "T2 is missing." not in shown_texts(regions)

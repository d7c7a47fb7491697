"""Lines of the status bar end in dots, not inside a number."""

import pytest

from ui.widgets.short_label import ShortLabel

TEXT = "Whole tumour where the network is more than 12 % sure: 122.99 → 133.37 cm³."


@pytest.fixture
def label(qtbot):
    one = ShortLabel("muted")
    qtbot.addWidget(one)
    one.setText(TEXT)
    one.show()
    return one


def test_the_whole_text_stands_where_there_is_room(label):
    label.resize(label.sizeHint())
    assert label.shown_text == label.text() == TEXT
    assert label.toolTip() == ""


def test_a_shorter_line_ends_in_dots_and_tells_all_in_the_tool_tip(label):
    label.resize(label.sizeHint().width() // 2, label.height())
    assert label.shown_text.endswith("…")
    assert len(label.shown_text) < len(TEXT)
    assert label.text() == label.toolTip() == TEXT
    assert label.minimumSizeHint().width() == 0
    label.resize(label.sizeHint())
    assert label.shown_text == TEXT


def test_another_text_is_fitted_at_once(label):
    label.resize(label.sizeHint().width() // 2, label.height())
    label.setText("12")
    assert label.shown_text == "12"
    assert label.toolTip() == ""

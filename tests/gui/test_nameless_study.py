"""A study that no header tells anything of, opened in the real window."""

from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QPushButton

from desktop_app import composition
from desktop_app.domain.study import Sequence
from tests.nameless_cases import FILES, nameless_images, write_nameless
from ui.app import WindowApp


@pytest.fixture
def app(qtbot, qapp, tmp_path):
    with composition.build(user_data=tmp_path / "kept") as services:
        app = WindowApp(qapp, services)
        qtbot.addWidget(app.window)
        yield app
        app.window.close()


def test_series_are_named_by_their_images_and_said_to_be(app, qtbot, tmp_path):
    folder = tmp_path / "head"
    write_nameless(nameless_images(), folder)
    page, session = app.window.study_page, app.services.session
    (segment,) = (one for one in page.findChildren(QPushButton) if one.text().strip() == "Segment")
    app.window.show()
    app.study.reading.open_path(folder)
    qtbot.waitUntil(lambda: session.study is not None, timeout=60_000)
    assert not session.roles
    assert not segment.isEnabled()

    # Whatever the images are asked, the window goes on.
    ticks = []
    timer = QTimer()
    timer.timeout.connect(lambda: session.roles or ticks.append(segment.isEnabled()))
    timer.start(20)
    qtbot.waitUntil(lambda: bool(session.roles), timeout=120_000)
    timer.stop()
    assert len(ticks) > 5
    assert not any(ticks)

    found = {Path(one.series_uid).name[0]: sequence for sequence, one in session.roles.items()}
    assert found == FILES
    assert session.loaded is not None
    assert segment.isEnabled()
    for sequence in Sequence:
        box = page.sequences.choice_box(sequence)
        assert box.currentData() == session.roles[sequence].series_uid
        assert box.currentText().startswith("By its image:")
    qtbot.waitUntil(lambda: not app.study.preflight.busy, timeout=60_000)

from threading import Event

import numpy as np

from desktop_app.domain.segmentation import DEFAULT_LABELS
from tests.study_cases import GEOMETRY
from ui.viewers.surface_engine import SurfaceEngine


def test_labels_taken_away_before_their_surfaces_are_placed_do_no_harm(qtbot, qapp):
    engine, release, failures = SurfaceEngine(draws_in_thread=True), Event(), []
    engine.failed.connect(failures.append)
    engine._drawer.submit(release.wait, 30)
    labels_kji = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels_kji[1:3, 1:4, 1:4] = 3
    with qtbot.waitSignal(engine.surfaces_changed, timeout=20_000):
        engine.set_labels(labels_kji, GEOMETRY, DEFAULT_LABELS)
    engine.set_labels(None, None, ())
    release.set()
    engine._drawer.submit(int).result(30)
    qapp.processEvents()
    assert failures == []
    engine.close()

"""The presenter of a study with services that answer at once, and the GUI thread played."""

import time
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np

from desktop_app.domain.measurement import Measurement, MeasurementKind
from desktop_app.domain.result import PreparedStudy, StudyResult
from desktop_app.domain.segmentation import NO_TUMOUR_FOUND, Region, Segmentation
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.io.scan import ScanResult
from desktop_app.services.opening.loaded_study import LoadedStudy
from desktop_app.services.segmenting.segment import Segmenter, SegmentOptions
from desktop_app.services.session import Session
from tests.study_cases import GEOMETRY, PROVENANCE, make_study, roles_of
from ui.presenters import preparation, study_presenter, study_reading
from ui.presenters.study_presenter import StudyPresenter
from ui.views.study_view import StudyView

T1C = Volume(np.ones(GEOMETRY.shape_kji, np.float32), GEOMETRY, source="t1c")
FLAIR = Volume(np.ones(GEOMETRY.shape_kji, np.float32), GEOMETRY, source="flair")

WHERE = {
    "open_whole_study": study_reading,
    "load_study": study_reading,
    "prepare_study": preparation,
    "segment_study": study_presenter,
}


def shown_result(study, *, empty=False):
    """Return a result with the images T1C and FLAIR, and one voxel of tumour unless empty."""
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    if not empty:
        labels[1, 2, 3] = 3
    prepared = PreparedStudy(
        image_ckji=np.zeros((4, *GEOMETRY.shape_kji), np.float32),
        work_geometry=GEOMETRY,
        brain_kji=np.ones(GEOMETRY.shape_kji, bool),
        reference=T1C,
        reference_sequence=Sequence.T1C,
        volumes={Sequence.T1C: T1C, Sequence.FLAIR: FLAIR},
        registrations={},
    )
    warnings = (NO_TUMOUR_FOUND,) if empty else ()
    return StudyResult(
        study,
        roles_of(study),
        prepared,
        Segmentation(labels, GEOMETRY, PROVENANCE, warnings=warnings),
        (Measurement(MeasurementKind.VOLUME, 5.0, "mm3", Region.ET),),
    )


class QueuedScene:
    """A view that notes what it is told, a session, and what waits for the GUI thread."""

    def __init__(self):
        self.queue = []
        self.view = MagicMock(spec=StudyView)
        self.session = Session()

    def settle_until(self, is_so):
        """Play the GUI thread until something is so, whatever else still runs."""
        stop = time.monotonic() + 10
        while not is_so():
            assert time.monotonic() < stop
            time.sleep(0.01)
            self.play_queue()

    def play_queue(self):
        while self.queue:
            self.queue.pop(0)()


class Scene(QueuedScene):
    """A presenter with services that answer at once; `settle` plays the GUI thread."""

    def __init__(self, monkeypatch, runner):
        super().__init__()
        self.runner = runner
        self.study = make_study()
        self.services = {
            "open_whole_study": MagicMock(return_value=ScanResult((self.study,), ())),
            "load_study": MagicMock(
                side_effect=lambda roles, **_: LoadedStudy(
                    roles, {Sequence.T1C: T1C, Sequence.FLAIR: FLAIR}, 1.0
                )
            ),
            "prepare_study": MagicMock(return_value=shown_result(self.study).prepared),
            "segment_study": MagicMock(return_value=shown_result(self.study)),
        }
        for name, service in self.services.items():
            monkeypatch.setattr(WHERE[name], name, service)
        self.presenter = StudyPresenter(
            self.view,
            self.session,
            runner,
            MagicMock(spec=Segmenter),
            self.queue.append,
            options=SegmentOptions,
            page_renderer=MagicMock(),
        )

    def settle(self):
        """Play the GUI thread until no job of the study waits or runs."""
        self.settle_until(lambda: not self.presenter.jobs.busy)

    def open(self):
        self.presenter.reading.open_path(Path("folder"))
        self.settle()

    @property
    def actions(self):
        return self.view.show_actions.call_args.args[0]


def shown_as(scene):
    """Return grid, series and sequence of the image shown last."""
    said = scene.view.show_image.call_args.kwargs
    return said["reference"], said["series_uid"], said["sequence"]

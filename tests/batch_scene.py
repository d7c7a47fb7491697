"""A batch that is replaced, for tests of its presenter."""

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import MagicMock

from desktop_app.domain.segmentation import Region
from desktop_app.domain.study import InstanceRef, RoleProposal, Sequence
from desktop_app.jobs.runner import JobRunner
from desktop_app.services.batch import (
    Batch,
    BatchOptions,
    CaseState,
    CaseStatus,
    ReviewState,
)
from tests.study_cases import make_series, make_study
from ui.presenters.batch_presenter import BatchPresenter
from ui.views.batch_view import BatchView

CASES = (CaseState("one", "1"), CaseState("two", "2"))
DONE = CaseState(
    "one",
    "1",
    CaseStatus.DONE,
    seconds=12.0,
    volumes_mm3={Region.WT: 34_560.0, Region.ET: 40.0},
    files=("segmentation.nii.gz", "measurements.json"),
)
WARNED = replace(DONE, warnings=("No tumour found.",))
ACCEPTED, REJECTED = ReviewState.ACCEPTED, ReviewState.REJECTED
FAILED = CaseState("two", "2", CaseStatus.FAILED, reason="What.\nWhere.\nRemedy.", seconds=1.0)


@contextmanager
def batch_scene():
    """The presenter of a batch that is replaced, and what it is told and tells."""
    runner = JobRunner()
    view = MagicMock(spec=BatchView)
    batch = MagicMock(spec=Batch)
    batch.find.return_value = batch.cases = CASES
    batch.root, batch.output = Path("in"), Path("out")
    batch.options = BatchOptions()
    files = (InstanceRef(Path("in/ward/t1/1.dcm")), InstanceRef(Path("in/ward/t2/1.dcm")))
    series = tuple(make_series(f"s{n}", instances=(file,)) for n, file in enumerate(files))
    named = zip(Sequence, ("s0", "", "", "s1"), strict=True)
    roles = {one: RoleProposal(uid, 0.9, "Named.") for one, uid in named if uid}
    batch.study.side_effect = lambda name: make_study(name=name, series=series, roles=roles)
    opened, wanted = MagicMock(), MagicMock(return_value=BatchOptions())
    queue = []
    listener = []

    def make_batch(root, output, on_case):
        listener.append(on_case)
        return batch

    presenter = BatchPresenter(
        view,
        runner,
        queue.append,
        make_batch=make_batch,
        options=wanted,
        open_result=opened.result,
        open_images=opened.images,
    )
    presenter.wanted, presenter.lanes = wanted, runner

    def settle():
        assert presenter._jobs._front is None or presenter._jobs._front.job.wait(10)
        while queue:
            queue.pop(0)()

    yield presenter, view, batch, opened, listener, settle
    runner.close()

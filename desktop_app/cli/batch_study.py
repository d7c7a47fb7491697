"""`gliascope batch-study`: one study of a batch, for a worker of a cluster; not in the help."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

import typer

from desktop_app.cli.work import do_work
from desktop_app.errors import Cancelled, UserFacingError

if TYPE_CHECKING:
    from desktop_app.cli.frontend import Frontend
    from desktop_app.jobs.cancel import CancelToken
    from desktop_app.jobs.events import ProgressCallback
    from desktop_app.services.batch import CaseState
    from desktop_app.services.batch.attempt import StudyOrder


def batch_study(context: typer.Context) -> None:
    """Segment the study whose order comes on stdin; tell progress and state on stdout."""
    from desktop_app.services.batch import CaseStatus
    from desktop_app.services.batch.attempt import failed
    from desktop_app.services.batch.cluster_messages import read_order, write_message

    frontend: Frontend = context.obj
    order = read_order(sys.stdin.buffer).order
    with _answers() as answers:
        try:
            state = _segment(order, frontend, answers)
        except Cancelled:
            raise
        except UserFacingError as error:
            state = failed(replace(order.running, status=CaseStatus.PENDING), error)
        write_message(answers, state)


def _segment(order: "StudyOrder", frontend: "Frontend", answers: BinaryIO) -> "CaseState":
    from desktop_app.composition import build
    from desktop_app.services.batch.attempt import attempt
    from desktop_app.services.batch.cluster_messages import Advanced, write_message
    from desktop_app.services.batch.cluster_worker import with_weights_of

    renderer = frontend.renderer_for(order.options.export.formats)
    with build() as app:
        mine = with_weights_of(app.models, order)

        def tell(fraction: float, stage: str) -> None:
            try:
                write_message(answers, Advanced(fraction, stage))
            except BrokenPipeError:
                # The worker is gone: nobody waits for this study any more.
                raise Cancelled from None

        def work(progress: "ProgressCallback", token: "CancelToken") -> "CaseState":
            del progress
            return attempt(
                mine,
                app.worker,
                page_renderer=renderer,
                progress=tell,
                token=token,
                on_defect=app.report_crash,
            )

        return do_work(app.runner, work, frontend.stop, quiet=True)


@contextmanager
def _answers() -> Iterator[BinaryIO]:
    """Keep stdout for the answers; what libraries print goes to stderr meanwhile."""
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        yield answers

"""One study of a batch: what is to be done, and whatever comes of it as a state."""

import logging
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from desktop_app.domain.study import Sequence, Series, Study
from desktop_app.errors import (
    Cancelled,
    ExchangedError,
    InputError,
    OutputError,
    UserFacingError,
)
from desktop_app.jobs.cancel import NEVER, CancelToken
from desktop_app.jobs.events import ProgressCallback, silent
from desktop_app.paths import exchanged_error
from desktop_app.services.batch.state import (
    CaseState,
    CaseStatus,
    exported_as,
    fingerprint,
    with_result,
)
from desktop_app.services.case import CaseOptions, process_study
from desktop_app.services.crash_report import PASS_ON
from desktop_app.services.export.writers import PageRenderer
from desktop_app.services.opening.import_study import choose_roles
from desktop_app.services.segmenting.segment import Segmenter

DefectListener = Callable[[str], object]
"""Given the trace when a study met an unexpected exception."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class StudyOrder:
    """Everything that decides what is done with one study; may go to another process.

    Parameters
    ----------
    roles
        The series to use per sequence.
    output
        Folder of the batch's results.
    card_sha256
        Checksum of the card of the model to use, and so of its weights and thresholds.
    weights_sha256
        Of that model.
    fingerprint
        Stands for inputs and model, see `CaseState`.
    """

    study: Study
    roles: Mapping[Sequence, Series]
    options: CaseOptions
    output: Path
    card_sha256: str
    weights_sha256: str
    fingerprint: str

    @property
    def running(self) -> CaseState:
        """The study's state while it runs."""
        return CaseState(
            self.study.name,
            self.study.study_uid,
            CaseStatus.RUNNING,
            study_date=self.study.date,
            fingerprint=self.fingerprint,
            weights_sha256=self.weights_sha256,
            exported_as=exported_as(self.options.export),
        )


def make_order(
    study: Study, options: CaseOptions, output: Path, *, card_sha256: str, weights_sha256: str
) -> StudyOrder:
    """Say what is to be done with a study.

    Raises
    ------
    InputError
        If a file of the study cannot be read.
    """
    roles = choose_roles(study, {})
    try:
        stands_for = fingerprint(roles, card_sha256)
    except OSError as error:
        raise InputError(
            "A file of the study cannot be read.",
            str(error.filename or study.root),
            "Check that the file is still there and that you may read it.",
        ) from error
    return StudyOrder(study, roles, options, output, card_sha256, weights_sha256, stands_for)


def attempt(
    order: StudyOrder,
    worker: Segmenter,
    *,
    page_renderer: PageRenderer | None = None,
    progress: ProgressCallback = silent,
    token: CancelToken = NEVER,
    on_defect: DefectListener | None = None,
) -> CaseState:
    """Segment a study and write its results; return its state, done or failed.

    Raises
    ------
    Cancelled
        If `token` was cancelled; nothing is written.
    ExchangedError
        If it failed and the program is no longer the one that was started.
    """
    started = time.perf_counter()
    state = replace(order.running, status=CaseStatus.PENDING)
    try:
        outcome = process_study(
            order.study,
            order.roles,
            order.options,
            order.output,
            worker,
            page_renderer=page_renderer,
            progress=progress,
            token=token,
        )
        names = (file.name for file in outcome.files)
        state = with_result(state, outcome.result, names, outcome.notes)
    except (Cancelled, ExchangedError):
        raise
    except Exception as error:  # noqa: BLE001 - a failed study never stops the rest
        state = failed(state, error, on_defect)
    return replace(state, seconds=time.perf_counter() - started)


def failed(
    state: CaseState, error: Exception, on_defect: DefectListener | None = None
) -> CaseState:
    """Return the state of a study that failed, with the reason in the user's terms.

    Raises
    ------
    ExchangedError
        If the program is no longer the one that was started: any study would fail.
    """
    exchanged = exchanged_error()
    if exchanged is not None:
        raise exchanged from error
    return replace(state, status=CaseStatus.FAILED, reason=_reason(state.name, error, on_defect))


def _reason(name: str, error: Exception, on_defect: DefectListener | None) -> str:
    if isinstance(error, UserFacingError):
        return str(error)
    if isinstance(error, MemoryError):
        return f"There is not enough memory.\nStudy {name}\nUse fewer workers."
    trace = "".join(traceback.format_exception(error))
    _log.error("Unexpected exception in a study of the batch\n%s", trace)
    remedy = f"Please pass the crash report on to {PASS_ON}."
    try:
        if on_defect is not None:
            on_defect(trace)
    except (OutputError, OSError) as refused:
        _log.warning("The crash report cannot be written: %s", refused)
        remedy = f"No crash report could be kept; please tell {PASS_ON}."
    return (
        f"The program met an unexpected problem ({type(error).__name__}).\nStudy {name}\n{remedy}"
    )

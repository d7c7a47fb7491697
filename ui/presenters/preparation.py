"""Prepares the open study before anybody asks to segment it."""

from desktop_app.domain.result import PreparedStudy
from desktop_app.errors import Cancelled
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import ProgressCallback
from desktop_app.jobs.runner import Work
from desktop_app.services.segmenting.segment import Segmenter, SegmentOptions, prepare_study
from desktop_app.services.session import Session


def preparation(session: Session, segmenter: Segmenter, options: SegmentOptions) -> Work | None:
    """Return what prepares the open study for segmenting; ``None`` where nothing is loaded."""
    study, loaded = session.study, session.loaded
    if study is None or loaded is None:
        return None
    roles = dict(session.roles)
    chosen = session.chosen_by_user

    def work(progress: ProgressCallback, token: CancelToken) -> PreparedStudy:
        try:
            return prepare_study(
                study,
                roles,
                loaded,
                options,
                segmenter,
                chosen_by_user=chosen,
                progress=progress,
                token=token,
            )
        except Cancelled:
            # Where it was looking for the brain, the network's process ended with it.
            segmenter.warm(options.device, options.precision)
            raise

    return work

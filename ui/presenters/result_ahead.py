"""The next result of a batch, read while somebody looks at the one before."""

from collections.abc import Mapping
from pathlib import Path

import psutil

from desktop_app.domain.study import Sequence, Series, Study
from desktop_app.errors import Cancelled
from desktop_app.jobs.cancel import CancelToken
from desktop_app.jobs.events import ProgressCallback
from desktop_app.jobs.runner import Job, JobRunner, Lane
from desktop_app.services.results.reopen import Reopened, earlier_choice, reopen_result
from desktop_app.services.segmenting.brain_network import BrainNetwork
from desktop_app.services.session import Session

_LISTEN_SECONDS = 0.02
# What a study of fine voxels may take while it is prepared, and as much for everybody else.
_LEAST_FREE_BYTES = 3_000_000_000


class Ahead:
    """A result that is being read before anybody asked for it, or was.

    Parameters
    ----------
    network
        Outlines the brain.
    """

    def __init__(self, study: Study, folder: Path, network: BrainNetwork | None) -> None:
        self.study = study
        self.folder = folder
        self._network = network
        self._job: Job | None = None
        self._reached: tuple[float, str] | None = None
        self._is_wanted = True
        self._opening: CancelToken | None = None
        self._question: tuple[object, ...] = ()
        self._read: Reopened | None = None

    def is_of(self, study: Study, folder: Path) -> bool:
        """Whether it is this result; the study may have been listed anew, with the same files."""
        mine = self.study
        return folder == self.folder and (mine is study or _files(mine) == _files(study))

    def begin(self, runner: JobRunner) -> None:
        """Read it, after and beside everything else."""
        self._job = runner.submit(self._work, lambda _event: None, lane=Lane.AHEAD)

    def leave(self) -> None:
        """Read no further than to the next step.

        To cancel the job would end the network's process, which somebody else may want to use.
        """
        self._is_wanted = False

    def read_for(self, opening: CancelToken) -> None:
        """Read on only until the job that opens it is stopped."""
        self._opening = opening

    def answer(
        self,
        roles: Mapping[Sequence, Series],
        network: BrainNetwork | None,
        chosen_by_user: frozenset[Sequence],
        progress: ProgressCallback,
        token: CancelToken,
    ) -> Reopened | None:
        """Wait until it is read; ``None`` where that failed, or other files or series are meant.

        Raises
        ------
        Cancelled
            If `token` was cancelled.
        """
        if self._reached is None:  # something else is before it
            self.leave()
            return None
        while self._job is not None and not self._job.wait(_LISTEN_SECONDS):
            token.raise_if_cancelled()
            progress(*self._reached)
        asked = _stamps(self.folder), _uids(roles), network, chosen_by_user
        return self._read if asked == self._question else None

    def _work(self, _progress: ProgressCallback, token: CancelToken) -> None:
        def report(fraction: float, stage: str) -> None:
            self._reached = fraction, stage
            if not self._is_wanted:
                raise Cancelled
            if self._opening is not None:
                self._opening.raise_if_cancelled()

        report(0.0, "")
        stamps = _stamps(self.folder)
        # The series that the window will choose.
        earlier = earlier_choice(self.study, self.folder)
        session = Session()
        session.open_study(earlier.study)
        for sequence, series_uid in earlier.overrides.items():
            session.set_role(sequence, series_uid)
        roles, chosen = dict(session.roles), session.chosen_by_user
        self._question = stamps, _uids(roles), self._network, chosen
        self._read = reopen_result(
            earlier.study,
            roles,
            self.folder,
            network=self._network,
            chosen_by_user=chosen,
            progress=report,
            token=token,
        )


class ResultAhead:
    """Keeps one result at most; what goes wrong is told by whoever opens it, not here."""

    def __init__(self, runner: JobRunner) -> None:
        self._runner = runner
        self._ahead: Ahead | None = None

    def read(self, study: Study, folder: Path, network: BrainNetwork | None) -> None:
        """Read the result of a study in place of any other, unless memory is short."""
        now = self._ahead
        if now is not None and now.is_of(study, folder):
            return
        self.drop()
        if psutil.virtual_memory().available >= _LEAST_FREE_BYTES:
            self._ahead = Ahead(study, folder, network)
            self._ahead.begin(self._runner)

    def drop(self) -> None:
        """Let go of what was read, and read no further."""
        if self._ahead is not None:
            self._ahead.leave()
            self._ahead = None

    def take(self, study: Study, folder: Path) -> Ahead | None:
        """Hand out what was or is being read of a study; what is of another one is let go."""
        ahead = self._ahead
        if ahead is None or not ahead.is_of(study, folder):
            self.drop()
            return None
        self._ahead = None
        return ahead


def _files(study: Study) -> tuple[object, ...]:
    series = tuple((one.series_uid, one.instances) for one in study.series)
    return study.study_uid, study.root, series


def _uids(roles: Mapping[Sequence, Series]) -> dict[Sequence, str]:
    return {sequence: series.series_uid for sequence, series in roles.items()}


def _stamps(folder: Path) -> dict[str, tuple[int, int]] | None:
    """Return size and time of every file in a folder; ``None`` where it cannot be read."""
    try:
        found = {file.name: file.stat() for file in folder.iterdir()}
    except OSError:
        return None
    return {name: (one.st_size, one.st_mtime_ns) for name, one in found.items()}

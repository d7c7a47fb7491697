"""The voxels of one study's series, and what was prepared of them."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from desktop_app.domain.result import PreparedStudy
from desktop_app.domain.study import Sequence, Series
from desktop_app.domain.volume import Volume
from desktop_app.jobs.cancel import NEVER, CancelToken
from desktop_app.jobs.events import ProgressCallback, silent
from desktop_app.services.opening.import_study import load_roles
from desktop_app.services.segmenting.brain_network import BrainNetwork
from desktop_app.services.segmenting.stages import Stages

if TYPE_CHECKING:
    # Loads slowly, and a window that only starts does not need it.
    from desktop_app.imaging.contrast_evidence import BrainLook
    from desktop_app.imaging.image_quality import ImageQuality

_LISTEN_SECONDS = 0.05


@dataclass(slots=True, eq=False)
class _Kept:
    volumes: Mapping[Sequence, Volume]
    network: BrainNetwork | None
    prepared: PreparedStudy
    looks: "Mapping[Sequence, BrainLook] | None" = None


class PreparationMemory:
    """Keeps what was prepared and measured of a study's images, so that it is done once.

    Registration and outline of the brain are then the same wherever they are shown or used, and a
    second segmentation does not wait for them. Whoever asks while they are prepared waits for that.
    """

    __slots__ = ("_kept", "_lock", "_qualities", "_reached")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reached = (0.0, "")
        # The images as given, and as they serve where the pixels corrected which is which.
        self._kept: deque[_Kept] = deque(maxlen=2)
        self._qualities: deque[tuple[Volume, ImageQuality]] = deque(maxlen=len(Sequence))

    @contextmanager
    def turn(self, report: ProgressCallback, token: CancelToken) -> Iterator[ProgressCallback]:
        """Let nobody else prepare these images meanwhile.

        Parameters
        ----------
        report
            Told how far the others are, while they prepare.
        token
            Ends the waiting.

        Yields
        ------
        ProgressCallback
            To be told how the preparation goes, for those who wait.

        Raises
        ------
        Cancelled
            If `token` was cancelled while others prepared.
        """
        while not self._lock.acquire(timeout=_LISTEN_SECONDS):
            token.raise_if_cancelled()
            report(*self._reached)

        def tell(fraction: float, stage: str) -> None:
            self._reached = (fraction, stage)
            report(fraction, stage)

        try:
            self._reached = (0.0, "")
            yield tell
        finally:
            self._lock.release()

    def recall(
        self, volumes: Mapping[Sequence, Volume], network: BrainNetwork | None
    ) -> PreparedStudy | None:
        """Return what was prepared of these very images with this network, if it is kept."""
        for one in tuple(self._kept):
            is_same = one.volumes.keys() == volumes.keys() and all(
                one.volumes[sequence] is volume for sequence, volume in volumes.items()
            )
            if is_same and one.network == network:
                return one.prepared
        return None

    def keep(
        self,
        volumes: Mapping[Sequence, Volume],
        network: BrainNetwork | None,
        prepared: PreparedStudy,
    ) -> None:
        """Keep it; of several, the last two."""
        self._kept.append(_Kept(dict(volumes), network, prepared))

    def looks(
        self, prepared: PreparedStudy, look: Callable[[], Mapping[Sequence, "BrainLook"]]
    ) -> Mapping[Sequence, "BrainLook"]:
        """Return what the images show inside the brain; asks `look` where it is not known yet."""
        for one in tuple(self._kept):
            if one.prepared is prepared:
                one.looks = one.looks or look()
                return one.looks
        return look()

    def quality(self, volume: Volume, measure: Callable[[], "ImageQuality"]) -> "ImageQuality":
        """Return what disturbs an image as loaded; asks `measure` where it is not known yet."""
        for one, quality in tuple(self._qualities):
            if one is volume:
                return quality
        measured = measure()
        self._qualities.append((volume, measured))
        return measured


@dataclass(frozen=True, slots=True, eq=False)
class LoadedStudy:
    """The voxels of the chosen series, and how long reading them took.

    Parameters
    ----------
    memory
        Of what was prepared of them.
    """

    roles: Mapping[Sequence, Series]
    volumes: Mapping[Sequence, Volume]
    seconds: float
    memory: PreparationMemory = field(default_factory=PreparationMemory)

    def serving_as(self, roles: Mapping[Sequence, Series]) -> "LoadedStudy":
        """Return the voxels of those series that are among `roles`, by what they serve as there."""
        read = {self.roles[sequence].series_uid: one for sequence, one in self.volumes.items()}
        volumes = {
            sequence: read[series.series_uid]
            for sequence, series in roles.items()
            if series.series_uid in read
        }
        return LoadedStudy(dict(roles), volumes, self.seconds, self.memory)

    def holds(self, roles: Mapping[Sequence, Series]) -> bool:
        """Whether the voxels of all these series were read, whatever they served as."""
        return roles.keys() == self.serving_as(roles).volumes.keys()


def load_study(
    roles: Mapping[Sequence, Series],
    *,
    known: LoadedStudy | None = None,
    progress: ProgressCallback = silent,
    token: CancelToken = NEVER,
) -> LoadedStudy:
    """Read the chosen series, for display and for a later `segment_study`.

    Parameters
    ----------
    known
        Of an earlier choice: what is there already is not read again.

    Raises
    ------
    InputError
        If a series cannot be loaded.
    Cancelled
        If `token` was cancelled.
    """
    stages = Stages({"import": 1.0}, progress)
    there = known.serving_as(roles).volumes if known is not None else {}
    missing = {sequence: one for sequence, one in roles.items() if sequence not in there}
    with stages.stage("import", "Reading the images") as report:
        read = {**there, **load_roles(missing, progress=report, token=token)}
    volumes = {sequence: read[sequence] for sequence in Sequence if sequence in read}
    memory = known.memory if known is not None else PreparationMemory()
    return LoadedStudy(dict(roles), volumes, stages.seconds["import"], memory)

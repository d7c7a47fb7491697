"""What the services hand on: a prepared study, and a finished one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.chances import Chances
from desktop_app.domain.geometry import Geometry
from desktop_app.domain.measurement import Measurement, Unfamiliarity
from desktop_app.domain.registration import Registration
from desktop_app.domain.segmentation import Segmentation
from desktop_app.domain.sequence_choice import PixelFinding
from desktop_app.domain.study import Sequence, Series, Study
from desktop_app.domain.volume import Volume

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class PreparedStudy:
    """Images ready for the network, and the way back to the scanner's grid.

    Parameters
    ----------
    image_ckji
        (4, k, j, i) float32 raw intensities in the order of `Sequence`, brain extracted, exactly
        zero outside the brain; a missing sequence is zero throughout.
    work_geometry
        Grid of `image_ckji`: 1 mm, axes nearest to LPS.
    brain_kji
        Brain mask on the work grid.
    reference
        The series whose grid carries the labels, as acquired.
    volumes
        Every sequence as acquired, its grid moved onto the reference; one that could not be
        registered is left out.
    registrations
        Per sequence that was moved or left out; absent where images shared a grid.
    steps, warnings
        One plain sentence each: what was done, what was assumed or looks wrong.
    seconds
        Wall time of the preparation.
    findings
        What the pixels say of each sequence, by what it is now; see `PixelFinding.given_as`.
    """

    image_ckji: NDArray[np.float32]
    work_geometry: Geometry
    brain_kji: NDArray[np.bool_]
    reference: Volume
    reference_sequence: Sequence
    volumes: Mapping[Sequence, Volume]
    registrations: Mapping[Sequence, Registration]
    steps: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    findings: Mapping[Sequence, PixelFinding] = field(default_factory=dict)

    @property
    def channels(self) -> dict[Sequence, NDArray[np.float32]]:
        """The channels of `image_ckji` that hold an image."""
        channels = zip(Sequence, self.image_ckji, strict=True)
        return {sequence: channel for sequence, channel in channels if sequence in self.volumes}

    def now(self, roles: Mapping[Sequence, _Item]) -> dict[Sequence, _Item]:
        """Return series or images by the sequence each serves as, after what the pixels said.

        A series that was left out, or never loaded, stays where it was.
        """
        given_as = {sequence: sequence for sequence in roles}
        given_as |= {sequence: finding.given_as for sequence, finding in self.findings.items()}
        return {sequence: roles[given] for sequence, given in given_as.items()}

    @property
    def shows_enhancement(self) -> bool:
        """Whether there is a T1c, which alone shows what enhances."""
        return Sequence.T1C in self.volumes

    @property
    def present(self) -> tuple[bool, bool, bool, bool]:
        """Which sequences there are, in the order of `Sequence`."""
        t1, t1c, t2, flair = (sequence in self.volumes for sequence in Sequence)
        return t1, t1c, t2, flair


@dataclass(frozen=True, slots=True, eq=False)
class StudyResult:
    """A segmented study with everything the exports and the window need.

    `roles` are the series used per sequence; `unfamiliarity` is ``None`` where the model does not
    say what studies usually look like; `targets` are the numbers of the lesions that a reader chose
    as target lesions. `chances` are what the network gave the regions, ``None`` for labels that
    came from a file.
    """

    study: Study
    roles: Mapping[Sequence, Series]
    prepared: PreparedStudy
    segmentation: Segmentation
    measurements: tuple[Measurement, ...]
    unfamiliarity: Unfamiliarity | None = None
    targets: tuple[int, ...] = ()
    chances: Chances | None = None

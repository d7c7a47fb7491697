"""What the study presenter may ask of the window."""

from collections.abc import Callable, Mapping
from collections.abc import Sequence as Many
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.label_part import LabelPart
from desktop_app.domain.preflight import Check, Light
from desktop_app.domain.segmentation import Region, Segmentation
from desktop_app.domain.study import Sequence, Study
from desktop_app.domain.volume import Volume
from desktop_app.errors import UserFacingError


@dataclass(frozen=True, slots=True)
class SeriesChoice:
    """An entry of a sequence's drop-down; an empty UID means "not available".

    Parameters
    ----------
    shorter
        The same with ever less of it, for where there is no room.
    """

    series_uid: str
    text: str
    shorter: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class SequenceSlot:
    """One row of the pre-flight table.

    Parameters
    ----------
    word
        The light in a word.
    sentence
        What decides the light.
    checks
        Everything that was looked at.
    thumbnail_yx
        Grey values of the middle axial slice; ``None`` before there is one.
    """

    sequence: Sequence
    choices: tuple[SeriesChoice, ...]
    chosen_uid: str
    light: Light
    word: str
    sentence: str
    checks: tuple[Check, ...] = ()
    thumbnail_yx: NDArray[np.uint8] | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the pre-flight table comes to.

    Parameters
    ----------
    is_looking
        Whether the images are still being looked at.
    refuses
        Whether that is why nothing can be segmented.
    """

    light: Light
    sentence: str
    is_looking: bool = False
    refuses: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Images of one study to lay over each other.

    Parameters
    ----------
    volumes
        At least two.
    reference
        The grid whose planes are shown.
    note
        How the images were laid onto each other, in a sentence.
    messages
        The same of each image.
    """

    volumes: Mapping[Sequence, Volume]
    reference: Geometry
    note: str
    messages: Mapping[Sequence, str]


@dataclass(frozen=True, slots=True)
class StudyHeader:
    """Who and when, for the top of the panel.

    Parameters
    ----------
    note
        How much was left out, in a sentence; empty where nothing was.
    left_out
        (path or series, reason) of each, shown on demand.
    """

    title: str
    subtitle: str
    note: str = ""
    left_out: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class JobStatus:
    """What runs now; `fraction` below 0 means that the end cannot be told yet.

    `can_choose` says whether other series may be chosen meanwhile.
    """

    title: str
    stage: str
    fraction: float
    seconds_left: float | None
    can_cancel: bool = True
    can_choose: bool = False


@dataclass(frozen=True, slots=True)
class RegionRow:
    """One row of the volume table.

    `volume_cm3` is ``None`` where it cannot be known, and a guess where `is_rough`.
    `range_text` says between which volumes in cm³ the truth likely lies, `range_title` and, at
    length, `range_note` how likely; all are empty where that is not known.
    """

    region: Region
    title: str
    rgb: tuple[int, int, int] | None
    volume_cm3: float | None
    label_value: int | None
    range_text: str = ""
    range_title: str = ""
    range_note: str = ""
    is_rough: bool = False


@dataclass(frozen=True, slots=True)
class Findings:
    """What a segmentation found.

    Parameters
    ----------
    rows
        The volumes; none where nothing was found.
    headline, explanation
        Said instead of volumes where nothing was found; empty otherwise.
    warnings
        What a reader has to know before the volumes are used.
    origin
        Which network found it, on what, how fast.
    """

    rows: tuple[RegionRow, ...]
    headline: str = ""
    explanation: str = ""
    warnings: tuple[str, ...] = ()
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Actions:
    """What the user can do now."""

    segment: bool = False
    export: bool = False
    open: bool = True
    compare: bool = False
    reopen: bool = False


class StudyView(Protocol):
    """The window as the study presenter sees it."""

    def show_study(self, header: StudyHeader, slots: Many[SequenceSlot]) -> None:
        """Show the pre-flight table; forget images and results of the study before."""

    def show_studies(self, titles: Many[str], current: int) -> None:
        """Offer the studies that were found together."""

    def show_other_series(self, choices: Many[SeriesChoice], current: str, note: str) -> None:
        """Offer series that serve as no sequence, to look at; `note` says what is shown of them."""

    def show_slots(self, slots: Many[SequenceSlot]) -> None:
        """Replace the rows of the pre-flight table."""

    def show_verdict(self, verdict: Verdict) -> None:
        """Show what the pre-flight table comes to."""

    def show_comparison(self, comparison: Comparison) -> None:
        """Show two of the images over each other."""

    def show_sequences(self, available: Many[Sequence], current: Sequence | None) -> None:
        """Offer these sequences above the slices."""

    def show_image(
        self,
        volume: Volume | None,
        *,
        reference: Volume | None,
        series_uid: str = "",
        sequence: Sequence | None = None,
    ) -> None:
        """Show an image in planes of the reference's grid, and what it serves as, if anything.

        Images of one series are shown with one window, also where one of them was moved.
        """

    def show_segmentation(self, segmentation: Segmentation | None) -> None:
        """Show labels over the slices and as surfaces, and turn to where they are largest."""

    def show_corrected(self, segmentation: Segmentation) -> None:
        """Show labels that a person corrected; where the user looks stays as it is."""

    def show_brain(self, brain_kji: NDArray[np.bool_] | None, geometry: Geometry | None) -> None:
        """Show the brain's outline around the surfaces; ``None`` takes it away."""

    def show_findings(self, findings: Findings | None) -> None:
        """Show what was found; ``None`` where nothing was segmented yet."""

    def show_job(self, status: JobStatus | None) -> None:
        """Show what runs; ``None`` hides the bar."""

    def show_actions(self, actions: Actions) -> None:
        """Enable what can be done now."""

    def show_message(self, title: str, lines: Many[str], folder: Path | None = None) -> None:
        """Tell something good or neutral; offer to open a folder if one is given."""

    def show_error(self, error: UserFacingError) -> None:
        """Tell what is wrong, where, and what to do."""

    def show_crash(self, traceback: str) -> None:
        """Tell of a defect in the program."""

    def offer_result(
        self, written: datetime, corrected: bool, answer: Callable[[bool], None]
    ) -> None:
        """Ask whether to open an earlier result; returns before the user answers."""

    def ask_labels(
        self,
        file_name: str,
        parts: Many[LabelPart],
        answer: Callable[[Mapping[int, Region]], None],
    ) -> None:
        """Ask which region each part of a file of labels is; returns before the user answers."""

    def offer_labels(self, file: Path) -> None:
        """Offer to open a file as labels of the open study; returns before the user answers."""

    def ask_study(self, studies: Many[Study]) -> Study | None:
        """Let the user choose one of several studies; ``None`` if none."""

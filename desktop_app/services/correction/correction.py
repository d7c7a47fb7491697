"""Correcting the labels of a result by hand: strokes, undo, what is kept against a crash."""

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.correction import Edit, Tool, ToolSettings
from desktop_app.domain.measurement import AnatomicalPlane
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import REGION_TITLES, Region
from desktop_app.domain.study import Sequence
from desktop_app.imaging.strokes import Patch
from desktop_app.io.correction_journal import WrittenCorrections
from desktop_app.services.correction.corrected_result import corrected_result
from desktop_app.services.correction.drawn_slices import DrawnSlices
from desktop_app.services.correction.label_editor import LabelEditor, Labels
from desktop_app.services.correction.network_outline import NetworkLimits, Redrawing
from desktop_app.services.correction.record import CorrectionRecord
from desktop_app.services.correction.region_commands import (
    fill_between,
    move_border,
    remove_specks,
    smooth,
)
from desktop_app.services.correction.similar_tissue import SimilarTissue
from desktop_app.services.correction.stroke import Stroke
from desktop_app.services.correction.stroke_growing import EarlierGrowth, grow
from desktop_app.services.correction.words import redrawn_in_words, stepped_in_words
from desktop_app.services.measuring.diameters import plane_across

SMALLEST_PART_MM3 = 100.0

_VERBS = {Tool.BRUSH: "Paint", Tool.OUTLINE: "Outline", Tool.PART: "Mark part as"}
_ERASING = {Tool.BRUSH: "Erase", Tool.OUTLINE: "Erase outlined", Tool.PART: "Remove part"}


class Correction:
    """The labels of one result while a person corrects them.

    Parameters
    ----------
    result
        What the corrections start from.
    folder
        Where they are written down until they are exported.
    """

    def __init__(self, result: StudyResult, folder: Path | None = None) -> None:
        self.original = result
        self._labels = LabelEditor(result.segmentation.labels_kji)
        self._record = CorrectionRecord(result, folder)
        self._shown = result.prepared.reference_sequence
        self._stroke: Stroke | None = None
        self._drawn = DrawnSlices()
        self._grown = EarlierGrowth()
        self._limits: NetworkLimits | None = None
        self._redrawing: Redrawing | None = None
        self._outcome = ""

    @property
    def labels_kji(self) -> Labels:
        """The labels now, read-only; the same memory throughout."""
        return self._labels.labels_kji

    @property
    def undo_title(self) -> str:
        """What the next undo takes back; empty if nothing can be."""
        return self._labels.undo_title

    @property
    def redo_title(self) -> str:
        """What the next redo does again; empty if nothing can be."""
        return self._labels.redo_title

    @property
    def is_drawing(self) -> bool:
        """Whether a stroke has begun and not ended."""
        return self._stroke is not None

    @property
    def outcome(self) -> str:
        """What the last command on a whole region, undo or redo did; empty after a stroke."""
        return self._outcome

    def forget_outcome(self) -> None:
        """Have `outcome` tell nothing until the next command."""
        self._outcome = ""

    @property
    def drawn_plane(self) -> AnatomicalPlane | None:
        """The plane drawn in last, along which regions are filled; ``None`` before any stroke."""
        axis = self._drawn.axis
        return None if axis is None else plane_across(self.original.segmentation.geometry, axis)

    @property
    def limits(self) -> dict[Region, float] | None:
        """The chance from which WT, TC and ET are drawn; ``None`` where the network's are unknown.

        The first time takes a moment: chances are brought onto the labels' grid.
        """
        if self.original.chances is None:
            return None
        if self._limits is None:
            self._limits = NetworkLimits(self.original)
        return self._limits.shown(self._labels.done)

    @property
    def earlier(self) -> WrittenCorrections | None:
        """Corrections on the same grid that were never exported, until others are made."""
        return self._record.earlier

    def begin(
        self,
        settings: ToolSettings,
        point_lps_mm: NDArray[np.float64],
        normal_lps: NDArray[np.float64],
        shown: Sequence | None = None,
    ) -> bool:
        """Begin a stroke; return whether labels changed.

        Parameters
        ----------
        point_lps_mm
            (3,) patient coordinates.
        normal_lps
            (3,) direction through the slice that is drawn on.
        shown
            The image it is drawn on, which says what is similarly bright; without one the
            reference.
        """
        self.finish_redraw()
        geometry = self.original.segmentation.geometry
        alignment = np.abs(geometry.direction_lps.T @ np.asarray(normal_lps))
        flat_axis = 2 - int(alignment.argmax())  # columns are i, j, k
        prepared = self.original.prepared
        if shown is None or shown not in prepared.volumes:
            shown = prepared.reference_sequence
        self._shown = shown
        start_kji, tissue = geometry.to_index_kji(point_lps_mm), self._new_tissue()
        stroke = Stroke(settings, self.labels_kji, tissue, start_kji, flat_axis)
        self._labels.begin(self._title(settings))
        self._stroke = stroke
        is_changed = self._paint(stroke.begin())
        self._outcome = stroke.outcome
        return is_changed

    def extend(self, point_lps_mm: NDArray[np.float64]) -> bool:
        """Go on to a point with the stroke that has begun; return whether labels changed."""
        if self._stroke is None:
            return False
        at_kji = self.original.segmentation.geometry.to_index_kji(point_lps_mm)
        return self._paint(self._stroke.extend(at_kji))

    def finish(self) -> bool:
        """End the stroke; return whether it left anything changed.

        Raises
        ------
        OutputError
            If it could not be written down; it is done all the same, and later ones are not
            written down any more.
        """
        stroke = self._stroke
        if stroke is None:
            return False
        self._paint(stroke.end())
        self._stroke = None
        edit = self._labels.end()
        self._drawn.end(stroke.flat_axis, stroke.settings.value, edit)
        return self._note(edit)

    def cancel(self) -> None:
        """Give the stroke that has begun up: the labels are as before it."""
        self._stroke = None
        self._outcome = ""
        self._labels.cancel()
        self._drawn.cancel()

    def smooth(self, hidden: frozenset[int] = frozenset()) -> bool:
        """Even out ragged borders, but for labels out of sight; return whether labels changed.

        `outcome` tells what it did. Raises as `finish`.
        """
        self.finish_redraw()
        done = smooth(self.labels_kji, self.original.segmentation, hidden)
        return self._note(self._replace("Smooth borders", *done))

    def remove_specks(
        self, smallest_mm3: float = SMALLEST_PART_MM3, hidden: frozenset[int] = frozenset()
    ) -> bool:
        """Take small parts away, but for the largest and those with labels out of sight.

        Returns whether labels changed; `outcome` tells what it did. Raises as `finish`.
        """
        self.finish_redraw()
        done = remove_specks(self.labels_kji, self.original.segmentation, smallest_mm3, hidden)
        return self._note(self._replace("Remove small parts", *done))

    def fill_between(self, settings: ToolSettings) -> bool:
        """Fill a region between the slices it was drawn in, of the plane drawn in last.

        What the settings let be painted over is filled. Returns whether labels changed; `outcome`
        tells what it did. Raises as `finish`.
        """
        self.finish_redraw()
        segmentation, value = self.original.segmentation, settings.value
        drawn = self._drawn.of(value, self.labels_kji, self._labels.done)
        done = fill_between(self.labels_kji, segmentation, settings, drawn, self._new_tissue())
        edit = self._replace(f"Fill {self._names[value]} between slices", *done)
        if edit is not None:
            self._drawn.note_filling(value, edit)
        return self._note(edit)

    def grow(self, settings: ToolSettings) -> bool:
        """Complete regions from the strokes drawn in them, and those erased around, since.

        What the settings let be painted over is grown into. Returns whether labels changed;
        `outcome` tells what it did. Raises as `finish`.
        """
        self.finish_redraw()
        strokes = self._drawn.standing(self.labels_kji, self._labels.done)
        without = partial(self._grown.without, self.labels_kji, self._labels.done)
        done = grow(self.labels_kji, self.original, settings, strokes, without)
        edit = self._replace("Grow from strokes", *done)
        if edit is not None:
            self._grown.note(edit, self.labels_kji)
        return self._note(edit)

    def move_border(
        self,
        settings: ToolSettings,
        by_mm: float,
        at_lps_mm: NDArray[np.float64] | None = None,
    ) -> bool:
        """Make a region wider by millimetres, or narrower where they are negative.

        Returns whether labels changed; `outcome` tells what it did. Raises as `finish`.

        Parameters
        ----------
        at_lps_mm
            (3,) a place in the one connected part to move; ``None`` for all of the region.
        """
        self.finish_redraw()
        segmentation, at_kji = self.original.segmentation, None
        if at_lps_mm is not None:
            k, j, i = np.rint(segmentation.geometry.to_index_kji(at_lps_mm)).astype(int).tolist()
            at_kji = (k, j, i)
        done = move_border(
            self.labels_kji, segmentation, settings, by_mm, self._new_tissue(), at_kji=at_kji
        )
        verb = "Widen" if by_mm > 0 else "Narrow"
        return self._note(self._replace(f"{verb} {self._names[settings.value]}", *done))

    def redraw(self, region: Region, limit: float, hidden: frozenset[int] = frozenset()) -> bool:
        """Draw WT, TC or ET where the network gives more than a limit.

        Returns whether labels changed. What a hand has changed stays, and so do labels out of
        sight. Until `finish_redraw` all of it is one step, in which the last limit counts.

        Parameters
        ----------
        limit
            0 to 1.
        """
        shown = self.limits
        if shown is None or self._limits is None or self.is_drawing:
            return False
        if self._redrawing is None:
            name = REGION_TITLES[region].lower()
            self._redrawing = Redrawing(self._limits, self._labels, region, hidden)
            self._labels.begin(f"Draw {name} by the network")
        return self._labels.replace(self._redrawing.to(limit))

    def finish_redraw(self) -> bool:
        """End the step of `redraw`; return whether it left anything changed. Raises as `finish`."""
        redrawing, self._redrawing = self._redrawing, None
        if redrawing is None:
            return False
        before_kji = self._labels.settled_kji()
        edit = self._labels.end()
        self._outcome = redrawn_in_words(
            redrawing.region,
            redrawing.limit,
            before_kji,
            self.labels_kji,
            self.original.segmentation.geometry.voxel_volume_mm3,
        )
        redrawing.note(edit)
        return self._note(edit)

    def undo(self) -> bool:
        """Take the last change back; return whether there was one. Raises as `finish`."""
        self.finish_redraw()
        edit = self._labels.undo()
        self._outcome = self._stepped("Undone", edit)
        if edit is not None:
            self._record.write(lambda journal: journal.note_undo(edit))
        return edit is not None

    def redo(self) -> bool:
        """Do again what was taken back; return whether there was anything. Raises as `finish`."""
        self.finish_redraw()
        edit = self._labels.redo()
        self._outcome = self._stepped("Done again", edit)
        if edit is not None:
            self._record.write(lambda journal: journal.note_redo(edit))
        return edit is not None

    def restore(self) -> bool:
        """Do the earlier corrections again; return whether labels changed. Raises as `finish`.

        Where they started from other labels (another network marked them), the labels they led to
        are taken over in one step.
        """
        self.finish_redraw()
        earlier = self._record.take_earlier()
        if earlier is None:
            return False
        if np.array_equal(earlier.labels_kji, self._labels.labels_kji):
            for edit in earlier.edits:
                self._labels.apply(edit)
            # All at once: until then the earlier journal is the only one there is.
            self._record.write(lambda journal: journal.note_edits(earlier.edits))
            return True
        led_to = LabelEditor(earlier.labels_kji)
        for edit in earlier.edits:
            led_to.apply(edit)
        return self._note(self._replace("Earlier corrections", led_to.labels_kji))

    def result(self) -> StudyResult:
        """Return the result with the labels now; with nothing corrected, the original itself."""
        count = self._labels.edit_count
        return corrected_result(self.original, self.labels_kji, count) if count else self.original

    def forget(self) -> None:
        """Remove what was written down: it is exported, or given up; later changes begin anew.

        Raises
        ------
        OutputError
            If the file cannot be removed.
        """
        # A stroke that has not ended is written down when it ends, as what it changes.
        self._record.discard(self._labels.settled_kji())

    def _stepped(self, verb: str, edit: Edit | None) -> str:
        if edit is None:
            return ""
        before = self.original.segmentation
        return stepped_in_words(
            verb, edit, self.labels_kji, before.definitions, before.geometry.voxel_volume_mm3
        )

    def _paint(self, patch: Patch | None) -> bool:
        stroke = self._stroke
        if patch is None or stroke is None:
            return False
        if stroke.settings.tool is not Tool.PART:
            self._drawn.add(patch, stroke.flat_axis, stroke.level)
        return self._labels.paint(patch, stroke.settings.value, stroke.changeable)

    def _new_tissue(self) -> SimilarTissue:
        image = self.original.prepared.volumes[self._shown]
        return SimilarTissue(image, self.original.segmentation.geometry)

    def _replace(self, title: str, labels_kji: Labels, told: str = "") -> Edit | None:
        """Take over other labels, unless a stroke has not ended yet."""
        if self._labels.is_editing:
            return None
        self._outcome = told
        self._labels.begin(title)
        self._labels.replace(labels_kji)
        return self._labels.end()

    @property
    def _names(self) -> dict[int, str]:
        return {one.value: one.name.lower() for one in self.original.segmentation.definitions}

    def _title(self, settings: ToolSettings) -> str:
        if settings.value == 0:
            return _ERASING[settings.tool]
        return f"{_VERBS[settings.tool]} {self._names[settings.value]}"

    def _note(self, edit: Edit | None) -> bool:
        if edit is None:
            return False
        self._record.write(lambda journal: journal.note_edits([edit]))
        return True

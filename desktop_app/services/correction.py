"""Correcting the labels of a result by hand: strokes, undo, what is kept against a crash."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.correction import Edit, PaintOver, Tool, ToolSettings
from desktop_app.domain.measurement import AnatomicalPlane
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import REMARKS, Segmentation, remarks_on
from desktop_app.domain.study import Sequence
from desktop_app.errors import OutputError
from desktop_app.imaging.strokes import Patch, brush_patch, outline_patch, part_patch
from desktop_app.io.correction_journal import (
    CorrectionJournal,
    JournalPlace,
    WrittenCorrections,
    corrections_folder,
)
from desktop_app.services.diameters import plane_across
from desktop_app.services.drawn_slices import DrawnSlices
from desktop_app.services.field_ends import end_remarks, is_end_remark
from desktop_app.services.label_comparison import region_corrections
from desktop_app.services.label_editor import LabelEditor, Labels
from desktop_app.services.measure import measure
from desktop_app.services.region_commands import fill_between, remove_specks, smooth
from desktop_app.services.similar_tissue import SimilarTissue
from desktop_app.services.study_identity import identity

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
        folder = folder if folder is not None else corrections_folder()
        series = result.roles[result.prepared.reference_sequence]
        place = JournalPlace(folder, identity(result.study), series.series_uid)
        left = place.left_behind(self._labels.labels_kji.shape)
        self._earlier = left.corrections
        self._file = place.new_file()
        self._journal = CorrectionJournal(
            self._file, result.segmentation.labels_kji, replaces=left.files
        )
        self._is_written_down = True
        self._settings = ToolSettings()
        self._shown = result.prepared.reference_sequence
        self._tissue = self._new_tissue()
        self._drawn = DrawnSlices()
        self._outcome = ""
        self._flat_axis = 0
        self._way: list[NDArray[np.float64]] = []

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
        return self._labels.is_editing

    @property
    def outcome(self) -> str:
        """What the last command on a whole region did; empty after any other change."""
        return self._outcome

    @property
    def drawn_plane(self) -> AnatomicalPlane | None:
        """The plane drawn in last, along which regions are filled; ``None`` before any stroke."""
        axis = self._drawn.axis
        return None if axis is None else plane_across(self.original.segmentation.geometry, axis)

    @property
    def earlier(self) -> WrittenCorrections | None:
        """Corrections on the same grid that were never exported, until others are made."""
        return self._earlier

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
        geometry = self.original.segmentation.geometry
        alignment = np.abs(geometry.direction_lps.T @ np.asarray(normal_lps))
        self._flat_axis = 2 - int(alignment.argmax())  # columns are i, j, k
        self._settings = settings
        prepared = self.original.prepared
        if shown is None or shown not in prepared.volumes:
            shown = prepared.reference_sequence
        self._shown = shown
        self._tissue = self._new_tissue()
        self._outcome = ""
        self._way = [geometry.to_index_kji(point_lps_mm)]
        self._labels.begin(self._title(settings))
        match settings.tool:
            case Tool.BRUSH:
                return self._brush(self._way[0], self._way[0])
            case Tool.PART:
                return self._mark_part(self._way[0])
            case Tool.OUTLINE:
                return False

    def extend(self, point_lps_mm: NDArray[np.float64]) -> bool:
        """Go on to a point with the stroke that has begun; return whether labels changed."""
        if not self._labels.is_editing:
            return False
        self._way.append(self.original.segmentation.geometry.to_index_kji(point_lps_mm))
        return self._settings.tool is Tool.BRUSH and self._brush(*self._way[-2:])

    def finish(self) -> bool:
        """End the stroke; return whether it left anything changed.

        Raises
        ------
        OutputError
            If it could not be written down; it is done all the same, and later ones are not
            written down any more.
        """
        if self._settings.tool is Tool.OUTLINE and self._labels.is_editing:
            self._outline()
        edit = self._labels.end()
        self._drawn.end(self._flat_axis, self._settings.value, edit)
        return self._note(edit)

    def smooth(self, hidden: frozenset[int] = frozenset()) -> bool:
        """Even out ragged borders, but for labels out of sight; return whether labels changed.

        `outcome` tells what it did. Raises as `finish`.
        """
        done = smooth(self.labels_kji, self.original.segmentation, hidden)
        return self._note(self._replace("Smooth borders", *done))

    def remove_specks(
        self, smallest_mm3: float = SMALLEST_PART_MM3, hidden: frozenset[int] = frozenset()
    ) -> bool:
        """Take small parts away, but for the largest and those with labels out of sight.

        Returns whether labels changed; `outcome` tells what it did. Raises as `finish`.
        """
        done = remove_specks(self.labels_kji, self.original.segmentation, smallest_mm3, hidden)
        return self._note(self._replace("Remove small parts", *done))

    def fill_between(self, settings: ToolSettings) -> bool:
        """Fill a region between the slices it was drawn in, of the plane drawn in last.

        What the settings let be painted over is filled. Returns whether labels changed; `outcome`
        tells what it did. Raises as `finish`.
        """
        segmentation, value = self.original.segmentation, settings.value
        drawn = self._drawn.of(value, self.labels_kji, self._labels.done)
        done = fill_between(self.labels_kji, segmentation, settings, drawn, self._new_tissue())
        edit = self._replace(f"Fill {self._names[value]} between slices", *done)
        if edit is not None:
            self._drawn.note_filling(value, edit)
        return self._note(edit)

    def undo(self) -> bool:
        """Take the last change back; return whether there was one. Raises as `finish`."""
        self._outcome = ""
        edit = self._labels.undo()
        if edit is not None:
            self._write(lambda journal: journal.note_undo(edit))
        return edit is not None

    def redo(self) -> bool:
        """Do again what was taken back; return whether there was anything. Raises as `finish`."""
        self._outcome = ""
        edit = self._labels.redo()
        if edit is not None:
            self._write(lambda journal: journal.note_redo(edit))
        return edit is not None

    def restore(self) -> bool:
        """Do the earlier corrections again; return whether labels changed. Raises as `finish`.

        Where they started from other labels (another network marked them), the labels they led to
        are taken over in one step.
        """
        earlier = self._earlier
        if earlier is None:
            return False
        self._earlier = None
        if np.array_equal(earlier.labels_kji, self._labels.labels_kji):
            for edit in earlier.edits:
                self._labels.apply(edit)
            # All at once: until then the earlier journal is the only one there is.
            self._write(lambda journal: journal.note_edits(earlier.edits))
            return True
        led_to = LabelEditor(earlier.labels_kji)
        for edit in earlier.edits:
            led_to.apply(edit)
        return self._note(self._replace("Earlier corrections", led_to.labels_kji))

    def result(self) -> StudyResult:
        """Return the result with the labels now; with nothing corrected, the original itself."""
        original, count = self.original, self._labels.edit_count
        if not count:
            return original
        before = original.segmentation
        labels_kji = self._labels.labels_kji.copy()
        warnings = (
            *remarks_on(labels_kji, is_corrected=True),
            *end_remarks(labels_kji, original.prepared),
            *(one for one in before.warnings if one not in REMARKS and not is_end_remark(one)),
        )
        step = f"Labels corrected by hand in {count} step{'s' if count > 1 else ''}"
        # What a person had changed before is no longer what the network marked
        is_networks = not before.provenance.edited
        compared = region_corrections(before.labels_kji, labels_kji) if is_networks else ()
        provenance = replace(
            before.provenance,
            edited=True,
            corrections=compared,
            steps=(*before.provenance.steps, step),
        )
        segmentation = Segmentation(
            labels_kji,
            before.geometry,
            provenance,
            before.definitions,
            warnings,
        )
        # The network's doubt was about its own labels: no ranges.
        return replace(original, segmentation=segmentation, measurements=measure(segmentation))

    def forget(self) -> None:
        """Remove what was written down: it is exported, or given up; later changes begin anew.

        Raises
        ------
        OutputError
            If the file cannot be removed.
        """
        self._earlier = None
        self._journal.discard()
        # A stroke that has not ended is written down when it ends, as what it changes.
        self._journal = CorrectionJournal(self._file, self._labels.settled_kji())
        self._is_written_down = True

    def _brush(self, start: NDArray[np.float64], end: NDArray[np.float64]) -> bool:
        geometry, settings = self.original.segmentation.geometry, self._settings
        flat = None if settings.is_ball else self._flat_axis
        patch = brush_patch(geometry, start, end, settings.radius_mm, flat)
        if patch is not None and self._keeps_to_similar:
            patch = self._tissue.brushed(patch, start, end, settings.radius_mm, self._flat_axis)
        return self._paint(patch)

    def _outline(self) -> bool:
        patch = outline_patch(self.original.segmentation.geometry, self._way, self._flat_axis)
        if patch is not None and self._keeps_to_similar:
            patch = self._tissue.like(patch, patch)
        return self._paint(patch)

    def _mark_part(self, at: NDArray[np.float64]) -> bool:
        labels = self._labels.labels_kji
        k, j, i = (int(one) for one in np.rint(at))
        if not all(0 <= one < size for one, size in zip((k, j, i), labels.shape, strict=True)):
            return False
        clicked = labels[k, j, i]
        # Removing takes the whole island with all its regions, else a rim of oedema would stay.
        wanted = labels == clicked if self._settings.value else labels != 0
        patch = part_patch(wanted, (k, j, i)) if clicked else None
        # Whoever points at a part means all of it, whatever drawing may change
        free = replace(self._settings, over=PaintOver.EVERYTHING, only_over=None)
        return patch is not None and self._labels.paint(patch, free.value, free.changeable)

    def _paint(self, patch: Patch | None) -> bool:
        if patch is None:
            return False
        settings, axis = self._settings, self._flat_axis
        self._drawn.add(patch, axis, int(np.rint(self._way[-1][axis])))
        return self._labels.paint(patch, settings.value, settings.changeable)

    @property
    def _keeps_to_similar(self) -> bool:
        settings = self._settings
        is_free = settings.value == 0 or settings.only_over is not None
        return settings.over is PaintOver.SIMILAR and not is_free

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
        self._write(lambda journal: journal.note_edits([edit]))
        return True

    def _write(self, note: Callable[[CorrectionJournal], None]) -> None:
        self._earlier = None
        if not self._is_written_down:
            return
        try:
            note(self._journal)
        except OutputError:
            self._is_written_down = False
            raise

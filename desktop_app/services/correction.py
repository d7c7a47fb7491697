"""Correcting the labels of a result by hand: strokes, undo, what is kept against a crash."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.correction import Edit, PaintOver, Tool, ToolSettings
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import REMARKS, Segmentation, remarks_on
from desktop_app.domain.study import Sequence
from desktop_app.errors import OutputError
from desktop_app.imaging.brightness import Brightness, Greys, alike, grey_range
from desktop_app.imaging.label_changes import filled_between, smoothed, without_specks
from desktop_app.imaging.resample import resample
from desktop_app.imaging.strokes import Patch, brush_patch, outline_patch, part_patch
from desktop_app.io.correction_journal import (
    CorrectionJournal,
    JournalPlace,
    WrittenCorrections,
    corrections_folder,
)
from desktop_app.services.label_editor import LabelEditor, Labels
from desktop_app.services.measure import measure
from desktop_app.services.study_identity import identity

SMALLEST_PART_MM3 = 100.0
# Around where a stroke begins: enough voxels to tell noise from tissue, few enough to be of one.
_BEGINNING_MM = 2.0

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
        self._alike: Brightness | None = None
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
        self._alike = None
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
            geometry = self.original.segmentation.geometry
            self._paint(outline_patch(geometry, self._way, self._flat_axis))
        return self._note(self._labels.end())

    def smooth(self) -> bool:
        """Even out ragged borders; return whether labels changed. Raises as `finish`."""
        values = tuple(one.value for one in self.original.segmentation.definitions)
        spacing_mm = self.original.segmentation.geometry.spacing_mm
        return self._replace("Smooth borders", smoothed(self.labels_kji, values, spacing_mm))

    def remove_specks(self, smallest_mm3: float = SMALLEST_PART_MM3) -> bool:
        """Take small parts away; return whether labels changed. Raises as `finish`."""
        voxels = math.ceil(smallest_mm3 / self.original.segmentation.geometry.voxel_volume_mm3)
        return self._replace("Remove small parts", without_specks(self.labels_kji, voxels))

    def fill_between(self, value: int) -> bool:
        """Fill a region between the slices it is marked in, along the plane drawn in last.

        Returns whether labels changed. Raises as `finish`.
        """
        spacing_mm = self.original.segmentation.geometry.spacing_mm
        filled = filled_between(self.labels_kji, value, self._flat_axis, spacing_mm)
        return self._replace(f"Fill {self._names[value]} between slices", filled)

    def undo(self) -> bool:
        """Take the last change back; return whether there was one. Raises as `finish`."""
        edit = self._labels.undo()
        if edit is not None:
            self._write(lambda journal: journal.note_undo(edit))
        return edit is not None

    def redo(self) -> bool:
        """Do again what was taken back; return whether there was anything. Raises as `finish`."""
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
        return self._replace("Earlier corrections", led_to.labels_kji)

    def result(self) -> StudyResult:
        """Return the result with the labels now; with nothing corrected, the original itself."""
        original, count = self.original, self._labels.edit_count
        if not count:
            return original
        before = original.segmentation
        labels_kji = self._labels.labels_kji.copy()
        warnings = (
            *remarks_on(labels_kji, is_corrected=True),
            *(one for one in before.warnings if one not in REMARKS),
        )
        step = f"Labels corrected by hand in {count} step{'s' if count > 1 else ''}"
        segmentation = Segmentation(
            labels_kji,
            before.geometry,
            replace(before.provenance, edited=True, steps=(*before.provenance.steps, step)),
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
        return self._paint(brush_patch(geometry, start, end, settings.radius_mm, flat))

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
        return patch is not None and self._labels.paint(patch, self._settings.value)

    def _paint(self, patch: Patch | None) -> bool:
        settings = self._settings
        if patch is not None and settings.value and settings.over is PaintOver.SIMILAR:
            patch = self._similar(patch)
        return patch is not None and self._labels.paint(patch, settings.value, settings.over)

    def _similar(self, patch: Patch) -> Patch:
        """Return the voxels as bright as where the stroke began, or as most that is outlined."""
        image = self.original.prepared.volumes[self._shown]
        geometry = self.original.segmentation.geometry

        def greys(part: Patch) -> Greys:
            return resample(image, geometry.cropped(part.box)).array_kji

        if self._alike is None:
            is_outline = self._settings.tool is Tool.OUTLINE
            asked = patch if is_outline else self._beginning() or patch
            values = greys(asked)[asked.mask_kji]
            self._alike = alike(values, grey_range(image), enclosed=is_outline)
        return patch.within(self._alike.holds(greys(patch)))

    def _beginning(self) -> Patch | None:
        """Return a few voxels around the first point of the stroke, within its slice."""
        geometry, start = self.original.segmentation.geometry, self._way[0]
        radius_mm = min(self._settings.radius_mm / 2, _BEGINNING_MM)
        return brush_patch(geometry, start, start, radius_mm, self._flat_axis)

    def _replace(self, title: str, labels_kji: Labels) -> bool:
        if self._labels.is_editing:  # a stroke has not ended yet
            return False
        self._labels.begin(title)
        self._labels.replace(labels_kji)
        return self._note(self._labels.end())

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

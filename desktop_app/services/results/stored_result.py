"""What the files of an earlier result say: its labels, its origin, its numbers."""

import json
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from desktop_app.domain.measurement import (
    Interval,
    Measurement,
    MeasurementKind,
    Unfamiliarity,
)
from desktop_app.domain.provenance import UNKNOWN, Provenance
from desktop_app.domain.segmentation import REMARKS, Region, Segmentation, remarks_on
from desktop_app.errors import InputError
from desktop_app.io.result_errors import unusable_result
from desktop_app.services.correction.label_comparison import corrections_of
from desktop_app.services.export.formats import FILE_NAMES, ExportFormat
from desktop_app.services.export.lacks import is_about_export
from desktop_app.services.export.run_log import read_run
from desktop_app.services.measuring.targets import TARGETS_LOST, read_targets
from desktop_app.services.results.label_checksum import labels_checksum
from desktop_app.services.results.label_files import (
    LABEL_FILES,
    LABELS_FILE,
    SEG_FILE,
    ReadLabels,
    written_checksum,
)

NUMBERS_FILE = FILE_NAMES[ExportFormat.JSON]

NO_NUMBERS = (
    f"The earlier result has no {NUMBERS_FILE}: its volumes were measured anew, without ranges, "
    "and which series it was made from is not known; please check them."
)
"""What is said of labels that came alone."""

CHANGED_OUTSIDE = (
    "Another program changed the labels after they were exported: volumes were measured anew, "
    "without ranges."
)
"""What is said of labels that are not those that were written."""

SEG_DIFFERS = (
    f"{SEG_FILE} of the earlier result holds other labels than {LABELS_FILE}, which were read; "
    "please check them."
)
"""What is said where the files of one result hold two kinds of labels."""

_OUTSIDE_STEP = "Labels changed in another program"


def can_reopen(files: Collection[str]) -> bool:
    """Whether a result of these files, by name, can be opened again."""
    return not LABEL_FILES.isdisjoint(files)


def read_document(file: Path) -> dict[str, Any] | None:
    """Return the numbers of a result; ``None`` where they were never written.

    Raises
    ------
    InputError
        If they are damaged.
    """
    try:
        document: dict[str, Any] = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(file) from error
    return document


def read_origin(
    folder: Path, document: dict[str, Any] | None, labels: ReadLabels
) -> tuple[Provenance, tuple[str, ...]]:
    """Return how a result came about, and its warnings.

    The numbers say it, else the log beside them, else the file with the labels.

    Raises
    ------
    InputError
        If the numbers are damaged.
    """
    if document is not None:
        return _said_by_numbers(document, folder / NUMBERS_FILE)
    run = read_run(folder)
    if run is not None:
        before = (one for one in run.warnings if one != NO_NUMBERS)
        return run.provenance, (*_lasting(before), NO_NUMBERS)
    nobody = Provenance(UNKNOWN, "", UNKNOWN, UNKNOWN, UNKNOWN)
    return labels.provenance or nobody, (NO_NUMBERS,)


def are_as_written(segmentation: Segmentation, folder: Path) -> bool:
    """Whether the labels that were read are those this program wrote, or nothing tells."""
    known = written_checksum(folder)
    return not known or known == labels_checksum(segmentation.labels_kji, segmentation.geometry)


def changed_outside(segmentation: Segmentation) -> Segmentation:
    """Say of labels that another program has changed them: they are a person's now."""
    before = segmentation.provenance
    stays = (one for one in segmentation.warnings if one not in REMARKS | {CHANGED_OUTSIDE})
    return replace(
        segmentation,
        # How far they were changed before tells nothing of how far they are now.
        provenance=replace(
            before, edited=True, corrections=(), steps=(*before.steps, _OUTSIDE_STEP)
        ),
        warnings=(
            *remarks_on(
                segmentation.labels_kji,
                is_corrected=True,
                shows_enhancement=segmentation.shows_enhancement,
            ),
            CHANGED_OUTSIDE,
            *stays,
        ),
    )


def with_ranges(
    measurements: tuple[Measurement, ...], document: dict[str, Any] | None, folder: Path
) -> tuple[tuple[Measurement, ...], Unfamiliarity | None]:
    """Add what the network said of its error; without numbers, nothing.

    Raises
    ------
    InputError
        If the numbers are damaged.
    """
    if document is None:
        return measurements, None
    try:
        stored = document["uncertainty"]
        unlike = stored["unfamiliarity"]
        ranges = {
            region: document["regions"][region.value]["volume_range_mm3"] for region in Region
        }
        unfamiliarity = None
        if unlike is not None:
            unfamiliarity = Unfamiliarity(float(unlike["score"]), str(unlike["reason"]))
        intervals = {
            region: Interval(
                float(low), float(high), float(stored["coverage"]), int(stored["patients"])
            )
            for region, (low, high) in ((r, found) for r, found in ranges.items() if found)
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unreadable(folder / NUMBERS_FILE) from error
    return tuple(
        replace(one, interval=intervals.get(one.region))
        if one.kind is MeasurementKind.VOLUME
        else one
        for one in measurements
    ), unfamiliarity


def targets_of(
    document: dict[str, Any] | None, segmentation: Segmentation, folder: Path
) -> tuple[int, ...] | None:
    """Return the target lesions that a reader chose for a result.

    ``None`` where the labels hold such a lesion no longer.

    Raises
    ------
    InputError
        If the numbers are damaged.
    """
    if document is None:
        return ()
    try:
        return read_targets(document, segmentation)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unreadable(folder / NUMBERS_FILE) from error


def _said_by_numbers(document: dict[str, Any], file: Path) -> tuple[Provenance, tuple[str, ...]]:
    try:
        stored = document["provenance"]
        provenance = Provenance(
            model_id=stored["model_id"],
            weights_sha256=stored["weights_sha256"],
            app_version=stored["app_version"],
            device=stored["device"],
            precision=stored["precision"],
            steps=tuple(str(step) for step in stored["steps"]),
            edited=stored["edited"],
            seconds=dict(stored["seconds"]),
            corrections=corrections_of(stored.get("corrections")),
            labels_of=str(stored["labels_of"]),
        )
        return provenance, _lasting(document["warnings"])
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable(file) from error


def _lasting(warnings: Iterable[str]) -> tuple[str, ...]:
    """Return the warnings of a result that are true of it whenever it is read.

    What an export left out, the next one tells for itself; a choice is lost at one reading only,
    and files that differ are written anew.
    """
    once = (TARGETS_LOST, SEG_DIFFERS)
    return tuple(one for one in warnings if one not in once and not is_about_export(one))


def _unreadable(file: Path) -> InputError:
    return unusable_result("The result's numbers cannot be read.", file)

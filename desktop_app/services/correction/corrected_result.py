"""A result with labels that a person has corrected."""

from dataclasses import replace

from desktop_app.domain.missing import without_contrast_first
from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import REMARKS, Segmentation, remarks_on
from desktop_app.services.correction.label_comparison import region_corrections
from desktop_app.services.correction.label_editor import Labels
from desktop_app.services.measuring.field_ends import end_remarks, is_end_remark
from desktop_app.services.measuring.measure import measure


def corrected_result(original: StudyResult, labels_kji: Labels, count: int) -> StudyResult:
    """Return the result with other labels, measured anew.

    Parameters
    ----------
    labels_kji
        On the grid of the original's; copied.
    count
        In how many steps they were corrected.
    """
    before = original.segmentation
    labels_kji = labels_kji.copy()
    warnings = (
        *remarks_on(labels_kji, is_corrected=True, shows_enhancement=before.shows_enhancement),
        *end_remarks(labels_kji, original.prepared),
        *(one for one in before.warnings if one not in REMARKS and not is_end_remark(one)),
    )
    step = f"Labels corrected by hand in {count} step{'s' if count > 1 else ''}"
    # What a person had changed before is no longer what the network marked
    is_networks = not before.provenance.edited
    compared = region_corrections(before.labels_kji, labels_kji) if is_networks else ()
    compared = tuple(one for one in compared if one.region not in before.unknown)
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
        without_contrast_first(warnings),
        before.shows_enhancement,
    )
    # The network's doubt was about its own labels: no ranges.
    return replace(original, segmentation=segmentation, measurements=measure(segmentation))

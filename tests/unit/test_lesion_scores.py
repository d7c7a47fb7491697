"""Lesion-wise scores by the rules of BraTS 2023, on cases that can be counted by hand."""

import numpy as np
import pytest
from scipy import ndimage

from model.evaluate.lesions import WORST_LESION_MM, lesion_score
from model.evaluate.metrics import score

SPACING = (1.0, 1.0, 1.0)
SHAPE = (24, 24, 60)


def boxes(*corners: tuple[int, int]) -> np.ndarray:
    """Boxes of 4 × 6 × (stop − start) voxels along i."""
    mask = np.zeros(SHAPE, dtype=np.bool_)
    for start, stop in corners:
        mask[10:14, 9:15, start:stop] = True
    return mask


def test_one_lesion_scores_as_the_whole():
    predicted, reference = boxes((5, 12)), boxes((6, 13))
    whole = score(predicted, reference, SPACING)
    found = lesion_score(predicted, reference, SPACING)
    assert (found.dice, found.hd95_mm) == (pytest.approx(whole.dice), pytest.approx(whole.hd95_mm))
    assert (found.found, found.missed, found.false_alarms) == (1, 0, 0)


def test_a_missed_lesion_and_a_false_alarm_count_as_nothing():
    result = lesion_score(boxes((5, 12), (50, 54)), boxes((5, 12), (28, 36)), SPACING)
    assert result.dice == pytest.approx(1 / 3)
    assert result.hd95_mm == pytest.approx(2 * WORST_LESION_MM / 3)
    assert (result.found, result.missed, result.false_alarms) == (1, 1, 1)


def test_parts_within_six_voxels_are_one_lesion():
    """A dilation by 3 closes a gap of 6 voxels, not of 7."""
    assert lesion_score(boxes(), boxes((5, 12), (18, 25)), SPACING).missed == 1
    assert lesion_score(boxes(), boxes((5, 12), (19, 26)), SPACING).missed == 2


def test_a_part_near_a_lesion_belongs_to_it():
    """Three voxels beside the lesion it counts as that lesion, four beside it as a false alarm."""
    reference = boxes((5, 12))
    near = lesion_score(boxes((5, 12), (14, 18)), reference, SPACING)
    assert near.false_alarms == 0
    assert near.dice == pytest.approx(2 * 7 / (7 + 11))
    far = lesion_score(boxes((5, 12), (15, 18)), reference, SPACING)
    assert (far.false_alarms, far.dice) == (1, 0.5)


def test_small_lesions_are_not_scored_and_no_false_alarm():
    reference = boxes((5, 7), (28, 36))  # 48 mm³ and 192 mm³
    unseen = lesion_score(boxes((28, 36)), reference, SPACING)
    assert (unseen.dice, unseen.missed) == (1.0, 0)
    seen = lesion_score(boxes((5, 7), (28, 36)), reference, SPACING)
    assert (seen.dice, seen.false_alarms) == (1.0, 0)
    assert lesion_score(boxes((28, 36)), reference, (1.0, 1.0, 1.1)).missed == 1


def test_empty_masks():
    full, empty = boxes((5, 12)), boxes()
    nothing = lesion_score(empty, empty, SPACING)
    assert (nothing.dice, nothing.hd95_mm) == (1.0, 0.0)
    for predicted, reference in ((full, empty), (empty, full)):
        result = lesion_score(predicted, reference, SPACING)
        assert (result.dice, result.hd95_mm) == (0.0, WORST_LESION_MM)
    only_small = lesion_score(empty, boxes((5, 7)), SPACING)
    assert (only_small.dice, only_small.hd95_mm) == (1.0, 0.0)


def test_the_border_of_the_image_changes_nothing():
    reference, predicted = boxes((5, 12), (28, 36)), boxes((6, 12))
    inside = lesion_score(predicted, reference, SPACING)
    cut = (slice(10, 14), slice(9, 15), slice(5, 36))
    assert lesion_score(predicted[cut], reference[cut], SPACING) == inside


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_the_rules_written_out(seed):
    """Many specks: the fast way gives what whole-image dilations of every lesion give."""
    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.normal(size=(30, 30, 30)), 1.5)
    reference = noise > np.quantile(noise, 0.97)
    predicted = np.roll(noise, 1, axis=0) + rng.normal(0, 0.02, noise.shape) > np.quantile(
        noise, 0.97
    )
    assert lesion_score(predicted, reference, SPACING).dice == pytest.approx(
        _dice_written_out(predicted, reference)
    )


def _dice_written_out(predicted, reference):
    grow = ndimage.generate_binary_structure(3, 2)
    any_neighbour = np.ones((3, 3, 3))
    parts, count = ndimage.label(predicted, any_neighbour)
    grown, lesions = ndimage.label(ndimage.binary_dilation(reference, grow, 3), any_neighbour)
    values, met = [], set()
    for number in range(1, lesions + 1):
        lesion = reference & (grown == number)
        near = ndimage.binary_dilation(lesion, grow, 3)
        touching = set(np.unique(parts[near])) - {0}
        met |= touching
        mine = np.isin(parts, list(touching))
        if lesion.sum() > 50:
            values.append(2 * (mine & lesion).sum() / (mine.sum() + lesion.sum()))
    alarms = count - len(met)
    return sum(values) / (len(values) + alarms) if values or alarms else 1.0


def test_different_grids_are_refused():
    with pytest.raises(ValueError, match="share"):
        lesion_score(boxes(), boxes()[:, :, 1:], SPACING)

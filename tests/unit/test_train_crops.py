"""Cutting and turning crops: images and labels stay together, whatever lies outside."""

import numpy as np
import pytest
import torch

from model.train.crops import (
    ANCHORS_PER_LABEL,
    anchors_of,
    cut,
    mean_filter,
    rotation,
    sampling_grid,
    turned,
)

SHAPE = (6, 9, 7)


def test_a_crop_is_zero_where_there_is_no_image() -> None:
    images = np.arange(1, 2 * np.prod(SHAPE) + 1, dtype=np.float16).reshape(2, *SHAPE)
    labels = np.ones(SHAPE, dtype=np.uint8)
    part, known = cut(images, labels, np.array([-1, 6, 2]), (4, 8, 3))
    assert part.shape == (2, 4, 8, 3)
    np.testing.assert_array_equal(part[:, 1:, :3], images[:, :3, 6:, 2:5].astype(np.float32))
    assert torch.equal(part[0] != 0, known != 0)
    assert int(known.sum()) == 3 * 3 * 3


def test_anchors_are_of_labels_that_occur_and_not_too_many() -> None:
    labels = np.zeros((40, 40, 40), dtype=np.uint8)
    labels[2] = 2
    labels[10:, :, :] = 3
    second, third = anchors_of(labels)
    assert (second[:, 0] == 2).all()
    assert len(second) == 1600
    assert ANCHORS_PER_LABEL <= len(third) < 2 * ANCHORS_PER_LABEL
    assert len(anchors_of(labels, (2,))) == 1


@pytest.mark.parametrize(("degrees", "plane"), [((0, 0, 90), (1, 2)), ((90, 0, 0), (0, 1))])
def test_a_quarter_turn_moves_voxels_whole_and_labels_with_them(
    degrees: tuple[float, float, float], plane: tuple[int, int]
) -> None:
    """About z within the slice, about x within the sagittal plane."""
    images = torch.zeros(1, 9, 9, 9)
    images[0, 2:4, 3:6, 5:8] = 1.0
    grid = sampling_grid((9, 9, 9), rotation(degrees))
    moved, labels = turned(images, (images[0] > 0).to(torch.uint8), grid)
    wanted = torch.rot90(images[0], 1, plane)
    torch.testing.assert_close(moved[0], wanted, atol=1e-4, rtol=0)
    assert torch.equal(labels > 0, wanted > 0)


def test_the_mean_at_a_face_is_that_of_the_neighbours_there_are() -> None:
    """Of an even image nothing changes: counting what lies outside would darken every face."""
    torch.testing.assert_close(mean_filter(torch.full(SHAPE, 3.0)), torch.full(SHAPE, 3.0))

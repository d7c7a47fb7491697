from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from model.spec import Label
from model.train.augment import (
    affine_grid,
    augment_intensity,
    bias_field,
    coarse_plane,
    disturb_brain_edge,
    drop_sequences,
    gamma,
    ghosts,
    mirrored_axes,
    thick_slices,
)
from model.train.config import AugmentConfig
from model.train.sampling import augment_crop

SIDE = 32
EVERYTHING = AugmentConfig(**{field.name: 1.0 for field in fields(AugmentConfig)})
NOTHING = AugmentConfig(**{field.name: 0.0 for field in fields(AugmentConfig)})


def _crop() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    images = torch.zeros(4, SIDE, SIDE, SIDE)
    images[:, 8:24, 6:26, 8:24] = torch.randn(4, 16, 20, 16, generator=generator)
    labels = torch.zeros(SIDE, SIDE, SIDE, dtype=torch.uint8)
    labels[12:18, 12:18, 12:18] = Label.ED
    labels[14:16, 14:16, 14:16] = Label.ET
    return images, labels


def test_nothing_changes_nothing() -> None:
    images, labels = _crop()
    same_images, same_labels = augment_crop(images, labels, NOTHING, np.random.default_rng(0))
    assert torch.equal(images, same_images)
    assert torch.equal(labels, same_labels)


@pytest.mark.parametrize("seed", range(4))
def test_everything_keeps_shapes_finite_values_and_known_labels(seed: int) -> None:
    images, labels = augment_crop(*_crop(), EVERYTHING, np.random.default_rng(seed))
    assert images.shape == (4, SIDE, SIDE, SIDE)
    assert torch.isfinite(images).all()
    assert set(labels.unique().tolist()) <= {0, 1, 2, 3}
    assert labels.any()


def test_intensities_outside_the_brain_stay_zero() -> None:
    images, _ = _crop()
    outside = (images == 0).all(dim=0)
    changed = augment_intensity(images, EVERYTHING, np.random.default_rng(1))
    assert not changed[:, outside].any()
    assert not torch.equal(changed, images)


@pytest.mark.parametrize("reach", [0.15, 0.1])
def test_scale_and_shift_are_drawn_from_their_range(reach: float) -> None:
    """The draws themselves stay: older recipes repeat number by number."""
    config = replace(NOTHING, scale_shift=1.0, scale_shift_range=reach)
    images, _ = _crop()
    changed = augment_intensity(images, config, np.random.default_rng(3))
    rng = np.random.default_rng(3)
    rng.random(), rng.choice(3, p=[0.6, 0.2, 0.2])
    for before, after in zip(images, changed, strict=True):
        rng.random(6)  # thick slices, misregistration, blur, bias field, gamma, whether at all
        scale = float(rng.uniform(1 - reach, 1 + reach))
        shift = float(rng.uniform(-reach, reach))
        rng.random()  # noise
        inside = (images != 0).any(dim=0)
        assert torch.equal(after, ((before * scale + shift) * inside).clamp(-5.0, 10.0))
    assert AugmentConfig().scale_shift_range == 0.15


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_coarse_plane_loses_detail_across_its_axis_alone(axis: int) -> None:
    along = torch.zeros(12, 12, 12).movedim(axis, -1)
    along[..., ::2] = 1.0
    along = along.movedim(-1, axis)
    assert torch.allclose(coarse_plane(along, axis, 2), along)
    for other in {0, 1, 2} - {axis}:
        assert torch.allclose(coarse_plane(along, other, 2), torch.full_like(along, 0.5))


def test_sequences_are_coarse_one_by_one() -> None:
    images, _ = _crop()
    config = replace(NOTHING, coarse_plane=0.5)
    drawn = [augment_intensity(images, config, np.random.default_rng(n)) for n in range(8)]
    coarse = [[not torch.equal(a, b) for a, b in zip(images, one, strict=True)] for one in drawn]
    assert any(any(one) and not all(one) for one in coarse)


def test_a_missing_sequence_stays_missing() -> None:
    images, labels = _crop()
    images[2] = 0
    for seed in range(4):
        assert not augment_crop(images, labels, EVERYTHING, np.random.default_rng(seed))[0][2].any()


def test_mirrors_follow_their_axis() -> None:
    rng = np.random.default_rng(0)
    assert mirrored_axes(AugmentConfig(flip_si=1, flip_ap=0, flip_lr=0), rng) == [0]
    assert mirrored_axes(AugmentConfig(flip_si=0, flip_ap=1, flip_lr=0), rng) == [1]
    assert mirrored_axes(AugmentConfig(flip_si=0, flip_ap=0, flip_lr=1), rng) == [2]


def test_images_and_labels_move_together() -> None:
    images, labels = _crop()
    images = labels.float().expand(4, -1, -1, -1).clone() + (images != 0)
    config = AugmentConfig(flip_lr=1.0, flip_ap=1.0, flip_si=1.0, affine=1.0, scale_shift=0.0)
    for seed in range(3):
        moved, moved_labels = augment_crop(images, labels, config, np.random.default_rng(seed))
        inside = moved_labels == Label.ET
        assert inside.any()
        assert float(moved[0][inside].mean()) > 2.5


def test_thick_slices_are_constant_in_a_slab_and_keep_the_mean() -> None:
    ramp = torch.arange(24.0)[:, None, None].expand(24, 4, 4)
    thick = thick_slices(ramp, 0, 4)
    assert thick.shape == ramp.shape
    assert float(thick.mean()) == pytest.approx(float(ramp.mean()), abs=0.1)
    checkers = torch.arange(24.0)[:, None, None].remainder(2).expand(24, 4, 4)
    assert float(thick_slices(checkers, 0, 4).std()) < 1e-6
    assert torch.allclose(thick_slices(checkers, 1, 4), checkers)


@pytest.mark.parametrize(("length", "factor"), [(96, 5), (128, 6), (64, 3), (30, 4)])
def test_thick_slices_move_nothing(length: int, factor: int) -> None:
    """A last slab that reaches beyond the image must not squeeze the others together."""
    ramp = torch.arange(float(length))[:, None, None].expand(length, 2, 2)
    thick = thick_slices(ramp, 0, factor)
    between = slice(factor, length - 2 * factor)
    assert torch.allclose(thick[between], ramp[between], atol=1e-3)


def test_gamma_keeps_mean_and_deviation() -> None:
    images, _ = _crop()
    inside = images[0] != 0
    bent = gamma(images[0], inside, 0.6)
    assert float(bent[inside].mean()) == pytest.approx(float(images[0][inside].mean()), abs=1e-4)
    assert float(bent[inside].std()) == pytest.approx(float(images[0][inside].std()), rel=1e-3)


def test_bias_field_is_smooth() -> None:
    field = bias_field(torch.zeros(SIDE, SIDE, SIDE), np.random.default_rng(3))
    assert float(field.std()) > 0.05
    assert float((field[1:] - field[:-1]).abs().max()) < 0.2


def test_ghosts_lie_as_far_to_one_side_as_to_the_other() -> None:
    inside = torch.ones(SIDE, SIDE, SIDE, dtype=torch.bool)
    point = torch.full((SIDE, SIDE, SIDE), -3.0)  # as dark as no signal
    point[16, 16, 16] = 2.0
    for seed in range(8):
        added = ghosts(point, inside, np.random.default_rng(seed)) - point
        found = added.nonzero() - 16
        assert torch.equal(found, -found.flip(0)), "not on both sides"
        assert (found != 0).any(dim=0).sum() == 1, "not along one axis"
        assert 0.14 < float(added.abs().sum()) / 2 < 0.76  # 3 to 15 % of 5, each or both in one


def test_at_least_two_sequences_stay() -> None:
    images, _ = _crop()
    config = AugmentConfig(missing_sequence=1.0)
    for seed in range(10):
        left = drop_sequences(images, config, np.random.default_rng(seed)).flatten(1).any(dim=1)
        assert 2 <= int(left.sum()) <= 3
    images[:2] = 0
    kept = drop_sequences(images, config, np.random.default_rng(0))
    assert torch.equal(kept, images)


def test_scalp_is_background_and_lost_brain_is_empty() -> None:
    images, labels = _crop()
    inside = (images != 0).any(dim=0)
    scalp = AugmentConfig(leftover_scalp=1.0)
    more, same = disturb_brain_edge(images, labels, scalp, np.random.default_rng(0))
    assert int((more != 0).any(dim=0).sum()) > int(inside.sum())
    assert torch.equal(more[:, inside], images[:, inside])
    assert torch.equal(same, labels)
    erode = AugmentConfig(eroded_brain=1.0)
    less, fewer = disturb_brain_edge(images, labels, erode, np.random.default_rng(0))
    lost = inside & (less == 0).all(dim=0)
    assert lost.any()
    assert not fewer[lost].any()


def test_sampling_grid_is_a_mild_deformation() -> None:
    grid = affine_grid((SIDE, SIDE, SIDE), np.random.default_rng(0))
    assert grid.shape == (1, SIDE, SIDE, SIDE, 3)
    assert 0.7 < float(grid.abs().amax()) < 2.0


def test_sampling_grid_turns_without_shearing_a_long_box() -> None:
    shape = (64, 32, 48)
    grid = affine_grid(shape, np.random.default_rng(4))[0].double()
    half = torch.tensor([n / 2 for n in reversed(shape)], dtype=torch.float64)
    points = grid * half
    steps = [points[1, 0, 0], points[0, 1, 0], points[0, 0, 1]]
    axes = [step - points[0, 0, 0] for step in steps]
    lengths = [float(axis.norm()) for axis in axes]
    assert max(lengths) / min(lengths) < 1.2
    assert abs(float(axes[0] @ axes[2])) / (lengths[0] * lengths[2]) < 0.15

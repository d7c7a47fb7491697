import numpy as np
import pytest
import torch
from torch import Tensor

from model.spec import Label
from model.train.augment import bend
from model.train.config import AugmentConfig
from model.train.grown import diffuse_shape
from model.train.lesions import tinted, vary_lesion, with_cyst, without_enhancement
from model.train.prepared import UNKNOWN

SIDE = 48
T1, T1C, T2, FLAIR = range(4)
ONLY = dict.fromkeys(("unenhanced", "cyst", "lesion_tint"), 0.0)


def _patient() -> tuple[Tensor, Tensor]:
    """A brain with texture; core within an enhancing wall within oedema."""
    noise = torch.randn(4, SIDE, SIDE, SIDE, generator=torch.Generator().manual_seed(5)) * 0.1
    k, j, i = np.ogrid[:SIDE, :SIDE, :SIDE]
    radius = torch.from_numpy(np.sqrt((k - 24) ** 2 + (j - 24) ** 2 + (i - 24) ** 2))
    images = (noise + 0.5) * (radius < 23)
    labels = torch.zeros(SIDE, SIDE, SIDE, dtype=torch.uint8)
    for label, limit in ((Label.ED, 15), (Label.ET, 11), (Label.NCR, 8)):
        labels[radius < limit] = label
    images[T1C][labels == Label.ET] += 3.0
    images[FLAIR][labels == Label.NCR] += 1.0
    return images, labels


def test_lost_enhancement_becomes_core_that_t1c_shows_no_brighter_than_t1() -> None:
    images, labels = _patient()
    changed, renamed = without_enhancement(images, labels, np.random.default_rng(0))
    wall = labels == Label.ET
    assert images[T1C][wall].mean() > 3
    assert changed[T1C][wall].mean() < images[T1C][labels == Label.ED].mean() + 0.2
    assert (renamed[wall] == Label.NCR).all()
    assert torch.equal(renamed[~wall], labels[~wall])


def test_the_lost_enhancement_leaves_no_bright_rim() -> None:
    images, labels = _patient()
    images[T1C] = torch.nn.functional.avg_pool3d(images[T1C][None], 3, 1, 1)[0] * (images[T1] != 0)
    changed, _ = without_enhancement(images, labels, np.random.default_rng(0))
    assert changed[T1C].max() < 0.5 * images[T1C].max()


@pytest.mark.parametrize("missing", [T1, T1C])
def test_enhancement_stays_where_nothing_tells_what_lies_below(missing: int) -> None:
    images, labels = _patient()
    images[missing] = 0
    changed, renamed = without_enhancement(images, labels, np.random.default_rng(0))
    assert torch.equal(changed, images)
    assert torch.equal(renamed, labels)


def test_a_wall_cut_by_the_crop_loses_its_enhancement_at_the_face_too() -> None:
    images, labels = _patient()
    images, labels = images[:, 24:], labels[24:]
    changed, renamed = without_enhancement(images, labels, np.random.default_rng(0))
    face = torch.zeros_like(labels, dtype=torch.bool)
    face[0] = labels[0] == Label.ET
    assert changed[T1C][face].mean() < images[T1C][labels == Label.ED].mean() + 0.2
    assert (renamed[face] == Label.NCR).all()


def test_a_cyst_is_fluid_within_the_core_alone() -> None:
    images, labels = _patient()
    changed = with_cyst(images, labels, np.random.default_rng(1))
    moved = (changed - images).abs().amax(dim=0) > 1.0
    assert int(moved.sum()) > 200
    near_core = torch.nn.functional.max_pool3d((labels == Label.NCR)[None].float(), 3, 1, 1)[0] > 0
    assert near_core[moved].all()
    inner = moved & (labels == Label.NCR)
    means = changed[:, inner].mean(dim=1)
    assert means[T1] < -1
    assert means[T2] > 1.5
    assert means[FLAIR] < 0.5


def test_a_core_too_small_holds_no_cyst() -> None:
    images, labels = _patient()
    core = torch.zeros_like(labels, dtype=torch.bool)
    core[24:29, 24:29, 24:28] = True  # 100 voxels
    labels[(labels == Label.NCR) & ~core] = Label.ET
    assert torch.equal(with_cyst(images, labels, np.random.default_rng(1)), images)


def test_a_tint_shifts_parts_and_not_their_surroundings() -> None:
    images, labels = _patient()
    shift = tinted(images, labels, np.random.default_rng(2)) - images
    for label in (Label.NCR, Label.ED, Label.ET):
        assert shift[:, labels == label].mean(dim=1).abs().max() > 0.05
    far = torch.nn.functional.max_pool3d((labels > 0)[None].float(), 3, 1, 1)[0] == 0
    assert not shift[:, far].any()


def test_what_is_outside_the_brain_or_missing_stays_zero() -> None:
    images, labels = _patient()
    images[T2] = 0
    everything = AugmentConfig(unenhanced=1.0, cyst=1.0, lesion_tint=1.0)
    for seed in range(3):
        changed, _ = vary_lesion(images, labels, everything, np.random.default_rng(seed))
        assert not changed[images == 0].any()
        assert not torch.equal(changed, images)


def test_what_is_switched_off_draws_no_number() -> None:
    images, labels = _patient()
    used, fresh = np.random.default_rng(3), np.random.default_rng(3)
    same, _ = vary_lesion(images, labels, AugmentConfig(**ONLY), used)
    assert torch.equal(same, images)
    assert used.random() == fresh.random()


def test_crops_without_lesion_or_truth_stay_as_they_are() -> None:
    images, labels = _patient()
    everything = AugmentConfig(unenhanced=1.0, cyst=1.0, lesion_tint=1.0)
    for empty in (torch.zeros_like(labels), torch.full_like(labels, UNKNOWN)):
        same, _ = vary_lesion(images, empty, everything, np.random.default_rng(0))
        assert torch.equal(same, images)


def test_the_given_crop_is_not_changed() -> None:
    images, labels = _patient()
    before = images.clone(), labels.clone()
    vary_lesion(images, labels, AugmentConfig(unenhanced=1.0, cyst=1.0), np.random.default_rng(0))
    assert torch.equal(images, before[0])
    assert torch.equal(labels, before[1])


def test_a_bent_grey_scale_keeps_order_mean_and_deviation() -> None:
    x = torch.randn(SIDE, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    inside = torch.ones_like(x, dtype=torch.bool)
    bent = bend(x, inside, np.random.default_rng(4))
    order = x.flatten().argsort()
    assert (bent.flatten()[order].diff() >= -1e-6).all()
    torch.testing.assert_close(bent.mean(), x.mean(), atol=1e-3, rtol=0)
    torch.testing.assert_close(bent.std(), x.std(), atol=1e-3, rtol=0)
    assert (bent - x).abs().max() > 0.1


def test_a_diffuse_shape_is_core_within_a_rim_of_oedema() -> None:
    shape = _patient()[1].numpy()
    diffuse = diffuse_shape(shape, np.random.default_rng(0))
    assert np.array_equal(diffuse > 0, shape > 0)
    assert set(np.unique(diffuse)) == {0, Label.NCR, Label.ED}
    rim = (shape > 0) & (np.pad(shape, 1)[2:, 1:-1, 1:-1] == 0)
    assert (diffuse[rim] == Label.ED).mean() > 0.7
    assert diffuse[24, 24, 24] == Label.NCR

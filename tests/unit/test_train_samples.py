"""Cases as training takes them, and the crops it learns from."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from model.data import Case, CaseError
from model.train.prepared import UNKNOWN, PreparedCase, prepare_case
from model.train.sampling import CropSampler
from tests.train_cases import CONFIG, bright_case


@pytest.fixture
def cases() -> list[PreparedCase]:
    return [prepare_case(bright_case(), 1.0, healthy=False)]


def test_sampler_depends_on_seed_and_step_alone(cases: list[PreparedCase]) -> None:
    first, again = (CropSampler(cases, CONFIG).batch(5, (32, 32, 32), 2) for _ in range(2))
    other = CropSampler(cases, CONFIG).batch(6, (32, 32, 32), 2)
    for a, b in zip(first, again, strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(first[0], other[0])


def test_crops_hold_tumour_and_small_cases_are_padded() -> None:
    prepared = prepare_case(bright_case(), 1.0, healthy=False)
    images, target, weight = CropSampler([prepared], replace(CONFIG, tumour_crops=1.0)).batch(
        0, (64, 64, 64), 2
    )
    assert images.shape == (2, 4, 64, 64, 64)
    assert target.shape == (2, 3, 64, 64, 64)
    assert bool((target.flatten(2).sum(dim=2) > 0).all())
    assert float(weight.min()) == 1.0


def test_voxels_outside_the_coverage_are_unknown() -> None:
    case = bright_case()
    coverage = np.zeros((40, 40, 40), dtype=np.bool_)
    coverage[:20] = True
    slab = Case("slab", case.images_ckji, case.labels_kji, coverage, case.spacing_kji_mm)
    prepared = prepare_case(slab, 1.0, healthy=False)
    assert (prepared.labels_kji[20:] == UNKNOWN).all()
    assert all((positions[:, 0] < 20).all() for positions in prepared.anchors)


def test_labels_are_asked_for_unless_healthy() -> None:
    case = bright_case()
    bare = Case("bare", case.images_ckji, None, None, case.spacing_kji_mm)
    with pytest.raises(CaseError, match="no reference"):
        prepare_case(bare, 1.0, healthy=False)
    assert not prepare_case(bare, 1.0, healthy=True).labels_kji.any()


@pytest.mark.parametrize(
    ("value", "reason"), [(np.nan, "finite"), (0.0, "no brain")], ids=["not a number", "empty"]
)
def test_images_that_cannot_be_used_are_named(value: float, reason: str) -> None:
    case = bright_case()
    images = case.images_ckji.copy()
    images[:, 20:] = value
    images[:, :20] *= value
    with pytest.raises(CaseError, match=f"bright: .*{reason}"):
        prepare_case(replace(case, images_ckji=images), 1.0, healthy=False)


def test_cases_on_another_grid_are_refused() -> None:
    almost = replace(bright_case(), spacing_kji_mm=(1.0, 0.99, 1.01))
    prepare_case(almost, 1.0, healthy=False)
    with pytest.raises(CaseError, match=r"bright: voxels of 5×1×1 mm .* needs 1 mm"):
        prepare_case(replace(almost, spacing_kji_mm=(5.0, 1.0, 1.0)), 1.0, healthy=False)

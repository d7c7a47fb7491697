from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from model.data import CaseError
from model.spec import Label
from model.train.card import training_section
from model.train.checkpoint import Progress
from model.train.config import (
    GrownConfig,
    SourceConfig,
    StageConfig,
    TrainConfig,
    ValidationConfig,
)
from model.train.distributed import Share
from model.train.feed import Feed, RegionDrawer
from model.train.grown import (
    GrownTumours,
    deform_shape,
    grow,
    load_grown,
    paint_brain,
    place_shape,
    read_shapes,
)
from model.train.prepared import PreparedCase
from model.train.sampling import CropSampler
from model.train.sources import load_data

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
SIDE = 48


def _tissues() -> np.ndarray:
    """A ball of cortex, white matter and, in the middle, fluid."""
    grid = np.indices((SIDE, SIDE, SIDE)) - SIDE / 2
    radius = np.sqrt((grid**2).sum(axis=0))
    tissues = np.zeros((SIDE, SIDE, SIDE), dtype=np.int16)
    tissues[radius < 22] = 3
    tissues[radius < 18] = 2
    tissues[radius < 4] = 4
    return tissues


def _shape() -> np.ndarray:
    labels = np.zeros((24, 24, 24), dtype=np.uint8)
    labels[4:20, 4:20, 4:20] = Label.ED
    labels[7:17, 7:17, 7:17] = Label.ET
    labels[9:15, 9:15, 9:15] = Label.NCR
    return labels


def _source(renew_steps: int = 2) -> GrownTumours:
    config = GrownConfig(share=1.0, renew_steps=renew_steps)
    return GrownTumours(config, 1, (_shape(),), (), (_tissues(),))


class _Counted(GrownTumours):
    """Notes the names of the cases it grows."""

    made: list[str]

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        object.__setattr__(self, "made", [])

    def case(self, step: int) -> PreparedCase:
        case = GrownTumours.case(self, step)
        self.made.append(case.name)
        return case


def test_painted_brain_has_the_contrasts_of_mr() -> None:
    tissues = _tissues()
    t1, _, t2, flair = paint_brain(tissues, np.random.default_rng(1))
    white, fluid = tissues == 2, tissues == 4
    assert not t1[tissues == 0].any()
    assert t1[white].mean() > t1[fluid].mean() + 1
    assert t2[fluid].mean() > t2[white].mean() + 1
    assert flair[white].mean() > flair[fluid].mean() + 1


def test_grown_tumour_looks_like_one_and_leaves_the_rest_alone() -> None:
    images = paint_brain(_tissues(), np.random.default_rng(2))
    before = images.copy()
    labels = place_shape(_shape(), images, np.random.default_rng(3))
    assert not labels[(before == 0).all(axis=0)].any()
    grow(images, labels, np.random.default_rng(4))
    enhancing, core = labels == Label.ET, labels == Label.NCR
    assert images[1][enhancing].mean() > images[1][core].mean() + 0.5
    assert images[3][labels == Label.ED].mean() > before[3][labels == Label.ED].mean()
    far = ~ndimage.binary_dilation(labels > 0, np.ones((3, 3, 3)), iterations=3)
    assert np.array_equal(images[:, far], before[:, far])
    assert not images[:, (before == 0).all(axis=0)].any()


def test_shapes_keep_their_labels_and_some_lose_their_enhancement() -> None:
    deformed = [deform_shape(_shape(), np.random.default_rng(seed)) for seed in range(20)]
    assert all(shape.shape == (24, 24, 24) and shape.max() <= 3 for shape in deformed)
    without = [shape for shape in deformed if not (shape == Label.ET).any()]
    assert 0 < len(without) < len(deformed)
    assert all((shape == Label.NCR).sum() > 6**3 for shape in without)


def test_case_depends_on_seed_and_turn_alone() -> None:
    first, again = _source().case(4), _source().case(5)
    assert np.array_equal(first.images_ckji, again.images_ckji)
    assert np.array_equal(first.labels_kji, again.labels_kji)
    assert not np.array_equal(first.images_ckji, _source().case(6).images_ckji)
    inside = (first.images_ckji != 0).any(axis=0)
    for channel in first.images_ckji.astype(np.float32):
        assert channel[inside].mean() == pytest.approx(0.0, abs=0.05)
        assert channel[inside].std() == pytest.approx(1.0, abs=0.1)


def test_grown_cases_change_with_the_steps_and_not_with_the_crops() -> None:
    """In whatever process, and in stages of smaller batches too."""
    config = TrainConfig(
        name="tiny",
        steps=8,
        sources=(SourceConfig("."),),
        stages=(StageConfig(0.5, 32, batch=2), StageConfig(1.0, 32, batch=4)),
        grown=GrownConfig(share=1.0, renew_steps=4),
    )
    turns = []
    for share in (Share(0, 2), Share(1, 2)):
        grown = _Counted(config.grown, 1, (_shape(),), (), (_tissues(),))
        feed = Feed(
            lambda _, grown=grown: RegionDrawer(CropSampler((), config, grown)), config, share
        )
        for step in range(8):
            feed.batch(step, config.stage_at(step / 8))
        turns.append(grown.made)
    assert turns == [["grown 0", "grown 1"]] * 2


def test_sources_are_read_from_their_folders(tmp_path: Path) -> None:
    config = GrownConfig(share=0.5, shapes="masks", brains="", tissue_maps="heads")
    assert load_grown(GrownConfig(), 0, tmp_path) is None
    with pytest.raises(CaseError, match="needs shapes"):
        load_grown(config, 0, tmp_path)
    labels = np.zeros((30, 30, 30), dtype=np.uint8)
    labels[10:14, 10:14, 10:14] = 4
    head = _tissues()
    head[:, :, 44:] = 507  # skull
    for path, array in (("masks/A_seg.nii.gz", labels), ("heads/head.nii.gz", head)):
        (tmp_path / path).parent.mkdir()
        nib.save(nib.Nifti1Image(array, LPS), tmp_path / path)
    grown = load_grown(config, 0, tmp_path)
    assert grown is not None
    assert set(np.unique(grown.shapes[0])) == {0, Label.ET}
    assert grown.tissue_maps[0].max() == 4
    (tmp_path / "masks" / "B_seg.nii.gz").unlink(missing_ok=True)
    nib.save(nib.Nifti1Image(np.zeros_like(labels), LPS), tmp_path / "masks" / "B_seg.nii.gz")
    with pytest.raises(CaseError, match="empty mask"):
        load_grown(config, 0, tmp_path)


def test_nothing_is_grown_from_cases_that_are_held_out(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    mask = np.zeros((34, 33, 32), dtype=np.uint8)
    mask[10:14, 10:14, 10:14] = 1
    image = rng.normal(100, 9, mask.shape).astype(np.float32)
    files = [(f"shapes/{name}_seg.nii", mask) for name in "ABC"]
    files += [(f"normal/{name}/{name}_t1.nii", image) for name in "DEF"]
    files += [(f"train/{name}/{name}_t1.nii", image) for name in "CG"]
    files += [(f"train/{name}/{name}_seg.nii", mask) for name in "CG"]
    for path, array in files:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(array, LPS), tmp_path / path)
    config = TrainConfig(
        name="tiny",
        steps=1,
        sources=(SourceConfig("train"),),
        stages=(StageConfig(1.0, 32),),
        grown=GrownConfig(share=0.5, tissue_maps=""),
        validation=ValidationConfig(0.5),
        held_out=("A",),
        folds={"one": ("E",)},
    ).without("one")
    data = load_data(config, tmp_path, tmp_path)
    section = training_section(config, data, Progress(), ())
    assert data.grown is not None
    assert (len(data.grown.shapes), len(data.grown.brains)) == (len(section["shapes"]), 2)
    assert section["brains"] == ["D", "F"]
    # Neither is the shape of what is set aside for validation.
    assert set(section["shapes"]) == {"B", "C"} - set(section["validation_cases"])
    for seed in range(1, 9):
        again = load_data(replace(config, seed=seed), tmp_path, tmp_path)
        assert again.grown is not None
        aside = {case.name for case in again.validation}
        assert set(again.grown.shape_names) == {"B", "C"} - aside
    with pytest.raises(CaseError, match="needs shapes"):
        load_grown(config.grown, 0, tmp_path, unread="ABC")


def test_no_scan_of_a_patient_left_out_is_a_shape(tmp_path: Path) -> None:
    mask = np.ones((5, 5, 5), dtype=np.uint8)
    for name in ("BraTS-GLI-00001-000", "BraTS-GLI-00002-000"):
        nib.save(nib.Nifti1Image(mask, LPS), tmp_path / f"{name}_seg.nii")
    assert set(read_shapes(tmp_path, unread=["BraTS-GLI-00001-001"])) == {"BraTS-GLI-00002-000"}

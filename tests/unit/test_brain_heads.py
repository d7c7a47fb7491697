from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from model.brain.contrast import draw_levels, draw_protocol, levels_of
from model.brain.geometry import SHAPE_KJI, draw_anatomy
from model.brain.heads import (
    DEEPEST_MM,
    DISTANCE_STEP_MM,
    RIM_MM,
    brain_of,
    read_head,
    signed_distance,
    tissues_of,
)
from model.brain.scans import draw_scan
from model.data import CaseError
from model.messages import BRAIN_SPACING_MM
from model.synthetic.signal import PROTOCOLS
from model.synthetic.tissues import Tissue
from tests.brain_cases import BRAIN_RADIUS, SIDE, head_labels, write_data


def ball(radius: float) -> int:
    return round(4 / 3 * np.pi * radius**3)


def test_brain_is_tissue_with_a_rim_of_fluid_and_its_sulci():
    labels = head_labels()
    middle = SIDE // 2
    sulcus = labels[middle + 14 :, middle - 2 : middle + 2]
    sulcus[sulcus < 26] = 24
    labels[2, 2, 2] = 3  # a speck beside the head
    brain = brain_of(labels)
    assert brain.sum() == pytest.approx(ball(BRAIN_RADIUS + RIM_MM), rel=0.03)
    assert brain[middle + 16, middle, middle]  # in the sulcus
    assert not brain[2, 2, 2]
    assert not brain[labels >= 500].any()


def test_map_without_brain_is_refused(tmp_path: Path):
    path = write_data(tmp_path, "one") / "heads" / "labelmaps" / "one.nii.gz"
    ras = np.diag([1.0, 1.0, 1.0, 1.0])
    nib.save(nib.Nifti1Image(np.full((8, 8, 8), 511, np.int16), ras), path)
    with pytest.raises(CaseError, match="no brain"):
        read_head(path)
    nib.save(nib.Nifti1Image(head_labels(), np.diag([2.0, 2.0, 2.0, 1.0])), path)
    with pytest.raises(CaseError, match="voxels of 1 mm"):
        read_head(path)


def test_tissues_follow_the_labels():
    codes = tissues_of(np.array([[[0, 2, 42, 24, 515, 516, 511, 999, 251]]], dtype=np.int16))
    assert codes.ravel().tolist() == [
        Tissue.AIR,
        Tissue.WHITE_MATTER,
        Tissue.GREY_MATTER,
        Tissue.CSF,
        Tissue.CORTICAL_BONE,
        Tissue.MARROW,
        Tissue.SKIN,
        Tissue.MUSCLE,
        Tissue.GREY_MATTER,
    ]


def test_distance_runs_through_zero_between_the_voxels():
    mask = np.zeros((40, 40, 40), dtype=bool)
    mask[10:] = True
    mask[:, :2] = False
    line = signed_distance(mask)[:, 20, 20] * DISTANCE_STEP_MM
    assert line[9:12].tolist() == [-0.5, 0.5, 1.5]
    assert line.min() == -9.5
    assert line.max() == DEEPEST_MM


@pytest.fixture(scope="module")
def anatomy(tmp_path_factory: pytest.TempPathFactory):
    folder = write_data(tmp_path_factory.mktemp("data"), "one") / "heads" / "labelmaps"
    shape = np.zeros((40, 40, 40), dtype=np.uint8)
    shape[10:30, 10:30, 10:30] = 1
    head = read_head(folder / "one.nii.gz")
    rng = np.random.default_rng(6)
    return draw_anatomy((head,), (shape,), rng)


def test_anatomy_is_a_deformed_head_with_a_tumour_inside_its_brain(anatomy):
    assert anatomy.tissues.shape == (2, *SHAPE_KJI)
    litres = (anatomy.depth_mm > 0).sum().item() * BRAIN_SPACING_MM**3
    assert 0.6 < litres / ball(BRAIN_RADIUS + RIM_MM) < 1.6
    tumour = (anatomy.tissues == Tissue.NECROSIS).all(dim=0)
    assert tumour.any()
    assert (anatomy.depth_mm[tumour] > 0).all()
    bone = (anatomy.tissues == Tissue.CORTICAL_BONE).all(dim=0)
    assert (anatomy.depth_mm[bone] < 0).float().mean() > 0.98


def test_scan_is_decided_by_chance_alone(anatomy):
    first, again, other = (
        draw_scan(anatomy, (32, 48, 32), np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert first.image.shape == first.target.shape == (32, 48, 32)
    assert (first.image == again.image).all()
    assert (first.image != other.image).any()
    assert 0 <= first.image.min() <= first.image.max() <= 1.3
    assert 0 <= first.target.min() < 0.01
    assert first.target.max() > 0.99


def test_no_brain_is_asked_for_where_there_are_no_data(anatomy):
    for seed in range(8):
        scan = draw_scan(anatomy, (32, 32, 32), np.random.default_rng(seed))
        for axis in range(3):
            others = tuple(n for n in range(3) if n != axis)
            empty = scan.image.amax(dim=others) == 0
            assert scan.target.movedim(axis, 0)[empty].sum() == 0


def test_contrasts_are_those_of_mr():
    t1, t2 = (levels_of(PROTOCOLS[one]) for one in ("T1", "T2"))
    assert t1[Tissue.WHITE_MATTER] > t1[Tissue.GREY_MATTER] > t1[Tissue.CSF]
    assert t2[Tissue.CSF] > t2[Tissue.GREY_MATTER] > t2[Tissue.CORTICAL_BONE]
    rng = np.random.default_rng(0)
    kinds = {draw_protocol(rng).kind for _ in range(40)}
    assert len(kinds) == 3
    for _ in range(20):
        levels, spread = draw_levels(rng)
        assert levels.shape == spread.shape == (len(Tissue),)
        assert levels.min() >= 0
        assert levels.max() <= 1
        assert levels[Tissue.AIR] < 0.1

"""Folders of the Decathlon: read as described, measured, and refused in words."""

import re
import textwrap
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.data import Case, CaseError
from model.decathlon import read_set
from model.train import sources
from model.train.config import (
    AugmentConfig,
    ConfigError,
    Layout,
    load_config,
)
from model.train.fingerprint import CTRule, Fingerprint, measure
from model.train.sources import load_data
from model.train.task import sided_pairs
from tests.decathlon_cases import CONFIG, describe, write_blob, write_image, write_set


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_set(tmp_path / "Task99_Blobs")


def test_any_modalities_and_labels_are_read(root: Path) -> None:
    described = read_set(root)
    assert described.name == "Blobs"
    assert described.modalities == ("CT", "PET")
    assert described.labels == ("background", "organ", "tumour")
    assert [case.name for case in described.cases] == ["blob_1", "blob_2", "blob_3", "blob_4"]
    case = described.load(described.cases[0])
    assert case.images_ckji.shape == (2, 12, 36, 40)
    assert case.spacing_kji_mm == pytest.approx((2.5, 0.8, 0.8))
    assert case.labels_kji is not None
    assert sorted(np.unique(case.labels_kji)) == [0, 1, 2]
    assert described.load(described.cases[2]).images_ckji.shape == (2, 12, 36, 40)


def test_nnunets_turned_tables_mean_the_same(root: Path) -> None:
    before = read_set(root)
    describe(
        root,
        modality=None,
        channel_names={"0": "CT", "1": "PET"},
        labels={"background": 0, "organ": 1, "tumour": 2},
    )
    assert read_set(root) == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": {"0": "background", "2": "tumour"}}, "without gaps"),
        ({"labels": {"a": "background"}}, "must be numbered"),
        ({"modality": {}}, "modality"),
        ({"training": []}, "no list of training cases"),
        ({"training": ["imagesTr/blob_1.nii.gz"]}, "needs image and label"),
        ({"training": [{"image": "no.nii.gz", "label": "no.nii.gz"}]}, "but not there"),
    ],
)
def test_what_a_description_lacks_is_named(
    root: Path, changes: dict[str, object], message: str
) -> None:
    describe(root, **changes)
    with pytest.raises(CaseError, match=message):
        read_set(root)


def test_a_folder_without_description_is_named(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"dataset\.json"):
        read_set(tmp_path)


def test_cases_that_are_not_as_described_are_named(root: Path) -> None:
    describe(root, labels={"0": "background", "1": "organ"})
    described = read_set(root)
    with pytest.raises(CaseError, match="described are 0 to 1"):
        described.load(described.cases[0])
    describe(root, labels={"0": "b", "1": "o", "2": "t"}, modality={"0": "CT"})
    described = read_set(root)
    with pytest.raises(CaseError, match="2 modalities instead of 1"):
        described.load(described.cases[0])
    describe(root, modality={"0": "CT", "1": "PET"})
    described = read_set(root)
    write_image(root / "labelsTr" / "blob_1.nii.gz", np.zeros((40, 36, 11), dtype=np.uint8))
    with pytest.raises(CaseError, match="share one grid"):
        described.load(described.cases[0])


def ramp_case(spacing: tuple[float, float, float], shift: float = 0.0) -> Case:
    images = np.arange(1000, dtype=np.float32).reshape(1, 10, 10, 10) + shift
    labels = (images[0] >= 500 + shift).astype(np.uint8)
    return Case("ramp", images, labels, None, spacing)


def test_ct_is_clipped_to_the_foreground_of_all_cases() -> None:
    cases = [ramp_case((3.0, 1.0, 1.0)), ramp_case((5.0, 1.0, 1.0)), ramp_case((4.0, 1.0, 1.0))]
    found = measure(cases, ["CT"])
    (rule,) = found.rules
    assert rule is not None
    # Foreground is 500 to 999, evenly: its 0.5 and 99.5 percentiles, mean and deviation.
    assert (rule.low, rule.high) == pytest.approx((502.5, 996.5), abs=3)
    assert (rule.mean, rule.deviation) == pytest.approx((749.5, 144.3), rel=0.02)
    assert found.spacing_kji_mm == (4.0, 1.0, 1.0)
    images, labels = found.prepare(cases[0])
    assert images.min() == pytest.approx((rule.low - rule.mean) / rule.deviation, abs=1e-4)
    assert images.shape == (1, 8, 10, 10)  # 10 slices of 3 mm on a grid of 4 mm
    assert labels.shape == (8, 10, 10)


def test_other_modalities_are_scaled_by_themselves() -> None:
    found = measure([ramp_case((1.0, 1.0, 1.0))], ["MRI"], (1.0, 1.0, 1.0))
    assert found == Fingerprint((1.0, 1.0, 1.0), (None,))
    for shift in (0.0, 5000.0):
        images, _ = found.prepare(ramp_case((1.0, 1.0, 1.0), shift))
        assert images.mean() == pytest.approx(0.0, abs=1e-4)
        assert images.std() == pytest.approx(1.0, abs=1e-4)


def test_a_case_of_nothing_is_named() -> None:
    empty = Case("empty", np.zeros((1, 4, 4, 4), np.float32), None, None, (1.0, 1.0, 1.0))
    prepare = Fingerprint((1.0, 1.0, 1.0), (CTRule(0, 1, 0, 1),)).prepare
    with pytest.raises(CaseError, match="empty: no reference"):
        prepare(empty)
    with pytest.raises(CaseError, match="empty: the image is zero"):
        prepare(replace(empty, labels_kji=np.zeros((4, 4, 4), np.uint8)))


def test_the_fingerprint_is_kept_until_the_cases_change(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []

    def counted(cases: Iterable[Case], *arguments: Any) -> Fingerprint:
        looked.append(1)
        return measure(cases, *arguments)

    monkeypatch.setattr(sources, "measure", counted)
    config = replace(CONFIG, cache=True)
    first = load_data(config, root.parent, tmp_path)
    assert load_data(config, root.parent, tmp_path) == first
    assert len(looked) == 1
    write_blob(root, first.training[0].name, 9)
    assert load_data(config, root.parent, tmp_path).task != first.task
    assert len(looked) == 2


def test_a_network_of_other_channels_or_no_case_is_refused(root: Path, tmp_path: Path) -> None:
    config = replace(CONFIG, network=replace(CONFIG.network, out_channels=2))
    with pytest.raises(ConfigError, match=r"the data have \(2, 3\) channels in and out"):
        load_data(config, root.parent, tmp_path)
    everyone = tuple(f"blob_{n}" for n in range(1, 5))
    with pytest.raises(CaseError, match="every case is held out"):
        load_data(replace(CONFIG, held_out=everyone), root.parent, tmp_path)


@pytest.mark.parametrize(
    ("labels", "pairs"),
    [
        (["background", "left kidney", "right kidney"], [("left kidney", "right kidney")]),
        (["background", "Kidney_R", "Kidney_L"], [("Kidney_L", "Kidney_R")]),
        (["background", "left atrium"], []),
        (["background", "liver", "tumour"], []),
    ],
)
def test_labels_of_both_sides_are_noticed(labels: list[str], pairs: list[tuple[str, str]]) -> None:
    assert list(sided_pairs(labels)) == pairs


@pytest.mark.expects_logs
@pytest.mark.parametrize("flip_lr", [0.5, 0.0])
def test_mirroring_left_and_right_is_warned_of(
    root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, flip_lr: float
) -> None:
    describe(root, labels={"0": "background", "1": "left lung", "2": "right lung"})
    config = replace(CONFIG, augment=AugmentConfig(flip_lr=flip_lr))
    load_data(config, root.parent, tmp_path)
    assert ("left lung and right lung" in caplog.text) == (flip_lr > 0)


def test_the_example_of_the_guide_can_be_read(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "TRAINING.md").read_text(encoding="utf-8")
    found = re.search(r'```\n(   name = "liver".*?)```', guide, re.DOTALL)
    assert found is not None
    path = tmp_path / "liver.toml"
    path.write_text(textwrap.dedent(found[1]), encoding="utf-8")
    config = load_config(path)
    assert config.dataset.layout is Layout.DECATHLON
    assert "flip_lr" in found[1]
    # Without it there is neither rotation nor noise.
    assert min(config.augment.affine, config.augment.gamma, config.augment.noise) > 0

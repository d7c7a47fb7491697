import json
import math
import re
import shutil
import textwrap
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from model.data import Case, CaseError
from model.decathlon import read_set
from model.errors import WeightsError
from model.network import UNETRppConfig, build_network
from model.train import predict, score, sources
from model.train.__main__ import INPUT_ERROR, USAGE_ERROR
from model.train.__main__ import main as train
from model.train.config import (
    AugmentConfig,
    ConfigError,
    DatasetConfig,
    Layout,
    OptimiserConfig,
    SourceConfig,
    StageConfig,
    TrainConfig,
    ValidationConfig,
    load_config,
)
from model.train.fingerprint import CTRule, Fingerprint, measure
from model.train.journal import VALIDATIONS
from model.train.loop import BEST, Trainer
from model.train.patches import PatchSampler
from model.train.score import Part
from model.train.sources import load_data
from model.train.task import sided_pairs
from model.train.validation import CaseFigures
from model.weights import ModelCard, load_network, save_network

SHAPE_IJK = (40, 36, 12)
SPACING_IJK = (0.8, 0.8, 2.5)
CONFIG = TrainConfig(
    name="organ",
    steps=30,
    sources=(SourceConfig("Task99_Blobs"),),
    stages=(StageConfig(1.0, patch=(8, 32, 32)),),
    network=UNETRppConfig(
        in_channels=2,
        out_channels=3,
        stem_stride=(1, 4, 4),
        reference=(8, 32, 32),
        dims=(8, 8, 8, 8),
        depths=(1, 1, 1, 1),
        heads=2,
        projected=(8, 8, 8, 8),
        full_resolution_channels=8,
    ),
    dataset=DatasetConfig(Layout.DECATHLON),
    validation=ValidationConfig(0.25),
    optimiser=OptimiserConfig(learning_rate=2e-2, warm_up_steps=2, ema_decay=0.8),
    augment=AugmentConfig(flip_ap=0.0, flip_si=0.0, affine=0.2, scale_shift=0.5, noise=0.2),
    focal_gamma=0.0,
)


def _write(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    affine = np.diag([-SPACING_IJK[0], -SPACING_IJK[1], SPACING_IJK[2], 1.0])
    nib.save(nib.Nifti1Image(array, affine), path)


def _write_case(root: Path, name: str, seed: int, *, split: bool = False) -> None:
    rng = np.random.default_rng(seed)
    labels = np.zeros(SHAPE_IJK, dtype=np.uint8)
    i, j = rng.integers(4, 12, size=2)
    labels[i : i + 20, j : j + 18, 2:10] = 1
    labels[i + 6 : i + 14, j + 6 : j + 12, 4:8] = 2
    ct = -100.0 + 200.0 * (labels == 1) + 400.0 * (labels == 2) + rng.normal(0, 20, SHAPE_IJK)
    pet = 5.0 + 3.0 * (labels == 2) + rng.normal(0, 0.3, SHAPE_IJK)
    channels = np.stack([ct, pet], axis=-1).astype(np.float32)
    if split:
        for n in range(2):
            _write(root / "imagesTr" / f"{name}_{n:04d}.nii.gz", channels[..., n])
    else:
        _write(root / "imagesTr" / f"{name}.nii.gz", channels)
    _write(root / "labelsTr" / f"{name}.nii.gz", labels)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Four cases of two modalities, one of them with a file for each."""
    root = tmp_path / "Task99_Blobs"
    names = ["blob_1", "blob_2", "blob_3", "blob_4"]
    for seed, name in enumerate(names):
        _write_case(root, name, seed, split=name == "blob_3")
    training = [
        {"image": f"./imagesTr/{name}.nii.gz", "label": f"./labelsTr/{name}.nii.gz"}
        for name in names
    ]
    _describe(root, training=training)
    return root


def _describe(root: Path, **changes: object) -> None:
    path = root / "dataset.json"
    document = {
        "name": "Blobs",
        "modality": {"0": "CT", "1": "PET"},
        "labels": {"0": "background", "1": "organ", "2": "tumour"},
    }
    if path.exists():
        document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, **changes}))


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
    _describe(
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
    _describe(root, **changes)
    with pytest.raises(CaseError, match=message):
        read_set(root)


def test_a_folder_without_description_is_named(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"dataset\.json"):
        read_set(tmp_path)


def test_cases_that_are_not_as_described_are_named(root: Path) -> None:
    _describe(root, labels={"0": "background", "1": "organ"})
    described = read_set(root)
    with pytest.raises(CaseError, match="described are 0 to 1"):
        described.load(described.cases[0])
    _describe(root, labels={"0": "b", "1": "o", "2": "t"}, modality={"0": "CT"})
    described = read_set(root)
    with pytest.raises(CaseError, match="2 modalities instead of 1"):
        described.load(described.cases[0])
    _describe(root, modality={"0": "CT", "1": "PET"})
    described = read_set(root)
    _write(root / "labelsTr" / "blob_1.nii.gz", np.zeros((40, 36, 11), dtype=np.uint8))
    with pytest.raises(CaseError, match="share one grid"):
        described.load(described.cases[0])


def _ramp_case(spacing: tuple[float, float, float], shift: float = 0.0) -> Case:
    images = np.arange(1000, dtype=np.float32).reshape(1, 10, 10, 10) + shift
    labels = (images[0] >= 500 + shift).astype(np.uint8)
    return Case("ramp", images, labels, None, spacing)


def test_ct_is_clipped_to_the_foreground_of_all_cases() -> None:
    cases = [_ramp_case((3.0, 1.0, 1.0)), _ramp_case((5.0, 1.0, 1.0)), _ramp_case((4.0, 1.0, 1.0))]
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
    found = measure([_ramp_case((1.0, 1.0, 1.0))], ["MRI"], (1.0, 1.0, 1.0))
    assert found == Fingerprint((1.0, 1.0, 1.0), (None,))
    for shift in (0.0, 5000.0):
        images, _ = found.prepare(_ramp_case((1.0, 1.0, 1.0), shift))
        assert images.mean() == pytest.approx(0.0, abs=1e-4)
        assert images.std() == pytest.approx(1.0, abs=1e-4)


def test_a_case_of_nothing_is_named() -> None:
    empty = Case("empty", np.zeros((1, 4, 4, 4), np.float32), None, None, (1.0, 1.0, 1.0))
    prepare = Fingerprint((1.0, 1.0, 1.0), (CTRule(0, 1, 0, 1),)).prepare
    with pytest.raises(CaseError, match="empty: no reference"):
        prepare(empty)
    with pytest.raises(CaseError, match="empty: the image is zero"):
        prepare(replace(empty, labels_kji=np.zeros((4, 4, 4), np.uint8)))


@pytest.mark.parametrize("affine", [0.0, 1.0])
def test_patches_of_any_shape_hold_the_foreground(root: Path, affine: float) -> None:
    config = replace(CONFIG, tumour_crops=1.0, augment=AugmentConfig(affine=affine, gamma=1.0))
    data = load_data(config, root.parent, root)
    sampler = PatchSampler(data.training, 3, config)
    for number in range(4):
        images, target, weight = sampler.patch(number, (16, 32, 64))
        assert images.shape == (1, 2, 16, 32, 64)
        assert target.shape == (1, 3, 16, 32, 64)
        assert float(target.sum(dim=1).min()) == 1.0
        assert float(target[:, 1:].sum()) > 0
        assert float(weight.min()) == 1.0
    assert np.array_equal(sampler.patch(3, (8, 32, 32))[0], sampler.patch(3, (8, 32, 32))[0])


def test_a_network_learns_an_organ_of_its_own_and_is_scored_by_label(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = load_data(CONFIG, root.parent, tmp_path)
    assert (len(data.training), len(data.validation)) == (3, 1)
    losses: list[float] = []
    Trainer(CONFIG, data, tmp_path / "run").run(lambda done: losses.append(done.loss))
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])
    network, card = load_network(tmp_path / "run", "organ")
    assert network.config == CONFIG.network
    assert card.task is not None
    assert card.task["name"] == "Blobs"
    assert card.task["modalities"] == ["CT", "PET"]
    assert card.task["labels"] == ["background", "organ", "tumour"]
    assert [rule["kind"] for rule in card.task["normalisation"]] == ["ct", "z-score"]
    assert card.document["training"]["validation_cases"] == [data.validation[0].name]
    header, figures = (tmp_path / "run" / VALIDATIONS).read_text().split()
    assert "dice_organ,dice_tumour" in header
    dice = float(figures.split(",")[header.split(",").index("dice_organ")])
    assert dice > 0.5
    weights = tmp_path / "run" / BEST / "organ.safetensors"
    options = ["--weights", str(weights), "--data", str(root), "--cases", "validation", "--json"]
    assert score.main(options) == 0
    scored = json.loads(capsys.readouterr().out)
    assert [case["name"] for case in scored["cases"]] == [data.validation[0].name]
    assert list(scored["mean"]) == ["set aside"]
    assert scored["mean"]["set aside"]["dice_organ"] == pytest.approx(dice, abs=0.01)
    _write_case(root, "blob_5", 5)
    _describe(
        root,
        training=[
            {"image": f"imagesTr/blob_{n}.nii.gz", "label": f"labelsTr/blob_{n}.nii.gz"}
            for n in range(1, 6)
        ],
    )
    assert score.main(["--weights", str(weights), "--data", str(root)]) == 0
    rows = capsys.readouterr().out.splitlines()
    for name, part in [("blob_5", "not in training"), (data.validation[0].name, "set aside")] + [
        (case.name, "learnt from") for case in data.training
    ]:
        assert any(name in row and part in row for row in rows), name
    assert sum("mean" in row for row in rows) == 3
    _predicts_new_cases(weights, root, tmp_path, capsys)
    _describe(root, labels={"0": "background", "1": "liver", "2": "tumour"})
    assert score.main(options) == score.INPUT_ERROR
    assert "finds background, organ, tumour" in capsys.readouterr().err


def _predicts_new_cases(
    weights: Path, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, output = tmp_path / "new", tmp_path / "labels"
    folder.mkdir()
    for name in ("blob_5.nii.gz", "blob_3_0000.nii.gz", "blob_3_0001.nii.gz"):
        shutil.copy(root / "imagesTr" / name, folder)
    command = ["--weights", str(weights), "--input", str(folder), "--output", str(output)]
    assert predict.main(command) == 0
    assert "Channels, in this order: CT, PET" in capsys.readouterr().err
    told = json.loads((output / predict.RECORD).read_text())
    assert told["labels"] == {"0": "background", "1": "organ", "2": "tumour"}
    for name in ("blob_3", "blob_5"):
        found, true = (
            nib.load(path) for path in (output / f"{name}.nii.gz", root / f"labelsTr/{name}.nii.gz")
        )
        np.testing.assert_allclose(found.affine, true.affine)
        one, other = np.asanyarray(found.dataobj), np.asanyarray(true.dataobj)
        assert 2 * ((one > 0) & (other > 0)).sum() / ((one > 0).sum() + (other > 0).sum()) > 0.5
        voxel_mm3 = math.prod(SPACING_IJK)
        volume = told["cases"][name]["volumes_mm3"]["organ"]
        assert volume == pytest.approx((one == 1).sum() * voxel_mm3, rel=1e-4)
    assert predict.main(command) == predict.INPUT_ERROR
    assert "not overwritten" in capsys.readouterr().err
    # One modality is no case of two; the other case is segmented all the same.
    shutil.copy(root / "imagesTr" / "blob_3_0000.nii.gz", folder / "odd.nii.gz")
    shutil.rmtree(output)
    assert predict.main(command) == predict.INPUT_ERROR
    assert "odd: 1 modalities instead of 2" in capsys.readouterr().err
    assert sorted(path.name for path in output.iterdir()) == [
        "blob_3.nii.gz",
        "blob_5.nii.gz",
        predict.RECORD,
    ]


def test_what_the_network_has_learnt_from_has_a_mean_of_its_own() -> None:
    def card(**training: list[str]) -> ModelCard:
        return ModelCard("organ", "", UNETRppConfig(), {"training": training})

    cases = [
        CaseFigures(name, {"organ": dice}, {"organ": 1.0})
        for name, dice in (("a", 0.9), ("b", 0.8), ("c", 0.6), ("d", 0.4))
    ]
    known = score.known_parts(card(cases=["a", "b"], validation_cases=["c"]))
    parts = score.by_part(cases, known)
    means = {part: figures.mean()["dice_organ"] for part, figures in parts.items()}
    assert means == {
        Part.NEW: pytest.approx(0.4),
        Part.ASIDE: pytest.approx(0.6),
        Part.LEARNT: pytest.approx(0.85),
    }
    with pytest.raises(WeightsError, match="does not say which cases"):
        score.known_parts(card())


def test_a_network_for_brain_tumours_is_judged_elsewhere(
    tmp_path: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = build_network(CONFIG.network)
    save_network(tmp_path, "brain", CONFIG.network, network.state_dict(), {})
    options = ["--weights", str(tmp_path / "brain.safetensors"), "--data", str(root)]
    assert score.main(options) == score.INPUT_ERROR
    assert "model.evaluate" in capsys.readouterr().err


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
    _write_case(root, first.training[0].name, 9)
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
    _describe(root, labels={"0": "background", "1": "left lung", "2": "right lung"})
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


TOML = """
name = "organ"
steps = 2
cache = true
[network]
kind = "unetr_plus_plus"
in_channels = 2
out_channels = 3
stem_stride = [1, 4, 4]
reference = [8, 32, 32]
dims = [4, 4, 4, 4]
depths = [1, 1, 1, 1]
heads = 1
full_resolution_channels = 2
[dataset]
layout = "decathlon"
[[sources]]
folder = "."
[[stages]]
until = 1.0
patch = [8, 32, 32]
"""


@pytest.mark.expects_logs
def test_the_command_trains_resumes_and_names_what_is_wrong(
    root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config, run = tmp_path / "organ.toml", tmp_path / "run"
    config.write_text(TOML)
    command = ["--config", str(config), "--data", str(root), "--output", str(run)]
    cpu = ["--device", "cpu"]
    assert train([*command, *cpu]) == 0
    assert (run / "organ.safetensors").is_file()
    kept = sorted(path.name.partition("-")[0] for path in (run / "cache").iterdir())
    assert kept == [*(f"blob_{n}" for n in range(1, 5)), "fingerprint.json"]
    assert train([*command, *cpu]) == USAGE_ERROR
    assert "add --resume" in caplog.text
    assert train([*command, *cpu, "--resume"]) == 0
    rows = (run / "log.csv").read_text().splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == ["1", "2"]
    config.write_text(TOML.replace("steps = 2", "steps = 3"))
    assert train([*command, *cpu, "--resume"]) == INPUT_ERROR
    assert "recipe: steps was 2 and is 3" in caplog.text
    config.write_text(TOML)
    assert train([*command, "--device", "tpu", "--resume"]) == USAGE_ERROR
    assert "unknown device" in caplog.text
    (root / "dataset.json").unlink()
    assert train([*command, *cpu, "--resume"]) == INPUT_ERROR

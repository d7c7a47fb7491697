"""A network of one's own organ is trained, scored and used."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from model.errors import WeightsError
from model.network import UNETRppConfig, build_network
from model.train import predict, score
from model.train.__main__ import INPUT_ERROR, USAGE_ERROR
from model.train.__main__ import main as train
from model.train.config import (
    AugmentConfig,
)
from model.train.journal import VALIDATIONS
from model.train.loop import BEST, Trainer
from model.train.patches import PatchSampler
from model.train.score import Part
from model.train.sources import load_data
from model.train.validation import CaseFigures
from model.weights import ModelCard, load_network, save_network
from tests.decathlon_cases import CONFIG, SPACING_IJK, describe, write_blob, write_set


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_set(tmp_path / "Task99_Blobs")


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
    write_blob(root, "blob_5", 5)
    describe(
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
    describe(root, labels={"0": "background", "1": "liver", "2": "tumour"})
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

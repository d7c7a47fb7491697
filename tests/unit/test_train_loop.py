import argparse
import csv
import hashlib
import math
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from model.data import Case, CaseError
from model.network import SlimUNETRppConfig
from model.train.__main__ import USAGE_ERROR, command_line, main
from model.train.checkpoint import CheckpointError, WeightAverage
from model.train.config import (
    ConfigError,
    OptimiserConfig,
    SourceConfig,
    StageConfig,
    TrainConfig,
    load_config,
)
from model.train.distributed import Share
from model.train.journal import STEPS
from model.train.loop import CHECKPOINT, Trainer
from model.train.losses import cross_entropy, dice_loss, region_loss
from model.train.prepared import UNKNOWN, PreparedCase, prepare_case
from model.train.sampling import CropSampler
from model.train.schedule import learning_rate
from model.train.sources import TrainingData, load_data
from model.train.validation import MONAI
from model.weights import load_network

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "model" / "train" / "configs"
NETWORK = SlimUNETRppConfig(
    channels=(4, 4, 8),
    embed_dim=8,
    blocks=(1, 1, 1, 1),
    heads=(1, 1, 2, 2),
    kernel_size=3,
    half_resolution_channels=4,
    scaled_attention=True,
    deep_supervision=True,
)
CONFIG = TrainConfig(
    name="tiny",
    steps=6,
    sources=(SourceConfig("."),),
    stages=(StageConfig(1.0, 32),),
    network=NETWORK,
    optimiser=OptimiserConfig(learning_rate=1e-2, warm_up_steps=2),
    held_out=("other",),
    focal_gamma=0.0,
)


def _case() -> Case:
    rng = np.random.default_rng(0)
    labels = np.zeros((40, 40, 40), dtype=np.uint8)
    labels[12:28, 12:28, 12:28] = 2
    labels[16:24, 16:24, 16:24] = 3
    images = rng.normal(100, 10, size=(4, 40, 40, 40)).astype(np.float32)
    images += 60 * (labels > 0) + 60 * (labels == 3)
    return Case("bright", images, labels, None, (1.0, 1.0, 1.0))


@pytest.fixture
def cases() -> list[PreparedCase]:
    return [prepare_case(_case(), 1.0, healthy=False)]


@pytest.fixture
def data(cases: list[PreparedCase]) -> TrainingData:
    return TrainingData(tuple(cases), ())


def test_resumed_run_repeats_the_uninterrupted_one(data: TrainingData, tmp_path: Path) -> None:
    whole = Trainer(CONFIG, data, tmp_path / "whole")
    whole_losses = [whole.step().loss for _ in range(6)]
    first = Trainer(CONFIG, data, tmp_path / "parts")
    losses = [first.step().loss for _ in range(3)]
    first.save()
    second = Trainer(CONFIG, data, tmp_path / "parts")
    second.resume()
    losses += [second.step().loss for _ in range(3)]
    assert losses == pytest.approx(whole_losses, rel=1e-4)
    for key, value in whole.average.state.items():
        assert torch.allclose(second.average.state[key], value, atol=1e-4), key


def test_run_writes_log_checkpoint_weights_and_card(data: TrainingData, tmp_path: Path) -> None:
    reports = []
    card = Trainer(replace(CONFIG, steps=3), data, tmp_path).run(reports.append)
    rows = list(csv.DictReader((tmp_path / STEPS).read_text(encoding="utf-8").splitlines()))
    assert [int(row["step"]) for row in rows] == [1, 2, 3]
    assert [report.step for report in reports] == [1, 2, 3]
    assert reports[-1].fraction == 1.0
    assert (tmp_path / CHECKPOINT).is_file()
    assert card.held_out == ("other",)
    assert card.document["training"]["cases"] == ["bright"]
    network, loaded = load_network(tmp_path, "tiny")
    assert loaded.sha256 == card.sha256
    assert network(torch.zeros(1, 4, 32, 32, 32)).shape == (1, 3, 32, 32, 32)


def test_card_tells_how_to_repeat_the_run(data: TrainingData, tmp_path: Path) -> None:
    command = "python -m model.train --config few.toml --data DATA --fold two --hold-out A B"
    options = argparse.Namespace(
        config=Path("x/few.toml"),
        fold="two",
        hold_out=["A", "B"],
        start_from=[Path("/r/w.safetensors")],
        device="auto",
    )
    told = command_line(options)
    assert told == f"{command} --start-from w.safetensors --device auto --output RUN"
    assert command_line(options, 3).startswith("torchrun --nproc-per-node 3 -m model.train")
    trainer = Trainer(CONFIG, data, tmp_path, command=told)
    trainer.progress = replace(trainer.progress, figures={"step": 5, "dice": 0.5})
    trainer.save()
    again = Trainer(CONFIG, data, tmp_path, command="another, with --resume")
    again.resume()
    section = again.export().document["training"]
    assert section["command"] == told
    assert section["torch"] == torch.__version__
    assert section["validation"] == {"step": 5, "dice": 0.5}


def test_interruption_leaves_a_checkpoint(data: TrainingData, tmp_path: Path) -> None:
    trainer = Trainer(CONFIG, data, tmp_path)

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer.run(stop)
    again = Trainer(CONFIG, data, tmp_path)
    again.resume()
    assert again.progress.step == 1


def test_damaged_or_foreign_checkpoint_is_refused(data: TrainingData, tmp_path: Path) -> None:
    trainer = Trainer(CONFIG, data, tmp_path)
    with pytest.raises(CheckpointError, match="cannot resume"):
        trainer.resume()
    (tmp_path / CHECKPOINT).write_bytes(b"no checkpoint")
    with pytest.raises(CheckpointError, match="cannot resume"):
        trainer.resume()
    trainer.save()
    wider = replace(CONFIG, network=replace(NETWORK, embed_dim=16))
    with pytest.raises(CheckpointError, match="cannot resume"):
        Trainer(wider, data, tmp_path).resume()


def test_training_learns_what_is_bright(data: TrainingData, tmp_path: Path) -> None:
    trainer = Trainer(replace(CONFIG, steps=40), data, tmp_path)
    losses = [trainer.step().loss for _ in range(40)]
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


def test_learning_rate_warms_up_then_follows_a_cosine() -> None:
    config = OptimiserConfig(learning_rate=1.0, warm_up_steps=10, final_fraction=0.0)
    assert learning_rate(config, 0, 0.0) == pytest.approx(0.1)
    assert learning_rate(config, 10, 0.0) == pytest.approx(1.0)
    assert learning_rate(config, 99, 0.5) == pytest.approx(0.5)
    assert learning_rate(config, 99, 1.0) == pytest.approx(0.0)


def test_average_follows_slowly() -> None:
    network = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(network.weight)
    average = WeightAverage(network, decay=0.9)
    torch.nn.init.ones_(network.weight)
    average.update(network, step=10_000)
    assert float(average.state["weight"]) == pytest.approx(0.1)
    average.update(network, step=0)  # early on the past counts for a tenth only
    assert float(average.state["weight"]) == pytest.approx(0.91)


def test_perfect_answer_costs_nothing_and_unknown_voxels_do_not_count() -> None:
    target = torch.zeros(1, 3, 8, 8, 8)
    target[:, :, 2:5, 2:5, 2:5] = 1
    weight = torch.ones(1, 1, 8, 8, 8)
    perfect = 40.0 * (target - 0.5)
    assert float(region_loss((perfect,), target, weight)) < 1e-3
    wrong = perfect.clone()
    wrong[..., 6:] = 40.0
    assert float(region_loss((wrong,), target, weight)) > 0.5
    weight[..., 6:] = 0
    assert float(region_loss((wrong,), target, weight)) < 1e-3


def test_losses_by_hand() -> None:
    logits = torch.zeros(1, 1, 1, 1, 2)
    target = torch.tensor([1.0, 0.0]).reshape(1, 1, 1, 1, 2)
    weight = torch.ones(1, 1, 1, 1, 2)
    # Probabilities one half: overlap 0.5, sum 1 + 1.
    assert float(dice_loss(logits, target, weight)) == pytest.approx(0.5, abs=1e-4)
    assert float(cross_entropy(logits, target, weight, 0.0)) == pytest.approx(math.log(2))
    assert float(cross_entropy(logits, target, weight, 2.0)) == pytest.approx(math.log(2) / 4)


def test_coarse_outputs_learn_the_mean_of_their_voxels() -> None:
    target = torch.zeros(1, 1, 8, 8, 8)
    target[..., :4] = 1
    weight = torch.ones(1, 1, 8, 8, 8)
    coarse = torch.full((1, 1, 2, 2, 2), 40.0)
    coarse[..., 1] = -40.0
    fine = 40.0 * (target - 0.5)
    assert float(region_loss((fine, coarse), target, weight)) < 1e-3


@pytest.mark.parametrize("exclusive", [False, True], ids=["regions", "classes"])
def test_coarse_outputs_learn_the_mean_of_what_is_known_in_their_voxels(exclusive: bool) -> None:
    """What nobody annotated beside a tumour is no background."""
    target = torch.zeros(1, 2, 8, 8, 8)
    target[:, 1, ..., 2:] = 1
    weight = torch.zeros(1, 1, 8, 8, 8)
    weight[..., 2:] = 1
    perfect = torch.tensor([-12.0, 12.0]).reshape(1, 2, 1, 1, 1)
    outputs = perfect.expand_as(target), perfect.expand(1, 2, 2, 2, 2)
    assert float(region_loss(outputs, target, weight, exclusive=exclusive)) < 1e-3
    wrong = outputs[0], -outputs[1]
    assert float(region_loss(wrong, target, weight, exclusive=exclusive)) > 1


def test_sampler_depends_on_seed_and_step_alone(cases: list[PreparedCase]) -> None:
    first, again = (CropSampler(cases, CONFIG).batch(5, (32, 32, 32), 2) for _ in range(2))
    other = CropSampler(cases, CONFIG).batch(6, (32, 32, 32), 2)
    for a, b in zip(first, again, strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(first[0], other[0])


def test_crops_hold_tumour_and_small_cases_are_padded() -> None:
    prepared = prepare_case(_case(), 1.0, healthy=False)
    images, target, weight = CropSampler([prepared], replace(CONFIG, tumour_crops=1.0)).batch(
        0, (64, 64, 64), 2
    )
    assert images.shape == (2, 4, 64, 64, 64)
    assert target.shape == (2, 3, 64, 64, 64)
    assert bool((target.flatten(2).sum(dim=2) > 0).all())
    assert float(weight.min()) == 1.0


def test_voxels_outside_the_coverage_are_unknown() -> None:
    case = _case()
    coverage = np.zeros((40, 40, 40), dtype=np.bool_)
    coverage[:20] = True
    slab = Case("slab", case.images_ckji, case.labels_kji, coverage, case.spacing_kji_mm)
    prepared = prepare_case(slab, 1.0, healthy=False)
    assert (prepared.labels_kji[20:] == UNKNOWN).all()
    assert all((positions[:, 0] < 20).all() for positions in prepared.anchors)


def test_labels_are_asked_for_unless_healthy() -> None:
    case = _case()
    bare = Case("bare", case.images_ckji, None, None, case.spacing_kji_mm)
    with pytest.raises(CaseError, match="no reference"):
        prepare_case(bare, 1.0, healthy=False)
    assert not prepare_case(bare, 1.0, healthy=True).labels_kji.any()


@pytest.mark.parametrize(
    ("value", "reason"), [(np.nan, "finite"), (0.0, "no brain")], ids=["not a number", "empty"]
)
def test_images_that_cannot_be_used_are_named(value: float, reason: str) -> None:
    case = _case()
    images = case.images_ckji.copy()
    images[:, 20:] = value
    images[:, :20] *= value
    with pytest.raises(CaseError, match=f"bright: .*{reason}"):
        prepare_case(replace(case, images_ckji=images), 1.0, healthy=False)


def test_cases_on_another_grid_are_refused() -> None:
    almost = replace(_case(), spacing_kji_mm=(1.0, 0.99, 1.01))
    prepare_case(almost, 1.0, healthy=False)
    with pytest.raises(CaseError, match=r"bright: voxels of 5×1×1 mm .* needs 1 mm"):
        prepare_case(replace(almost, spacing_kji_mm=(5.0, 1.0, 1.0)), 1.0, healthy=False)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_configurations_are_valid(path: Path) -> None:
    config = load_config(path)
    assert config.stages[-1].until == 1.0
    assert config.sources or config.grown.share == 1


def test_shipped_recipe_leaves_every_patient_out_once() -> None:
    folds = load_config(CONFIGS / "few_patients.toml").folds
    names = [name for fold in folds.values() for name in fold]
    assert len(folds) == 3
    assert len(set(names)) == len(names) == 22


def _folders(data: Path, names: str) -> None:
    for name in names:
        folder = data / name
        folder.mkdir(parents=True)
        for kind, array in (("t1", np.ones((40, 40, 40))), ("seg", np.zeros((40, 40, 40)))):
            image = nib.Nifti1Image(array.astype(np.uint8), np.diag([-1.0, -1.0, 1.0, 1.0]))
            nib.save(image, folder / f"{name}_{kind}.nii.gz")


RECIPE = """
name = "tiny"
steps = 1
[network]
channels = [4, 4, 8]
embed_dim = 8
blocks = [1, 1, 1, 1]
heads = [1, 1, 2, 2]
kernel_size = 3
[[sources]]
folder = "."
[[stages]]
until = 1.0
side = 32
"""


@pytest.mark.expects_logs
def test_one_command_starts_a_run_and_goes_on_with_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _folders(tmp_path / "data", "A")
    (tmp_path / "tiny.toml").write_text(RECIPE, encoding="utf-8")
    paths = {name: str(tmp_path / name) for name in ("tiny.toml", "data", "run")}
    order = ["--config", paths["tiny.toml"], "--data", paths["data"], "--output", paths["run"]]
    with caplog.at_level("INFO"):
        assert main([*order, "--device", "cpu", "--resume"]) == 0
        assert "no checkpoint" in caplog.text
        caplog.clear()
        assert main([*order, "--device", "cpu", "--resume"]) == 0
    assert "resumed after step 1" in caplog.text
    assert main(order) == USAGE_ERROR


@pytest.mark.expects_logs
@pytest.mark.parametrize(
    "wanting", ["[validation]\nfraction = 0.2\n", '[network]\nkind = "segresnet"\n']
)
def test_what_wants_monai_is_refused_without_it_before_any_case_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, wanting: str
) -> None:
    monkeypatch.setitem(sys.modules, "monai", None)
    network = RECIPE[RECIPE.index("[network]") : RECIPE.index("[[sources]]")]
    plain = RECIPE.replace(network, "") if "segresnet" in wanting else RECIPE
    (tmp_path / "tiny.toml").write_text(plain + wanting, encoding="utf-8")
    order = ["--config", str(tmp_path / "tiny.toml"), "--data", str(tmp_path / "nowhere")]
    assert main([*order, "--output", str(tmp_path / "run"), "--device", "cpu"]) == USAGE_ERROR
    assert "pip install 'monai" in caplog.text


def test_monai_is_asked_for_as_the_group_of_training_has_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert MONAI in project["dependency-groups"]["train"]
    assert MONAI in (ROOT / "docs" / "TRAINING.md").read_text(encoding="utf-8")


@pytest.mark.expects_logs
def test_processes_that_go_on_from_different_steps_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _folders(tmp_path / "data", "A")
    (tmp_path / "tiny.toml").write_text(RECIPE.replace("steps = 1", "steps = 2"), encoding="utf-8")
    order = ["--config", str(tmp_path / "tiny.toml"), "--data", str(tmp_path / "data")]
    order += ["--output", str(tmp_path / "run"), "--device", "cpu", "--resume"]
    # Another process of the run, on a computer that has no checkpoint.
    monkeypatch.setattr("model.train.__main__.gather", lambda steps: [*steps, 0])
    assert main(order) == 0
    assert main(order) == USAGE_ERROR
    assert "different steps (0, 2)" in caplog.text
    assert "folder that all" in caplog.text


@pytest.mark.expects_logs
def test_too_many_processes_are_refused_before_any_case_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("model.train.__main__.join", lambda _: Share(0, 4))
    config = str(CONFIGS / "brats2021.toml")
    order = ["--config", config, "--data", str(tmp_path / "nowhere"), "--output", str(tmp_path)]
    assert main([*order, "--device", "cpu"]) == USAGE_ERROR
    assert "4 processes cannot share a batch of 3: start 3 at most" in caplog.text


def test_a_fold_is_left_out(tmp_path: Path) -> None:
    _folders(tmp_path / "data", "ABC")
    config = replace(CONFIG, held_out=("A",), folds={"one": ("B",)})
    everyone = load_data(config, tmp_path / "data", tmp_path)
    without_one = load_data(config.without("one"), tmp_path / "data", tmp_path)
    assert [case.name for case in everyone.training] == ["B", "C"]
    assert [case.name for case in without_one.training] == ["C"]
    with pytest.raises(ConfigError, match="no fold 'two'; the configuration has: one"):
        config.without("two")


def test_training_starts_from_other_weights(data: TrainingData, tmp_path: Path) -> None:
    first = Trainer(CONFIG, data, tmp_path / "first")
    first.step()
    first.export()
    second = Trainer(CONFIG, data, tmp_path / "second")
    weights = tmp_path / "first" / "tiny.safetensors"
    second.start_from([weights])
    for name, value in second.network.state_dict().items():
        assert torch.allclose(value, first.average.state[name], atol=1e-3)
    (checksum,) = second.export().document["training"]["started_from"]
    assert checksum == hashlib.sha256(weights.read_bytes()).hexdigest()
    second.step()
    second.export()
    third = Trainer(CONFIG, data, tmp_path / "third")
    third.start_from([weights, tmp_path / "second" / "tiny.safetensors"])
    for name, value in third.network.state_dict().items():
        mean = (first.average.state[name] + second.average.state[name]) / 2
        assert torch.allclose(value, mean, atol=1e-3)
    (tmp_path / "no.safetensors").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="cannot start from"):
        second.start_from([tmp_path / "no.safetensors"])


def test_a_resumed_run_knows_what_it_started_from(data: TrainingData, tmp_path: Path) -> None:
    Trainer(CONFIG, data, tmp_path / "first").export()
    weights = tmp_path / "first" / "tiny.safetensors"
    second = Trainer(CONFIG, data, tmp_path / "second")
    second.start_from([weights])
    second.step()
    second.save()
    again = Trainer(CONFIG, data, tmp_path / "second")
    again.resume()
    checksum = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert again.export().document["training"]["started_from"] == [checksum]
    again.start_from([weights])  # may be repeated
    again.resume()
    assert again.progress.step == 1
    again.start_from([weights, weights])
    with pytest.raises(CheckpointError, match="began with other weights"):
        again.resume()


def test_card_names_what_earlier_runs_have_read(data: TrainingData, tmp_path: Path) -> None:
    (case,) = data.training
    weights: list[Path] = []
    for name in ("A", "B", "C"):
        now = replace(data, training=(replace(case, name=name),))
        trainer = Trainer(CONFIG, now, tmp_path / name)
        if weights:
            trainer.start_from(weights[-1:])
        trainer.save()
        weights.append(tmp_path / name / "tiny.safetensors")
        again = Trainer(CONFIG, now, tmp_path / name)
        again.resume()
        card = again.export()
        assert card is not None
    assert card.document["training"]["cases"] == ["C"]
    assert card.document["training"]["cases_ever"] == ["A", "B", "C"]
    first = weights[0].with_suffix(".json")
    first.write_text(first.read_text().replace(card.sha256, "0" * 64))
    with pytest.raises(CheckpointError, match="the card says"):
        trainer.start_from(weights[:1])


@pytest.mark.expects_logs
def test_what_weights_without_a_card_have_read_is_not_known(
    data: TrainingData, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trainer = Trainer(CONFIG, data, tmp_path)
    trainer.export()
    (tmp_path / "tiny.json").unlink()
    trainer.start_from([tmp_path / "tiny.safetensors"])
    assert "what it has read is not known" in caplog.text


def test_a_fold_forgotten_when_resuming_is_named(data: TrainingData, tmp_path: Path) -> None:
    config = replace(CONFIG, folds={"one": ("left out",)})
    Trainer(config.without("one"), data, tmp_path).save()
    with pytest.raises(CheckpointError, match="cases held out: no longer left out"):
        Trainer(config, data, tmp_path).resume()
    (case,) = data.training
    both = replace(data, training=(case, replace(case, name="left out")))
    with pytest.raises(CheckpointError, match="training cases: now also left out"):
        Trainer(config.without("one"), both, tmp_path).resume()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = ", "Invalid"),
        ('name = "x"\nsteps = 1', "sources"),
        ('name = "x"\nsteps = 1\n[[sources]]\nfolder = "."', "stages"),
        (
            'name = "x"\nsteps = 1\n[[sources]]\nfolder = "."\n[[stages]]\nuntil = 1.0\nside = 50',
            "multiples of 32",
        ),
        ('name = "x"\nsteps = 1\nspeed = 3', "speed"),
        ('name = "x"\nsteps = 1\n[network]\nkernel_size = 4', "kernel_size"),
        ('name = "x"\nsteps = 1\n[augment]\nrotate = 1', "rotate"),
    ],
)
def test_unusable_configurations_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        load_config(path)

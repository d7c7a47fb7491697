"""Epochs, schedules and losses that the recipes of other data sets use."""

import math
import os
import re
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from model.data import CaseError
from model.network import BOUNDARY, SlimUNETRppConfig, UNETRpp, UNETRppConfig, build_network
from model.train.cases import StoredCase
from model.train.config import (
    ConfigError,
    DatasetConfig,
    OptimiserConfig,
    SourceConfig,
    StageConfig,
    TrainConfig,
    ValidationConfig,
    load_config,
)
from model.train.losses import class_cross_entropy, class_dice_loss, region_loss
from model.train.schedule import (
    MOST_LEFT_OUT,
    Descent,
    TrainingFailure,
    learning_rate,
    make_optimiser,
)
from model.train.sources import load_data, split
from model.train.task import BRAIN_TUMOUR, Task

CONFIG = TrainConfig(
    name="tiny", sources=(SourceConfig("."),), stages=(StageConfig(1.0, 32, 3),), epochs=300
)
CONFIGS = Path(__file__).parents[2] / "model" / "train" / "configs"


def test_every_configuration_is_told() -> None:
    page = (CONFIGS.parents[2] / "docs" / "TRAINING.md").read_text("utf-8")
    table = page.split("## The configurations")[1].split("\n\n")[1]
    told = re.findall(r"`(\w+\.toml)`", "".join(row.split("|")[1] for row in table.splitlines()))
    assert sorted(told) == sorted(file.name for file in CONFIGS.glob("*.toml"))


def test_epochs_become_steps_for_the_cases_there_are() -> None:
    config = replace(CONFIG, optimiser=OptimiserConfig(warm_up_epochs=5))
    resolved = config.for_cases(1001)
    assert resolved.steps == 300 * 334
    assert resolved.optimiser.warm_up_steps == 5 * 334
    assert resolved.for_cases(5) == resolved


def test_settings_of_the_papers_recipe_are_the_papers() -> None:
    config = load_config(CONFIGS / "brats2021.toml")
    assert config.network == SlimUNETRppConfig()
    assert (config.epochs, config.stages) == (300, (StageConfig(1.0, 128, 3),))
    assert config.optimiser.learning_rate == 1e-3
    assert config.optimiser.warm_up_epochs == 5
    assert config.optimiser.betas == (0.9, 0.95)
    assert config.validation.fraction == 0.2
    assert (config.optimiser.ema_decay, config.optimiser.largest_norm) == (0.0, math.inf)
    assert config.augment.scale_shift_range == 0.1
    heavier = load_config(CONFIGS / "unetrpp_brats2021.toml")
    assert heavier.network == UNETRppConfig()
    same = replace(heavier, network=config.network, name=config.name, card=config.card)
    assert same == config


def test_gradients_are_clipped_unless_the_norm_is_zero() -> None:
    for clip_norm, left in ((1.0, 1.0), (0.0, 1e6)):
        parameter = torch.nn.Parameter(torch.zeros(1))
        parameter.grad = torch.full((1,), 1e6)
        largest = OptimiserConfig(clip_norm=clip_norm).largest_norm
        torch.nn.utils.clip_grad_norm_([parameter], largest)
        assert parameter.grad.item() == pytest.approx(left)


@pytest.mark.expects_logs
def test_a_run_ends_where_no_gradient_is_finite_any_more() -> None:
    network = torch.nn.Linear(1, 1)
    descent = Descent(torch.optim.SGD(network.parameters(), lr=0.1), network, math.inf)

    def step(gradient: float, number: int) -> bool:
        for parameter in network.parameters():
            parameter.grad = torch.full_like(parameter, gradient)
        return descent.step(number)

    for number in range(MOST_LEFT_OUT - 1):
        assert not step(math.nan, number)
    assert step(1.0, MOST_LEFT_OUT - 1)  # counting begins anew
    before = network.weight.item()
    for number in range(MOST_LEFT_OUT - 1):
        assert not step(math.inf, number)
    with pytest.raises(TrainingFailure, match=r"100 steps in a row .* up to step 500; .*clip_norm"):
        step(math.nan, 499)
    assert network.weight.item() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "either steps or epochs"),
        ({"steps": 5}, "either steps or epochs"),
        ({"stages": (StageConfig(1.0, patch=(16, 32, 32)),)}, "multiples of 32"),
        ({"stages": (StageConfig(1.0, patch=(32, 32)),)}, "multiples of 32"),
    ],
)
def test_settings_that_contradict_are_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(CONFIG, **change)  # type: ignore[arg-type]


def test_sections_name_what_they_do_not_know() -> None:
    with pytest.raises(ConfigError, match="layout must be one of brats, decathlon"):
        DatasetConfig("nnunet")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="three positive numbers"):
        DatasetConfig(spacing_kji_mm=(1.0, 0.0, 1.0))
    with pytest.raises(ConfigError, match="out of range"):
        ValidationConfig(1.0)
    with pytest.raises(ConfigError, match="unknown optimiser"):
        OptimiserConfig("adam")


def test_polynomial_schedule_and_sgd_are_nnunets() -> None:
    config = OptimiserConfig(
        "sgd", "polynomial", learning_rate=0.01, final_fraction=0.0, warm_up_steps=0
    )
    assert learning_rate(config, 0, 0.0) == pytest.approx(0.01)
    assert learning_rate(config, 9, 0.5) == pytest.approx(0.01 * 0.5**0.9)
    assert learning_rate(config, 9, 1.0) == 0.0
    network = UNETRpp(UNETRppConfig(dims=(4, 4, 4, 4), depths=(1, 1, 1, 1), heads=1))
    optimiser = make_optimiser(config, network)
    assert isinstance(optimiser, torch.optim.SGD)
    assert optimiser.param_groups[0]["nesterov"]


@pytest.mark.parametrize("config", [SlimUNETRppConfig(), BOUNDARY, UNETRppConfig()])
def test_weights_of_convolutions_and_linear_layers_decay_and_nothing_else(
    config: SlimUNETRppConfig | UNETRppConfig,
) -> None:
    with torch.device("meta"):
        network = build_network(config)
    layers = (torch.nn.Conv3d, torch.nn.ConvTranspose3d, torch.nn.Linear)
    decaying, rest = make_optimiser(OptimiserConfig(), network).param_groups
    assert (decaying["weight_decay"], rest["weight_decay"]) == (0.05, 0.0)
    weights = [id(one.weight) for one in network.modules() if isinstance(one, layers)]
    assert sorted(map(id, decaying["params"])) == sorted(weights)
    assert len(decaying["params"]) + len(rest["params"]) == len(list(network.parameters()))


def test_losses_of_exclusive_classes_by_hand() -> None:
    logits = torch.zeros(1, 4, 1, 1, 2)
    target = torch.zeros(1, 4, 1, 1, 2)
    target[0, 0, ..., 0] = 1
    target[0, 2, ..., 1] = 1
    weight = torch.ones(1, 1, 1, 1, 2)
    assert float(class_cross_entropy(logits, target, weight, 0.0)) == pytest.approx(math.log(4))
    focal = float(class_cross_entropy(logits, target, weight, 2.0))
    assert focal == pytest.approx(math.log(4) * 0.75**2)
    # Class 2 alone counts: probability a quarter in two voxels, overlap a quarter.
    assert float(class_dice_loss(logits, target, weight)) == pytest.approx(1 - 0.5 / 1.5, abs=1e-4)


def test_exclusive_classes_at_coarser_scales_of_uneven_factors() -> None:
    target = torch.zeros(1, 2, 4, 8, 8)
    target[:, 1, :, :4] = 1
    target[:, 0, :, 4:] = 1
    weight = torch.ones(1, 1, 4, 8, 8)
    fine = 40.0 * (target - 0.5)
    coarse = fine[:, :, :, ::4, ::4]
    assert float(region_loss((fine, coarse), target, weight, exclusive=True)) < 1e-3
    assert float(region_loss((-fine, coarse), target, weight, exclusive=True)) > 1


def test_masks_of_regions_and_of_classes() -> None:
    logits = torch.tensor([[-1.0, 2.0], [3.0, 1.0], [-2.0, -3.0]]).reshape(1, 3, 1, 1, 2)
    assert BRAIN_TUMOUR.masks(logits)[0, :, 0, 0].tolist() == [
        [False, True],
        [True, True],
        [False, False],
    ]
    assert BRAIN_TUMOUR.card_section() == {}
    organ = Task("o", ("CT",), ("background", "liver", "tumour"), True, (1.0, 1.0, 1.0))
    assert organ.scored == ("liver", "tumour")
    assert organ.masks(logits)[0, :, 0, 0].tolist() == [[True, False], [False, False]]


def _write_case(folder: Path, rng: np.random.Generator, ending: str = ".nii.gz") -> None:
    folder.mkdir(parents=True)
    seg = np.zeros((34, 33, 32), np.uint8)
    seg[10:20, 10:20, 10:20] = 4
    for kind, array in (("t1", rng.normal(100, 9, seg.shape).astype(np.float32)), ("seg", seg)):
        image = nib.Nifti1Image(array, np.diag([-1.0, -1.0, 1.0, 1.0]))
        nib.save(image, folder / f"{folder.name}_{kind}{ending}")


def test_brats_cases_are_split_stored_and_read_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in "ABCDE":
        _write_case(tmp_path / "data" / name, rng)
    config = replace(CONFIG, cache=True, validation=ValidationConfig(0.2), held_out=("E",))
    data = load_data(config, tmp_path / "data", tmp_path / "store")
    in_memory = load_data(replace(config, cache=False), tmp_path / "data", tmp_path)
    assert (len(data.training), len(data.validation)) == (3, 1)
    for stored, prepared in zip(data.training, in_memory.training, strict=True):
        assert isinstance(stored, StoredCase)
        assert stored.name == prepared.name != data.validation[0].name
        assert np.array_equal(stored.images_ckji, prepared.images_ckji)
    assert load_data(config, tmp_path / "data", tmp_path / "store") == data
    with pytest.raises(CaseError, match="every case is held out"):
        load_data(replace(config, held_out=tuple("ABCDE")), tmp_path / "data", tmp_path)


def test_all_scans_of_a_patient_stay_together(tmp_path: Path) -> None:
    scans = [f"BraTS-GLI-{n:05d}-{scan}" for n in range(40) for scan in ("100", "101")]
    for seed in range(3):
        aside = split(scans, 0.2, seed)
        assert len(aside) == 16
        assert len({name.rpartition("-")[0] for name in aside}) == 8
    rng = np.random.default_rng(0)
    for name in ("train/BraTS-MEN-RT-0001-1", "train/P1-100", "train/P1-101"):
        _write_case(tmp_path / name, rng)
    (tmp_path / "normal" / "BraTS-MEN-RT-0001-2").mkdir(parents=True)
    config = replace(CONFIG, sources=(SourceConfig("train"),), held_out=("BraTS-MEN-RT-0001-2",))
    data = load_data(config, tmp_path, tmp_path)
    assert [case.name for case in data.training] == ["P1-100", "P1-101"]
    assert data.held_out == ("BraTS-MEN-RT-0001-1", "BraTS-MEN-RT-0001-2")


def test_who_is_set_aside_does_not_change_with_versions() -> None:
    names = [f"BraTS2021_{n:05d}" for n in range(20)]
    assert sorted(split(names, 0.2, 2021)) == [
        "BraTS2021_00001",
        "BraTS2021_00003",
        "BraTS2021_00006",
        "BraTS2021_00013",
    ]


def test_a_case_held_out_must_be_somewhere(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("train/P1", "train/P2", "normal/N1"):
        _write_case(tmp_path / name, rng)
    (tmp_path / "shapes").mkdir()
    (tmp_path / "shapes" / "S1_seg.nii.gz").touch()
    config = replace(CONFIG, sources=(SourceConfig("train"),), held_out=("P1", "S1", "N1"))
    data = load_data(config, tmp_path, tmp_path)
    assert [case.name for case in data.training] == ["P2"]
    assert data.held_out == ("N1", "P1", "S1")
    with pytest.raises(ConfigError, match=r"held out, but in no folder below .*: p1, p3$"):
        load_data(replace(config, held_out=("p1", "p3")), tmp_path, tmp_path)


@pytest.mark.expects_logs
def test_a_case_held_out_may_be_in_a_folder_that_is_not_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _write_case(tmp_path / "train" / "P1", np.random.default_rng(0))
    config = replace(
        CONFIG,
        sources=(SourceConfig("train"), SourceConfig("slabs", optional=True)),
        held_out=("P9",),
    )
    data = load_data(config, tmp_path, tmp_path)
    assert data.held_out == ()
    assert "P9; not there to look in: slabs" in caplog.text


def test_stored_cases_of_one_name_from_two_sources_stay_apart(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for source in ("here", "there"):
        _write_case(tmp_path / "data" / source / "A", rng, ".nii")
        for file in (tmp_path / "data" / source / "A").iterdir():
            os.utime(file, (1e9, 1e9))  # as an archive without dates unpacks
    two = replace(CONFIG, sources=(SourceConfig("here"), SourceConfig("there")))
    prepared = load_data(two, tmp_path / "data", tmp_path).training
    stored = load_data(replace(two, cache=True), tmp_path / "data", tmp_path / "store").training
    assert [case.name for case in stored] == ["A", "A"]
    for one, other in zip(stored, prepared, strict=True):
        assert np.array_equal(one.images_ckji, other.images_ckji)

"""The command that trains, and the configurations it takes."""

import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from model.train.__main__ import USAGE_ERROR, main
from model.train.config import (
    ConfigError,
    load_config,
)
from model.train.distributed import Share
from model.train.sources import load_data
from model.train.validation import MONAI
from tests.train_cases import CONFIG

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "model" / "train" / "configs"


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

"""``python -m model.evaluate --folds``: each patient by the network that never read it."""

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from model.evaluate import fold_answers, fold_command
from model.evaluate.__main__ import main
from model.postprocess import PostprocessSettings
from model.weights import read_card
from tests.fold_runs import HELD_OUT, write_run, write_runs, write_table

SHAPE = (34, 36, 33)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return write_runs(tmp_path / "runs")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("a", "b", "c", "d"):
        write_case(tmp_path / "data" / name, rng, tumour=True)
    write_case(tmp_path / "normal" / "healthy", rng, tumour=False)
    return tmp_path / "data"


def write_case(folder: Path, rng: np.random.Generator, *, tumour: bool) -> None:
    folder.mkdir(parents=True)
    for sequence in ("t1", "t1ce", "t2", "flair"):
        image = rng.integers(50, 200, size=SHAPE).astype(np.uint8)
        nib.save(nib.Nifti1Image(image, np.eye(4)), folder / f"{folder.name}_{sequence}.nii.gz")
    if tumour:
        write_tumour(folder, np.s_[10:20, 10:20, 10:20])


def write_tumour(folder: Path, where: tuple[slice, ...]) -> None:
    seg = np.zeros(SHAPE, dtype=np.uint8)
    seg[where] = 2
    nib.save(nib.Nifti1Image(seg, np.eye(4)), folder / f"{folder.name}_seg.nii.gz")


def run(runs: Path, data: Path, *more: str) -> int:
    device = ["--device", "cpu", "--precision", "fp32"]
    table = ["--fold-table", str(runs / "folds.toml")]
    return main(["--folds", str(runs), "--data", str(data), *device, *table, *more])


def test_command_evaluates_each_patient_once(
    runs: Path, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(runs, data, "--json", "--normal", str(data.parent / "normal")) == 0
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert document["schema"] == "gliascope/cross-validation/1"
    assert set(document["cases"]) == {"a", "b", "c"}
    assert document["not_evaluated"] == ["d"]
    assert "Held out by no fold" in captured.err
    assert document["folds"]["fold1"]["held_out"] == ["a", "b"]
    assert document["normal"]["healthy"]["seen_in_training"] is True
    assert document["cases"]["a"]["WT"]["reference_mm3"] == 1000.0
    assert str(runs) not in document["command"]
    assert {f.stem for f in (runs / "oof").iterdir()} == {"a", "b", "c", "healthy"}

    def not_again(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("answered before")

    monkeypatch.setattr(fold_answers, "predict", not_again)
    assert run(runs, data, "--json", "--normal", str(data.parent / "normal")) == 0
    assert json.loads(capsys.readouterr().out)["cases"] == document["cases"]


def test_each_case_is_asked_of_its_own_fold(
    runs: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {}

    def spy(case: Any, segmenter: Any, weights: Path, *args: Any, **kwargs: Any) -> Any:
        asked[case.name] = weights.parent.name
        return predict(case, segmenter, weights, *args, **kwargs)

    predict = fold_answers.predict
    monkeypatch.setattr(fold_answers, "predict", spy)
    assert run(runs, data) == 0
    assert asked == {"a": "fold1", "b": "fold1", "c": "fold2"}


def test_card_keeps_figures_of_all_and_of_missing_sequences(runs: Path, data: Path) -> None:
    card = write_run(runs.parent / "final", [], ["a", "b", "c"]).with_suffix(".json")
    assert run(runs, data, "--write-card", str(card)) == 0
    assert run(runs, data, "--without", "T1c,T1", "--write-card", str(card)) == 0
    kept = read_card(card.parent, "small").document
    assert set(kept["cross_validation"]["cases"]) == {"a", "b", "c"}
    assert kept["cross_validation"]["without"]["T1, T1c"]["mean"]["WT"]["dice"]["patients"] == 3
    assert kept["training"]["cases"] == ["a", "b", "c"]
    assert "calibration" not in kept  # three patients promise nothing


def test_nothing_of_an_earlier_run_stays_in_the_card(
    runs: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = write_run(runs.parent / "final", [], ["a", "b", "c"]).with_suffix(".json")
    document = json.loads(card.read_text()) | {"inference": {"window": 96}, "calibration": {}}
    card.write_text(json.dumps(document))
    chosen = PostprocessSettings(thresholds=(0.4, 0.45, 0.6))
    with monkeypatch.context() as patch:
        patch.setattr(fold_command, "_final_settings", lambda *_: chosen)
        assert run(runs, data, "--flip", "--tune", "--write-card", str(card)) == 0
    first = json.loads(card.read_text())
    assert first["inference"] == {"window": 128, "overlap": 0.5, "mirror": True}
    assert first["postprocess"] == chosen.as_section()
    assert "calibration" not in first  # of other networks

    assert run(runs, data, "--write-card", str(card)) == 0
    second = json.loads(card.read_text())
    assert second["inference"] == {"window": 128, "overlap": 0.5, "mirror": False}
    assert second["postprocess"] == PostprocessSettings().as_section()


def test_folds_that_are_not_trained_yet_are_named(
    runs: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_table(runs, HELD_OUT | {"fold3": ["d"]})
    (runs / "fold2" / "small.safetensors").unlink()
    (runs / "fold3").mkdir()
    assert run(runs, data, "--json") == 0
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert "Not trained yet: fold2, fold3" in captured.err
    assert document["folds_missing"] == ["fold2", "fold3"]
    assert set(document["cases"]) == {"a", "b"}
    assert document["not_evaluated"] == ["c", "d"]


def test_one_patient_of_one_fold_is_enough_but_not_to_choose_rules(
    runs: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_table(runs, HELD_OUT)
    (runs / "fold1" / "small.safetensors").unlink()
    assert run(runs, data) == 0
    assert run(runs, data, "--tune") != 0
    assert "--tune takes 3 patients, here are 1" in capsys.readouterr().err


def test_brains_that_training_read_are_said(
    runs: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the network itself or by one that it started from."""
    normal = ("--normal", str(data.parent / "normal"), "--json")
    write_run(runs / "fold1", HELD_OUT["fold1"], ["c", "healthy"])
    parent = read_card(write_run(runs / "first", ["z"], ["healthy"]).parent, "small").sha256
    write_table(runs, HELD_OUT)
    write_run(runs / "fold2", HELD_OUT["fold2"], ["a", "b"], (parent,))
    assert run(runs, data, *normal) == 0
    captured = capsys.readouterr()
    assert "read in training by every fold: healthy" in captured.err
    assert json.loads(captured.out)["normal"]["healthy"]["seen_in_training"] is True

    write_run(runs / "fold2", HELD_OUT["fold2"], ["a", "b"])
    assert run(runs, data, *normal) == 0
    captured = capsys.readouterr()
    assert "every fold" not in captured.err
    assert json.loads(captured.out)["normal"]["healthy"]["seen_in_training"] is False


@pytest.mark.parametrize("changed", ["image", "windows"])
def test_answers_to_other_data_or_windows_are_made_anew(
    runs: Path, data: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    assert run(runs, data) == 0
    asked = []
    predict = fold_answers.predict

    def spy(case: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(case.name)
        return predict(case, *args, **kwargs)

    monkeypatch.setattr(fold_answers, "predict", spy)
    if changed == "image":
        write_tumour(data / "c", np.s_[12:22, 10:20, 10:20])
    else:
        for weights in runs.glob("fold*/small.json"):
            card = json.loads(weights.read_text()) | {"inference": {"window": None}}
            weights.write_text(json.dumps(card))
    assert run(runs, data) == 0
    assert asked == (["c"] if changed == "image" else ["a", "b", "c"])


def test_windows_of_ones_own_choice(
    runs: Path, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []

    def spy(case: Any, segmenter: Any, *args: Any, **kwargs: Any) -> Any:
        looked.append(segmenter._inference)
        return predict(case, segmenter, *args, **kwargs)

    predict = fold_answers.predict
    monkeypatch.setattr(fold_answers, "predict", spy)
    card = write_run(runs.parent / "final", [], ["a", "b", "c"]).with_suffix(".json")
    assert run(runs, data, "--window", "whole", "--json", "--write-card", str(card)) == 0
    assert {one.window for one in looked} == {None}
    document = json.loads(capsys.readouterr().out)
    assert document["inference"] == {"window": None, "overlap": 0.5, "mirror": False}
    assert "--window whole" in document["command"]
    assert json.loads(card.read_text())["inference"] == document["inference"]
    assert (runs / "oof-whole" / "a.npz").is_file()
    for wrong in ("100", "all"):
        assert run(runs, data, "--window", wrong) == 3


def test_folds_that_look_differently_are_refused(
    runs: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = runs / "fold2" / "small.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"inference": {"window": None}}))
    assert run(runs, data) == 3
    assert "give --window" in capsys.readouterr().err
    assert run(runs, data, "--window", "64") == 0


def test_folds_that_label_differently_are_refused(
    runs: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = runs / "fold2" / "small.json"
    asked = {"postprocess": {"thresholds": {"WT": 0.4}}}
    card.write_text(json.dumps(json.loads(card.read_text()) | asked))
    assert run(runs, data) == 3
    assert "into labels differently" in capsys.readouterr().err


def test_table_names_folds_and_groups(
    runs: Path, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "220")
    assert run(runs, data, "--tune", "--flip", "--normal", str(data.parent / "normal")) == 0
    out = capsys.readouterr().out
    assert "fold2" in out
    assert "ET, patients without" in out
    assert "healthy, no tumour (seen in training)" in out
    assert "calibration error" in out
    assert (runs / "oof-flip" / "a.npz").is_file()


@pytest.mark.parametrize(
    "more", [("--without", "T9"), ("--without", "T1,T1c,T2,FLAIR"), ("--write-card", "nowhere")]
)
def test_what_cannot_be_used_is_said(
    runs: Path, data: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    assert run(runs, data, *more) == 3
    assert capsys.readouterr().err.strip()


def test_a_missing_reference_is_not_taken_for_no_tumour(
    runs: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "b" / "b_seg.nii.gz").unlink()
    assert run(runs, data) == 3
    assert "b: no reference" in capsys.readouterr().err


def test_a_case_on_another_grid_is_refused(
    runs: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (data / "a").iterdir():
        image = np.asarray(nib.load(path).dataobj)
        nib.save(nib.Nifti1Image(image, np.diag([1.0, 1.0, 5.0, 1.0])), path)
    assert run(runs, data) == 3
    assert "a: voxels of 5×1×1 mm" in capsys.readouterr().err


def test_other_patients_than_the_folds_are_refused(
    runs: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(runs, data.parent / "normal") == 3
    assert "held out by a fold" in capsys.readouterr().err

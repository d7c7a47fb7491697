import json
import re
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from model.evaluate.__main__ import main
from model.inference import Segmenter
from model.messages import InferenceRequest, InferenceResult
from model.network import SlimUNETRpp, SlimUNETRppConfig
from model.weights import read_card, save_network

NETWORK = SlimUNETRppConfig(
    channels=(4, 4, 8), embed_dim=8, blocks=(1, 1, 1, 1), heads=(1, 1, 2, 2), kernel_size=3
)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    training = {"training": {"cases": ["other"], "cases_ever": ["other", "seen"]}}
    training["training"]["held_out"] = ["new"]
    save_network(tmp_path, "small", NETWORK, SlimUNETRpp(NETWORK).state_dict(), training)
    return tmp_path / "small.safetensors"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("new", "seen"):
        folder = tmp_path / "data" / name
        folder.mkdir(parents=True)
        for sequence in ("t1", "t1ce", "t2", "flair"):
            image = rng.integers(50, 200, size=(34, 36, 33)).astype(np.uint8)
            nib.save(nib.Nifti1Image(image, np.eye(4)), folder / f"{name}_{sequence}.nii.gz")
        seg = np.zeros((34, 36, 33), dtype=np.uint8)
        seg[10:20, 10:20, 10:20] = 2
        nib.save(nib.Nifti1Image(seg, np.eye(4)), folder / f"{name}_seg.nii.gz")
    return tmp_path / "data"


def _run(data: Path, weights: Path, *more: str) -> int:
    device = ["--device", "cpu", "--precision", "fp32"]
    return main(["--data", str(data), "--weights", str(weights), *device, *more])


def test_json_is_one_document(
    data: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(data, weights, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "gliascope/evaluation/2"
    assert document["weights_sha256"] == read_card(weights.parent, "small").sha256
    seen = {name: case["seen_in_training"] for name, case in document["cases"].items()}
    assert seen == {"new": False, "seen": True}
    for region in ("WT", "TC", "ET"):
        assert set(document["mean"][region]) >= {"dice", "hd95_mm", "surface_dice", "lesion_dice"}
    assert document["cases"]["new"]["WT"]["reference_mm3"] == 1000.0


def test_figures_can_be_kept_in_the_card(data: Path, weights: Path) -> None:
    before = read_card(weights.parent, "small")
    assert _run(data, weights, "--cases", "held-out", "--write-card") == 0
    after = read_card(weights.parent, "small")
    assert list(after.document["metrics"]["cases"]) == ["new"]
    assert "--cases held-out" in after.document["metrics"]["command"]
    assert after.sha256 == before.sha256
    assert after.document["training"] == before.document["training"]


def test_windows_of_ones_own_choice_are_kept_in_the_card(data: Path, weights: Path) -> None:
    command = ("--cases", "new", "--window", "whole", "--write-card")
    assert _run(data, weights, *command) == 0
    assert "--window whole" in read_card(weights.parent, "small").document["metrics"]["command"]
    for wrong in ("all", "100"):
        assert _run(data, weights, "--window", wrong) == 3


def test_sequences_are_taken_away_and_flips_averaged(
    data: Path,
    weights: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[InferenceRequest] = []
    segment = Segmenter.segment

    def spy(self: Segmenter, request: InferenceRequest) -> InferenceResult:
        asked.append(request)
        return segment(self, request)

    monkeypatch.setattr(Segmenter, "segment", spy)
    one = ("--cases", "new", "--json")
    assert _run(data, weights, *one, "--without", "FLAIR,T1", "--flip") == 0
    assert asked[0].present == (False, True, True, False)
    assert asked[0].mirror is True
    assert "--flip --without FLAIR,T1 " in json.loads(capsys.readouterr().out)["command"]
    assert _run(data, weights, *one, "--without", "T1,T1c,T2,FLAIR") == 3
    assert "new: no sequence left" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (("--tune", "--normal", "."), "--tune, --normal: only with --folds"),
        (("--fold-table", "folds.toml"), "--fold-table: only with --folds"),
        (("--without", "T1", "--write-card"), "not with --without"),
        (("--folds", ".", "--cases", "new"), "no meaning with --folds"),
    ],
)
def test_options_without_effect_are_refused(
    data: Path,
    weights: Path,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    reason: str,
) -> None:
    with pytest.raises(SystemExit) as ended:
        _run(data, weights, *more)
    assert ended.value.code == 2
    assert reason in capsys.readouterr().err


def test_a_case_that_cannot_be_judged_is_named(
    data: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = np.zeros((34, 36, 33), dtype=np.float32)
    empty[3, 3, 3] = np.nan
    for sequence in ("t1", "t1ce", "t2", "flair"):
        nib.save(nib.Nifti1Image(empty, np.eye(4)), data / "new" / f"new_{sequence}.nii.gz")
    assert _run(data, weights) == 3
    assert "new: " in capsys.readouterr().err
    (data / "seen" / "seen_seg.nii.gz").unlink()
    assert _run(data, weights) == 3
    assert "seen: no reference" in capsys.readouterr().err


def test_a_case_on_another_grid_is_refused(
    data: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (data / "new").iterdir():
        image = nib.load(path)
        thick = nib.Nifti1Image(np.asarray(image.dataobj), np.diag([1.0, 1.0, 5.0, 1.0]))
        nib.save(thick, path)
    assert _run(data, weights) == 3
    assert "new: voxels of 5×1×1 mm" in capsys.readouterr().err


def test_table_marks_what_training_has_seen(
    data: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(data, weights) == 0
    table = capsys.readouterr().out
    assert "seen *" in table
    assert "95% bootstrap interval" in table


def test_table_shows_every_interval_whole_where_no_terminal_is(
    data: Path, weights: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert _run(data, weights) == 0
    table = capsys.readouterr().out
    assert "…" not in table
    (whole,) = [line for line in table.splitlines() if line.startswith("│ WT ")]
    assert len(re.findall(r"\d+\.\d+ \(\d+\.\d+–\d+\.\d+\)", whole)) == 5


def test_what_cannot_be_used_is_said(
    data: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(data, weights, "--cases", "nobody") == 3
    assert "nobody" in capsys.readouterr().err
    assert _run(data / "nowhere", weights) == 3
    assert _run(data, weights.with_name("other.safetensors")) == 3

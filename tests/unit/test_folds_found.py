"""Which network never read a patient, and the answers that are kept of it."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from model.data import Case
from model.evaluate.folds import FoldError, find_folds, fold_of, read_fold_table, unknown_ancestors
from model.evaluate.out_of_fold import Conditions, codes_above, load, predict, save
from model.messages import InferenceRequest
from model.weights import read_card
from tests.fold_cases import CONDITIONS, made_up_patient
from tests.fold_runs import HELD_OUT, write_run, write_runs, write_table


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return write_runs(tmp_path / "runs")


def test_folds_are_found_with_what_they_hold_out(runs: Path) -> None:
    folds = find_folds(runs, read_fold_table(write_table(runs, HELD_OUT)))
    assert [one.name for one in folds] == ["fold1", "fold2"]
    assert fold_of("c", folds) is folds[1]
    assert fold_of("d", folds) is None


def test_without_a_table_the_cards_are_believed(runs: Path) -> None:
    assert read_fold_table(runs / "nowhere.toml") == {}
    assert len(find_folds(runs, {})) == 2


def test_other_runs_beside_the_folds_are_passed_over(runs: Path) -> None:
    write_run(runs / "all", [], ["a", "b", "c"])
    table = read_fold_table(write_table(runs, HELD_OUT | {"fold9": ["z"]}))
    assert [one.name for one in find_folds(runs, table)] == ["fold1", "fold2"]


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ({"fold1": ["a"], "fold2": ["c"]}, "differ in b"),
        ({"other": ["a", "b"]}, "no folder named other"),
    ],
)
def test_folds_that_are_not_the_tables_are_refused(
    runs: Path, table: dict[str, list[str]], reason: str
) -> None:
    with pytest.raises(FoldError, match=reason):
        find_folds(runs, read_fold_table(write_table(runs, table)))


def test_a_network_that_has_seen_its_patients_is_refused(runs: Path) -> None:
    write_run(runs / "fold3", ["d"], ["a", "d"])
    with pytest.raises(FoldError, match="trained on what it was to hold out: d"):
        find_folds(runs, {})


def test_the_shape_of_a_grown_tumour_has_been_read_too(runs: Path) -> None:
    write_run(runs / "fold3", ["d"], ["a"], shapes=("d",))
    with pytest.raises(FoldError, match="trained on what it was to hold out: d"):
        find_folds(runs, {})


def test_another_scan_of_a_patient_kept_out_is_judged_by_the_same_fold(runs: Path) -> None:
    write_run(runs / "fold3", ["BraTS-GLI-00001-000"], ["BraTS-GLI-00002-000"])
    folds = find_folds(runs, {})
    owner = fold_of("BraTS-GLI-00001-001", folds)
    assert owner is not None
    assert owner.name == "fold3"
    assert fold_of("BraTS-GLI-00002-001", folds) is None


def test_what_an_ancestor_has_read_counts(runs: Path) -> None:
    first = read_card(write_run(runs / "first", ["z"], ["c"]).parent, "small").sha256
    second = write_run(runs / "second", ["z"], ["a"], (first,))
    parent = read_card(second.parent, "small").sha256
    table = {"fold1": frozenset("ab"), "fold2": frozenset("c"), "fold3": frozenset("d")}
    write_run(runs / "fold3", ["d"], ["a", "b"], (parent, "f" * 64))
    folds = find_folds(runs, table)
    assert unknown_ancestors(runs, folds) == ("f" * 64,)
    write_run(runs / "fold2", ["c"], ["a", "b"], (parent,))
    with pytest.raises(FoldError, match=r"started from small .* which has read c"):
        find_folds(runs, table)


def test_a_patient_belongs_to_one_fold(runs: Path) -> None:
    write_run(runs / "fold3", ["c", "d"], ["a", "b"])
    with pytest.raises(FoldError, match="c is held out by fold2 too"):
        find_folds(runs, {})


def test_scans_of_one_patient_are_not_told_apart(runs: Path) -> None:
    first, second = "BraTS-GLI-00001-000", "BraTS-GLI-00001-001"
    write_run(runs / "fold3", [first], ["a", second])
    with pytest.raises(FoldError, match=f"trained on what it was to hold out: {first}"):
        find_folds(runs, {})
    write_run(runs / "fold3", [first], ["a"])
    write_run(runs / "fold4", [second], ["a"])
    with pytest.raises(FoldError, match="BraTS-GLI-00001 is held out by fold3 too"):
        find_folds(runs, {})


def test_a_run_that_holds_out_nobody_is_refused(runs: Path) -> None:
    write_run(runs / "fold3", [], ["a"])
    with pytest.raises(FoldError, match="holds out no case"):
        find_folds(runs, {})


def test_an_empty_folder_and_a_broken_table_are_refused(runs: Path) -> None:
    with pytest.raises(FoldError, match="no folder"):
        find_folds(runs / "fold1", {})
    (runs / "folds.toml").write_text("[other]\n")
    with pytest.raises(FoldError, match="no table of folds"):
        read_fold_table(runs / "folds.toml")


def test_answers_survive_a_file(tmp_path: Path) -> None:
    patient = made_up_patient(3)
    path = tmp_path / "oof" / "P03.npz"
    save(patient, path)
    assert [file.name for file in path.parent.iterdir()] == ["P03.npz"]
    again = load(path, patient.conditions)
    assert again is not None
    np.testing.assert_array_equal(again.codes_ckji, patient.codes_ckji)
    np.testing.assert_array_equal(again.reference_kji, patient.reference_kji)
    assert again.statistics == patient.statistics
    assert again.spacing_kji_mm == patient.spacing_kji_mm


def test_what_nobody_annotated_is_neither_right_nor_wrong() -> None:
    """Of a slab only the part counts in which labels are known."""
    shape = (12, 14, 16)
    images = np.random.default_rng(4).uniform(50, 100, (4, *shape)).astype(np.float32)
    known = np.zeros(shape, dtype=np.bool_)
    known[3:8] = True
    case = Case("slab", images, np.full(shape, 2, np.uint8), known, (1.0, 1.0, 1.0))

    class SaysTumour:
        def segment(self, request: InferenceRequest) -> Any:
            found = np.full((3, *shape), 0.9, dtype=np.float16)
            return SimpleNamespace(probabilities_ckji=found)

    answer = predict(case, SaysTumour(), Path("w.safetensors"), CONDITIONS, device="cpu")  # type: ignore[arg-type]
    marked = answer.codes_ckji[1] >= codes_above(0.5)
    assert marked.shape == known.shape
    assert marked[known].all()
    assert not marked[~known].any()
    np.testing.assert_array_equal(answer.reference_kji, np.where(known, 2, 0))
    everywhere = replace(case, coverage_kji=None)
    answer = predict(everywhere, SaysTumour(), Path("w.safetensors"), CONDITIONS, device="cpu")  # type: ignore[arg-type]
    assert (answer.codes_ckji[1] >= codes_above(0.5)).all()


def test_answers_of_another_network_are_made_anew(tmp_path: Path) -> None:
    patient = made_up_patient(3)
    path = tmp_path / "P03.npz"
    save(patient, path)
    assert load(path, Conditions(weights_sha256="1" * 64, mirror=False)) is None
    assert load(path, Conditions(weights_sha256="0" * 64, mirror=True)) is None
    assert load(tmp_path / "nowhere.npz", patient.conditions) is None
    path.write_bytes(path.read_bytes()[:500])
    assert load(path, patient.conditions) is None

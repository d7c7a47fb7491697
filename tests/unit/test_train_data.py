from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from model.data import (
    CaseError,
    find_cases,
    load_case,
    reference_labels,
    require_references,
)
from model.spec import Region, Sequence, region_masks

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
RAS = np.diag([1.0, 1.0, 1.0, 1.0])


def _write(path: Path, array_ijk: np.ndarray, affine: np.ndarray = LPS) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(array_ijk, affine), path)


def _ramp() -> np.ndarray:
    return np.arange(6 * 5 * 4, dtype=np.int16).reshape(6, 5, 4) + 1


def _write_case(folder: Path, names: tuple[str, ...], separator: str = "_") -> None:
    for n, name in enumerate(names):
        _write(folder / f"{folder.name}{separator}{name}.nii.gz", _ramp() + 1000 * n)


@pytest.mark.parametrize(
    ("names", "separator"),
    [(("t1", "t1ce", "t2", "flair"), "_"), (("t1n", "t1c", "t2w", "t2f"), "-")],
)
def test_both_namings_are_read_in_channel_order(
    tmp_path: Path, names: tuple[str, ...], separator: str
) -> None:
    _write_case(tmp_path / "P1", names, separator)
    case = load_case(tmp_path / "P1")
    assert case.images_ckji.shape == (4, 4, 5, 6)
    assert case.images_ckji[:, 0, 0, 0].tolist() == [1, 1001, 2001, 3001]
    assert case.labels_kji is None
    assert case.missing == ()


def test_orientation_is_brought_to_lps(tmp_path: Path) -> None:
    _write(tmp_path / "a" / "a_t1.nii.gz", _ramp(), LPS)
    _write(tmp_path / "b" / "b_t1.nii.gz", np.ascontiguousarray(_ramp()[::-1, ::-1]), RAS)
    assert np.array_equal(
        load_case(tmp_path / "a").images_ckji, load_case(tmp_path / "b").images_ckji
    )


def test_missing_sequences_are_zero_and_named(tmp_path: Path) -> None:
    _write_case(tmp_path / "P1", ("t1ce", "flair"))
    case = load_case(tmp_path / "P1")
    assert case.missing == (Sequence.T1, Sequence.T2)
    assert not case.images_ckji[0].any()


def test_labels_of_both_years_mean_the_same(tmp_path: Path) -> None:
    for name, enhancing in (("old", 4), ("new", 3)):
        _write_case(tmp_path / name, ("t1",))
        seg = np.zeros((6, 5, 4), dtype=np.uint8)
        seg[0, 0, 0], seg[1, 0, 0], seg[2, 0, 0] = 1, 2, enhancing
        _write(tmp_path / name / f"{name}_seg.nii.gz", seg)
    old, new = load_case(tmp_path / "old"), load_case(tmp_path / "new")
    assert old.labels_kji is not None
    assert new.labels_kji is not None
    assert np.array_equal(old.labels_kji, new.labels_kji)
    assert old.labels_kji[0, 0, :4].tolist() == [1, 2, 3, 0]


@pytest.mark.parametrize(
    ("name", "labels"), [("P1", (2, 3, 4)), ("BraTS-GLI-00005-100", (2, 4, 4))]
)
def test_a_resection_cavity_is_not_taken_for_enhancement(
    tmp_path: Path, name: str, labels: tuple[int, ...]
) -> None:
    _write_case(tmp_path / name, ("t1",))
    seg = np.zeros((6, 5, 4), dtype=np.uint8)
    seg[:3, 0, 0] = labels
    _write(tmp_path / name / f"{name}_seg.nii.gz", seg)
    with pytest.raises(CaseError, match=rf"{name}_seg.*label 4 is the resection cavity"):
        load_case(tmp_path / name)


@pytest.mark.parametrize("label", [7.0, 260.0, 2.5, np.nan])
def test_labels_that_are_none_are_refused(label: float) -> None:
    with pytest.raises(CaseError, match="labels other than 0 to 4"):
        reference_labels(Path("P1_seg.nii"), np.array([0.0, 1.0, label]))


def test_unusable_cases_are_named(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="no such folder"):
        find_cases(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CaseError, match="no folder with NIfTI"):
        find_cases(tmp_path)
    _write_case(tmp_path / "twice", ("t1ce", "t1c"))
    with pytest.raises(CaseError, match="both"):
        load_case(tmp_path / "twice")
    _write_case(tmp_path / "grids", ("t1",))
    _write(tmp_path / "grids" / "grids_t2.nii.gz", np.ones((5, 5, 4), dtype=np.int16))
    with pytest.raises(CaseError, match="share one grid"):
        load_case(tmp_path / "grids")
    _write_case(tmp_path / "labels", ("t1",))
    _write(tmp_path / "labels" / "labels_seg.nii.gz", np.full((6, 5, 4), 7, dtype=np.uint8))
    with pytest.raises(CaseError, match="labels other than"):
        load_case(tmp_path / "labels")


@pytest.mark.parametrize("damage", ["cut", "cut in the header", "overwritten"])
def test_a_damaged_file_is_named(tmp_path: Path, damage: str) -> None:
    noise = np.random.default_rng(0).integers(0, 7, (20, 20, 20), dtype=np.uint8)
    path = tmp_path / "P1" / "P1_t1.nii.gz"
    _write(path, noise)
    whole = path.read_bytes()
    path.write_bytes(
        {
            "cut": whole[:1500],
            "cut in the header": whole[:40],
            "overwritten": whole[:100] + b"\xff" * 30 + whole[130:],
        }[damage]
    )
    with pytest.raises(CaseError, match=r"P1_t1\.nii\.gz: "):
        load_case(tmp_path / "P1")


def test_cases_without_reference_are_named_together(tmp_path: Path) -> None:
    for name in "ABC":
        _write_case(tmp_path / name, ("t1", "seg") if name == "B" else ("t1",))
    with pytest.raises(CaseError, match=r"^A, C: no reference"):
        require_references(find_cases(tmp_path))


def test_cases_are_found_at_and_below_a_folder(tmp_path: Path) -> None:
    for name in ("B", "A"):
        _write_case(tmp_path / name, ("t1",))
    (tmp_path / "notes").mkdir()
    assert [path.name for path in find_cases(tmp_path)] == ["A", "B"]
    assert find_cases(tmp_path / "A") == [tmp_path / "A"]


def test_regions_are_nested() -> None:
    tumour_core, whole_tumour, enhancing = region_masks(np.array([0, 1, 2, 3]))
    assert tumour_core.tolist() == [False, True, False, True]
    assert whole_tumour.tolist() == [False, True, True, True]
    assert enhancing.tolist() == [False, False, False, True]
    assert [region.value for region in Region] == ["TC", "WT", "ET"]


@pytest.mark.patients
def test_a_real_case_has_the_published_counts(shared_data: Path) -> None:
    case = load_case(shared_data / "train" / "BraTS2021_01485")
    assert case.images_ckji.shape == (4, 155, 240, 240)
    assert case.labels_kji is not None
    assert np.bincount(case.labels_kji.ravel()).tolist()[1:] == [135, 38411, 691]
    assert case.spacing_kji_mm == (1.0, 1.0, 1.0)

import gzip
from pathlib import Path

import nibabel
import numpy as np
import pytest

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.volume import Volume
from desktop_app.errors import Cancelled, InputError
from desktop_app.io.load import load_series
from desktop_app.io.nifti.files import read_nifti, read_nifti_geometry, write_nifti
from desktop_app.io.scan import scan

OBLIQUE = np.array(
    [
        [0.9, -0.2, 0.3, -11.0],
        [0.25, 1.1, -0.1, 7.0],
        [-0.3, 0.15, 2.0, 23.0],
        [0.0, 0.0, 0.0, 1.0],
    ]
)


def oblique() -> Geometry:
    left, _, right = np.linalg.svd(OBLIQUE[:3, :3])
    affine = OBLIQUE.copy()
    affine[:3, :3] = (left @ right) * (0.9, 1.1, 2.0)
    return Geometry((4, 5, 6), affine)


def test_written_and_read_back_exactly(tmp_path: Path) -> None:
    volume = Volume(np.arange(120, dtype=np.int16).reshape(4, 5, 6), oblique())
    again = read_nifti(write_nifti(volume, tmp_path / "ä 文.nii.gz"))
    np.testing.assert_array_equal(again.array_kji, volume.array_kji)
    assert again.geometry.matches(volume.geometry, 1e-3)
    assert again.array_kji.dtype == np.float32


def test_nibabel_finds_each_voxel_at_minus_l_minus_p_s(tmp_path: Path) -> None:
    geometry = oblique()
    values = np.zeros((4, 5, 6), dtype=np.uint8)
    values[1, 2, 3] = 1
    image = nibabel.load(write_nifti(Volume(values, geometry), tmp_path / "one.nii"))
    index = np.argwhere(np.asarray(image.dataobj))[0]
    left, posterior, superior = geometry.to_patient_mm(np.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(
        nibabel.affines.apply_affine(image.affine, index),
        (-left, -posterior, superior),
        atol=1e-4,
    )
    assert int(image.header["sform_code"]) == int(image.header["qform_code"]) == 1


def save(path: Path, array: np.ndarray, slope: float | None = None) -> Path:
    image = nibabel.Nifti1Image(array, np.eye(4))
    if slope is not None:
        image.header.set_slope_inter(slope, 1.0)
    nibabel.save(image, path)
    return path


def test_values_that_are_not_finite_become_zero_and_are_told(tmp_path: Path) -> None:
    array = np.ones((3, 4, 5), dtype=np.float32)
    array[0, 0, 0], array[1, 1, 1] = np.nan, np.inf
    volume = read_nifti(save(tmp_path / "nan.nii", array))
    assert volume.array_kji.sum() == 58
    assert volume.notes == ("2 voxels without a finite value set to 0.",)


def test_fourth_axis_of_length_one_is_dropped(tmp_path: Path) -> None:
    assert read_nifti(save(tmp_path / "4d.nii", np.ones((3, 4, 5, 1)))).array_kji.shape == (5, 4, 3)


def test_time_series_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="3×4×5×2"):
        read_nifti(save(tmp_path / "4d.nii", np.ones((3, 4, 5, 2))))


def test_truncated_file_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "t.nii", np.ones((30, 40, 50), dtype=np.float32))
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(InputError, match="truncated"):
        read_nifti(path)


def test_file_that_is_not_nifti_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.nii.gz"
    path.write_bytes(b"hello")
    with pytest.raises(InputError, match="not readable as NIfTI"):
        read_nifti(path)


def test_scaling_of_the_header_is_applied(tmp_path: Path) -> None:
    stored = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    path = save(tmp_path / "s.nii", stored * 2.0 + 1.0, slope=None)
    image = nibabel.Nifti1Image(stored, np.eye(4))
    image.header.set_slope_inter(2.0, 1.0)
    raw = path.with_name("raw.nii")
    with raw.open("wb") as sink:
        header = image.header.copy()
        header["scl_slope"], header["scl_inter"], header["vox_offset"] = 2.0, 1.0, 352
        sink.write(header.binaryblock + bytes(4) + stored.tobytes(order="F"))
    np.testing.assert_array_equal(read_nifti(raw).array_kji, read_nifti(path).array_kji)


@pytest.mark.parametrize("place", [20, 100, -4000, -6], ids=["head", "early", "middle", "sum"])
def test_damaged_compressed_file_is_refused(tmp_path: Path, place: int) -> None:
    values = np.random.default_rng(0).integers(0, 900, (20, 20, 20)).astype(np.int16)
    path = save(tmp_path / "d.nii.gz", values)
    damaged = bytearray(path.read_bytes())
    for offset in range(2):
        damaged[place + offset] ^= 0xFF
    path.write_bytes(damaged)
    with pytest.raises(InputError, match=r"damaged|not readable as NIfTI"):
        read_nifti(path)


def test_header_of_impossible_scaling_or_offset_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "o.nii", np.ones((3, 4, 5), dtype=np.float32))
    raw = bytearray(path.read_bytes())
    raw[108:112] = np.float32(1e30).tobytes()
    path.write_bytes(raw)
    with pytest.raises(InputError):
        read_nifti(path)


@pytest.mark.parametrize(
    "kind", [np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]), np.dtype(np.complex64)]
)
def test_colours_and_complex_numbers_are_refused(tmp_path: Path, kind: np.dtype) -> None:
    path = save(tmp_path / "c.nii", np.zeros((3, 4, 5), dtype=kind))
    with pytest.raises(InputError, match="grey values"):
        read_nifti(path)


def save_placed(path: Path, *, sform: int = 0, qform: int = 0, unit: str = "mm") -> Path:
    image = nibabel.Nifti1Image(np.ones((3, 4, 5), dtype=np.int16), None)
    affine = np.diag([2.0, 2, 2, 1])
    affine[:3, 3] = (10, 20, 30)
    if unit == "meter":
        affine[:3] /= 1000
    image.set_qform(affine, code=qform)
    image.set_sform(affine, code=sform)
    image.header.set_xyzt_units(xyz=unit)
    nibabel.save(image, path)
    return path


def test_file_that_does_not_tell_the_sides_is_told(tmp_path: Path) -> None:
    (note,) = read_nifti(save_placed(tmp_path / "sides.nii")).notes
    assert "left and right cannot be told" in note


@pytest.mark.parametrize("codes", [{"sform": 1}, {"qform": 1}, {"sform": 4, "qform": 1}])
def test_any_code_tells_the_sides(tmp_path: Path, codes: dict[str, int]) -> None:
    assert read_nifti(save_placed(tmp_path / "coded.nii", **codes)).notes == ()


@pytest.mark.parametrize(("slant", "is_told"), [(0.0, False), (1e-6, False), (0.008, True)])
def test_a_slanted_grid_that_is_squared_is_told(
    tmp_path: Path, slant: float, is_told: bool
) -> None:
    affine = np.diag([-1.0, 1, 1, 1])
    affine[0, 2] = slant
    image = nibabel.Nifti1Image(np.zeros((200, 40, 150), np.uint8), affine)
    image.set_sform(affine, code=1)
    image.set_qform(None, code=0)
    nibabel.save(image, tmp_path / "slanted.nii.gz")
    notes = read_nifti(tmp_path / "slanted.nii.gz").notes
    if is_told:
        assert "not at right angles" in notes[0]
        # Each of the two axes turns by half of it: 0.004 × 149 along x, 0.004 × 199 along z.
        assert "up to 1.0 mm" in notes[0]
    else:
        assert notes == ()


def test_two_places_in_one_header_are_told(tmp_path: Path) -> None:
    path = save_placed(tmp_path / "two.nii", sform=1, qform=1)
    image = nibabel.load(path)
    image.set_sform(np.diag([-2.0, 2, 2, 1]), code=1)
    nibabel.save(image, tmp_path / "twice.nii")
    volume = read_nifti(tmp_path / "twice.nii")
    assert "two different ways" in volume.notes[0]
    assert volume.geometry.affine_lps_mm[0, 0] == pytest.approx(2.0)


def test_sizes_in_metres_become_millimetres(tmp_path: Path) -> None:
    volume = read_nifti(save_placed(tmp_path / "metres.nii", sform=1, unit="meter"))
    assert volume.geometry.spacing_mm == pytest.approx((2, 2, 2))
    assert volume.geometry.affine_lps_mm[:3, 3] == pytest.approx((-10, -20, 30))
    assert "metres" in volume.notes[0]


def test_voxels_of_no_scanner_are_refused(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.ones((3, 4, 5), dtype=np.int16), np.diag([1e-9, 1, 1, 1]))
    image.set_sform(np.diag([1e-6, 1, 1, 1]), code=1)
    nibabel.save(image, tmp_path / "thin.nii")
    with pytest.raises(InputError, match="voxels of 1e-06"):
        read_nifti(tmp_path / "thin.nii")


@pytest.mark.parametrize(
    ("shape", "voxel_mm", "why"),
    [((30, 30, 1), 1.0, "only one slice"), ((62, 5, 4), 10.0, "image of 620×50×40 mm is larger")],
)
def test_what_is_no_image_of_a_head_is_refused_from_the_header_alone(
    tmp_path: Path, shape: tuple[int, ...], voxel_mm: float, why: str
) -> None:
    affine = np.diag([voxel_mm, voxel_mm, voxel_mm, 1])
    nibabel.save(nibabel.Nifti1Image(np.ones(shape, np.uint8), affine), tmp_path / "odd.nii")
    with pytest.raises(InputError, match=why):
        read_nifti_geometry(tmp_path / "odd.nii")


def test_size_that_the_file_does_not_hold_takes_no_memory(tmp_path: Path) -> None:
    raw = bytearray(save(tmp_path / "b.nii", np.ones((3, 4, 5), dtype=np.int16)).read_bytes())
    raw[42:48] = np.array([590, 590, 590], dtype="<i2").tobytes()
    path = tmp_path / "huge.nii.gz"
    path.write_bytes(gzip.compress(bytes(raw)))
    with pytest.raises(InputError, match="truncated"):
        read_nifti(path)


def test_size_of_no_head_is_refused_from_the_header_alone(tmp_path: Path) -> None:
    raw = bytearray(save(tmp_path / "b.nii", np.ones((3, 4, 5), dtype=np.uint8)).read_bytes())
    raw[42:48] = np.array([1000, 1000, 1000], dtype="<i2").tobytes()
    path = tmp_path / "huge.nii"
    path.write_bytes(raw)
    with path.open("r+b") as file:
        file.truncate(352 + 1000**3)  # takes no room on the disk
    for read in (read_nifti, read_nifti_geometry):
        with pytest.raises(InputError, match="more voxels") as told:
            read(path)
        assert "1000×1000×1000" in told.value.detail


def test_reading_can_be_stopped(tmp_path: Path) -> None:
    path = save(tmp_path / "large.nii.gz", np.zeros((64, 256, 256), dtype=np.float32))
    looks = 0

    def check() -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        read_nifti(path, check=check)
    assert looks == 3


def test_unknown_unit_is_taken_as_millimetres(tmp_path: Path) -> None:
    path = save_placed(tmp_path / "unit.nii", sform=1)
    raw = bytearray(path.read_bytes())
    raw[123] = 6
    path.write_bytes(raw)
    assert read_nifti(path).geometry.spacing_mm == pytest.approx((2, 2, 2))


def test_quaternion_that_is_none_does_not_hide_the_sform(tmp_path: Path) -> None:
    path = save_placed(tmp_path / "quaternion.nii", sform=1, qform=1)
    raw = bytearray(path.read_bytes())
    raw[256:268] = np.array([9, 9, 9], dtype="<f4").tobytes()
    path.write_bytes(raw)
    volume = read_nifti(path)
    assert volume.geometry.spacing_mm == pytest.approx((2, 2, 2))
    assert volume.notes == ()


def test_a_name_in_capitals_is_a_name(tmp_path: Path) -> None:
    array = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    save(tmp_path / "a.nii.gz", array).rename(tmp_path / "A_T1.NII.GZ")
    (study,) = scan(tmp_path).studies
    (series,) = study.series
    np.testing.assert_array_equal(load_series(series).array_kji, array.transpose())


def test_loading_a_series_can_be_stopped_within_its_file(tmp_path: Path) -> None:
    save(tmp_path / "patient_t1c.nii.gz", np.zeros((64, 256, 256), dtype=np.float32))
    (study,) = scan(tmp_path).studies

    def check() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        load_series(study.series[0], check=check)


def test_an_image_that_was_read_holds_no_file(tmp_path: Path) -> None:
    file = save(tmp_path / "plain.nii", np.full((40, 40, 40), 7, np.float32))
    volume = read_nifti(file)
    with file.open("r+b") as stream:
        stream.truncate(0)
    assert (np.asarray(volume.array_kji) == 7).all()

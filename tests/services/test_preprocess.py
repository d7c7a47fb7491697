from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import NoReturn
from unittest.mock import MagicMock

import numpy as np
import pytest

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.errors import Cancelled, DeviceError, InputError
from desktop_app.jobs.cancel import CancelToken
from desktop_app.services.opening.import_study import choose_roles, load_roles, open_path
from desktop_app.services.opening.loaded_study import PreparationMemory
from desktop_app.services.segmenting import alignment
from desktop_app.services.segmenting.alignment import align
from desktop_app.services.segmenting.brain_network import BrainNetwork
from desktop_app.services.segmenting.preprocess import prepare, to_reference
from model.messages import BrainRequest
from model.synthetic import make_head as make_phantom
from tests.brats_heads import as_brats_case
from tests.heads import Head, dice, make_head
from tests.mr_files import PROTOCOLS, write_series


@pytest.fixture(scope="module")
def head() -> Head:
    return make_head(2.0)


def stripped_case() -> dict[Sequence, Volume]:
    """Four stripped images on one 1 mm LPS grid, as BraTS publishes them."""
    rng = np.random.default_rng(0)
    k, j, i = np.indices((60, 70, 64))
    brain = ((k - 30) / 25) ** 2 + ((j - 35) / 30) ** 2 + ((i - 32) / 27) ** 2 <= 1
    geometry = Geometry(brain.shape, np.eye(4))
    volumes = {}
    for number, sequence in enumerate(Sequence):
        values = (rng.integers(50, 200, brain.shape) * brain).astype(np.float32)
        values[30, 35, 20 + number] = 0
        volumes[sequence] = Volume(values, geometry)
    return volumes


def test_published_case_passes_through_untouched() -> None:
    volumes = stripped_case()
    prepared = prepare(volumes)
    for channel, volume in zip(prepared.image_ckji, volumes.values(), strict=True):
        np.testing.assert_array_equal(channel, volume.array_kji)
    assert prepared.work_geometry is volumes[Sequence.T1C].geometry
    assert prepared.registrations == {}
    # Noise shows no anatomy by which sequences could be told.
    assert prepared.warnings == (
        "The pixels cannot tell T1, T1c, T2, FLAIR apart; their headers are trusted.",
    )
    union = np.logical_or.reduce([volume.array_kji != 0 for volume in volumes.values()])
    np.testing.assert_array_equal(prepared.brain_kji, union)
    assert "values untouched" in " ".join(prepared.steps)
    assert not prepared.image_ckji.flags.writeable


@pytest.mark.parametrize("empty", [-3.0, -1024.0, 7.0])
def test_where_an_image_shows_nothing_is_empty_whatever_its_background_holds(empty: float) -> None:
    volumes = stripped_case()
    flair = volumes[Sequence.FLAIR]
    lower = flair.array_kji[:35]
    cut, offset = (
        Volume(values, replace(flair.geometry, shape_kji=lower.shape))
        for values in (lower, np.where(lower == 0, empty, lower + empty).astype(np.float32))
    )
    plain, shifted = (align({**volumes, Sequence.FLAIR: one}) for one in (cut, offset))
    np.testing.assert_allclose(shifted.image_ckji, plain.image_ckji, atol=1e-3)
    assert not shifted.image_ckji[3, 35:].any()
    assert any(one.startswith("FLAIR covers only") for one in plain.warnings)
    assert shifted.warnings == plain.warnings


def test_missing_sequence_is_zero_and_told() -> None:
    volumes = stripped_case()
    del volumes[Sequence.T2]
    prepared = prepare(volumes)
    assert prepared.present == (True, True, False, True)
    assert not prepared.image_ckji[2].any()
    assert any(warning.startswith("No T2:") for warning in prepared.warnings)


def test_without_t1c_another_series_carries_the_labels() -> None:
    volumes = stripped_case()
    del volumes[Sequence.T1C]
    prepared = prepare(volumes)
    assert prepared.reference_sequence is Sequence.FLAIR
    assert any("grid of FLAIR" in warning for warning in prepared.warnings)


def test_blank_image_is_refused() -> None:
    volumes = stripped_case()
    blank = np.zeros((60, 70, 64), dtype=np.float32)
    volumes[Sequence.T2] = replace(volumes[Sequence.T2], array_kji=blank)
    with pytest.raises(InputError, match="T2 image is blank"):
        prepare(volumes)
    with pytest.raises(InputError, match="no image"):
        prepare({})


def test_preparation_stops_when_asked() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        prepare(stripped_case(), token=token)


def test_notes_of_loading_become_warnings() -> None:
    volumes = stripped_case()
    volumes[Sequence.T1] = replace(volumes[Sequence.T1], notes=("1 slice missing.",))
    assert "T1: 1 slice missing." in prepare(volumes).warnings


def test_whole_head_is_registered_and_stripped(head: Head) -> None:
    moved = head.geometry.affine_lps_mm.copy()
    moved[:3, 3] += (5, -4, 3)
    volumes = {
        Sequence.T1C: head.images[Sequence.T1C],
        Sequence.FLAIR: replace(
            head.images[Sequence.FLAIR], geometry=Geometry(head.geometry.shape_kji, moved)
        ),
    }
    fractions: list[float] = []
    prepared = prepare(volumes, progress=lambda fraction, _stage: fractions.append(fraction))
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert prepared.work_geometry.spacing_mm == pytest.approx((1, 1, 1))
    found = prepared.registrations[Sequence.FLAIR]
    assert found.ok
    np.testing.assert_allclose(
        found.moved_geometry.origin_lps_mm, head.geometry.origin_lps_mm, atol=1.5
    )
    # Compared on the 2 mm grid: each of its voxels is eight of the work grid.
    coarse = prepared.brain_kji.reshape(110, 2, 120, 2, 95, 2).mean(axis=(1, 3, 5)) > 0.5
    assert dice(coarse, head.brain) > 0.9
    assert not prepared.image_ckji[:, ~prepared.brain_kji].any()
    assert set(np.flatnonzero(prepared.image_ckji.any(axis=(1, 2, 3)))) == {1, 3}


def test_movement_between_series_of_one_grid_is_found(head: Head) -> None:
    shifted = np.roll(head.images[Sequence.T2].array_kji, (1, 2, 0), axis=(0, 1, 2))
    volumes = {
        Sequence.T1C: head.images[Sequence.T1C],
        Sequence.T2: Volume(shifted, head.geometry),
        Sequence.FLAIR: head.images[Sequence.FLAIR],
    }
    prepared = prepare(volumes)
    assert set(prepared.registrations) == {Sequence.T2}
    assert prepared.registrations[Sequence.T2].translation_mm == pytest.approx(4.5, abs=0.7)
    assert "FLAIR shares T1c's grid; no motion found." in prepared.steps


def test_what_cannot_be_registered_is_left_out(head: Head) -> None:
    rng = np.random.default_rng(0)
    affine = head.geometry.affine_lps_mm.copy()
    affine[:3, :3] += 3 * np.eye(3)
    noise = Volume(
        rng.random(head.geometry.shape_kji).astype(np.float32),
        Geometry(head.geometry.shape_kji, affine),
    )
    prepared = prepare({Sequence.T1C: head.images[Sequence.T1C], Sequence.T2: noise})
    assert not prepared.registrations[Sequence.T2].ok
    assert any(
        text.startswith("T2 to T1c: Could not be registered") and "It is left out" in text
        for text in prepared.warnings
    )
    assert set(prepared.volumes) == {Sequence.T1C}
    assert prepared.present == (False, True, False, False)
    assert not prepared.image_ckji[2].any()


def test_image_of_another_head_on_the_same_grid_is_left_out() -> None:
    case, other = as_brats_case(make_phantom(1, spacing_mm=2.0), 1), stripped_phantom()
    room = np.zeros((100, 110, 100), dtype=np.float32)
    volumes = {}
    for sequence, image in other.items():
        placed = room.copy()
        nk, nj, ni = image.array_kji.shape
        placed[:nk, :nj, :ni] = image.array_kji
        volumes[sequence] = Volume(placed, Geometry(placed.shape, np.diag([2.0, 2.0, 2.0, 1.0])))
    mirrored = case.channels_ckji[2][::-1]
    placed = room.copy()
    placed[: mirrored.shape[0], : mirrored.shape[1], : mirrored.shape[2]] = mirrored
    volumes[Sequence.T2] = replace(volumes[Sequence.T2], array_kji=placed)
    prepared = prepare(volumes)
    assert Sequence.T2 not in prepared.volumes
    assert not prepared.registrations[Sequence.T2].ok


def test_without_t1c_thin_slices_carry_the_labels() -> None:
    volumes = stripped_case()
    del volumes[Sequence.T1C]
    for sequence in (Sequence.FLAIR, Sequence.T2):
        thick = np.diag([1.0, 1.0, 5.0, 1.0])
        volumes[sequence] = replace(
            volumes[sequence],
            array_kji=volumes[sequence].array_kji[::5],
            geometry=Geometry((12, 70, 64), thick),
        )
    prepared = prepare(volumes)
    assert prepared.reference_sequence is Sequence.T1
    assert any("grid of T1." in warning for warning in prepared.warnings)


def stripped_phantom(seed: int = 2) -> dict[Sequence, Volume]:
    case = as_brats_case(make_phantom(seed, spacing_mm=2.0), seed)
    geometry = Geometry(case.labels_kji.shape, case.affine_lps_mm)
    return {
        sequence: Volume(channel, geometry)
        for sequence, channel in zip(Sequence, case.channels_ckji, strict=True)
    }


def test_swapped_t1_and_t1c_are_put_right_and_told() -> None:
    images = stripped_phantom()
    swapped = images | {Sequence.T1: images[Sequence.T1C], Sequence.T1C: images[Sequence.T1]}
    prepared, right = prepare(swapped), prepare(images)
    np.testing.assert_array_equal(prepared.image_ckji, right.image_ckji)
    assert prepared.volumes[Sequence.T1C] is images[Sequence.T1C]
    assert prepared.findings[Sequence.T1C].given_as is Sequence.T1
    assert any("T1 is used as T1c" in warning for warning in prepared.warnings)
    assert not any("is used as" in warning for warning in right.warnings)
    series = {sequence: sequence.value for sequence in Sequence}
    assert prepared.now(series)[Sequence.T1C] == "T1"  # type: ignore[arg-type, comparison-overlap]


def test_three_sequences_named_in_a_circle_are_put_right() -> None:
    images = stripped_phantom()
    shown = {one: one for one in Sequence}
    shown |= {Sequence.T1: Sequence.T1C, Sequence.T1C: Sequence.T2, Sequence.T2: Sequence.T1}
    given = {name: images[one] for name, one in shown.items()}
    prepared = prepare(given, header_confidence=dict.fromkeys(Sequence, 0.6))
    np.testing.assert_array_equal(prepared.image_ckji, prepare(images).image_ckji)
    assert prepared.now(shown) == {one: one for one in Sequence}


def test_what_the_user_chose_stays_and_the_contradiction_is_told() -> None:
    images = stripped_phantom()
    swapped = images | {Sequence.T1: images[Sequence.T1C], Sequence.T1C: images[Sequence.T1]}
    prepared = prepare(swapped, chosen_by_user={Sequence.T1, Sequence.T1C, Sequence.FLAIR})
    assert prepared.volumes[Sequence.T1C] is images[Sequence.T1]
    assert any("as you chose" in warning for warning in prepared.warnings)


def test_the_same_images_are_prepared_once() -> None:
    volumes, memory = stripped_case(), PreparationMemory()
    first = prepare(volumes, memory=memory)
    again = prepare(volumes, memory=memory)
    assert again.image_ckji is first.image_ckji
    assert again.brain_kji is first.brain_kji
    assert align(volumes, memory=memory).brain_kji is first.brain_kji
    other = {**volumes, Sequence.T2: replace(volumes[Sequence.T2])}
    assert prepare(other, memory=memory).image_ckji is not first.image_ckji


def test_images_that_change_places_are_prepared_once_in_either_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = MagicMock(side_effect=alignment._prepare)
    monkeypatch.setattr(alignment, "_prepare", made)
    images, memory = stripped_phantom(), PreparationMemory()
    swapped = images | {Sequence.T2: images[Sequence.FLAIR], Sequence.FLAIR: images[Sequence.T2]}
    first = prepare(swapped, memory=memory)
    assert first.volumes[Sequence.T2] is images[Sequence.T2]
    again = prepare(swapped, memory=memory)
    assert made.call_count == 2
    assert again.image_ckji is first.image_ckji
    assert again.seconds > 0


def test_what_images_show_is_looked_at_once_for_each_preparation() -> None:
    volumes, memory = stripped_case(), PreparationMemory()
    prepared, look = align(volumes, memory=memory), MagicMock(return_value={"T1": 1})
    assert memory.looks(prepared, look) == memory.looks(prepared, look) == {"T1": 1}
    look.assert_called_once()
    other = MagicMock(return_value={"T1": 2})
    assert memory.looks(align(volumes), other) == {"T1": 2}
    assert memory.looks(prepared, look) == {"T1": 1}


def test_whoever_asks_while_images_are_prepared_waits_and_hears_how_far_it_is() -> None:
    volumes, memory = stripped_case(), PreparationMemory()
    with ThreadPoolExecutor(1) as lane:
        heard, told = Event(), list[tuple[float, str]]()

        def listen(fraction: float, stage: str) -> None:
            told.append((fraction, stage))
            heard.set()

        with memory.turn(lambda *_: None, CancelToken()) as tell:
            tell(0.4, "Registering T2")
            waiting = lane.submit(align, volumes, memory=memory, progress=listen)
            assert heard.wait(10)
            prepared = align(volumes)
            memory.keep(volumes, None, prepared)
        assert waiting.result(10) is prepared
    assert told[0] == (0.4, "Registering T2")


def test_whoever_waits_for_a_preparation_can_be_cancelled() -> None:
    memory, token = PreparationMemory(), CancelToken()
    token.cancel()
    with memory.turn(lambda *_: None, CancelToken()), pytest.raises(Cancelled):
        align(stripped_case(), memory=memory, token=token)


def test_a_preparation_that_fails_leaves_the_turn_to_the_next() -> None:
    volumes, memory, token = stripped_case(), PreparationMemory(), CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        align(volumes, memory=memory, token=token)
    assert align(volumes, memory=memory).volumes


def test_a_brain_outlined_for_want_of_the_network_is_not_kept(head: Head) -> None:
    volumes, memory = {Sequence.T1C: head.images[Sequence.T1C]}, PreparationMemory()
    failing = BrainNetwork(FailingFinder(), Path())
    makeshift = align(volumes, network=failing, memory=memory)
    assert any("without the network" in warning for warning in makeshift.warnings)
    assert memory.recall(volumes, failing) is None


class FailingFinder:
    def find_brain(self, request: BrainRequest, *, token: CancelToken | None = None) -> NoReturn:
        raise DeviceError("Out of memory.", "", "")


def test_labels_come_back_to_the_grid_as_acquired() -> None:
    # Sagittal reference of 1 mm: the work grid is the same voxels in another order.
    affine = np.array([[0, 0, 1, 4], [1, 0, 0, -3], [0, -1, 0, 9], [0, 0, 0, 1.0]])
    reference = Geometry((64, 60, 70), affine)
    k, j, i = np.indices(reference.shape_kji)
    inside = ((k - 32) / 27) ** 2 + ((j - 30) / 25) ** 2 + ((i - 35) / 30) ** 2 <= 1
    values = np.where(inside, 100 + k, 0).astype(np.float32)
    prepared = prepare({s: Volume(values, reference) for s in (Sequence.T1C, Sequence.FLAIR)})
    core = ((k - 20) ** 2 + (j - 30) ** 2 + (i - 40) ** 2) <= 64
    probabilities = np.zeros((3, *prepared.work_geometry.shape_kji), dtype=np.float16)
    index = prepared.work_geometry.to_index_kji(
        reference.to_patient_mm(np.argwhere(core).astype(float))
    )
    probabilities[:, *np.rint(index).astype(int).T] = 1
    labels = to_reference(probabilities, prepared)
    assert labels.shape == reference.shape_kji
    np.testing.assert_array_equal(labels == 3, core)


def test_bringing_labels_back_tells_how_far_it_is_and_can_be_cancelled(head: Head) -> None:
    reference = head.images[Sequence.T1C]
    prepared = prepare({Sequence.T1C: reference})
    assert not prepared.work_geometry.matches(reference.geometry)
    probabilities = np.zeros((3, *prepared.work_geometry.shape_kji), dtype=np.float16)
    told: list[float] = []
    to_reference(probabilities, prepared, progress=lambda fraction, _: told.append(fraction))
    assert told == pytest.approx([0, 1 / 4, 2 / 4, 3 / 4])
    token = CancelToken()
    with pytest.raises(Cancelled):
        to_reference(probabilities, prepared, progress=lambda *_: token.cancel(), token=token)


def test_same_patient_as_dicom_and_as_nifti_gives_the_same_arrays(tmp_path: Path) -> None:
    volumes = stripped_case()
    for number, (series, volume) in enumerate(
        zip(PROTOCOLS, volumes.values(), strict=True), start=1
    ):
        write_series(
            tmp_path / series,
            volume.array_kji.astype(np.int16)[:, :, ::-1],
            series,
            spacing_mm=(1.0, 1.0, 1.0),
            origin_lps_mm=(63.0, 0.0, 0.0),
            orientation=(-1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
            positions_mm=[-float(n) for n in range(60)],
            SeriesNumber=number,
        )
    study = open_path(tmp_path).studies[0]
    from_dicom = prepare(load_roles(choose_roles(study)))
    from_nifti = prepare(volumes)
    np.testing.assert_array_equal(from_dicom.image_ckji, from_nifti.image_ckji)
    np.testing.assert_array_equal(from_dicom.brain_kji, from_nifti.brain_kji)
    assert from_dicom.work_geometry.matches(from_nifti.work_geometry)


@pytest.mark.patients
def test_raw_patient_is_prepared(shared_data: Path) -> None:
    study = open_path(shared_data / "raw" / "TCGA-FG-6692").studies[0]
    prepared = prepare(load_roles(choose_roles(study)))
    assert all(found.ok for found in prepared.registrations.values())
    assert 1.4e6 < prepared.brain_kji.sum() < 1.9e6
    assert any("5.5 mm apart" in warning for warning in prepared.warnings)

"""Which image is which by the pixels: confirmed, corrected, asked; never swapped in silence."""

import itertools
import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from desktop_app.domain.sequence_choice import Finding
from desktop_app.domain.study import Sequence
from desktop_app.imaging.contrast_evidence import BrainLook, brain_looks, pair_features
from desktop_app.imaging.contrast_weights import WEIGHTS, PairTest
from desktop_app.services.opening.import_study import choose_roles, load_roles, open_path
from desktop_app.services.opening.sequence_check import SequenceDoubt, check_sequences
from desktop_app.services.segmenting.preprocess import prepare
from model.synthetic import make_head
from tests.brats_heads import as_brats_case

Images = dict[Sequence, NDArray[np.float32]]
# No enhancing tumour: contrast agent shows in vessels alone.
LOWER_GRADE = ("01477", "01480", "01483", "01484")
FIGURES = ("00000", "00019", "01482", "01657", *LOWER_GRADE)


def phantom(seed: int, *, healthy: bool = False) -> Images:
    case = as_brats_case(make_head(seed, spacing_mm=2.0, healthy=healthy), seed)
    fine = case.channels_ckji.repeat(2, axis=1).repeat(2, axis=2).repeat(2, axis=3)
    return dict(zip(Sequence, fine, strict=True))


@pytest.fixture(scope="module")
def images() -> Images:
    return phantom(2)


def brain_of(images: Images) -> NDArray[np.bool_]:
    return np.logical_or.reduce([image != 0 for image in images.values()])


def outcome(looks: Mapping[Sequence, BrainLook], order: tuple[Sequence, ...]) -> str:
    """Give the n-th sequence the image of the n-th in order, and say what comes of it."""
    true_of = dict(zip(Sequence, order, strict=True))
    try:
        found = check_sequences({name: looks[true] for name, true in true_of.items()})
    except SequenceDoubt:
        return "asked"
    right = all(true_of[given_as] is name for name, given_as in found.assignment.items())
    doubts = {Finding.CANNOT_TELL, Finding.DOUBTFUL}
    if not right and doubts & {f.finding for f in found.findings.values()}:
        return "told"
    return "right" if right else "wrong"


def test_right_order_is_confirmed(images: Images) -> None:
    found = check_sequences(brain_looks(images, brain_of(images)))
    assert not found.is_corrected
    assert {f.finding for f in found.findings.values()} == {Finding.CONFIRMED}
    assert found.warnings == ()


@pytest.mark.parametrize("pair", [(Sequence.T1, Sequence.T1C), (Sequence.T2, Sequence.FLAIR)])
def test_swapped_pair_is_corrected(images: Images, pair: tuple[Sequence, Sequence]) -> None:
    one, other = pair
    given = images | {one: images[other], other: images[one]}
    found = check_sequences(brain_looks(given, brain_of(given)))
    assert found.assignment == {s: s for s in Sequence} | {one: other, other: one}
    assert found.findings[one].finding is Finding.CORRECTED
    assert f"{other} is used as {one}" in found.warnings[0]


def test_images_that_are_alike_are_not_swapped_without_a_tumour_either() -> None:
    healthy = phantom(2, healthy=True)
    looks = brain_looks(healthy, brain_of(healthy))
    t1, t1c, t2, flair = Sequence
    orders = [(t1c, t1, t2, flair), (t1, t1c, flair, t2), (t1c, t1, flair, t2)]
    assert {outcome(looks, order) for order in orders} <= {"right", "asked"}


def test_no_order_ends_wrong(images: Images) -> None:
    looks = brain_looks(images, brain_of(images))
    turned = [tuple(Sequence)[n:] + tuple(Sequence)[:n] for n in (1, 2, 3)]
    results = [outcome(looks, order) for order in [*_pairs_swapped(), *turned]]
    assert set(results) <= {"right", "asked", "told"}


def _pairs_swapped() -> list[tuple[Sequence, ...]]:
    return [
        tuple({one: other, other: one}.get(s, s) for s in Sequence)
        for one, other in itertools.combinations(Sequence, 2)
    ]


def test_pixels_only_warn_where_description_and_timing_agree(images: Images) -> None:
    exchanged = dict(images)
    exchanged[Sequence.T1C], exchanged[Sequence.T2] = images[Sequence.T2], images[Sequence.T1C]
    brain = brain_of(images)
    agreed = dict.fromkeys(Sequence, 0.95)
    told = check_sequences(brain_looks(exchanged, brain), header_confidence=agreed)
    assert not told.is_corrected
    assert any("looks rather like" in warning for warning in told.warnings)
    names_alone = dict.fromkeys(Sequence, 0.9)
    looks = brain_looks(exchanged, brain)
    assert check_sequences(looks, header_confidence=names_alone).is_corrected


def test_two_images_without_contrast_agent_are_not_told_apart(images: Images) -> None:
    rng = np.random.default_rng(0)
    plain = images[Sequence.T1]
    noise = 0.02 * plain.max() * ndimage.gaussian_filter(rng.standard_normal(plain.shape), 0.7)
    again = np.where(plain != 0, plain + noise, 0).astype(np.float32)
    given = {Sequence.T1: plain, Sequence.T1C: again}
    looks = brain_looks(given, brain_of(given))
    found = check_sequences(looks, header_confidence={Sequence.T1C: 0.9})
    assert found.findings[Sequence.T1C].finding is Finding.CANNOT_TELL
    assert "whether T1c shows contrast agent" in found.warnings[0]
    guessed = {Sequence.T1: 0.5, Sequence.T1C: 0.5}
    with pytest.raises(SequenceDoubt, match="--t1 SERIES --t1c SERIES"):
        check_sequences(looks, header_confidence=guessed)
    check_sequences(looks, header_confidence=guessed, chosen_by_user={Sequence.T1C})


def test_doubt_survives_the_way_between_processes() -> None:
    doubt = SequenceDoubt((Sequence.T1, Sequence.T1C), "They look alike.")
    again = pickle.loads(pickle.dumps(doubt))
    assert str(again) == str(doubt)
    assert again.sequences == doubt.sequences


def test_evidence_turns_its_sign_with_the_images(images: Images) -> None:
    looks = brain_looks(images, brain_of(images))
    for one, other in itertools.combinations(Sequence, 2):
        there = pair_features(looks[one], looks[other])
        np.testing.assert_allclose(there, -pair_features(looks[other], looks[one]), atol=1e-4)
    for test, one, other in (
        (PairTest.T1C_T1, Sequence.T1C, Sequence.T1),
        (PairTest.T2_FLAIR, Sequence.T2, Sequence.FLAIR),
    ):
        assert pair_features(looks[one], looks[other]) @ WEIGHTS[test] > 2


def test_image_of_a_few_voxels_is_not_judged(images: Images) -> None:
    brain = brain_of(images)
    sliver = np.zeros_like(images[Sequence.T2])
    sliver[:4] = images[Sequence.T2][:4]
    assert set(brain_looks(images | {Sequence.T2: sliver}, brain)) == set(Sequence) - {Sequence.T2}
    assert check_sequences(brain_looks({}, np.zeros((4, 4, 4), dtype=bool))).findings == {}


@pytest.mark.patients
@pytest.mark.parametrize("number", FIGURES)
def test_patients_are_never_swapped_in_silence(shared_data: Path, number: str) -> None:
    study = open_path(shared_data / "train" / f"BraTS2021_{number}").studies[0]
    volumes = load_roles(choose_roles(study))
    images = {s: np.asarray(v.array_kji, dtype=np.float32) for s, v in volumes.items()}
    looks = brain_looks(images, brain_of(images))
    assert not check_sequences(looks).is_corrected
    results = [outcome(looks, order) for order in _pairs_swapped()]
    assert set(results) <= {"right", "asked"}
    assert results.count("right") >= 4


@pytest.mark.patients
def test_raw_patient_with_swapped_names_is_put_right(shared_data: Path) -> None:
    study = open_path(shared_data / "raw" / "TCGA-FG-6692").studies[0]
    volumes = load_roles(choose_roles(study))
    order = (Sequence.T1C, Sequence.T1, Sequence.FLAIR, Sequence.T2)
    swapped = {name: volumes[true] for name, true in zip(Sequence, order, strict=True)}
    prepared = prepare(swapped)
    assert prepared.volumes[Sequence.T1C].source == volumes[Sequence.T1C].source
    assert prepared.volumes[Sequence.FLAIR].source == volumes[Sequence.FLAIR].source
    assert any("is used as" in warning for warning in prepared.warnings)

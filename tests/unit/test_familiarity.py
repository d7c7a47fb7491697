"""A study is flagged where it is unlike the patients known, and only there."""

import json

import numpy as np
import pytest
from scipy import ndimage

from model.evaluate.typical import conformal_quantile, fit_typical
from model.familiarity import FamiliarityModel, Statistic, exchanged, study_statistics
from model.normalise import normalise
from model.spec import Sequence

SPACING = (1.0, 1.0, 1.0)
SHAPE = (40, 48, 44)
# White matter, grey matter, fluid, lesion: how bright they are in T1, T1c, T2, FLAIR.
TISSUES = np.array([[9, 10, 4, 5], [7, 8, 6, 6.5], [3, 3, 12, 2], [5, 13, 10, 11]], np.float32)


def head(seed):
    """Four tissues in an ellipsoid with noise; contrast and shape vary from person to person."""
    rng = np.random.default_rng(seed)
    grid = np.meshgrid(*[np.linspace(-1, 1, n) for n in SHAPE], indexing="ij")
    inside = sum(axis**2 for axis in grid) < 0.8 + 0.05 * rng.random()
    field = ndimage.gaussian_filter(rng.normal(size=SHAPE), 3)
    tissue = np.digitize(field, np.quantile(field, (0.5, 0.85, 0.97)))
    contrast = TISSUES * (1 + rng.normal(0, 0.04, TISSUES.shape))
    image = contrast[tissue].transpose(3, 0, 1, 2)
    image = image + rng.normal(0, 0.4, image.shape)
    return np.where(inside, np.maximum(image, 0.1), 0).astype(np.float32)


def statistics(image):
    return study_statistics(normalise(image), SPACING)


@pytest.fixture(scope="module")
def typical():
    found = fit_typical({str(seed): statistics(head(seed)) for seed in range(16)})
    assert found is not None
    return found


def judge(typical, image):
    return typical.model.judge(statistics(image))


def test_people_like_those_known_are_familiar(typical):
    assert len(typical.flagged) <= 1
    assert typical.exchanges_noticed > 0.9
    judged = [judge(typical, head(seed)).is_unfamiliar for seed in range(100, 110)]
    assert sum(judged) <= 1


@pytest.fixture(scope="module")
def draw():
    """Return studies whose sequences differ little, so that another order may fit by chance."""
    rng = np.random.default_rng(5)
    names = list(statistics(head(0)))
    centres = rng.normal(0, 0.6, len(names))
    return lambda: dict(zip(names, rng.normal(centres, 1.0).tolist(), strict=True))


def test_ordinary_studies_are_flagged_no_more_often_than_promised(draw):
    typical = fit_typical({str(n): draw() for n in range(40)})
    assert typical.false_flags == pytest.approx(0.05)
    studies = [draw() for _ in range(300)]
    assert np.mean([typical.model.judge(one).is_unfamiliar for one in studies]) <= 0.07
    # An order that fits better at all says nothing: it is common among these.
    any_better = FamiliarityModel(typical.model.statistics, typical.model.limit, 1.0)
    assert np.mean([any_better.judge(one).is_unfamiliar for one in studies]) > 0.1
    swapped = [exchanged(one, Sequence.T1, Sequence.FLAIR) for one in studies]
    assert np.mean([typical.model.judge(one).is_unfamiliar for one in swapped]) > 0.9


def test_few_patients_promise_less(typical):
    assert typical.as_section()["nominal_false_flags"] == pytest.approx(2 / 17, abs=1e-4)


def test_other_orders_are_not_tried_without_a_limit_for_them(typical):
    image = head(200)
    image[[0, 1]] = image[[1, 0]]
    known = typical.model
    assert (
        "exchanged" not in FamiliarityModel(known.statistics, 1e-3).judge(statistics(image)).reason
    )


@pytest.mark.parametrize("pair", [(0, 1), (0, 2), (1, 3), (2, 3)])
def test_exchanged_sequences_are_named(typical, pair):
    image = head(200)
    image[list(pair)] = image[list(reversed(pair))]
    found = judge(typical, image)
    assert found.is_unfamiliar
    one, other = (("T1", "T1c", "T2", "FLAIR")[n] for n in pair)
    reasons = (f"given as {one} and {other} look exchanged", "unusual: ")
    assert any(reason in found.reason for reason in reasons)


def test_one_image_given_for_two_sequences_is_noticed(typical):
    image = head(200)
    image[1] = image[0]
    found = judge(typical, image)
    assert found.is_unfamiliar
    assert found.reason == "unusual: the contrast between T1 and T1c"


def test_noise_is_noticed(typical):
    image = head(200)
    noise = np.random.default_rng(0).normal(0, 6, image.shape)
    noisy = np.where(image > 0, np.maximum(image + noise, 0.1), 0).astype(np.float32)
    assert judge(typical, noisy).is_unfamiliar


def test_what_surrounds_the_brain_is_noticed(typical):
    image = np.pad(head(200), ((0, 0), (8, 8), (8, 8), (8, 8)))
    rim = ndimage.binary_dilation(image[0] > 0, iterations=7) & (image[0] == 0)
    image[:, rim] = 9.0
    assert judge(typical, image).is_unfamiliar


@pytest.mark.parametrize("missing", range(4))
def test_a_missing_sequence_alone_is_no_reason(typical, missing):
    image = head(201)
    image[missing] = 0
    found = statistics(image)
    name = ("T1", "T1c", "T2", "FLAIR")[missing]
    assert not any(name in one.split() for one in found)
    assert not typical.model.judge(found).is_unfamiliar


def test_padding_changes_only_how_full_the_box_is():
    """Multiples of the stride before the brain, so that the same voxels are looked at."""
    image = head(1)
    padded = np.pad(image, ((0, 0), (3, 4), (6, 2), (9, 0)))
    small, large = statistics(image), statistics(padded)
    assert small.keys() == large.keys()
    differing = [n for n in small if small[n] != pytest.approx(large[n], rel=1e-4, abs=1e-4)]
    assert differing == ["brain in its box"]


def test_the_model_survives_a_card(typical):
    section = json.loads(json.dumps(typical.as_section()))
    restored = FamiliarityModel.from_mapping(section)
    assert restored.exchange_limit == pytest.approx(typical.model.exchange_limit, rel=1e-3)
    found = statistics(head(202))
    assert restored.judge(found).score == pytest.approx(typical.model.judge(found).score, rel=1e-2)


@pytest.mark.parametrize(
    "section",
    [
        {},
        {"statistics": {}, "limit": 1},
        {"statistics": {"a": {"mean": 0, "deviation": 0}}, "limit": 1},
        {"statistics": {"a": {"mean": 0}}, "limit": 1},
        {"statistics": {"a": {"mean": 0, "deviation": 1}}, "limit": 0},
        {"statistics": {"a": {"mean": 0, "deviation": 1}}, "limit": 1, "exchange_limit": 0.9},
    ],
)
def test_a_senseless_section_is_refused(section):
    with pytest.raises(ValueError, match="familiarity"):
        FamiliarityModel.from_mapping(section)


def test_the_most_unusual_statistic_decides():
    model = FamiliarityModel({"a": Statistic(0, 1), "brain volume": Statistic(1, 2)}, 4.0)
    found = model.judge({"a": 2.0, "brain volume": 11.0})
    assert found.score == pytest.approx(5 / 4)
    assert found.reason == "unusual: size or outline of the brain"
    assert model.judge({}).score == 0


def test_too_few_patients_make_no_model():
    assert fit_typical({str(n): {"a": float(n)} for n in range(8)}) is None


@pytest.mark.parametrize(
    ("count", "coverage", "expected"), [(19, 0.9, 17), (9, 0.9, 8), (5, 0.9, 4), (99, 0.5, 49)]
)
def test_conformal_quantile_takes_the_rank_of_a_new_one(count, coverage, expected):
    assert conformal_quantile([float(n) for n in range(count)], coverage) == expected

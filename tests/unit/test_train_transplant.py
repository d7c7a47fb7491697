import numpy as np

from model.spec import Label
from model.train.crops import anchors_of
from model.train.prepared import UNKNOWN, PreparedCase, distance_to_tumour
from model.train.transplant import LARGEST_MARGIN, SHIFT, SOFT_EDGE, Donor, can_give


def _case(name: str, level: float, shape: tuple[int, int, int], *, tumour: bool) -> PreparedCase:
    images = np.full((4, *shape), level, dtype=np.float16)
    images[:, :6] = 0  # outside the brain
    labels = np.zeros(shape, dtype=np.uint8)
    if tumour:
        labels[24:32, 20:28, 20:28] = Label.ED
        labels[27:30, 22:26, 22:26] = Label.ET
        images[:, labels > 0] = 4.0
    return PreparedCase(name, 1.0, images, labels, anchors_of(labels))


def test_distance_is_zero_inside_and_grows_outside() -> None:
    case = _case("a", -1.0, (50, 48, 48), tumour=True)
    distance = distance_to_tumour(case.labels_kji)
    assert not distance[case.labels_kji > 0].any()
    assert distance[24 - 5, 24, 24] == 5


def test_tumour_moves_with_its_labels_and_stays_in_the_brain() -> None:
    donor = Donor(_case("donor", -1.0, (50, 48, 48), tumour=True))
    recipient = _case("recipient", 1.0, (46, 52, 44), tumour=False)
    for seed in range(8):
        given = donor.give(recipient, np.random.default_rng(seed))
        tumour = given.labels_kji > 0
        assert set(np.unique(given.labels_kji)) == {0, Label.ED, Label.ET}
        assert (given.images_ckji[:, tumour] > 2.0).all()
        assert not given.images_ckji[:, :6].any()
        assert not tumour[:6].any()
        assert all(given.labels_kji[tuple(p)] > 0 for a in given.anchors for p in a)
        reach = int(LARGEST_MARGIN + SOFT_EDGE) + 1
        corner = np.argwhere(tumour).min(axis=0)
        outside = (slice(None), *(slice(6, max(6, c - reach)) for c in corner))
        assert (given.images_ckji[outside] == 1.0).all()
    assert not recipient.labels_kji.any()
    assert (recipient.images_ckji[:, 6:] == 1.0).all()


def test_places_differ_but_only_a_little() -> None:
    donor = Donor(_case("donor", -1.0, (48, 48, 48), tumour=True))
    recipient = _case("recipient", 1.0, (48, 48, 48), tumour=False)
    corners = [
        np.argwhere(donor.give(recipient, np.random.default_rng(seed)).labels_kji).min(axis=0)
        for seed in range(10)
    ]
    assert len({tuple(corner) for corner in corners}) > 5
    reach = SHIFT + LARGEST_MARGIN
    assert all((np.abs(corner - (24, 20, 20)) <= reach).all() for corner in corners)


def test_missing_sequence_and_unknown_truth_stay() -> None:
    donor = Donor(_case("donor", -1.0, (48, 48, 48), tumour=True))
    recipient = _case("recipient", 1.0, (48, 48, 48), tumour=False)
    recipient.images_ckji[2] = 0
    recipient.labels_kji[:, :24] = UNKNOWN
    given = donor.give(recipient, np.random.default_rng(0))
    assert not given.images_ckji[2].any()
    assert (given.labels_kji[:, :24] == UNKNOWN).all()
    assert (given.labels_kji[:, 24:] == Label.ET).any()
    assert not can_give(recipient)
    assert can_give(donor.case)

"""The signal equations, and the contrast between tissues that radiologists expect."""

from itertools import pairwise
from math import log

import pytest

from model.spec import Sequence
from model.synthetic.signal import PROTOCOLS, Kind, Protocol, signal
from model.synthetic.tissues import RELAXATION, Relaxation, Tissue


def _brightness(tissue: Tissue, sequence: Sequence) -> float:
    protocol = PROTOCOLS[sequence]
    white = signal(RELAXATION[Tissue.WHITE_MATTER], protocol)
    return signal(RELAXATION[tissue], protocol) / white


def test_every_tissue_has_properties() -> None:
    assert set(RELAXATION) == set(Tissue)


def test_inversion_recovery_vanishes_at_its_null() -> None:
    water = Relaxation(4000, 2000, 1.0)
    null = Protocol(Kind.INVERSION_RECOVERY, 60_000, 10, inversion_time_ms=4000 * log(2))
    assert signal(water, null) == pytest.approx(0, abs=1e-4)


def test_spin_echo_follows_proton_density_when_nothing_decays() -> None:
    tissue = Relaxation(100, 1e6, 0.6)
    assert signal(tissue, Protocol(Kind.SPIN_ECHO, 10_000, 1)) == pytest.approx(0.6, rel=1e-3)


def test_spoiled_gradient_echo_peaks_at_the_ernst_angle() -> None:
    # cos of the Ernst angle is exp(-TR/T1): 25.8° for TR = 0.105 T1.
    tissue = Relaxation(1000, 1e6, 1.0)

    def at(angle: float) -> float:
        return signal(tissue, Protocol(Kind.SPOILED_GRADIENT_ECHO, 105, 1, flip_angle_deg=angle))

    assert at(25.8) > at(24.8)
    assert at(25.8) > at(26.8)


def test_contrast_brightens_only_what_takes_it_up_and_only_afterwards() -> None:
    rim = RELAXATION[Tissue.ENHANCING_RIM]
    assert signal(rim, PROTOCOLS[Sequence.T1C]) > 1.5 * signal(rim, PROTOCOLS[Sequence.T1])
    fat = RELAXATION[Tissue.FAT]
    assert signal(fat, PROTOCOLS[Sequence.T1C]) == signal(fat, PROTOCOLS[Sequence.T1])


@pytest.mark.parametrize(
    ("sequence", "from_dark_to_bright"),
    [
        (Sequence.T1, (Tissue.CSF, Tissue.NECROSIS, Tissue.GREY_MATTER, Tissue.WHITE_MATTER)),
        (Sequence.T1C, (Tissue.NECROSIS, Tissue.OEDEMA, Tissue.ENHANCING_RIM)),
        (Sequence.T2, (Tissue.WHITE_MATTER, Tissue.GREY_MATTER, Tissue.OEDEMA, Tissue.CSF)),
        (Sequence.FLAIR, (Tissue.CSF, Tissue.WHITE_MATTER, Tissue.GREY_MATTER, Tissue.OEDEMA)),
    ],
)
def test_order_of_brightness(sequence: Sequence, from_dark_to_bright: tuple[Tissue, ...]) -> None:
    levels = [_brightness(tissue, sequence) for tissue in from_dark_to_bright]
    assert levels == sorted(levels)
    assert min(b - a for a, b in pairwise(levels)) > 0.05


# The middle half of what routine studies of glioma show, relative to white matter.
@pytest.mark.parametrize(
    ("tissue", "sequence", "low", "high"),
    [
        (Tissue.GREY_MATTER, Sequence.T1, 0.74, 0.96),
        (Tissue.GREY_MATTER, Sequence.T2, 1.3, 1.7),
        (Tissue.GREY_MATTER, Sequence.FLAIR, 1.0, 1.5),
        (Tissue.OEDEMA, Sequence.T1, 0.88, 1.06),
        (Tissue.OEDEMA, Sequence.T2, 1.5, 2.2),
        (Tissue.OEDEMA, Sequence.FLAIR, 1.3, 2.0),
        (Tissue.ENHANCING_RIM, Sequence.T1C, 1.4, 2.0),
        (Tissue.ENHANCING_RIM, Sequence.T1, 0.85, 1.1),
        (Tissue.NECROSIS, Sequence.T1C, 0.4, 0.95),
        (Tissue.NECROSIS, Sequence.T2, 1.5, 3.0),
    ],
)
def test_brightness_is_that_of_real_studies(
    tissue: Tissue, sequence: Sequence, low: float, high: float
) -> None:
    assert low < _brightness(tissue, sequence) < high


def test_fat_saturation_darkens_fat_alone() -> None:
    plain = Protocol(Kind.SPIN_ECHO, 4000, 90)
    saturated = Protocol(Kind.SPIN_ECHO, 4000, 90, fat_suppression=True)
    fat, water = RELAXATION[Tissue.FAT], RELAXATION[Tissue.CSF]
    assert signal(fat, saturated) < 0.3 * signal(fat, plain)
    assert signal(water, saturated) == signal(water, plain)


@pytest.mark.parametrize(
    "arguments",
    [
        {"repetition_time_ms": 10, "echo_time_ms": 20},
        {"repetition_time_ms": 500, "echo_time_ms": 0},
        {"repetition_time_ms": 500, "echo_time_ms": 10, "inversion_time_ms": 200},
    ],
)
def test_impossible_timing_is_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"echo|inversion"):
        Protocol(Kind.SPIN_ECHO, **arguments)


def test_inversion_recovery_needs_an_inversion_time() -> None:
    with pytest.raises(ValueError, match="inversion"):
        Protocol(Kind.INVERSION_RECOVERY, 9000, 100)


@pytest.mark.parametrize("values", [(0, 10, 0.5), (10, 0, 0.5), (10, 10, 1.5), (10, 10, -0.1)])
def test_impossible_tissues_are_refused(values: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        Relaxation(*values)

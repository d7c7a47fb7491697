"""Whole studies through a small network with random weights."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.calibration import CALIBRATION_SCHEMA, MEASURED_REGIONS
from model.device import DeviceChoice, choose_device
from model.errors import DeviceFailure, OutOfMemory, UnusableImage, WeightsError
from model.inference import Segmenter
from model.inference import segmenter as module
from model.inference.predict import Predictor
from model.inference.segmenter import probe_network
from model.messages import InferenceRequest, Precision
from model.postprocess import labels_from_probabilities
from model.weights import save_network
from tests.bf16 import needs_bf16

ALL = (True, True, True, True)


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    network = probe_network()
    # Push the random network's answers apart, so that some voxels are tumour and some are not.
    with torch.no_grad():
        network.head.weight *= 20
    card = {"postprocess": {"thresholds": {"WT": 0.4}, "min_component_mm3": {"ET": 3}}}
    save_network(folder, "slim_unetrpp", network.config, network.state_dict(), card)
    return folder


@pytest.fixture(scope="module")
def segmenter(weights) -> Segmenter:
    segmenter = Segmenter()
    segmenter.warm(weights, device="cpu", precision="fp32")
    return segmenter


@pytest.fixture(scope="module")
def brain() -> np.ndarray:
    rng = np.random.default_rng(3)
    return rng.uniform(50, 200, (4, 40, 50, 44)).astype(np.float32)


def ask(weights, image, **options) -> InferenceRequest:
    options = {"device": "cpu", "precision": "fp32", **options}
    return InferenceRequest(image, options.pop("present", ALL), weights, **options)


def test_the_result_says_everything_about_itself(segmenter, weights, brain):
    result = segmenter.segment(ask(weights, brain))
    assert result.labels_kji.shape == brain.shape[1:]
    assert result.labels_kji.dtype == np.uint8
    assert set(np.unique(result.labels_kji)) > {0}
    assert result.probabilities_ckji.dtype == np.float16
    assert (result.device, result.precision, result.model_id) == ("cpu", "fp32", "slim_unetrpp")
    assert len(result.weights_sha256) == 64
    assert result.seconds > 0
    assert result.warnings == ()
    assert result.settings.thresholds == (0.5, 0.4, 0.5)
    assert result.settings.min_component_mm3[2] == 3


def calibrated(folder: Path, limit: float) -> Path:
    """The same network with a card that gives ranges and calls studies unfamiliar."""
    network = probe_network()
    zero, one = (dict.fromkeys(("TC", "WT", "ET"), value) for value in (0.0, 1.0))
    doubt = {"floor": 0.1, "gain": 0.5, "quantile": 2.0}
    section = {
        "schema": CALIBRATION_SCHEMA,
        "scaling": {"slope": one, "bias": zero},
        "volume": {
            "coverage": 0.9,
            "offset_mm3": 1000.0,
            "patients": 22,
            "voxel_mm": 1.0,
            "regions": dict.fromkeys(MEASURED_REGIONS, doubt),
        },
        "familiarity": {
            "limit": limit,
            "statistics": {"brain volume": {"mean": 0.0, "deviation": 1.0}},
        },
    }
    card = {"calibration": section}
    save_network(folder, "slim_unetrpp", network.config, network.state_dict(), card)
    return folder


def test_a_card_without_calibration_says_nothing(segmenter, weights, brain):
    assert segmenter.segment(ask(weights, brain)).doubt is None


def test_a_calibrated_network_gives_ranges(tmp_path, brain):
    result = Segmenter().segment(ask(calibrated(tmp_path, limit=10.0), brain))
    assert result.doubt.volume.coverage == 0.9
    assert set(result.doubt.volume.log_half_width) == set(MEASURED_REGIONS)
    assert min(result.doubt.volume.log_half_width.values()) >= 0.2
    assert 0 < result.doubt.unfamiliarity.score < 1
    assert result.warnings == ()


def test_an_unfamiliar_study_is_said_in_words_and_has_no_ranges(tmp_path, brain):
    result = Segmenter().segment(ask(calibrated(tmp_path, limit=0.1), brain))
    assert result.doubt.volume is None
    (warning,) = result.warnings
    assert "does not look like those the network learned from" in warning
    assert "size or outline of the brain" in warning


def test_a_senseless_calibration_is_a_fault_of_the_weights(tmp_path, brain):
    network = probe_network()
    card = {"calibration": {"schema": "other"}}
    save_network(tmp_path, "slim_unetrpp", network.config, network.state_dict(), card)
    with pytest.raises(WeightsError, match="calibration"):
        Segmenter().segment(ask(tmp_path, brain))


def test_a_request_may_ask_for_the_mirror_image(segmenter, weights, brain):
    plain = segmenter.segment(ask(weights, brain)).probabilities_ckji
    mirrored = segmenter.segment(ask(weights, brain, mirror=True)).probabilities_ckji
    flipped = segmenter.segment(ask(weights, np.ascontiguousarray(brain[..., ::-1])))
    expected = (plain.astype(float) + flipped.probabilities_ckji[..., ::-1].astype(float)) / 2
    assert np.abs(mirrored.astype(float) - plain.astype(float)).max() > 0.01
    np.testing.assert_allclose(mirrored.astype(float), expected, atol=2e-3)
    again = segmenter.segment(ask(weights, brain)).probabilities_ckji
    assert np.array_equal(again, plain)


def test_labels_follow_from_the_probabilities(segmenter, weights, brain):
    result = segmenter.segment(ask(weights, brain))
    again = labels_from_probabilities(
        result.probabilities_ckji, spacing_mm=(1, 1, 1), settings=result.settings
    )
    assert np.array_equal(again, result.labels_kji)


def test_empty_space_around_the_brain_changes_nothing(segmenter, weights, brain):
    small = segmenter.segment(ask(weights, brain))
    wide = np.zeros((4, 70, 60, 100), dtype=np.float32)
    inner = (slice(None), slice(30, 70), slice(0, 50), slice(41, 85))
    wide[inner] = brain
    result = segmenter.segment(ask(weights, wide))
    assert np.array_equal(result.probabilities_ckji[inner], small.probabilities_ckji)
    assert np.array_equal(result.labels_kji[inner[1:]], small.labels_kji)
    assert result.labels_kji.sum() == small.labels_kji.sum()


def test_scanner_units_change_nothing(segmenter, weights, brain):
    scale = np.array([2.0, 0.5, 10.0, 1.0], dtype=np.float32)[:, None, None, None]
    result = segmenter.segment(ask(weights, brain * scale))
    expected = segmenter.segment(ask(weights, brain))
    assert (result.labels_kji == expected.labels_kji).mean() > 0.999


@needs_bf16
def test_bfloat16_agrees_with_float32(weights, brain):
    precise = Segmenter().segment(ask(weights, brain))
    rounded = Segmenter().segment(ask(weights, brain, precision="bf16"))
    assert rounded.precision == "bf16"
    difference = np.abs(
        rounded.probabilities_ckji.astype(np.float32)
        - precise.probabilities_ckji.astype(np.float32)
    )
    assert np.median(difference) < 0.05


def test_progress_rises_and_names_its_stages(segmenter, weights, brain):
    told = []
    segmenter.segment(ask(weights, brain), progress=lambda f, stage: told.append((f, stage)))
    fractions = [fraction for fraction, _stage in told]
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] <= fractions[-1] <= 1
    assert list(dict.fromkeys(stage for _f, stage in told)) == [
        "Normalising the intensities",
        "Segmenting",
        "Labelling the regions",
    ]


def test_check_stops_the_work(segmenter, weights, brain):
    calls = 0

    class StopError(Exception):
        pass

    def check():
        nonlocal calls
        calls += 1
        if calls == 5:
            raise StopError

    with pytest.raises(StopError):
        segmenter.segment(ask(weights, brain), check=check)
    assert calls == 5


def test_a_sequence_that_is_empty_is_told(segmenter, weights, brain):
    image = brain.copy()
    image[2] = 0
    result = segmenter.segment(ask(weights, image))
    assert result.warnings == ("T2 is zero throughout: treated as missing.",)
    absent = segmenter.segment(ask(weights, image, present=(True, True, False, True)))
    assert absent.warnings == ()
    assert np.array_equal(absent.labels_kji, result.labels_kji)


def test_no_brain(segmenter, weights):
    with pytest.raises(UnusableImage, match="no brain"):
        segmenter.segment(ask(weights, np.zeros((4, 9, 9, 9), dtype=np.float32)))


def test_intensities_that_are_no_numbers(segmenter, weights, brain):
    image = brain.copy()
    image[1, 5, 5, 5] = np.nan
    with pytest.raises(UnusableImage, match="finite"):
        segmenter.segment(ask(weights, image))


def test_a_thin_slab_is_segmented(segmenter, weights, brain):
    result = segmenter.segment(ask(weights, brain[:, :3]))
    assert result.labels_kji.shape == (3, 50, 44)


@pytest.mark.parametrize("name", ["nobody", "../slim_unetrpp"])
def test_weights_that_are_not_there(segmenter, weights, brain, name):
    with pytest.raises(WeightsError):
        segmenter.segment(ask(weights, brain, model_name=name))


def test_a_card_with_wrong_settings(tmp_path, brain):
    network = probe_network()
    card = {"inference": {"window": 33}}
    save_network(tmp_path, "odd", network.config, network.state_dict(), card)
    with pytest.raises(WeightsError, match="window"):
        Segmenter().segment(ask(tmp_path, brain, model_name="odd"))


def test_a_device_that_is_not_there(weights, brain):
    with pytest.raises(DeviceFailure, match="cuda:77"):
        Segmenter().segment(ask(weights, brain, device="cuda:77"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"device": "tpu"}, "unknown device"),
        ({"precision": "int8"}, "int8"),
        ({"present": (False,) * 4}, "at least one"),
        ({"present": (True, True, True, False)}, "FLAIR is said to be absent"),
    ],
)
def test_requests_are_checked_where_they_are_made(weights, brain, change, message):
    with pytest.raises(ValueError, match=message):
        ask(weights, brain, **change)


def test_images_are_checked_where_the_request_is_made(weights, brain):
    for wrong in (brain[0], brain[:3], brain.astype(np.float64)):
        with pytest.raises(ValueError, match="float32"):
            ask(weights, wrong)


def test_a_device_without_room_for_the_network_hands_over(weights, brain, monkeypatch):
    full, works = torch.device("meta"), Predictor.on_device

    def choose(device, precision, probe):
        chosen = choose_device("cpu", "fp32", probe)
        return replace(chosen, device=full) if device == "auto" else chosen

    def place(network, choice):
        if choice.device == full:
            raise torch.OutOfMemoryError("no room for 12 MB")
        return works(network, choice)

    monkeypatch.setattr(module, "choose_device", choose)
    monkeypatch.setattr(Predictor, "on_device", place)
    result = Segmenter().segment(ask(weights, brain, device="auto"))
    assert result.device == "cpu"
    assert any("meta had no memory for the network" in told for told in result.warnings)
    in_main_memory = DeviceChoice(torch.device("cpu"), Precision.FP32)
    monkeypatch.setattr(module, "choose_device", lambda *_: in_main_memory)
    monkeypatch.setattr(Predictor, "on_device", out_of_memory)
    with pytest.raises(OutOfMemory):
        Segmenter().segment(ask(weights, brain))


def out_of_memory(*_):
    raise MemoryError

"""Prediction on networks whose answer is known."""

import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from model.device import DeviceChoice
from model.errors import DeviceFailure
from model.inference import memory
from model.inference.memory import predict_within_memory
from model.inference.predict import Predictor, faster_layout
from model.inference.settings import InferenceSettings
from model.inference.windows import plan_windows
from model.messages import Precision
from model.network import BOUNDARY, SegResNetConfig, SlimUNETRppConfig, UNETRppConfig

CPU = DeviceChoice(torch.device("cpu"), Precision.FP32)


class FirstThree(nn.Module):
    """Answers with the first three channels: where a voxel goes in it must come out."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Identity()

    def forward(self, x):
        return self.layer(x)[:, :3]


class LeftHalf(nn.Module):
    """Sees tumour only on the side where i is small: what mirroring must even out."""

    def forward(self, x):
        answer = torch.full_like(x[:, :3], -100.0)
        answer[..., : x.shape[-1] // 2] = 100.0
        return answer


class Greedy(FirstThree):
    """Has room only for small windows."""

    def __init__(self, largest, error):
        super().__init__()
        self.largest = largest
        self.error = error

    def forward(self, x):
        if max(x.shape[2:]) > self.largest:
            raise self.error
        return super().forward(x)


@pytest.fixture
def image():
    values = torch.randn((4, 70, 131, 90), generator=torch.Generator().manual_seed(1))
    values[:, :, :, 80:] = 0.0
    return values


def predict(network, image, *, side=None, mirror=False, advance=lambda _fraction: None, batch=1):
    predictor = Predictor.on_device(network, CPU)
    plan = plan_windows(tuple(image.shape[1:]), side, 0.5)
    return predictor.probabilities(image, plan, mirror=mirror, advance=advance, batch=batch)


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("side", [None, 64, 96])
def test_every_voxel_comes_out_where_it_went_in(image, side, mirror):
    found = predict(FirstThree(), image, side=side, mirror=mirror)
    assert found.dtype == torch.float16
    expected = image[:3].sigmoid()
    if side == 64:  # windows without brain are not looked at
        expected = torch.where(found == 0, 0, expected)
        assert (found[..., :64] > 0).all()
    assert torch.allclose(found.float(), expected, atol=1e-3)


def test_mirroring_averages_left_and_right(image):
    one_sided = predict(LeftHalf(), image)
    both = predict(LeftHalf(), image, mirror=True)
    assert one_sided[0, 0, 0, 0] == 1.0
    assert one_sided[0, 0, 0, -1] == 0.0
    assert torch.all(both == 0.5)


def test_background_is_not_looked_at():
    image = torch.zeros((4, 64, 64, 256))
    image[:, :, :, :64] = 1.0
    seen = []

    class Counting(FirstThree):
        def forward(self, x):
            seen.append(x.shape)
            return super().forward(x)

    network = Counting()
    found = predict(network, image, side=64)
    assert len(seen) == 1 + 2  # the warm-up, and two windows that touch the brain
    assert (found[..., 96:] == 0).all()


@pytest.mark.parametrize("mirror", [False, True])
def test_windows_looked_at_together_answer_as_one_by_one(image, mirror):
    sizes = []

    class Counting(FirstThree):
        def forward(self, x):
            sizes.append(x.shape[0])
            return super().forward(x)

    together = predict(Counting(), image, side=64, mirror=mirror, batch=5)
    assert max(sizes) == 5
    assert torch.equal(together, predict(FirstThree(), image, side=64, mirror=mirror))


def test_a_graphics_card_gets_as_many_windows_as_it_has_room_for(monkeypatch):
    plan = plan_windows((140, 180, 140), 128, 0.5)
    card = DeviceChoice(torch.device("cuda"), Precision.BF16)
    predictor = Predictor(FirstThree(), card, 1.0)
    one = memory.bytes_needed(plan, predictor)
    assert memory._batch_sizes(plan, predictor, 100 * one) == [8, 1]
    assert memory._batch_sizes(plan, predictor, 3 * one) == [3, 1]
    assert memory._batch_sizes(plan, predictor, one // 2) == [1]
    assert memory._batch_sizes(plan, replace(predictor, choice=CPU), 100 * one) == [1]


class Sized(FirstThree):
    """Of which only the size is believed."""

    def __init__(self, config):
        super().__init__()
        self.config = config


@pytest.mark.parametrize(
    ("config", "measured"),
    [
        (BOUNDARY, 57),
        (SlimUNETRppConfig(), 57),
        (UNETRppConfig(), 143),
        (SegResNetConfig(), 132),
        (SegResNetConfig(init_filters=32), 264),
    ],
    ids=["shipped", "published", "unetrpp", "segresnet", "segresnet wider"],
)
def test_what_is_thought_to_be_needed_is_what_was_measured_and_some(config, measured):
    """Numbers per voxel, see the module; of the wider one it is supposed."""
    plan = plan_windows((128, 128, 128), 128, 0.5)
    for precision, size in ((Precision.FP32, 4), (Precision.BF16, 2)):
        choice = DeviceChoice(torch.device("cpu"), precision)
        found = memory.bytes_needed(plan, Predictor(Sized(config), choice, 1.0))
        assert 1.1 < found / (128**3 * size * measured) < 1.5


def test_a_network_is_given_windows_it_has_room_for(image, monkeypatch):
    """The same memory holds windows of one network and not those of a heavier one."""
    plan = plan_windows(tuple(image.shape[1:]), 96, 0.5)
    lighter, heavier = (
        Predictor(Sized(config), CPU, 1.0) for config in (BOUNDARY, UNETRppConfig())
    )
    room = memory.bytes_needed(plan, lighter)
    monkeypatch.setattr(memory, "free_memory_bytes", lambda _device: room)
    for predictor, shorter in ((lighter, False), (heavier, True)):
        warnings = []
        settings = InferenceSettings(96)
        predict_within_memory(predictor, image, settings, lambda _f: None, warnings.append)
        assert any("64³" in told for told in warnings) is shorter


def test_a_batch_without_room_is_taken_apart(image, monkeypatch):
    class GreedyInBatches(FirstThree):
        def forward(self, x):
            if x.shape[0] > 1:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return super().forward(x)

    monkeypatch.setattr(memory, "_batch_sizes", lambda *_: [4, 1])
    warnings = []
    found = predict_within_memory(
        Predictor(GreedyInBatches(), CPU, 1.0),
        image,
        InferenceSettings(64),
        lambda _f: None,
        warnings.append,
    )
    assert found is not None
    assert warnings == []


@pytest.mark.parametrize("slow", [torch.channels_last_3d, torch.contiguous_format])
def test_the_faster_layout_is_kept(slow):
    class Picky(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Conv3d(4, 3, 3)

        def forward(self, x):
            if x.is_contiguous(memory_format=slow):
                time.sleep(0.05)
            return self.layer(x)

    network = Picky()
    layout = faster_layout(network, torch.zeros(1, 4, 8, 8, 8))
    assert layout != slow
    assert network.layer.weight.is_contiguous(memory_format=layout)


def test_progress_rises_to_one(image):
    told = []
    predict(FirstThree(), image, side=64, mirror=True, advance=told.append)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)
    assert len(told) > 8


def test_what_the_listener_raises_stops_the_network(image):
    class StopError(Exception):
        pass

    def stop(fraction):
        if fraction > 0.3:
            raise StopError

    network = FirstThree()
    with pytest.raises(StopError):
        predict(network, image, side=64, advance=stop)
    assert not network.layer._forward_hooks


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("MPS backend out of memory"),
    ],
)
def test_smaller_windows_where_memory_is_short(image, error):
    network = Greedy(96, error)
    predictor = Predictor(network, CPU, 1.0)
    warnings = []
    found = predict_within_memory(
        predictor, image, InferenceSettings(mirror=False), lambda _f: None, warnings.append
    )
    assert torch.allclose(found.float(), image[:3].sigmoid(), atol=1e-3)
    assert [w for w in warnings if "96³" in w]


def test_no_window_fits(image):
    predictor = Predictor(Greedy(8, torch.OutOfMemoryError("no")), CPU, 1.0)
    found = predict_within_memory(
        predictor, image, InferenceSettings(), lambda _f: None, lambda _warning: None
    )
    assert found is None


def test_a_defect_is_not_taken_for_lack_of_memory(image):
    predictor = Predictor(Greedy(8, RuntimeError("shapes do not match")), CPU, 1.0)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        predict_within_memory(
            predictor, image, InferenceSettings(), lambda _f: None, lambda _warning: None
        )


def test_a_failing_accelerator_is_a_device_failure(image):
    predictor = Predictor(Greedy(8, torch.AcceleratorError("illegal access")), CPU, 1.0)
    with pytest.raises(DeviceFailure, match="illegal access"):
        predict_within_memory(
            predictor, image, InferenceSettings(), lambda _f: None, lambda _warning: None
        )


def test_settings_come_from_the_card():
    assert InferenceSettings.from_card({}) == InferenceSettings()
    card = {"inference": {"window": 96, "overlap": 0.25, "mirror": False}}
    assert InferenceSettings.from_card(card) == InferenceSettings(96, 0.25, mirror=False)
    for wrong in ({"window": 100}, {"windows": 96}, {"overlap": 2}):
        with pytest.raises(ValueError, match=r"window|overlap|inference"):
            InferenceSettings.from_card({"inference": wrong})


def test_windows_of_one_pass_agree_with_numpy_slices(image):
    plan = plan_windows(tuple(image.shape[1:]), 64, 0.5)
    array = np.zeros((4, *plan.shape_kji))
    assert all(array[window].shape == (4, 64, 64, 64) for window in plan.slices())

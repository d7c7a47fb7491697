"""Devices are tried before they are trusted."""

import os

import pytest
import torch
from torch import nn

from model.device import (
    best_precision,
    bf16_for,
    choose_device,
    free_memory_bytes,
    thread_count,
    use_physical_cores,
)
from model.errors import DeviceFailure
from model.inference.segmenter import probe_network
from model.messages import Precision
from tests.bf16 import IS_COMPUTED, needs_bf16


class Liar(nn.Module):
    """Right in float32, wrong in anything else."""

    def forward(self, x):
        return x if x.dtype == torch.float32 else x + 3


@pytest.fixture(scope="module")
def probe():
    return probe_network()


@pytest.mark.parametrize("precision", ["fp32", pytest.param("bf16", marks=needs_bf16)])
def test_the_processor_works(probe, precision):
    choice = choose_device("cpu", precision, probe)
    assert str(choice.device) == "cpu"
    assert choice.precision == precision
    assert choice.warnings == ()
    assert choice.memory_format == torch.channels_last_3d


@pytest.mark.skipif(IS_COMPUTED, reason="this processor computes in bfloat16")
def test_a_processor_without_bfloat16_says_so(probe):
    with pytest.raises(DeviceFailure, match="cpu does not compute in bf16 here: "):
        choose_device("cpu", "bf16", probe)
    assert choose_device("cpu", "auto", probe).precision is Precision.FP32


def test_auto_finds_something(probe):
    choice = choose_device("auto", "auto", probe)
    assert choice.precision == best_precision(choice.device)
    assert choice.precision is not Precision.AUTO


@pytest.mark.parametrize(
    ("best", "asked", "used"),
    [
        (Precision.BF16, True, True),
        (Precision.BF16, False, False),
        (Precision.FP32, True, False),
        (Precision.FP16, True, False),
    ],
)
def test_training_computes_in_bf16_only_where_that_pays(monkeypatch, caplog, best, asked, used):
    monkeypatch.setattr("model.device.best_precision", lambda _device: best)
    with caplog.at_level("INFO", logger="model.device"):
        assert bf16_for(torch.device("cpu"), asked=asked) is used
    assert ("computing in fp32" in caplog.text) is (asked and not used)


def test_auto_passes_a_device_over_and_says_so(probe):
    choice = choose_device("auto", "fp32", probe, candidates=("meta", "cpu"))
    assert str(choice.device) == "cpu"
    assert len(choice.warnings) == 1
    assert "meta does not work here" in choice.warnings[0]


def test_nothing_works(probe):
    with pytest.raises(DeviceFailure, match="meta"):
        choose_device("auto", "fp32", probe, candidates=("meta",))


def test_a_device_asked_for_is_not_replaced(probe):
    with pytest.raises(DeviceFailure, match="cuda:77 does not work here"):
        choose_device("cuda:77", "auto", probe)


def test_wrong_numbers_are_noticed():
    assert choose_device("cpu", "fp32", Liar()).precision == "fp32"
    with pytest.raises(DeviceFailure, match="computes wrong numbers in bf16"):
        choose_device("cpu", "bf16", Liar())


def test_the_probe_leaves_the_random_numbers_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = probe_network().state_dict()
    assert torch.equal(torch.rand(3), expected)
    second = probe_network().state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_threads_are_physical_cores(monkeypatch):
    assert 1 <= thread_count() <= (os.cpu_count() or 1)
    monkeypatch.setattr("psutil.cpu_count", lambda logical=True: 1)
    assert thread_count() == 1
    before = torch.get_num_threads()
    try:
        use_physical_cores()
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_a_containers_quota_counts(monkeypatch, tmp_path):
    monkeypatch.setattr("psutil.cpu_count", lambda logical=True: 64)
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: set(range(64)), raising=False)
    quota = tmp_path / "cpu.max"
    for text, threads in (("max 100000\n", 64), ("250000 100000\n", 3), ("5000 100000\n", 1)):
        quota.write_text(text)
        assert thread_count(quota) == threads


def test_free_memory_of_the_processor():
    assert free_memory_bytes(torch.device("cpu")) > 2**20


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_works(probe):
    for precision in ("auto", "fp32", "bf16", "fp16"):
        choice = choose_device("cuda", precision, probe)
        assert free_memory_bytes(choice.device) > 2**20

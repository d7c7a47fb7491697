"""The fused blocks answer as those they replace, on grids of any size."""

import copy

import pytest
import torch
from torch import nn

from model.inference.segmenter import probe_network
from model.network.attention import SparseGlobalAttention, TokenTable
from model.network.blocks import LineConv, MedNeXtBlock
from model.network.fused import CachedTable, FusedHead, fuse
from model.network.fused_norm import channel_moments
from tests.bf16 import needs_bf16

LAST = torch.channels_last_3d


def shaken(network: nn.Module) -> nn.Module:
    """Return a network with no parameter left at zero or one, where an error could hide."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    return network.eval()


def fused_copy(network: nn.Module) -> nn.Module:
    return fuse(nn.Sequential(copy.deepcopy(network))).to(memory_format=LAST)


@pytest.mark.parametrize(
    "block",
    [
        LineConv(6),
        MedNeXtBlock(6, 3),
        MedNeXtBlock(24, 5),
        SparseGlobalAttention(8, 2, 2, scaled=True),
        SparseGlobalAttention(8, 1, 4, scaled=False),
        SparseGlobalAttention(8, 4, 1, scaled=True),
        nn.ConvTranspose3d(8, 3, 2, stride=2),
        nn.ConvTranspose3d(8, 3, 4, stride=4, bias=False),
        nn.GroupNorm(2, 8),
    ],
    ids=lambda block: type(block).__name__,
)
@pytest.mark.parametrize("batch", [1, 2])
def test_each_block_answers_as_before(block, batch):
    block = shaken(block)
    channels = 8 if not isinstance(block, LineConv | MedNeXtBlock) else block.expand.in_channels
    x = torch.randn((batch, channels, 4, 8, 12), generator=torch.Generator().manual_seed(2)) + 0.3
    with torch.inference_mode():
        expected = block(x)
        found = fused_copy(block)(x.contiguous(memory_format=LAST))
    assert found.shape == expected.shape
    assert torch.allclose(found, expected, atol=2e-5 * float(expected.abs().max()))


@pytest.mark.parametrize("shape", [(64, 64, 64), (96, 64, 128)])
def test_the_whole_network_answers_as_before(shape):
    network = shaken(probe_network())
    x = torch.randn((1, 4, *shape), generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        expected = network(x)
        found = fused_copy(network)(x.contiguous(memory_format=LAST))
    assert torch.allclose(found, expected, atol=1e-4 * float(expected.std()))


@needs_bf16
def test_bfloat16_rounds_no_worse_than_before():
    network = shaken(probe_network())
    x = torch.randn((1, 4, 64, 64, 64), generator=torch.Generator().manual_seed(4))
    with torch.inference_mode():
        exact = network(x)
        rounded = x.bfloat16().contiguous(memory_format=LAST)
        fused = fused_copy(network).to(torch.bfloat16)(rounded)
        plain = copy.deepcopy(network).to(torch.bfloat16, memory_format=LAST)(rounded)
    error, before = ((found - exact).square().mean().sqrt() for found in (fused, plain))
    assert error < 1.2 * before


def test_without_onednn_the_answer_is_the_same(monkeypatch):
    network = shaken(nn.Sequential(LineConv(6), MedNeXtBlock(6, 3)))
    x = torch.randn((1, 6, 4, 6, 8), generator=torch.Generator().manual_seed(5))
    x = x.contiguous(memory_format=LAST)
    fused = fused_copy(network)
    with torch.inference_mode():
        expected = fused(x)
        monkeypatch.setattr("torch.backends.mkldnn.is_available", lambda: False)
        assert torch.allclose(fused(x), expected, atol=1e-5)


@pytest.mark.parametrize("channels", [3, 16, 96, 200])
def test_moments_of_channels(channels):
    x = torch.randn((1, channels, 3, 5, 7), generator=torch.Generator().manual_seed(6)) * 2 + 5
    mean, variance = channel_moments(x.contiguous(memory_format=LAST))
    assert torch.allclose(mean, x.mean(dim=(0, 2, 3, 4)), atol=1e-4)
    assert torch.allclose(variance, x.var(dim=(0, 2, 3, 4), correction=0), atol=1e-3)


@pytest.mark.parametrize("groups", [1, 4, 16])
def test_a_norm_over_a_whole_brain_is_exact(groups):
    """torch's own for channels-last is off by 1e-3 at this size."""
    norm = shaken(nn.GroupNorm(groups, 16))
    x = torch.randn((1, 16, 80, 96, 80), generator=torch.Generator().manual_seed(8)) + 1
    with torch.inference_mode():
        found = fused_copy(norm)(x.contiguous(memory_format=LAST))
        expected = norm.double()(x.double())
    assert found.is_contiguous(memory_format=LAST)
    assert float((found - expected).abs().max()) < 3e-5


def test_a_table_is_resampled_once_a_grid():
    table = CachedTable(TokenTable(4, 3, std=1.0))
    first = table((5, 6, 7))
    assert table((5, 6, 7)) is first
    assert table((4, 4, 4)).shape == (1, 3, 4, 4, 4)
    assert torch.equal(table((5, 6, 7)), first)


def test_a_grid_that_the_stride_does_not_divide_is_refused():
    block = fused_copy(SparseGlobalAttention(8, 1, 4, scaled=False))
    with pytest.raises(ValueError, match="multiples of 4"):
        block(torch.zeros(1, 8, 4, 6, 8))


def test_wide_and_overlapping_transposed_convolutions_stay():
    kept = nn.Sequential(nn.ConvTranspose3d(8, 16, 2, stride=2), nn.ConvTranspose3d(8, 3, 3))
    assert not any(isinstance(module, FusedHead) for module in fuse(kept).modules())

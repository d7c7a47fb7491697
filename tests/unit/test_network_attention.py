import pytest
import torch

from model.device import DeviceChoice
from model.messages import Precision
from model.network import SlimUNETRppConfig, UNETRppConfig, build_network
from model.network.attention import (
    EPABlock,
    PairedAttention,
    SCABlock,
    SparseGlobalAttention,
    TokenTable,
    to_grid,
    to_tokens,
)
from model.network.blocks import GlobalResponseNorm, MedNeXtBlock


def test_tokens_and_back() -> None:
    grid = torch.randn(2, 5, 3, 4, 6)
    assert torch.equal(to_grid(to_tokens(grid), grid), grid)


def test_table_is_itself_on_its_own_grid_and_smooth_on_another() -> None:
    table = TokenTable(4, 3, std=1.0)
    assert torch.equal(table((4, 4, 4)), table.table)
    with torch.no_grad():
        table.table.fill_(0.7)
    assert torch.allclose(table((5, 9, 6)), torch.full((1, 3, 5, 9, 6), 0.7))


def test_paired_attention_keeps_token_order() -> None:
    """Permuting tokens permutes the answer when the projection treats all tokens alike."""
    torch.manual_seed(0)
    attention = PairedAttention(8, 2, side=4, projected=5, shared=True)
    with torch.no_grad():
        table = attention.projection.table.table
        table.copy_(table.mean(dim=(2, 3, 4), keepdim=True).expand_as(table))
    tokens = torch.randn(1, 64, 8)
    order = torch.randperm(64)
    straight = attention(tokens, (4, 4, 4))[:, order]
    assert torch.allclose(attention(tokens[:, order], (4, 4, 4)), straight, atol=1e-5)


@pytest.mark.parametrize("shared", [True, False])
def test_paired_attention_is_as_strong_on_larger_grids(shared: bool) -> None:
    """More of the same, eight times as many tokens: every token is answered as before."""
    torch.manual_seed(0)
    attention = PairedAttention(8, 2, side=4, projected=5, shared=shared)
    with torch.no_grad():
        table = attention.projection.table.table
        table.copy_(torch.randn(1, 5, 1, 1, 1).expand_as(table))
        attention.spatial_temperature.fill_(20.0)
    grid = torch.randn(1, 8, 4, 4, 4) + 1.0
    answer = to_grid(attention(to_tokens(grid), (4, 4, 4)), grid)
    tiled = grid.repeat(1, 1, 2, 2, 2)
    repeated = to_grid(attention(to_tokens(tiled), (8, 8, 8)), tiled)
    assert torch.allclose(repeated, answer.repeat(1, 1, 2, 2, 2), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("shared", [True, False])
def test_scores_may_begin_with_unit_deviation(
    shared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    attention = PairedAttention(64, 2, 8, 64, shared=shared, unit_scores=True)
    deviations: list[float] = []
    softmax = torch.Tensor.softmax

    def spy(scores: torch.Tensor, dim: int) -> torch.Tensor:
        deviations.append(float(scores.detach().std()))
        return softmax(scores, dim)

    monkeypatch.setattr(torch.Tensor, "softmax", spy)
    attention(torch.randn(1, 512, 64), (8, 8, 8))
    assert len(deviations) == 2
    assert all(0.5 < one < 2.0 for one in deviations), deviations


@pytest.mark.parametrize("kind", [SlimUNETRppConfig, UNETRppConfig])
def test_only_networks_with_unit_scores_learn_logarithms(
    kind: type[SlimUNETRppConfig | UNETRppConfig],
) -> None:
    with torch.device("meta"):
        usual, ours = build_network(kind()), build_network(kind(unit_scores=True))
    there, here = ({name.rpartition(".")[2] for name in n.state_dict()} for n in (usual, ours))
    assert there - here == {"channel_temperature", "spatial_temperature"}
    assert here - there == {"log_channel_temperature", "log_spatial_temperature"}


@pytest.mark.parametrize(
    "config",
    [
        SlimUNETRppConfig(
            channels=(4, 4, 8),
            embed_dim=8,
            blocks=(1, 1, 1, 1),
            heads=(1, 1, 2, 2),
            kernel_size=3,
            unit_scores=True,
        ),
        UNETRppConfig(
            dims=(4, 4, 4, 4),
            depths=(1, 1, 1, 1),
            heads=1,
            projected=(4, 4, 4, 4),
            full_resolution_channels=2,
            reference=(32, 32, 32),
            unit_scores=True,
        ),
    ],
    ids=["slim_unetrpp", "unetr_plus_plus"],
)
def test_networks_with_unit_scores_answer_on_a_processor_as_before(
    config: SlimUNETRppConfig | UNETRppConfig,
) -> None:
    torch.manual_seed(0)
    network = build_network(config).eval()
    image = torch.randn(1, 4, 32, 32, 32)
    with torch.inference_mode():
        before = network(image)
        placed = DeviceChoice(torch.device("cpu"), Precision.FP32).place(network)
        after = placed(image.contiguous(memory_format=torch.channels_last_3d))
    assert torch.allclose(after, before, atol=1e-4)


def test_paired_attention_by_hand() -> None:
    """One head of one channel: the channel branch is the identity on its value."""
    attention = PairedAttention(1, 1, side=1, projected=1, shared=True)
    with torch.no_grad():
        attention.linear.weight.copy_(torch.tensor([[1.0], [1.0], [2.0], [3.0]]))
        attention.projection.table.table.fill_(1.0)
    answer = attention(torch.tensor([[[5.0]]]), (1, 1, 1))
    # Channel branch: softmax over one channel is 1, so 2·5. Spatial: one projected token, 3·5.
    assert torch.allclose(answer, torch.tensor([[[25.0]]]))


def test_sparse_attention_is_softmax_over_every_rth_voxel() -> None:
    torch.manual_seed(0)
    attention = SparseGlobalAttention(4, 1, 2, scaled=False)
    grid = torch.randn(1, 4, 4, 4, 4)
    untouched = grid.clone()
    untouched[:, :, 1::2] += 10.0  # never sampled
    assert torch.allclose(attention(grid), attention(untouched))
    query, key, value = attention.qkv(grid[:, :, ::2, ::2, ::2]).flatten(2).chunk(3, dim=1)
    expected = value @ (query.transpose(1, 2) @ key).softmax(dim=-1).transpose(1, 2)
    spread = attention.spread(expected.reshape(1, 4, 2, 2, 2))
    assert torch.allclose(attention(grid), attention.mix(attention.norm(spread)), atol=1e-5)


def test_sparse_attention_takes_grids_that_the_stride_does_not_divide() -> None:
    attention = SparseGlobalAttention(4, 2, 4, scaled=True)
    assert attention(torch.randn(1, 4, 5, 6, 7)).shape == (1, 4, 5, 6, 7)


def test_blocks_start_near_the_identity_where_they_have_a_layer_scale() -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 8, 8, 8, 8)
    skip = SCABlock(8, 2, side=4, projected=8, stride=2)
    assert (skip(x) - x).abs().max() < 0.1
    assert EPABlock(8, 2, side=4, projected=8, dropout=0.0)(x).shape == x.shape


def test_response_norm_by_hand() -> None:
    norm = GlobalResponseNorm(2)
    x = torch.zeros(1, 2, 1, 1, 2)
    x[0, 0] = torch.tensor([3.0, 4.0])
    x[0, 1] = torch.tensor([0.0, 15.0])
    assert torch.equal(norm(x), x)  # gamma and beta start at zero
    with torch.no_grad():
        norm.gamma.fill_(1.0)
    # L2 norms 5 and 15, their mean 10: responses 0.5 and 1.5.
    expected = torch.stack([x[0, 0] * 1.5, x[0, 1] * 2.5])[None]
    assert torch.allclose(norm(x), expected, atol=1e-4)


def test_depthwise_kernel_trains_in_fp32_under_autocast() -> None:
    block = MedNeXtBlock(4, kernel_size=3).train()
    with torch.autocast("cpu", torch.bfloat16):
        assert block.spatial(torch.randn(1, 4, 4, 4, 4).bfloat16()).dtype == torch.float32
    assert block.eval().bfloat16()(torch.randn(1, 4, 4, 4, 4).bfloat16()).dtype == torch.bfloat16

import itertools
from dataclasses import replace

import pytest
import torch

from model.network import BOUNDARY, SlimUNETRpp, SlimUNETRppConfig
from model.network.config import from_settings

SMALL = SlimUNETRppConfig(
    channels=(4, 8, 8), embed_dim=8, blocks=(1, 1, 1, 1), heads=(1, 2, 2, 2), kernel_size=3
)
SMALL_VARIANT = replace(
    SMALL, half_resolution_channels=4, scaled_attention=True, deep_supervision=True
)


def test_published_configuration_is_the_default() -> None:
    config = SlimUNETRpp().config
    assert config.channels == (24, 48, 60)
    assert config.embed_dim == 96
    assert (config.blocks, config.heads, config.r) == ((1, 2, 3, 2), (1, 2, 4, 4), (4, 2, 2, 1))
    assert (config.kernel_size, config.dropout, config.embedding_dim) == (7, 0.3, 64)
    assert not config.half_resolution_channels
    assert not config.scaled_attention


def test_published_network_is_light() -> None:
    assert sum(p.numel() for p in SlimUNETRpp().parameters()) < 4_000_000


@pytest.mark.parametrize("config", [SMALL, SMALL_VARIANT], ids=["published", "variant"])
@pytest.mark.parametrize("shape", [(32, 32, 32), (33, 40, 50)])
def test_output_keeps_the_input_grid(
    config: SlimUNETRppConfig, shape: tuple[int, int, int]
) -> None:
    network = SlimUNETRpp(config).eval()
    with torch.inference_mode():
        logits = network(torch.randn(2, 4, *shape))
    assert logits.shape == (2, 3, *shape)
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize("config", [SMALL, SMALL_VARIANT], ids=["published", "variant"])
def test_every_parameter_takes_part(config: SlimUNETRppConfig) -> None:
    torch.manual_seed(0)
    network = SlimUNETRpp(config)
    image = torch.randn(1, 4, 64, 64, 64)
    outputs = network.forward_deep(image) if config.deep_supervision else (network(image),)
    torch.stack([(output**2).mean() for output in outputs]).sum().backward()
    idle = [name for name, p in network.named_parameters() if p.grad is None]
    assert idle == []


def test_deep_outputs_are_four_and_eight_times_coarser() -> None:
    full, quarter, eighth = SlimUNETRpp(SMALL_VARIANT).forward_deep(torch.randn(1, 4, 32, 64, 32))
    assert full.shape == (1, 3, 32, 64, 32)
    assert quarter.shape == (1, 3, 8, 16, 8)
    assert eighth.shape == (1, 3, 4, 8, 4)


def test_deep_outputs_need_the_variant_and_whole_grids() -> None:
    with pytest.raises(ValueError, match="without deep supervision"):
        SlimUNETRpp(SMALL).forward_deep(torch.randn(1, 4, 32, 32, 32))
    with pytest.raises(ValueError, match="multiples of 32"):
        SlimUNETRpp(SMALL_VARIANT).forward_deep(torch.randn(1, 4, 32, 32, 40))


def test_padding_does_not_reach_the_answer_of_a_whole_grid() -> None:
    network = SlimUNETRpp(SMALL_VARIANT).eval()
    image = torch.randn(1, 4, 40, 32, 32)
    padded = torch.nn.functional.pad(image, [0, 0, 0, 0, 0, 24])
    with torch.inference_mode():
        assert torch.allclose(network(image), network(padded)[:, :, :40], atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 3, 32, 32, 32), "expected"),
        ((4, 32, 32, 32), "expected"),
        ((1, 4, 31, 32, 32), "at least 32"),
    ],
)
def test_wrong_inputs_are_refused(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SlimUNETRpp(SMALL)(torch.zeros(shape))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channels": (8, 8)}, "channels"),
        ({"blocks": (1, 0, 1, 1)}, "blocks"),
        ({"heads": (5, 1, 1, 1)}, "do not divide"),
        ({"kernel_size": 4}, "kernel_size"),
        ({"embedding_dim": 60}, "cube"),
        ({"dropout": 1.0}, "dropout"),
        ({"half_resolution_channels": 6}, "half_resolution_channels"),
        ({"out_channels": 0}, "out_channels"),
    ],
)
def test_wrong_settings_are_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_settings(SlimUNETRppConfig, change)


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="depth"):
        from_settings(SlimUNETRppConfig, {"depth": 3})


def test_settings_survive_lists() -> None:
    assert from_settings(SlimUNETRppConfig, {"channels": [24, 48, 60]}) == SlimUNETRppConfig()


def test_state_loads_by_name() -> None:
    first, second = SlimUNETRpp(SMALL).eval(), SlimUNETRpp(SMALL).eval()
    shuffled = dict(reversed(list(first.state_dict().items())))
    second.load_state_dict(shuffled)
    image = torch.randn(1, 4, 32, 32, 32)
    with torch.inference_mode():
        assert torch.equal(first(image), second(image))


def test_a_state_of_another_network_is_refused() -> None:
    with pytest.raises(RuntimeError, match="half_up"):
        SlimUNETRpp(SMALL_VARIANT).load_state_dict(SlimUNETRpp(SMALL).state_dict())


def test_half_precision_weights_agree_with_single() -> None:
    torch.manual_seed(1)
    network = SlimUNETRpp(SMALL_VARIANT).eval()
    image = torch.randn(1, 4, 48, 40, 64)
    with torch.inference_mode():
        single = network(image)
        half = network.bfloat16()(image.bfloat16()).float()
    assert half.shape == single.shape
    assert (half - single).abs().max() < 0.1 * single.std()


def test_shifted_input_shifts_the_output_away_from_the_border() -> None:
    """A network that mixed up axes would answer a mirrored image differently than its mirror."""
    torch.manual_seed(2)
    network = SlimUNETRpp(replace(SMALL, blocks=(1, 1, 1, 1))).eval()
    image = torch.zeros(1, 4, 64, 64, 64)
    image[:, :, 8:24, 8:24, 8:24] = 5.0
    with torch.inference_mode():
        quiet = network(torch.zeros_like(image))
        change = (network(image) - quiet).abs().sum(1)[0]
    octants = {
        corner: float(change[tuple(slice(32 * c, 32 * c + 32) for c in corner)].mean())
        for corner in itertools.product((0, 1), repeat=3)
    }
    assert max(octants, key=lambda corner: octants[corner]) == (0, 0, 0)


def test_boundary_variant_differs_only_in_named_settings() -> None:
    assert BOUNDARY.half_resolution_channels > 0
    assert BOUNDARY.scaled_attention
    assert BOUNDARY.blocks == SlimUNETRppConfig().blocks
    assert BOUNDARY.heads == SlimUNETRppConfig().heads

from dataclasses import replace

import pytest
import torch

from model.architectures import CARD_NAMES, TITLES, Kind
from model.network import SlimUNETRppConfig, UNETRpp, UNETRppConfig, build_network, read_config
from model.network.kinds import kind_of

SMALL = UNETRppConfig(
    dims=(8, 8, 16, 16),
    depths=(1, 1, 1, 1),
    heads=2,
    projected=(8, 8, 8, 8),
    full_resolution_channels=4,
    reference=(64, 64, 64),
)
FLAT = replace(SMALL, in_channels=1, out_channels=5, stem_stride=(1, 4, 4), reference=(16, 64, 64))
PUBLISHED = {
    "brats": UNETRppConfig(),
    "synapse": UNETRppConfig(1, 14, (2, 4, 4), (64, 128, 128)),
    "acdc": UNETRppConfig(1, 4, (1, 4, 4), (16, 160, 160)),
    "lung": UNETRppConfig(1, 2, (1, 4, 4), (32, 192, 192)),
}


def test_published_set_up_is_the_default() -> None:
    config = UNETRpp().config
    assert config.dims == (32, 64, 128, 256)
    assert config.depths == (3, 3, 3, 3)
    assert (config.heads, config.projected, config.stem_stride) == (4, (64, 64, 64, 32), (4, 4, 4))
    assert [config.reference_grid(n) for n in range(4)] == [(n,) * 3 for n in (32, 16, 8, 4)]


def test_parameters_are_as_many_as_published() -> None:
    """The paper gives 42.96 M for Synapse; ours has no biases where a norm follows."""
    count = sum(p.numel() for p in UNETRpp(PUBLISHED["synapse"]).parameters())
    assert count == pytest.approx(42.96e6, rel=0.01)


@pytest.mark.parametrize(
    ("name", "coarsest", "stride"),
    [
        ("brats", (4, 4, 4), (32, 32, 32)),
        ("synapse", (4, 4, 4), (16, 32, 32)),
        ("acdc", (2, 5, 5), (8, 32, 32)),
        ("lung", (4, 6, 6), (8, 32, 32)),
    ],
)
def test_grids_of_every_data_set(
    name: str, coarsest: tuple[int, ...], stride: tuple[int, ...]
) -> None:
    config = PUBLISHED[name]
    assert config.reference_grid(3) == coarsest
    assert config.total_stride == stride


@pytest.mark.parametrize(
    ("config", "shape"),
    [(SMALL, (64, 64, 64)), (SMALL, (33, 64, 50)), (FLAT, (16, 64, 64)), (FLAT, (9, 70, 40))],
)
def test_output_keeps_the_input_grid(config: UNETRppConfig, shape: tuple[int, int, int]) -> None:
    network = UNETRpp(config).eval()
    with torch.inference_mode():
        logits = network(torch.randn(2, config.in_channels, *shape))
    assert logits.shape == (2, config.out_channels, *shape)
    assert torch.isfinite(logits).all()


def test_three_scales_in_training() -> None:
    full, stem, half = UNETRpp(FLAT).forward_deep(torch.randn(1, 1, 16, 64, 32))
    assert full.shape == (1, 5, 16, 64, 32)
    assert stem.shape == (1, 5, 16, 16, 8)
    assert half.shape == (1, 5, 8, 8, 4)


def test_every_parameter_takes_part() -> None:
    network = UNETRpp(SMALL)
    outputs = network.forward_deep(torch.randn(1, 4, 64, 64, 64))
    torch.stack([(output**2).mean() for output in outputs]).sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


def test_three_scales_need_whole_grids_and_heads() -> None:
    with pytest.raises(ValueError, match="multiples of"):
        UNETRpp(FLAT).forward_deep(torch.randn(1, 1, 12, 64, 64))
    with pytest.raises(ValueError, match="without deep supervision"):
        UNETRpp(replace(SMALL, deep_supervision=False)).forward_deep(torch.randn(1, 4, 64, 64, 64))


@pytest.mark.parametrize(
    ("shape", "message"),
    [((1, 4, 16, 64, 64), "expected"), ((1, 64, 64, 64), "expected"), ((1, 1, 7, 64, 64), "least")],
)
def test_wrong_inputs_are_refused(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        UNETRpp(FLAT)(torch.zeros(shape))


def test_padding_does_not_reach_the_answer_of_a_whole_grid() -> None:
    network = UNETRpp(SMALL).eval()
    image = torch.randn(1, 4, 40, 32, 32)
    padded = torch.nn.functional.pad(image, [0, 0, 0, 0, 0, 24])
    with torch.inference_mode():
        assert torch.allclose(network(image), network(padded)[:, :, :40], atol=1e-5)


def test_state_loads_by_name() -> None:
    first, second = UNETRpp(SMALL).eval(), UNETRpp(SMALL).eval()
    second.load_state_dict(dict(reversed(list(first.state_dict().items()))))
    image = torch.randn(1, 4, 32, 32, 32)
    with torch.inference_mode():
        assert torch.equal(first(image), second(image))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dims": [8, 8, 8]}, "dims"),
        ({"heads": 3}, "do not divide"),
        ({"reference": [100, 128, 128]}, "multiples"),
        ({"stem_stride": [0, 4, 4]}, "stem_stride"),
        ({"dropout": 1.0}, "dropout"),
        ({"out_channels": 0}, "out_channels"),
        ({"kernel": 3}, "unknown network settings: kernel"),
    ],
)
def test_wrong_settings_are_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_config({"kind": "unetr_plus_plus", **change})


def test_a_kind_is_slim_unless_named() -> None:
    assert read_config({}) == SlimUNETRppConfig()
    assert read_config({"kind": "unetr_plus_plus", "dims": [32, 64, 128, 256]}) == UNETRppConfig()
    assert read_config({"heads": 2}, Kind.UNETR_PLUS_PLUS) == UNETRppConfig(heads=2)
    with pytest.raises(ValueError, match=r"known: slim_unetrpp, unetr_plus_plus, .*segresnet"):
        read_config({"kind": "unet"})


@pytest.mark.parametrize("config", [SMALL, SlimUNETRppConfig()], ids=["unetrpp", "slim"])
def test_what_is_built_is_what_the_card_will_say(config: UNETRppConfig | SlimUNETRppConfig) -> None:
    network = build_network(config)
    assert type(network).__name__ == CARD_NAMES[kind_of(config)]
    assert network.config == config
    assert set(CARD_NAMES.values()) == {*TITLES, "SegResNet"}  # a peer, which nobody installs

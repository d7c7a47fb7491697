"""The networks that can be built: by the kind a configuration names, by the card of weights."""

from collections.abc import Mapping
from typing import Final, Protocol

from model.architectures import Kind
from model.network.brain_unet import BrainUNet, BrainUNetConfig
from model.network.config import SlimUNETRppConfig
from model.network.segresnet import SegResNet, SegResNetConfig
from model.network.slim_unetrpp import SlimUNETRpp
from model.network.unetr_config import UNETRppConfig
from model.network.unetr_plus_plus import UNETRpp


class NetworkShape(Protocol):
    """What training and inference need to know of any network's configuration."""

    @property
    def in_channels(self) -> int:
        """Channels of the input."""

    @property
    def out_channels(self) -> int:
        """Channels of the logits."""

    @property
    def total_stride(self) -> tuple[int, int, int]:
        """Input voxels per voxel of the coarsest stage; crops must be multiples of it."""

    @property
    def deep_supervision(self) -> bool:
        """Whether `forward_deep` gives coarser answers too."""


NetworkConfig = SlimUNETRppConfig | UNETRppConfig | BrainUNetConfig | SegResNetConfig
Network = SlimUNETRpp | UNETRpp | BrainUNet | SegResNet

_CONFIGS: Final[dict[Kind, type[NetworkConfig]]] = {
    Kind.SLIM_UNETRPP: SlimUNETRppConfig,
    Kind.UNETR_PLUS_PLUS: UNETRppConfig,
    Kind.BRAIN_UNET: BrainUNetConfig,
    Kind.SEGRESNET: SegResNetConfig,
}


def kind_of(config: NetworkConfig) -> Kind:
    """Return the kind of network that a configuration is for."""
    return next(kind for kind, made in _CONFIGS.items() if isinstance(config, made))


def read_config(settings: Mapping[str, object], kind: str | None = None) -> NetworkConfig:
    """Return a network's configuration from parsed TOML or JSON.

    Parameters
    ----------
    settings
        With ``kind`` among them, unless it is given; Slim UNETR++ where neither names one.

    Raises
    ------
    ValueError
        If the kind or a setting is unknown or cannot be used.
    """
    values = dict(settings)
    named = str(values.pop("kind", None) or kind or Kind.SLIM_UNETRPP)
    if named not in list(Kind):
        msg = f"unknown kind of network {named!r}; known: {', '.join(Kind)}"
        raise ValueError(msg)
    return _CONFIGS[Kind(named)].from_mapping(values)


def build_network(config: NetworkConfig) -> Network:
    """Return a network with random weights."""
    match config:
        case SlimUNETRppConfig():
            return SlimUNETRpp(config)
        case UNETRppConfig():
            return UNETRpp(config)
        case BrainUNetConfig():
            return BrainUNet(config)
        case SegResNetConfig():
            return SegResNet(config)

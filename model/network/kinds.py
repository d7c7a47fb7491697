"""The networks that can be built: by the kind a configuration names, by the card of weights."""

from collections.abc import Mapping
from typing import Final

from model.architectures import Kind
from model.network.brain_unet import BrainUNet, BrainUNetConfig
from model.network.config import SlimUNETRppConfig, from_settings
from model.network.segresnet import SegResNet, SegResNetConfig
from model.network.slim_unetrpp import SlimUNETRpp
from model.network.unetr_config import UNETRppConfig
from model.network.unetr_plus_plus import UNETRpp

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
    return from_settings(_CONFIGS[Kind(named)], values)


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

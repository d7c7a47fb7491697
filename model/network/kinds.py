"""The networks that can be built: by the kind a configuration names, by the card of weights."""

from collections.abc import Mapping
from typing import Protocol

from model.architectures import Kind
from model.network.config import SlimUNETRppConfig
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


NetworkConfig = SlimUNETRppConfig | UNETRppConfig
Network = SlimUNETRpp | UNETRpp


def kind_of(config: NetworkConfig) -> Kind:
    """Return the kind of network that a configuration is for."""
    slim = isinstance(config, SlimUNETRppConfig)
    return Kind.SLIM_UNETRPP if slim else Kind.UNETR_PLUS_PLUS


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
    if Kind(named) is Kind.SLIM_UNETRPP:
        return SlimUNETRppConfig.from_mapping(values)
    return UNETRppConfig.from_mapping(values)


def build_network(config: NetworkConfig) -> Network:
    """Return a network with random weights."""
    if isinstance(config, SlimUNETRppConfig):
        return SlimUNETRpp(config)
    return UNETRpp(config)

"""The networks and their parts: Slim UNETR++, UNETR++ and what they are compared with."""

from model.network.brain_unet import BrainUNet, BrainUNetConfig
from model.network.config import BOUNDARY, SlimUNETRppConfig
from model.network.kinds import Network, NetworkConfig, build_network, read_config
from model.network.segresnet import SegResNet, SegResNetConfig
from model.network.slim_unetrpp import SlimUNETRpp
from model.network.unetr_config import UNETRppConfig
from model.network.unetr_plus_plus import UNETRpp

__all__ = [
    "BOUNDARY",
    "BrainUNet",
    "BrainUNetConfig",
    "Network",
    "NetworkConfig",
    "SegResNet",
    "SegResNetConfig",
    "SlimUNETRpp",
    "SlimUNETRppConfig",
    "UNETRpp",
    "UNETRppConfig",
    "build_network",
    "read_config",
]

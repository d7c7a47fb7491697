"""The networks that are measured."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from model.inference.settings import InferenceSettings
from model.network import (
    BOUNDARY,
    NetworkConfig,
    SegResNet,
    SlimUNETRppConfig,
    UNETRppConfig,
    build_network,
)
from model.spec import REGIONS, SEQUENCES
from model.weights import read_card

OURS = "Slim UNETR++ (ours)"
INSTALLED = "Slim UNETR++ (installed)"
PUBLISHED = "Slim UNETR++ (published)"
HEAVIER = "UNETR++"
BUNDLE = "SegResNet 16"

_CHANNELS_IN = len(SEQUENCES)
_CHANNELS_OUT = len(REGIONS)


@dataclass(frozen=True, slots=True)
class Contender:
    """A network to be measured.

    Parameters
    ----------
    name
        As in the table.
    config
        Of a network of ours, which is run as the product runs it; ``None`` for a peer, which is
        run as MONAI runs it.
    make
        Builds a peer for patches of a side in voxels, set up as for BraTS.
    """

    name: str
    config: NetworkConfig | None = None
    make: Callable[[int], nn.Module] | None = None

    def build(self, side: int) -> nn.Module:
        """Return the network with random weights.

        Parameters
        ----------
        side
            Side of the patch in voxels, which UNETR must know.
        """
        if self.config is not None:
            return build_network(self.config)
        assert self.make is not None
        return self.make(side)


def ours(weights_dir: Path, model_name: str) -> list[Contender]:
    """Return our networks; the installed one only where it is not of the present architecture."""
    found = [
        Contender(OURS, BOUNDARY),
        Contender(PUBLISHED, SlimUNETRppConfig()),
        Contender(HEAVIER, UNETRppConfig()),
    ]
    if is_installed(weights_dir, model_name):
        config = read_card(weights_dir, model_name).network
        if config != BOUNDARY:
            found.insert(1, Contender(INSTALLED, config))
    return found


def peers() -> list[Contender]:
    """Return the networks of the field, set up as for BraTS."""
    return [
        Contender(BUNDLE, make=_segresnet),
        Contender("DynUNet (nnU-Net)", make=_dynunet),
        Contender("UNETR", make=_unetr),
        Contender("Swin UNETR 48", make=_swin_unetr),
    ]


def contender(name: str, weights_dir: Path, model_name: str) -> Contender:
    """Return a network by its name."""
    return next(c for c in (*ours(weights_dir, model_name), *peers()) if c.name == name)


def shipped_settings(
    config: NetworkConfig | None, weights_dir: Path, model_name: str
) -> InferenceSettings:
    """Return how the product looks with a network of ours.

    As the card of the installed weights says, where they are of this network.
    """
    if is_installed(weights_dir, model_name):
        card = read_card(weights_dir, model_name)
        if card.network == config:
            return InferenceSettings.from_card(card.document)
    return InferenceSettings()


def is_installed(weights_dir: Path, model_name: str) -> bool:
    """Whether there are weights of that name."""
    return (weights_dir / f"{model_name}.safetensors").is_file()


def _segresnet(_side: int) -> nn.Module:
    # As in MONAI's BraTS bundle.
    return SegResNet().network


def _dynunet(_side: int) -> nn.Module:
    # nnU-Net's plan for BraTS, Isensee et al. 2020, arXiv 2011.00848.
    from monai.networks.nets.dynunet import DynUNet

    network: nn.Module = DynUNet(
        spatial_dims=3,
        in_channels=_CHANNELS_IN,
        out_channels=_CHANNELS_OUT,
        kernel_size=[3] * 6,
        strides=[1, 2, 2, 2, 2, 2],
        upsample_kernel_size=[2] * 5,
        filters=[32, 64, 128, 256, 320, 320],
    )
    return network


def _unetr(side: int) -> nn.Module:
    from monai.networks.nets.unetr import UNETR

    network: nn.Module = UNETR(
        in_channels=_CHANNELS_IN, out_channels=_CHANNELS_OUT, img_size=(side,) * 3
    )
    return network


def _swin_unetr(_side: int) -> nn.Module:
    from monai.networks.nets.swin_unetr import SwinUNETR

    network: nn.Module = SwinUNETR(
        in_channels=_CHANNELS_IN, out_channels=_CHANNELS_OUT, feature_size=48
    )
    return network

"""The networks that are measured."""

from collections.abc import Callable
from pathlib import Path

from torch import nn

from model.network import BOUNDARY, SlimUNETRpp
from model.spec import REGIONS, SEQUENCES
from model.weights import load_network

OURS = "Slim UNETR++ (shipped)"
PUBLISHED = "Slim UNETR++ (published)"

_CHANNELS_IN = len(SEQUENCES)
_CHANNELS_OUT = len(REGIONS)


def shipped(weights_dir: Path, name: str) -> nn.Module:
    """Return the shipped network, or its architecture with random weights where there are none."""
    if not (weights_dir / f"{name}.safetensors").is_file():
        return SlimUNETRpp(BOUNDARY)
    network, _card = load_network(weights_dir, name)
    return network


def peers(side: int) -> dict[str, Callable[[], nn.Module]]:
    """Return makers of the networks of the field, by name, set up as for BraTS.

    Parameters
    ----------
    side
        Side of the patch in voxels, which UNETR must know.
    """
    return {
        PUBLISHED: SlimUNETRpp,
        "SegResNet 16": _segresnet,
        "DynUNet (nnU-Net)": _dynunet,
        "UNETR": lambda: _unetr(side),
        "Swin UNETR 48": _swin_unetr,
    }


def _segresnet() -> nn.Module:
    # As in MONAI's BraTS bundle.
    from monai.networks.nets.segresnet import SegResNet

    network: nn.Module = SegResNet(
        init_filters=16,
        in_channels=_CHANNELS_IN,
        out_channels=_CHANNELS_OUT,
        blocks_down=(1, 2, 2, 4),
        blocks_up=(1, 1, 1),
    )
    return network


def _dynunet() -> nn.Module:
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


def _swin_unetr() -> nn.Module:
    from monai.networks.nets.swin_unetr import SwinUNETR

    network: nn.Module = SwinUNETR(
        in_channels=_CHANNELS_IN, out_channels=_CHANNELS_OUT, feature_size=48
    )
    return network

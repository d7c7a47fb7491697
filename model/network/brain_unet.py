"""A small U-Net that tells the brain in one image of a whole head.

Light where it is costly: at the input's resolution there are a few channels and one convolution on
either side; everything else works at half the resolution and below.
"""

from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from model.network.blocks import SpatialNorm
from model.network.config import require
from model.network.encoder_decoder import EncoderDecoder

_GROUP = 8


@dataclass(frozen=True, slots=True)
class BrainUNetConfig:
    """The network's widths.

    Attributes
    ----------
    in_channels, out_channels
        One image in, one map of logits out.
    stem
        Channels at the input's resolution.
    channels
        Widths at 1/2, 1/4 and so on.
    """

    in_channels: int = 1
    out_channels: int = 1
    stem: int = 8
    channels: tuple[int, ...] = (24, 48, 96, 128)

    def __post_init__(self) -> None:
        """Check the values.

        Raises
        ------
        ValueError
            Naming the argument that cannot be used.
        """
        object.__setattr__(self, "channels", tuple(self.channels))
        require(min(self.in_channels, self.out_channels) >= 1, "there must be channels in and out")
        require(len(self.channels) >= 2, "two resolutions at least")
        for width in (self.stem, *self.channels):
            require(width >= _GROUP and width % _GROUP == 0, f"widths are multiples of {_GROUP}")

    @property
    def total_stride(self) -> tuple[int, int, int]:
        """Input voxels per voxel of the coarsest stage."""
        side = 2 ** len(self.channels)
        return side, side, side

    @property
    def deep_supervision(self) -> bool:
        """Whether there are coarser answers too: there are none."""
        return False


class BrainUNet(EncoderDecoder):
    """U-Net with strided convolutions down, nearest neighbours up, and sums for skips.

    Parameters
    ----------
    config
        Widths.

    Notes
    -----
    Input ``(batch, in_channels, k, j, i)``, every side at least the total stride; output: logits
    ``(batch, out_channels, k, j, i)``.
    """

    def __init__(self, config: BrainUNetConfig) -> None:
        super().__init__(config.in_channels, config.total_stride)
        self.config = config
        self.deep_heads = nn.ModuleList()
        widths = (config.stem, *config.channels)
        self.stem = nn.Sequential(
            nn.Conv3d(config.in_channels, config.stem, 3, padding=1),
            nn.LeakyReLU(0.1, inplace=True),
        )
        pairs = list(pairwise(widths))
        self.downs = nn.ModuleList(nn.Conv3d(fine, wide, 2, stride=2) for fine, wide in pairs)
        self.encoders = nn.ModuleList(_two(wide) for _, wide in pairs)
        self.ups = nn.ModuleList(nn.Conv3d(wide, fine, 1) for fine, wide in reversed(pairs))
        self.decoders = nn.ModuleList(
            [*(_two(fine) for fine, _ in reversed(pairs[1:])), _one(config.stem)]
        )
        self.head = nn.Conv3d(config.stem, config.out_channels, 1)

    def _run(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        k, j, i = x.shape[2:]
        x = self.stem(functional.pad(x, self._padding(x.shape[2:])))
        skips = [x]
        for down, encode in zip(self.downs, self.encoders, strict=True):
            x = encode(down(x))
            skips.append(x)
        for up, decode, skip in zip(self.ups, self.decoders, skips[-2::-1], strict=True):
            x = decode(functional.interpolate(up(x), scale_factor=2.0, mode="nearest") + skip)
        logits: Tensor = self.head(x)
        return logits[:, :, :k, :j, :i], []


def _one(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(channels, channels, 3, padding=1, bias=False),
        SpatialNorm(channels // _GROUP, channels),
        nn.LeakyReLU(0.1, inplace=True),
    )


def _two(channels: int) -> nn.Sequential:
    return nn.Sequential(*_one(channels), *_one(channels))

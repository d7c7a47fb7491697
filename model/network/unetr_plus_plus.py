"""UNETR++ (Shaker et al., IEEE TMI 2024, doi 10.1109/TMI.2024.3398728).

What is the paper's (its text and public configurations): a stem of kernel = stride, three
convolutions of stride 2, widths 32, 64, 128 and 256, three efficient paired-attention (EPA) blocks
a stage with four heads and 64, 64, 64 and 32 projected tokens; transposed convolutions, skips that
are added, EPA blocks in the decoder too, a residual convolution block at full resolution; deep
supervision on three scales.

What is ours: tables of positions and projections are resampled, so any input size works; the
spatial branch keeps tokens and channels apart (see :mod:`model.network.attention`); norms are per
sample everywhere, where the published blocks use batch norm, which depends on who shares a batch.
"""

import math

from torch import Tensor, nn
from torch.nn import functional

from model.network.attention import EPABlock
from model.network.blocks import ResidualConvBlock, SpatialNorm
from model.network.encoder_decoder import EncoderDecoder
from model.network.unetr_config import Grid, UNETRppConfig

STAGES = 4


class WideningConvBlock(nn.Module):
    """Two 3³ convolutions whose residual path is a 1³ convolution, for a change of width."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(in_channels, out_channels, 3, padding=1, bias=False)
        self.norm1 = SpatialNorm(out_channels, out_channels)
        self.conv2 = nn.Conv3d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = SpatialNorm(out_channels, out_channels)
        self.shortcut = nn.Conv3d(in_channels, out_channels, 1, bias=False)
        self.shortcut_norm = SpatialNorm(out_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(batch, out_channels, k, j, i)`` on the input's grid."""
        hidden = functional.leaky_relu(self.norm1(self.conv1(x)), 0.01)
        both = self.norm2(self.conv2(hidden)) + self.shortcut_norm(self.shortcut(x))
        return functional.leaky_relu(both, 0.01)


def _stage(config: UNETRppConfig, index: int, *, decoder: bool) -> nn.Sequential:
    return nn.Sequential(
        *(
            EPABlock(
                config.dims[index],
                config.heads,
                config.reference_grid(index),
                config.tokens_projected(index, decoder=decoder),
                config.dropout,
                unit_scores=config.unit_scores,
            )
            for _ in range(config.depths[index])
        )
    )


def _embedding(in_channels: int, out_channels: int, stride: int | Grid) -> nn.Sequential:
    groups = math.gcd(in_channels, out_channels)
    return nn.Sequential(
        nn.Conv3d(in_channels, out_channels, stride, stride=stride, bias=False),
        SpatialNorm(groups, out_channels),
    )


class UNETRpp(EncoderDecoder):
    """UNETR++ for 3-D images of any number of channels.

    Parameters
    ----------
    config
        Defaults to the published BraTS set-up.

    Notes
    -----
    Input ``(batch, in_channels, k, j, i)``, every side at least the total stride; sides are padded
    with zeros to its multiples and the output is cropped back. Output: logits
    ``(batch, out_channels, k, j, i)``.
    """

    def __init__(self, config: UNETRppConfig | None = None) -> None:
        config = config or UNETRppConfig()
        super().__init__(config.in_channels, config.total_stride)
        self.config = config
        dims, full = config.dims, config.full_resolution_channels
        strides: tuple[int | Grid, ...] = (config.stem_stride, 2, 2, 2)
        self.embed = nn.ModuleList(
            _embedding(a, b, stride)
            for a, b, stride in zip((config.in_channels, *dims[:-1]), dims, strides, strict=True)
        )
        self.encoder = nn.ModuleList(_stage(config, n, decoder=False) for n in range(STAGES))
        self.expand = nn.ModuleList(
            nn.ConvTranspose3d(dims[n + 1], dims[n], 2, stride=2, bias=False)
            for n in range(STAGES - 1)
        )
        self.decoder = nn.ModuleList(_stage(config, n, decoder=True) for n in range(STAGES - 1))
        self.full_in = WideningConvBlock(config.in_channels, full)
        self.full_expand = nn.ConvTranspose3d(
            dims[0], full, config.stem_stride, stride=config.stem_stride, bias=False
        )
        self.full_out = ResidualConvBlock(full, full)
        self.head = nn.Conv3d(full, config.out_channels, 1)
        self.deep_heads = nn.ModuleList(
            nn.Conv3d(dims[n], config.out_channels, 1)
            for n in (range(2) if config.deep_supervision else ())
        )

    def _run(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        k, j, i = x.shape[2:]
        x = image = functional.pad(x, self._padding(x.shape[2:]))
        features: list[Tensor] = []
        for embed, stage in zip(self.embed, self.encoder, strict=True):
            x = stage(embed(x))
            features.append(x)
        decoded: list[Tensor] = []
        for n in reversed(range(STAGES - 1)):
            x = self.decoder[n](self.expand[n](x) + features[n])
            decoded.insert(0, x)
        x = self.full_out(self.full_expand(x) + self.full_in(image))
        logits: Tensor = self.head(x)
        return logits[:, :, :k, :j, :i], decoded[:2]

"""Slim UNETR++ (Jin et al., Med. Biol. Eng. Comput. 2025, doi 10.1007/s11517-025-03390-2).

What is the paper's (its abstract and public configuration): four encoder stages with widths 24,
48, 60 and 96 and 1, 2, 3, 2 blocks; the MedNeXt block, spatial-channel attention (SCA), efficient
paired attention (EPA) and sparse global attention inside the Slim UNETR++ block; heads 1, 2, 4, 4;
subsampling r = 4, 2, 2, 1; 64 position rows; dropout 0.3; sigmoid outputs TC, WT, ET.

What is inferred, since the encoder and decoder files are not public: the block is Slim UNETR's with
its local part replaced by the MedNeXt block; SCA sits on the skip connections; EPA follows the
blocks of the two coarsest stages; everything else is Slim UNETR's layout.

What is ours is off by default and named: see :class:`model.network.config.SlimUNETRppConfig`.
"""

from torch import Tensor, nn
from torch.nn import functional

from model.network.attention import EPABlock, SCABlock, SparseGlobalAttention, TokenTable
from model.network.blocks import (
    LineConv,
    MedNeXtBlock,
    PositionalConv,
    ResidualConvBlock,
    downsampling,
    upsampling,
)
from model.network.config import SlimUNETRppConfig
from model.network.encoder_decoder import EncoderDecoder

STAGES = 4
TOTAL_STRIDE = 32
REFERENCE_SIDE = 128
PROJECTED_TOKENS = 64


class SlimUNETRppBlock(nn.Module):
    """Positional conv, MedNeXt block, positional conv, sparse attention, line conv."""

    def __init__(
        self, channels: int, heads: int, stride: int, kernel_size: int, *, scaled: bool
    ) -> None:
        super().__init__()
        self.local_position = PositionalConv(channels)
        self.local = MedNeXtBlock(channels, kernel_size)
        self.global_position = PositionalConv(channels)
        self.attention = SparseGlobalAttention(channels, heads, stride, scaled=scaled)
        self.line = LineConv(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the input's shape."""
        x = self.global_position(self.local(self.local_position(x)))
        out: Tensor = self.line(x + self.attention(x))
        return out


def _stage(config: SlimUNETRppConfig, index: int, *, epa: bool) -> nn.Sequential:
    width, heads = config.widths[index], config.heads[index]
    layers: list[nn.Module] = [
        SlimUNETRppBlock(
            width, heads, config.r[index], config.kernel_size, scaled=config.scaled_attention
        )
        for _ in range(config.blocks[index])
    ]
    if epa:
        side = REFERENCE_SIDE // 2 ** (index + 2)
        layers.append(
            EPABlock(
                width,
                heads,
                side,
                min(PROJECTED_TOKENS, side**3),
                config.dropout,
                unit_scores=config.unit_scores,
            )
        )
    return nn.Sequential(*layers)


class SlimUNETRpp(EncoderDecoder):
    """Slim UNETR++ for 3-D multi-sequence MR.

    Parameters
    ----------
    config
        Defaults to the published configuration.

    Notes
    -----
    Input ``(batch, in_channels, k, j, i)``, every side at least 32 voxels; sides are padded with
    zeros to multiples of 32 and the output is cropped back. Output: logits
    ``(batch, out_channels, k, j, i)``; apply a sigmoid for probabilities.
    """

    def __init__(self, config: SlimUNETRppConfig | None = None) -> None:
        config = config or SlimUNETRppConfig()
        super().__init__(config.in_channels, config.total_stride)
        self.config = config
        widths, half = config.widths, config.half_resolution_channels
        if half:
            self.stem = nn.Conv3d(config.in_channels, half, 3, stride=2, padding=1, bias=False)
            self.stem_norm = nn.GroupNorm(half // 4, half)
            self.half_down = ResidualConvBlock(half, half // 4)
            self.half_up = ResidualConvBlock(half, half // 4)
            self.half_expand = upsampling(widths[0], half, 2)
        self.embed = nn.ModuleList(
            downsampling(a, b, s)
            for a, b, s in zip(
                (half or config.in_channels, *widths[:-1]),
                widths,
                (2 if half else 4, 2, 2, 2),
                strict=True,
            )
        )
        self.encoder = nn.ModuleList(_stage(config, n, epa=n >= 2) for n in range(STAGES))
        self.position = TokenTable(round(config.embedding_dim ** (1 / 3)), widths[-1], std=0.02)
        self.dropout = nn.Dropout(config.dropout)
        self.skips = nn.ModuleList(
            SCABlock(
                widths[n],
                config.heads[n],
                REFERENCE_SIDE // 2 ** (n + 2) // (2 if n == 0 else 1),
                PROJECTED_TOKENS,
                2 if n == 0 else 1,
                unit_scores=config.unit_scores,
            )
            for n in range(STAGES - 1)
        )
        self.expand = nn.ModuleList(
            upsampling(widths[n + 1], widths[n], 2) for n in range(STAGES - 1)
        )
        self.decoder = nn.ModuleList(_stage(config, n, epa=False) for n in range(STAGES - 1))
        last, stride = (half, 2) if half else (widths[0], 4)
        self.head = nn.ConvTranspose3d(last, config.out_channels, stride, stride=stride)
        self.deep_heads = nn.ModuleList(
            nn.Conv3d(widths[n], config.out_channels, 1)
            for n in (range(2) if config.deep_supervision else ())
        )

    def _run(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        shape = x.shape[2:]
        padding = self._padding(shape)
        if any(padding):  # padding by nothing would copy
            x = functional.pad(x, padding)
        half: Tensor | None = None
        if self.config.half_resolution_channels:
            half = self.half_down(functional.leaky_relu(self.stem_norm(self.stem(x)), 0.01))
            x = half
        features: list[Tensor] = []
        for embed, stage in zip(self.embed, self.encoder, strict=True):
            x = stage(embed(x))
            features.append(x)
        x = self.dropout(x + self.position((x.shape[2], x.shape[3], x.shape[4])).to(x.dtype))
        decoded: list[Tensor] = []
        for n in reversed(range(STAGES - 1)):
            x = self.decoder[n](self.expand[n](x) + self.skips[n](features[n]))
            decoded.insert(0, x)
        if half is not None:
            x = self.half_up(self.half_expand(x) + half)
        logits: Tensor = self.head(x)
        return logits[:, :, : shape[0], : shape[1], : shape[2]], decoded[:2]

"""Attention parts of Slim UNETR++.

Tensors are ``(batch, channels, k, j, i)``; "tokens" are the voxels of a grid in k, j, i order.
Sources: sparse global attention from Slim UNETR (Pang et al., IEEE TMI 2023); efficient paired
attention (EPA) from UNETR++ (Shaker et al., IEEE TMI 2024); spatial-channel attention (SCA) from
Slim UNETR++ (Jin et al., Med. Biol. Eng. Comput. 2025). Two things differ from the published code
and follow the papers' text instead: the spatial branch keeps tokens and channels apart when heads
are merged, and learned tables are resampled to the grid, so any input size works.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.network.blocks import ResidualConvBlock

Grid = tuple[int, int, int]


def to_tokens(x: Tensor) -> Tensor:
    """Return ``(batch, tokens, channels)``."""
    return x.flatten(2).transpose(1, 2)


def to_grid(tokens: Tensor, like: Tensor) -> Tensor:
    """Return tokens as ``(batch, channels, k, j, i)`` on the grid of `like`."""
    return tokens.transpose(1, 2).reshape(like.shape[0], -1, *like.shape[2:])


class TokenTable(nn.Module):
    """A learned row per token of a reference grid, resampled to whatever grid is met.

    Parameters
    ----------
    side
        Side of the reference grid (``side³`` rows), or its three sides.
    width
        Entries a row.
    std
        Standard deviation of the initial entries.
    """

    def __init__(self, side: int | Grid, width: int, std: float) -> None:
        super().__init__()
        grid = (side, side, side) if isinstance(side, int) else side
        self.table = nn.Parameter(torch.randn(1, width, *grid) * std)

    def forward(self, grid: Grid) -> Tensor:
        """Return the table as ``(1, width, *grid)``."""
        if grid == tuple(self.table.shape[2:]):
            return self.table
        return functional.interpolate(self.table, grid, mode="trilinear", align_corners=False)


class SparseGlobalAttention(nn.Module):
    """Self-attention among every r-th voxel, spread back by a depthwise transposed convolution.

    Parameters
    ----------
    channels, heads
        Width and number of attention heads.
    stride
        The paper's ``r``: one voxel in ``stride³`` attends.
    scaled
        Normalise the tokens and divide the scores by the root of the head width. The published
        code does neither.
    """

    def __init__(self, channels: int, heads: int, stride: int, *, scaled: bool) -> None:
        super().__init__()
        self.heads = heads
        self.stride = stride
        self.pre_norm = nn.GroupNorm(1, channels) if scaled else nn.Identity()
        self.scale = 1.0 / math.sqrt(channels // heads) if scaled else 1.0
        self.qkv = nn.Conv3d(channels, 3 * channels, 1, bias=False)
        self.spread = nn.ConvTranspose3d(channels, channels, stride, stride=stride, groups=channels)
        self.norm = nn.GroupNorm(1, channels)
        self.mix = nn.Conv3d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the exchanged information (no residual), shape of the input."""
        r = self.stride
        sparse = self.pre_norm(x[:, :, ::r, ::r, ::r].contiguous())
        batch, channels = sparse.shape[:2]
        query, key, value = (
            part.reshape(batch, self.heads, channels // self.heads, -1).transpose(2, 3)
            for part in self.qkv(sparse).chunk(3, dim=1)
        )
        attended = functional.scaled_dot_product_attention(query, key, value, scale=self.scale)
        grid = attended.transpose(2, 3).reshape(batch, channels, *sparse.shape[2:])
        spread = self.spread(grid)[:, :, : x.shape[2], : x.shape[3], : x.shape[4]]
        mixed: Tensor = self.mix(self.norm(spread))
        return mixed


class _Projection(nn.Module):
    """Projects N tokens to P: the shared table E of EPA, resampled along the token grid."""

    def __init__(self, side: int | Grid, projected: int) -> None:
        super().__init__()
        rows = side**3 if isinstance(side, int) else math.prod(side)
        self.table = TokenTable(side, projected, std=1.0 / math.sqrt(rows))

    def forward(self, tokens: Tensor, grid: Grid) -> Tensor:
        """Project ``(batch, heads, N, d)`` to ``(batch, heads, P, d)``."""
        weights = self.table(grid).flatten(2)[0].to(tokens.dtype)
        # Sums over more tokens would grow with the grid; keep the size of the reference grid's.
        return torch.matmul(weights / self.growth(grid), tokens)

    def growth(self, grid: Grid) -> float:
        """Return how many times as many tokens a grid has as the reference grid."""
        return math.prod(grid) / self.reference

    @property
    def reference(self) -> int:
        """Tokens of the reference grid."""
        return self.table.table[0, 0].numel()


class PairedAttention(nn.Module):
    """Channel and spatial attention side by side, their results added.

    Parameters
    ----------
    channels, heads
        Width and number of heads.
    side
        Side of the reference token grid of the projection table.
    projected
        Number of tokens the keys and values are projected to in the spatial branch.
    shared
        True: both branches share queries and keys (EPA). False: each has its own (SCA).
    unit_scores
        Begin with scores of unit deviation and learn the temperatures' logarithms. The published
        code begins with temperatures of 1, and its softmax is all but uniform.
    """

    def __init__(
        self,
        channels: int,
        heads: int,
        side: int | Grid,
        projected: int,
        *,
        shared: bool,
        unit_scores: bool = False,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.shared = shared
        self.linear = nn.Linear(channels, (4 if shared else 6) * channels, bias=False)
        self.projection = _Projection(side, projected)
        self.unit_scores = unit_scores
        if unit_scores:
            # Over R tokens of the reference grid, a normalised entry is about 1 / √R, and so is
            # one projected; their product over a head's width d deviates by √d / R. Two channels,
            # as random mixtures of the C before them, have a cosine of about 1 / √C.
            spatial = self.projection.reference / math.sqrt(channels // heads)
            # Apart and of three axes each: channels-last layouts refuse parameters of four.
            channel = torch.full((heads, 1, 1), math.log(math.sqrt(channels)))
            self.log_channel_temperature = nn.Parameter(channel)
            self.log_spatial_temperature = nn.Parameter(torch.full_like(channel, math.log(spatial)))
        else:
            self.channel_temperature = nn.Parameter(torch.ones(heads, 1, 1))
            self.spatial_temperature = nn.Parameter(torch.ones(heads, 1, 1))

    def forward(self, tokens: Tensor, grid: Grid) -> Tensor:
        """Return ``(batch, N, channels)`` from tokens of that shape."""
        batch, count, channels = tokens.shape
        parts = [
            part.reshape(batch, count, self.heads, channels // self.heads).transpose(1, 2)
            for part in self.linear(tokens).chunk(4 if self.shared else 6, dim=-1)
        ]
        if self.shared:
            query, key, channel_value, spatial_value = parts
            spatial_query, spatial_key = query, key
        else:
            query, key, channel_value, spatial_query, spatial_key, spatial_value = parts
        attended = self._channel(query, key, channel_value) + self._spatial(
            spatial_query, spatial_key, spatial_value, grid
        )
        return attended.transpose(1, 2).reshape(batch, count, channels)

    def _temperatures(self) -> tuple[Tensor, Tensor]:
        if self.unit_scores:
            return self.log_channel_temperature.exp(), self.log_spatial_temperature.exp()
        return self.channel_temperature, self.spatial_temperature

    def _channel(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        query, key = functional.normalize(query, dim=2), functional.normalize(key, dim=2)
        temperature, _ = self._temperatures()
        scores = torch.matmul(query.transpose(2, 3), key) * temperature
        return torch.matmul(value, scores.softmax(dim=-1).transpose(2, 3))

    def _spatial(self, query: Tensor, key: Tensor, value: Tensor, grid: Grid) -> Tensor:
        query, key = functional.normalize(query, dim=2), functional.normalize(key, dim=2)
        projected_key = self.projection(key, grid)
        # Of unit norm over all tokens, query and key are each smaller the more tokens there are.
        _, temperature = self._temperatures()
        strength = temperature * self.projection.growth(grid)
        scores = torch.matmul(query, projected_key.transpose(2, 3)) * strength
        return torch.matmul(scores.softmax(dim=-1), self.projection(value, grid))


class EPABlock(nn.Module):
    """UNETR++'s block: position table, paired attention, residual convolutions.

    Parameters
    ----------
    channels, heads
        Width and number of heads.
    side
        Side of the reference token grid, or its three sides.
    projected
        Projected tokens of the spatial branch.
    dropout
        Probability of dropping a whole feature channel before the last 1³ convolution.
    unit_scores
        See `PairedAttention`.
    """

    def __init__(
        self,
        channels: int,
        heads: int,
        side: int | Grid,
        projected: int,
        dropout: float,
        *,
        unit_scores: bool = False,
    ) -> None:
        super().__init__()
        self.position = TokenTable(side, channels, std=0.02)
        self.norm = nn.LayerNorm(channels)
        self.attention = PairedAttention(
            channels, heads, side, projected, shared=True, unit_scores=unit_scores
        )
        self.layer_scale = nn.Parameter(torch.full((channels,), 1e-6))
        self.conv = ResidualConvBlock(channels, groups=channels)
        self.out = nn.Sequential(nn.Dropout3d(dropout), nn.Conv3d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the input's shape."""
        grid = (x.shape[2], x.shape[3], x.shape[4])
        tokens = to_tokens(x + self.position(grid).to(x.dtype))
        tokens = tokens + self.layer_scale * self.attention(self.norm(tokens), grid)
        attended = to_grid(tokens, x)
        out: Tensor = attended + self.out(self.conv(attended))
        return out


class SCABlock(nn.Module):
    """Slim UNETR++'s spatial-channel attention, placed on a skip connection.

    On a fine grid it works on every `stride`-th voxel and its answer is interpolated back.

    Parameters
    ----------
    channels, heads
        Width and number of heads.
    side
        Side of the reference token grid, after the subsampling.
    projected
        Projected tokens of the spatial branch.
    stride
        Subsampling along each axis.
    unit_scores
        See `PairedAttention`.
    """

    def __init__(
        self,
        channels: int,
        heads: int,
        side: int,
        projected: int,
        stride: int,
        *,
        unit_scores: bool = False,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.norm = nn.LayerNorm(channels)
        self.attention = PairedAttention(
            channels, heads, side, projected, shared=False, unit_scores=unit_scores
        )
        self.layer_scale = nn.Parameter(torch.full((1, channels, 1, 1, 1), 1e-2))

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the input's shape."""
        sparse = x[:, :, :: self.stride, :: self.stride, :: self.stride]
        grid = (sparse.shape[2], sparse.shape[3], sparse.shape[4])
        attended = to_grid(self.attention(self.norm(to_tokens(sparse)), grid), sparse)
        attended = self.layer_scale * attended
        if self.stride > 1:
            # A batch of one has strides that torch takes for no layout: state that of `x`.
            last = torch.channels_last_3d
            layout = last if x.is_contiguous(memory_format=last) else torch.contiguous_format
            attended = attended.clone(memory_format=layout)
            attended = functional.interpolate(
                attended, x.shape[2:], mode="trilinear", align_corners=False
            )
        return x + attended.to(x.dtype)

"""The blocks of Slim UNETR++ in fewer passes over memory, for inference on processors.

The same functions of the same weights, rearranged: what follows a norm or a response norm is
linear, so the norm's factors go into the next kernel, which is small, instead of into the volume;
a depthwise transposed convolution, norm and 1³ convolution in a row are one matrix product; GELU is
applied while a convolution's answer is still in the cache; tables are resampled once a grid. In
bfloat16 there are fewer roundings than before, not more. Norms that stay are in
`model.network.fused_norm`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.network.attention import Grid, SparseGlobalAttention, TokenTable
from model.network.blocks import GRN_EPSILON, LineConv, MedNeXtBlock
from model.network.fused_norm import FusedGroupNorm, channel_moments

_Factors = TypeVar("_Factors")

# An integer of the size of two numbers, by their bytes.
_PAIR = {2: torch.int32, 4: torch.int64}

# Transposed convolutions up to this width are not spread over cores by torch.
_NARROW = 8


def fuse(network: nn.Module) -> nn.Module:
    """Replace the blocks of a network by their fused forms, in place.

    Parameters
    ----------
    network
        In evaluation mode, float32 or bfloat16, on the processor; cannot be trained afterwards,
        and its state dict has other names.

    Returns
    -------
    nn.Module
        The same object.
    """
    for name, child in list(network.named_children()):
        maker = _maker(child)
        if maker is None:
            fuse(child)
        else:
            setattr(network, name, maker(child).eval())
    return network


@dataclass(frozen=True, slots=True, eq=False)
class _MedNeXtFactors:
    """Float32, whatever the type of the network."""

    norm_weight: Tensor
    norm_bias: Tensor
    expand: Tensor
    expand_bias: Tensor
    compress: Tensor
    compress_bias: Tensor
    gamma: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class _SpreadFactors:
    """Float32, whatever the type of the network."""

    sums: Tensor
    squares: Tensor
    bias: Tensor
    mix: Tensor
    mix_bias: Tensor


class FusedLineConv(nn.Module):
    """`LineConv`."""

    expand_weight: Tensor
    expand_bias: Tensor
    reduce_weight: Tensor
    reduce_bias: Tensor

    def __init__(self, block: LineConv) -> None:
        super().__init__()
        _keep(self, "expand", block.expand)
        _keep(self, "reduce", block.reduce)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the input's shape."""
        hidden = _pointwise(x, self.expand_weight, self.expand_bias, gelu=True)
        return _pointwise(hidden, self.reduce_weight, self.reduce_bias, residual=x)


class FusedMedNeXtBlock(nn.Module):
    """`MedNeXtBlock`: norm and response norm in the weights of the 1³ convolutions after them."""

    spatial_weight: Tensor
    spatial_bias: Tensor

    def __init__(self, block: MedNeXtBlock) -> None:
        super().__init__()
        self.padding = block.spatial.kernel_size[0] // 2
        self.epsilon = block.norm.eps
        _keep(self, "spatial", block.spatial)
        self.factors = _exact(
            _MedNeXtFactors,
            norm_weight=block.norm.weight,
            norm_bias=block.norm.bias,
            expand=_matrix(block.expand),
            expand_bias=_bias(block.expand),
            compress=_matrix(block.compress),
            # What the response norm adds is a constant to the convolution after it.
            compress_bias=_matrix(block.compress) @ block.response.beta.flatten()
            + _bias(block.compress),
            gamma=block.response.gamma.flatten(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the input's shape."""
        if x.shape[0] > 1:
            return torch.cat([self(sample) for sample in torch.split(x, 1)])
        factors = self.factors
        local = functional.conv3d(
            x, self.spatial_weight, self.spatial_bias, padding=self.padding, groups=x.shape[1]
        )
        mean, variance = channel_moments(local)
        factor = factors.norm_weight * torch.rsqrt(variance + self.epsilon)
        shift = factors.norm_bias - mean * factor
        hidden = _pointwise(
            local,
            _kernel(factors.expand * factor).to(x.dtype),
            (factors.expand @ shift + factors.expand_bias).to(x.dtype),
            gelu=True,
        )
        mean, variance = channel_moments(hidden)
        energy = ((variance + mean.square()) * hidden[0, 0].numel()).sqrt()
        energy = energy.clamp_min(GRN_EPSILON)
        response = energy / (energy.mean() + GRN_EPSILON)
        weight = _kernel(factors.compress * (1 + factors.gamma * response)).to(x.dtype)
        return _pointwise(hidden, weight, factors.compress_bias.to(x.dtype), residual=x)


class FusedSparseAttention(nn.Module):
    """`SparseGlobalAttention`: what brings the answer back to the fine grid is one product."""

    product: Tensor

    def __init__(self, block: SparseGlobalAttention) -> None:
        super().__init__()
        self.heads, self.stride, self.scale = block.heads, block.stride, block.scale
        self.pre_norm = block.pre_norm
        self.qkv = block.qkv
        self.epsilon = block.norm.eps
        mix, spread = _matrix(block.mix), block.spread.weight.flatten(1)
        weighted = mix * block.norm.weight
        self.factors = _exact(
            _SpreadFactors,
            sums=spread.sum(dim=1),
            squares=spread.square().sum(dim=1),
            bias=_bias(block.spread),
            mix=weighted,
            mix_bias=mix @ block.norm.bias + _bias(block.mix),
        )
        # (voxels of the fine grid in one of the sparse grid × channels out, channels in)
        product = torch.einsum("oc,cs->soc", weighted, spread)
        self.register_buffer("product", _kernel(product.flatten(0, 1).detach()))

    def forward(self, x: Tensor) -> Tensor:
        """Return the exchanged information (no residual), shape of the input.

        Raises
        ------
        ValueError
            If a side of the grid is not a multiple of the stride.
        """
        r = self.stride
        if any(side % r for side in x.shape[2:]):
            msg = f"sides must be multiples of {r}, got {tuple(x.shape[2:])}"
            raise ValueError(msg)
        if x.shape[0] > 1:
            return torch.cat([self(sample) for sample in torch.split(x, 1)])
        tokens = self._attend(self.pre_norm(x[:, :, ::r, ::r, ::r].contiguous()))
        mean, deviation = self._moments(tokens.float())
        factors = self.factors
        bias = factors.mix_bias + factors.mix @ (factors.bias - mean) / deviation
        k, j, i = (side // r for side in x.shape[2:])
        scaled = (tokens / deviation).to(x.dtype).view(1, k, j, i, -1).permute(0, 4, 1, 2, 3)
        fine = _pointwise(scaled, self.product, bias.to(x.dtype).repeat(r**3))
        blocks = fine.permute(0, 2, 3, 4, 1).reshape(k, j, i, r, r, r, -1)
        spread = blocks.permute(0, 3, 1, 4, 2, 5, 6).reshape(1, k * r, j * r, i * r, -1)
        return spread.permute(0, 4, 1, 2, 3)

    def _attend(self, sparse: Tensor) -> Tensor:
        """Return (tokens, channels)."""
        channels = sparse.shape[1]
        query, key, value = (
            part.reshape(1, self.heads, channels // self.heads, -1).transpose(2, 3)
            for part in self.qkv(sparse).chunk(3, dim=1)
        )
        attended = functional.scaled_dot_product_attention(query, key, value, scale=self.scale)
        return attended[0].transpose(0, 1).reshape(-1, channels)

    def _moments(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and deviation of tokens spread over the fine grid, without spreading them."""
        factors, count = self.factors, tokens.shape[0] * self.stride**3
        sums = tokens.sum(dim=0) * factors.sums
        squares = tokens.square().sum(dim=0) * factors.squares
        bias = factors.bias
        mean = (sums / count + bias).mean()
        square = ((squares + 2 * bias * sums) / count + bias.square()).mean()
        return mean, (square - mean.square() + self.epsilon).clamp_min(self.epsilon).sqrt()


class FusedHead(nn.Module):
    """A transposed convolution to few channels whose kernel is its stride: a product, reordered."""

    product: Tensor
    bias: Tensor

    def __init__(self, head: nn.ConvTranspose3d) -> None:
        super().__init__()
        self.stride = head.stride
        count = math.prod(head.stride)
        self.register_buffer("product", _kernel(head.weight.detach().flatten(1).t()))
        self.register_buffer("bias", _bias(head).repeat_interleave(count))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(batch, out_channels, k, j, i)`` on the fine grid, contiguous."""
        fine = _pointwise(x, self.product, self.bias).permute(0, 2, 3, 4, 1)
        a, b, c = self.stride
        batch, k, j, i, _channels = fine.shape
        blocks = fine.reshape(batch, k, j, i, -1, a, b, c)
        if c % 2 == 0:  # neighbours along i stay side by side: moved as one number, twice as fast
            blocks = blocks.view(_PAIR[x.element_size()])
        blocks = blocks.permute(0, 4, 1, 5, 2, 6, 3, 7)
        logits: Tensor = blocks.reshape(batch, -1, k * a, j * b, i * blocks.shape[-1])
        return logits.view(x.dtype)


class CachedTable(nn.Module):
    """`TokenTable` that remembers the grid it was last resampled to."""

    def __init__(self, block: TokenTable) -> None:
        super().__init__()
        self.source = block
        self._kept: tuple[Grid, torch.dtype, Tensor] | None = None

    @property
    def table(self) -> Tensor:
        """The learned rows."""
        return self.source.table

    def forward(self, grid: Grid) -> Tensor:
        """Return the table as ``(1, width, *grid)``."""
        kept = self._kept
        if kept is None or kept[0] != grid or kept[1] != self.table.dtype:
            kept = self._kept = (grid, self.table.dtype, self.source(grid))
        return kept[2]


_MAKERS: dict[type[nn.Module], Callable[..., nn.Module]] = {
    LineConv: FusedLineConv,
    MedNeXtBlock: FusedMedNeXtBlock,
    SparseGlobalAttention: FusedSparseAttention,
    TokenTable: CachedTable,
    nn.GroupNorm: FusedGroupNorm,
}


def _maker(block: nn.Module) -> Callable[..., nn.Module] | None:
    if isinstance(block, nn.ConvTranspose3d):
        return FusedHead if _is_narrow_patch(block) else None
    return next((maker for kind, maker in _MAKERS.items() if isinstance(block, kind)), None)


def _is_narrow_patch(block: nn.ConvTranspose3d) -> bool:
    return block.out_channels <= _NARROW and block.kernel_size == block.stride and block.groups == 1


def _keep(module: nn.Module, name: str, convolution: nn.Conv3d) -> None:
    module.register_buffer(f"{name}_weight", convolution.weight.detach())
    module.register_buffer(f"{name}_bias", _bias(convolution))


def _bias(convolution: nn.Conv3d | nn.ConvTranspose3d) -> Tensor:
    if convolution.bias is None:
        return convolution.weight.new_zeros(convolution.out_channels)
    return convolution.bias.detach()


def _matrix(convolution: nn.Conv3d) -> Tensor:
    """Return the weights of a 1³ convolution as (out, in) float32."""
    return convolution.weight.detach().flatten(1).float()


def _kernel(matrix: Tensor) -> Tensor:
    """Return (out, in) as the weights of a 1³ convolution."""
    return matrix[:, :, None, None, None].contiguous()


def _exact(kind: Callable[..., _Factors], **tensors: Tensor) -> _Factors:
    return kind(**{name: t.detach().float().contiguous() for name, t in tensors.items()})


def _pointwise(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    *,
    gelu: bool = False,
    residual: Tensor | None = None,
) -> Tensor:
    """Return a 1³ convolution, with GELU or a residual added before it leaves the cache."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        out = functional.conv3d(x, weight, bias)
        out = functional.gelu(out) if gelu else out
        return out if residual is None else out + residual
    once, none = [1] * 3, [0] * 3
    if residual is not None:
        added: Tensor = torch.ops.mkldnn._convolution_pointwise.binary(
            x, residual, weight, bias, none, once, once, 1, "add", 1.0, None, [], None
        )
        return added
    kind = "gelu" if gelu else "none"
    alone: Tensor = torch.ops.mkldnn._convolution_pointwise(
        x, weight, bias, none, once, once, 1, kind, [], "none"
    )
    return alone

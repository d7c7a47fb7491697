"""Convolutional parts of Slim UNETR++.

Tensors are ``(batch, channels, k, j, i)`` throughout. Sources: Slim UNETR (Pang et al., IEEE TMI
2023) for the positional convolutions, the line convolution and the sparse global attention;
MedNeXt (Roy et al., MICCAI 2023) with ConvNeXt V2's response norm (Woo et al., CVPR 2023).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

GRN_EPSILON = 1e-6


class DepthwiseConv3d(nn.Conv3d):
    """Depthwise convolution that keeps its grid.

    Parameters
    ----------
    channels, kernel_size
        Number of channels and (odd) side of the kernel.
    """

    def __init__(self, channels: int, kernel_size: int) -> None:
        super().__init__(channels, channels, kernel_size, padding=kernel_size // 2, groups=channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the input's shape."""
        if self.training and x.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
            # On CPUs the bf16 backward of depthwise kernels costs several times the fp32 one.
            with torch.autocast("cpu", enabled=False):
                return super().forward(x.float())
        return super().forward(x)


class SpatialNorm(nn.GroupNorm):
    """Group norm that also takes a grid of one voxel, where `nn.GroupNorm` raises."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the parent's name
        """Return a tensor of the input's shape."""
        return torch.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)


class PositionalConv(nn.Module):
    """Depthwise 3³ convolution with a residual: tells neighbouring voxels apart."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = DepthwiseConv3d(channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the input's shape."""
        out: Tensor = x + self.conv(x)
        return out


class LineConv(nn.Module):
    """Voxelwise two-layer perceptron with a residual (Slim UNETR's "line conv")."""

    def __init__(self, channels: int, expansion: int = 4) -> None:
        super().__init__()
        self.expand = nn.Conv3d(channels, expansion * channels, 1)
        self.reduce = nn.Conv3d(expansion * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the input's shape."""
        out: Tensor = x + self.reduce(functional.gelu(self.expand(x)))
        return out


class GlobalResponseNorm(nn.Module):
    """Channel competition by each channel's L2 norm over space, divided by the channels' mean."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1, channels, 1, 1, 1))
        self.beta = nn.Parameter(torch.zeros(1, channels, 1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the input's shape."""
        # Four times as fast as vector_norm on channels-last; clamped, since sqrt'(0) is infinite.
        squares = x.float().square().sum(dim=(2, 3, 4), keepdim=True)
        energy = squares.clamp_min(GRN_EPSILON**2).sqrt()
        response = energy / (energy.mean(dim=1, keepdim=True) + GRN_EPSILON)
        # One multiplication over the volume: x + gamma·x·response + beta.
        out: Tensor = x * (1.0 + self.gamma * response).to(x.dtype) + self.beta.to(x.dtype)
        return out


class MedNeXtBlock(nn.Module):
    """MedNeXt block: large depthwise kernel, expansion, response norm, compression, residual.

    Parameters
    ----------
    channels
        Number of feature channels.
    kernel_size
        Side of the depthwise kernel: 3, 5 or 7.
    expansion
        Width of the hidden layer in multiples of `channels`.
    """

    def __init__(self, channels: int, kernel_size: int = 7, expansion: int = 4) -> None:
        super().__init__()
        self.spatial = DepthwiseConv3d(channels, kernel_size)
        self.norm = SpatialNorm(channels, channels)
        self.expand = nn.Conv3d(channels, expansion * channels, 1)
        self.response = GlobalResponseNorm(expansion * channels)
        self.compress = nn.Conv3d(expansion * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the input's shape."""
        hidden = functional.gelu(self.expand(self.norm(self.spatial(x))))
        out: Tensor = x + self.compress(self.response(hidden))
        return out


class ResidualConvBlock(nn.Module):
    """Two dense 3³ convolutions with norm and leaky ReLU, residual (UNETR++'s "res block")."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = SpatialNorm(groups, channels)
        self.conv2 = nn.Conv3d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = SpatialNorm(groups, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the input's shape."""
        hidden = functional.leaky_relu(self.norm1(self.conv1(x)), 0.01, inplace=True)
        return functional.leaky_relu(x + self.norm2(self.conv2(hidden)), 0.01, inplace=True)


def downsampling(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    """Return a non-overlapping patch embedding: conv with kernel = stride, GroupNorm(1)."""
    return nn.Sequential(
        nn.Conv3d(in_channels, out_channels, stride, stride=stride),
        nn.GroupNorm(1, out_channels),
    )


def upsampling(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    """Return its mirror image: transposed conv with kernel = stride, GroupNorm(1)."""
    return nn.Sequential(
        nn.ConvTranspose3d(in_channels, out_channels, stride, stride=stride),
        nn.GroupNorm(1, out_channels),
    )

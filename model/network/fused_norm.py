"""Group norm on processors, exact in float32 for volumes of any size, of an even count."""

import math

import torch
from torch import Tensor, nn

# Statistics are vectorised over channels: so many at least, by taking neighbours together. Each is
# a float32 sum of its own; the more there are, the shorter they are, and the less they round.
_PACKED_CHANNELS = 1024


class FusedGroupNorm(nn.Module):
    """`torch.nn.GroupNorm`, in float32 from `channel_moments`.

    torch's own kernel for channels-last adds up values and squares of a whole volume in float32:
    on a brain of half resolution its answer is off by a thousandth.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        self.groups, self.epsilon = norm.num_groups, norm.eps
        self.register_buffer("weight", norm.weight.detach())
        self.register_buffer("bias", norm.bias.detach())

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the input's shape."""
        if x.dtype is not torch.float32:  # in bfloat16 rounding is coarser than that
            return torch.group_norm(x, self.groups, self.weight, self.bias, self.epsilon)
        if x.shape[0] > 1:
            return torch.cat([self(sample) for sample in torch.split(x, 1)])
        mean, variance = (moment.view(self.groups, -1) for moment in channel_moments(x))
        overall = mean.mean(dim=1, keepdim=True)
        spread = (variance + (mean - overall).square()).mean(dim=1, keepdim=True)
        factor = self.weight.view(self.groups, -1) * torch.rsqrt(spread + self.epsilon)
        shift = self.bias.view(self.groups, -1) - overall * factor
        return torch.addcmul(shift.view(1, -1, 1, 1, 1), x, factor.view(1, -1, 1, 1, 1))


def channel_moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and variance of each channel over space.

    Parameters
    ----------
    x
        (1, channels, k, j, i).

    Returns
    -------
    tuple of Tensor
        Each (channels,) float32.
    """
    channels = x.shape[1]
    rows = x.permute(0, 2, 3, 4, 1).reshape(-1, channels).contiguous()
    together = math.gcd(max(1, _PACKED_CHANNELS // channels), rows.shape[0])
    count, width = rows.shape[0] // together, channels * together
    packed = rows.reshape(count, width).as_strided(
        (1, width, count, 1), (count * width, 1, width, width)
    )
    mean, variance = torch.batch_norm_update_stats(packed, torch.zeros(width), torch.ones(width), 0)
    mean, variance = mean.view(together, channels), variance.view(together, channels)
    overall = mean.mean(dim=0)
    return overall, variance.mean(dim=0) + (mean - overall).square().mean(dim=0)

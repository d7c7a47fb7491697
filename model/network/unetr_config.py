"""The choices of UNETR++: the BraTS set-up by default, its other data sets by name."""

import math
from dataclasses import dataclass

from model.network.config import require

Grid = tuple[int, int, int]
_HALVINGS = 8
"""Three convolutions of stride 2 follow the stem."""


@dataclass(frozen=True, slots=True)
class UNETRppConfig:
    """Every choice of the network; the defaults are the published BraTS set-up.

    Attributes
    ----------
    in_channels, out_channels
        Sequences in, regions or classes out.
    stem_stride
        Kernel and stride of the first convolution along k, j and i.
    reference
        Input size for which the tables of positions and projections hold one row per token; on
        any other they are resampled.
    dims, depths
        Width and number of paired-attention blocks of the four stages, finest first.
    heads
        Attention heads in every block.
    projected
        Tokens that keys and values are projected to, per stage of the encoder; the decoder uses
        the first.
    full_resolution_channels
        Width of the convolutions at the input's own resolution.
    dropout
        Inside the paired-attention blocks.
    unit_scores
        Ours: paired attention begins with scores of unit deviation, see
        :class:`model.network.attention.PairedAttention`.
    deep_supervision
        Extra 1³ heads on the two finest stages of the decoder, used only in training.
    """

    in_channels: int = 4
    out_channels: int = 3
    stem_stride: Grid = (4, 4, 4)
    reference: Grid = (128, 128, 128)
    dims: tuple[int, int, int, int] = (32, 64, 128, 256)
    depths: tuple[int, int, int, int] = (3, 3, 3, 3)
    heads: int = 4
    projected: tuple[int, int, int, int] = (64, 64, 64, 32)
    full_resolution_channels: int = 16
    dropout: float = 0.1
    unit_scores: bool = False
    deep_supervision: bool = True

    def __post_init__(self) -> None:
        """Check the values.

        Raises
        ------
        ValueError
            Naming the argument that cannot be used.
        """
        sizes = (("stem_stride", 3), ("reference", 3), ("dims", 4), ("depths", 4), ("projected", 4))
        for name, length in sizes:
            values = tuple(getattr(self, name))
            require(
                len(values) == length and min(values) >= 1,
                f"{name} must be {length} positive integers, got {values}",
            )
            object.__setattr__(self, name, values)
        for name in ("in_channels", "out_channels", "heads", "full_resolution_channels"):
            require(getattr(self, name) >= 1, f"{name} must be positive")
        for width in self.dims:
            require(width % self.heads == 0, f"{self.heads} heads do not divide {width} channels")
        for side, stride in zip(self.reference, self.total_stride, strict=True):
            require(side % stride == 0, f"reference must be multiples of {self.total_stride}")
        require(0.0 <= self.dropout < 1.0, "dropout must lie in [0, 1)")

    @property
    def total_stride(self) -> Grid:
        """Input voxels per voxel of the coarsest stage."""
        k, j, i = self.stem_stride
        return k * _HALVINGS, j * _HALVINGS, i * _HALVINGS

    def reference_grid(self, stage: int) -> Grid:
        """Return the token grid of a stage at the reference input."""
        k, j, i = (
            side // (stem * 2**stage)
            for side, stem in zip(self.reference, self.stem_stride, strict=True)
        )
        return k, j, i

    def tokens_projected(self, stage: int, *, decoder: bool = False) -> int:
        """Return the number of projected tokens, at most what the reference grid has."""
        wanted = self.projected[0 if decoder else stage]
        return min(wanted, math.prod(self.reference_grid(stage)))

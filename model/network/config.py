"""The choices of Slim UNETR++: the published ones by default, ours by name."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TypeVar

T = TypeVar("T")


def require(condition: bool, message: str) -> None:
    """Raise `ValueError` with a message where a condition does not hold."""
    if not condition:
        raise ValueError(message)


def from_settings(kind: type[T], values: Mapping[str, object]) -> T:
    """Build a network's configuration from parsed JSON or TOML, where tuples are lists.

    Raises
    ------
    ValueError
        If a key is unknown or a value is of the wrong kind.
    """
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - known)
    if unknown:
        msg = f"unknown network settings: {', '.join(unknown)}"
        raise ValueError(msg)
    arguments = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    try:
        return kind(**arguments)
    except TypeError as error:
        msg = f"network settings of the wrong kind: {error}"
        raise ValueError(msg) from error


@dataclass(frozen=True, slots=True)
class SlimUNETRppConfig:
    """Every choice of the network; the defaults are the published configuration.

    Attributes
    ----------
    in_channels, out_channels
        Sequences in (T1, T1c, T2, FLAIR), regions out (TC, WT, ET).
    channels
        Widths of the stages at 1/4, 1/8 and 1/16 of the input's resolution.
    embed_dim
        Width of the stage at 1/32.
    blocks, heads, r
        For each of the four stages: Slim UNETR++ blocks, attention heads, subsampling.
    embedding_dim
        Rows of the position table after the encoder: a cube (64 = 4³ at a 128³ input).
    dropout
        After the encoder and inside EPA.
    kernel_size
        Of the MedNeXt block's depthwise convolution: 3, 5 or 7.
    half_resolution_channels
        Ours; 0 is the published stem. Otherwise a stage of that width at 1/2 resolution, two
        dense residual convolutions on the way down and on the way up: it sharpens boundaries,
        since the published head paints 4×4×4 voxels from one feature vector.
    scaled_attention
        Ours: normalised tokens and scores divided by the root of the head width in the sparse
        attention, which keeps short training runs stable.
    unit_scores
        Ours: paired attention begins with scores of unit deviation, see
        :class:`model.network.attention.PairedAttention`.
    deep_supervision
        Ours: extra 1³ heads at 1/4 and 1/8 resolution, used only in training
        (:meth:`SlimUNETRpp.forward_deep`).
    """

    in_channels: int = 4
    out_channels: int = 3
    channels: tuple[int, int, int] = (24, 48, 60)
    embed_dim: int = 96
    blocks: tuple[int, int, int, int] = (1, 2, 3, 2)
    heads: tuple[int, int, int, int] = (1, 2, 4, 4)
    r: tuple[int, int, int, int] = (4, 2, 2, 1)
    embedding_dim: int = 64
    dropout: float = 0.3
    kernel_size: int = 7
    half_resolution_channels: int = 0
    scaled_attention: bool = False
    unit_scores: bool = False
    deep_supervision: bool = False

    def __post_init__(self) -> None:
        """Check the values.

        Raises
        ------
        ValueError
            Naming the argument that cannot be used.
        """
        self._check_stages()
        for name in ("in_channels", "out_channels", "embed_dim"):
            require(getattr(self, name) >= 1, f"{name} must be positive")
        require(self.kernel_size in (3, 5, 7), "kernel_size must be 3, 5 or 7")
        side = round(self.embedding_dim ** (1 / 3))
        require(side**3 == self.embedding_dim, "embedding_dim must be a cube")
        require(0.0 <= self.dropout < 1.0, "dropout must lie in [0, 1)")
        half = self.half_resolution_channels
        require(
            half >= 0 and half % 4 == 0, "half_resolution_channels must be 0 or a multiple of 4"
        )

    def _check_stages(self) -> None:
        for name, length in (("channels", 3), ("blocks", 4), ("heads", 4), ("r", 4)):
            values = tuple(getattr(self, name))
            require(
                len(values) == length and min(values) >= 1,
                f"{name} must be {length} positive integers, got {values}",
            )
            object.__setattr__(self, name, values)
        for width, heads in zip(self.widths, self.heads, strict=True):
            require(width % heads == 0, f"{heads} heads do not divide {width} channels")

    @property
    def widths(self) -> tuple[int, int, int, int]:
        """Widths of all four stages, finest first."""
        return (*self.channels, self.embed_dim)

    @property
    def total_stride(self) -> tuple[int, int, int]:
        """Input voxels per voxel of the coarsest stage."""
        return 32, 32, 32


BOUNDARY = SlimUNETRppConfig(
    channels=(32, 64, 96),
    embed_dim=128,
    dropout=0.1,
    kernel_size=5,
    half_resolution_channels=16,
    scaled_attention=True,
    deep_supervision=True,
)
"""The wider variant with a half-resolution stage: the best accuracy for its time on a CPU."""

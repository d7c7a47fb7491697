"""SegResNet (Myronenko 2018, arXiv 1810.11654) as MONAI has it: what ours is compared with.

The network itself is MONAI's, unchanged; here it is given the names and promises that training,
evaluation and inference rely on. It is a peer and no model of the product.
"""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from model.network.config import require
from model.network.encoder_decoder import EncoderDecoder

_GROUPS = 8
"""Of MONAI's group norms."""


@dataclass(frozen=True, slots=True)
class SegResNetConfig:
    """What is set of MONAI's network; the defaults are those of its BraTS bundle.

    Attributes
    ----------
    in_channels, out_channels
        Sequences in, regions or classes out.
    init_filters
        Width at full resolution; doubles with every halving.
    blocks_down, blocks_up
        Residual blocks of each stage, finest first on the way down, coarsest first on the way up.
    dropout
        After the first convolution.
    """

    in_channels: int = 4
    out_channels: int = 3
    init_filters: int = 16
    blocks_down: tuple[int, ...] = (1, 2, 2, 4)
    blocks_up: tuple[int, ...] = (1, 1, 1)
    dropout: float = 0.2

    def __post_init__(self) -> None:
        """Check the values.

        Raises
        ------
        ValueError
            Naming the argument that cannot be used.
        """
        for name in ("blocks_down", "blocks_up"):
            values = tuple(getattr(self, name))
            require(min(values, default=0) >= 1, f"{name} must be positive integers, got {values}")
            object.__setattr__(self, name, values)
        require(
            len(self.blocks_up) == len(self.blocks_down) - 1,
            "blocks_up must have one stage less than blocks_down",
        )
        for name in ("in_channels", "out_channels"):
            require(getattr(self, name) >= 1, f"{name} must be positive")
        require(
            self.init_filters >= 1 and self.init_filters % _GROUPS == 0,
            f"init_filters must be a multiple of {_GROUPS}",
        )
        require(0.0 <= self.dropout < 1.0, "dropout must lie in [0, 1)")

    @property
    def total_stride(self) -> tuple[int, int, int]:
        """Input voxels per voxel of the coarsest stage."""
        step = 2 ** (len(self.blocks_down) - 1)
        return step, step, step

    @property
    def deep_supervision(self) -> bool:
        """Never: MONAI's network answers at full resolution only."""
        return False


class SegResNet(EncoderDecoder):
    """MONAI's SegResNet for 3-D images of any size.

    Parameters
    ----------
    config
        Defaults to the BraTS bundle's.

    Notes
    -----
    Input ``(batch, in_channels, k, j, i)``, every side at least the total stride; sides are padded
    with zeros to its multiples and the output is cropped back. Output: logits
    ``(batch, out_channels, k, j, i)``.
    """

    def __init__(self, config: SegResNetConfig | None = None) -> None:
        # Imported where used: the program starts without MONAI, and never needs this network.
        from monai.networks.nets.segresnet import SegResNet as MonaiSegResNet

        config = config or SegResNetConfig()
        super().__init__(config.in_channels, config.total_stride)
        self.config = config
        self.network: nn.Module = MonaiSegResNet(
            init_filters=config.init_filters,
            in_channels=config.in_channels,
            out_channels=config.out_channels,
            dropout_prob=config.dropout,
            blocks_down=config.blocks_down,
            blocks_up=config.blocks_up,
        )
        self.deep_heads = nn.ModuleList()

    def _run(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        k, j, i = x.shape[2:]
        logits: Tensor = self.network(functional.pad(x, self._padding(x.shape[2:])))
        return logits[:, :, :k, :j, :i], []

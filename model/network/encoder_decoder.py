"""What both networks promise of their inputs and outputs."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor, nn


class EncoderDecoder(nn.Module, ABC):
    """A network that checks its input and answers at full resolution, or also at coarser ones.

    Parameters
    ----------
    in_channels
        Channels of the input.
    total_stride
        Input voxels per voxel of the coarsest stage, along k, j and i.
    """

    deep_heads: nn.ModuleList

    def __init__(self, in_channels: int, total_stride: tuple[int, int, int]) -> None:
        super().__init__()
        self._in_channels = in_channels
        self._total_stride = total_stride

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits at full resolution.

        Raises
        ------
        ValueError
            If the input has the wrong rank, channels or too short a side.
        """
        self._check(x)
        return self._run(x)[0]

    def forward_deep(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the logits at full resolution and those of the two finest decoder stages.

        Raises
        ------
        ValueError
            As :meth:`forward`, or if a side is not a multiple of the total stride, or the network
            was built without deep supervision.
        """
        if not self.deep_heads:
            msg = "this network was built without deep supervision"
            raise ValueError(msg)
        self._check(x)
        if any(self._padding(x.shape[2:])):
            msg = f"sides must be multiples of {self._sides()}, got {tuple(x.shape[2:])}"
            raise ValueError(msg)
        logits, features = self._run(x)
        deep = zip(self.deep_heads, features, strict=True)
        return (logits, *(head(feature) for head, feature in deep))

    @abstractmethod
    def _run(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the logits and the features of the two finest decoder stages."""

    def _check(self, x: Tensor) -> None:
        if x.ndim != 5 or x.shape[1] != self._in_channels:
            msg = f"expected (batch, {self._in_channels}, k, j, i), got {tuple(x.shape)}"
            raise ValueError(msg)
        if any(side < least for side, least in zip(x.shape[2:], self._total_stride, strict=True)):
            msg = f"sides must be at least {self._sides()} voxels, got {tuple(x.shape[2:])}"
            raise ValueError(msg)

    def _padding(self, shape: Sequence[int]) -> list[int]:
        """Return what `torch.nn.functional.pad` needs to make the sides multiples of the stride."""
        padding: list[int] = []
        for side, step in zip(reversed(shape), reversed(self._total_stride), strict=True):
            padding += [0, -side % step]
        return padding

    def _sides(self) -> str:
        return ", ".join(map(str, self._total_stride))

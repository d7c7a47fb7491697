"""Progress and cancel from inside a forward pass."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from torch.utils.hooks import RemovableHandle


class Pulse:
    """While active, calls back after every layer of a network.

    A window takes seconds on a slow processor; without this a study of one window could neither
    tell how far it is nor be stopped. The work of a layer is counted in values it puts out.

    Parameters
    ----------
    network
        The network to listen to.
    on_values
        Given the number of values put out since the start. May raise to stop the pass.
    """

    def __init__(self, network: nn.Module, on_values: Callable[[int], None]) -> None:
        self._network = network
        self._on_values = on_values
        self._values = 0
        self._handles: list[RemovableHandle] = []

    def __enter__(self) -> Self:
        """Start listening."""
        for module in self._network.modules():
            if next(module.children(), None) is None:
                self._handles.append(module.register_forward_hook(self._after))
        return self

    def __exit__(self, *_exception: object) -> None:
        """Stop listening."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def _after(self, module: nn.Module, inputs: object, output: object) -> None:
        if isinstance(output, Tensor):
            self._values += output.numel()
            self._on_values(self._values)


def values_per_voxel(network: nn.Module, image: Tensor) -> float:
    """Return how many values the layers put out for each voxel of the input.

    Parameters
    ----------
    image
        Any input the network takes, on its device and of its type.
    """
    total = 0

    def count(values: int) -> None:
        nonlocal total
        total = values

    with torch.inference_mode(), Pulse(network, count):
        network(image)
    return total / image[0, 0].numel()

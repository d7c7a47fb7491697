"""What the machine can do at best, and what a network asks of it."""

import time
from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

_MATRIX_SIDE: Final = 2048
_COPY_BYTES: Final = 2**28
_SECONDS: Final = 1.0


def matrix_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Return operations a second in the product of two large square matrices, the fastest seen.

    One multiplication and one addition are two operations.
    """
    left = torch.randn((_MATRIX_SIDE, _MATRIX_SIDE), device=device).to(dtype)
    right = torch.randn((_MATRIX_SIDE, _MATRIX_SIDE), device=device).to(dtype)
    return 2 * _MATRIX_SIDE**3 / _fastest(device, lambda: left @ right)


def memory_bandwidth(device: torch.device) -> float:
    """Return bytes a second, read and written, in the copy of an array too large for caches."""
    source = torch.ones(_COPY_BYTES, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * _COPY_BYTES / _fastest(device, lambda: target.copy_(source))


class Traffic(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """While active, adds up the bytes that each operation reads and writes.

    What stays in a cache between two operations is counted all the same, so that a network can
    come out above the bandwidth of the memory.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = 0

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run the operation and count."""
        answer = func(*args, **(kwargs or {}))
        if not func.is_view and "empty" not in func.name():
            self.bytes += sum(map(_bytes, (*args, *(kwargs or {}).values(), answer)))
        return answer


def _bytes(value: object) -> int:
    if isinstance(value, Tensor):
        return value.numel() * value.element_size()
    if isinstance(value, list | tuple):
        return sum(map(_bytes, value))
    return 0


def _fastest(device: torch.device, work: Callable[[], object]) -> float:
    best, ends = float("inf"), time.perf_counter() + _SECONDS
    while time.perf_counter() < ends:
        started = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - started)
    return best

"""Region probabilities of one normalised image on one device."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model.device import DeviceChoice
from model.inference.pulse import Pulse, values_per_voxel
from model.inference.windows import Window, WindowPlan, gaussian_weights
from model.spec import REGIONS

_LEFT_RIGHT_AXIS = -1
_WARM_UP_SIDE = 64
_LAYOUTS = (torch.channels_last_3d, torch.contiguous_format)
_LAYOUT_TRIALS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """A network on its device.

    Parameters
    ----------
    network
        In evaluation mode, on the device, in its type and layout.
    choice
        The device.
    values_per_voxel
        See `model.inference.pulse`; what progress is measured by.
    memory_format
        Layout of weights and images.
    """

    network: nn.Module
    choice: DeviceChoice
    values_per_voxel: float
    memory_format: torch.memory_format = torch.contiguous_format

    @classmethod
    def on_device(cls, network: nn.Module, choice: DeviceChoice) -> "Predictor":
        """Move a network to a device and run it once, so that the first study finds it warm.

        Which layout CUDA's kernels prefer depends on card and version, so there both are timed.
        """
        moved = choice.place(network.eval())
        image = torch.zeros(
            (1, 4, *[_WARM_UP_SIDE] * 3), device=choice.device, dtype=choice.dtype
        ).contiguous(memory_format=choice.memory_format)
        layout = choice.memory_format
        if choice.device.type == "cuda":
            layout = faster_layout(moved, image)
        return cls(moved, choice, values_per_voxel(moved, image), layout)

    def probabilities(
        self,
        image_ckji: Tensor,
        plan: WindowPlan,
        *,
        mirror: bool,
        advance: Callable[[float], None],
        batch: int = 1,
    ) -> Tensor:
        """Run the network over the windows of a plan.

        Parameters
        ----------
        image_ckji
            (4, k, j, i) float32 on the CPU, normalised.
        plan
            Made for this grid.
        mirror
            Average with the answer for the image mirrored left to right.
        advance
            Given the fraction done after every layer; may raise to stop.
        batch
            Windows given to the network at once.

        Returns
        -------
        Tensor
            (3, k, j, i) float16 on the CPU; zero where no window with brain in it looked.
        """
        device = self.choice.device
        begin, shape = plan.offset_kji, image_ckji.shape[1:]
        inner = tuple(slice(b, b + n) for b, n in zip(begin, shape, strict=True))
        padded = torch.zeros((4, *plan.shape_kji), device=device, dtype=self.choice.dtype)
        padded[(slice(None), *inner)] = image_ckji.to(device, self.choice.dtype)
        windows = plan.slices()
        if len(windows) > 1:
            windows = [window for window in windows if padded[window].any()]
        passes = len(windows) * (2 if mirror else 1)
        values = max(1.0, self.values_per_voxel * plan.voxels / len(plan.starts_kji) * passes)
        with ExitStack() as stack:
            stack.enter_context(torch.inference_mode())
            stack.enter_context(Pulse(self.network, lambda n: advance(min(n / values, 1.0))))
            if len(plan.starts_kji) == 1:
                found = self._look(padded[None], (slice(None), *inner), mirror=mirror)[0]
            else:
                found = self._blend(padded, plan, windows, mirror=mirror, batch=batch)
                found = found[(slice(None), *inner)]
        return found.half().contiguous().cpu()

    def _blend(
        self, padded: Tensor, plan: WindowPlan, windows: list[Window], *, mirror: bool, batch: int
    ) -> Tensor:
        weights = gaussian_weights(plan.window_kji).to(padded.device)
        total = torch.zeros((len(REGIONS), *plan.shape_kji), device=padded.device)
        weight = torch.full(plan.shape_kji, torch.finfo(torch.float32).tiny, device=padded.device)
        everything = (slice(None),) * 4
        for some in _batches(windows, batch):
            images = torch.stack([padded[window] for window in some])
            answers = self._look(images, everything, mirror=mirror)
            for window, answer in zip(some, answers, strict=True):
                total[window] += answer.mul_(weights)
                weight[window[1:]] += weights
        return total.div_(weight)

    def _look(self, images_nckji: Tensor, part: tuple[slice, ...], *, mirror: bool) -> Tensor:
        """Return the probabilities of a part of each image, float32."""
        answer = self._run(images_nckji)[(slice(None), *part)].float().sigmoid_()
        if mirror:
            flipped = self._run(images_nckji.flip(_LEFT_RIGHT_AXIS)).flip(_LEFT_RIGHT_AXIS)
            answer += flipped[(slice(None), *part)].float().sigmoid_()
            answer /= 2
        return answer

    def _run(self, images_nckji: Tensor) -> Tensor:
        logits: Tensor = self.network(images_nckji.contiguous(memory_format=self.memory_format))
        return logits


def faster_layout(network: nn.Module, image: Tensor) -> torch.memory_format:
    """Leave a network in the layout in which it answers sooner, and return that.

    Parameters
    ----------
    network, image
        On the device; the image is any input the network takes.
    """
    seconds = {layout: _seconds(network, image, layout) for layout in _LAYOUTS}
    best = min(seconds, key=lambda layout: seconds[layout])
    network.to(memory_format=best)  # type: ignore[call-overload] # torch documents this form
    return best


def _seconds(network: nn.Module, image: Tensor, layout: torch.memory_format) -> float:
    network.to(memory_format=layout)  # type: ignore[call-overload] # torch documents this form
    image = image.contiguous(memory_format=layout)
    taken = []
    with torch.inference_mode():
        for _ in range(1 + _LAYOUT_TRIALS):  # the first one finds kernels
            started = time.perf_counter()
            network(image)
            if image.device.type == "cuda":
                torch.cuda.synchronize(image.device)
            taken.append(time.perf_counter() - started)
    return min(taken[1:])


def _batches(windows: list[Window], size: int) -> Iterator[list[Window]]:
    for first in range(0, len(windows), size):
        yield windows[first : first + size]

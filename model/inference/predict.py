"""Region probabilities of one normalised image on one device."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model.device import DeviceChoice
from model.inference.pulse import Pulse, values_per_voxel
from model.inference.windows import Window, WindowPlan, gaussian_weights
from model.spec import REGIONS

_LEFT_RIGHT_AXIS = 4
_WARM_UP_SIDE = 64


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
    """

    network: nn.Module
    choice: DeviceChoice
    values_per_voxel: float

    @classmethod
    def on_device(cls, network: nn.Module, choice: DeviceChoice) -> "Predictor":
        """Move a network to a device and run it once, so that the first study finds it warm."""
        moved = choice.place(network.eval())
        image = torch.zeros(
            (1, 4, *[_WARM_UP_SIDE] * 3), device=choice.device, dtype=choice.dtype
        ).contiguous(memory_format=choice.memory_format)
        return cls(moved, choice, values_per_voxel(moved, image))

    def probabilities(
        self,
        image_ckji: Tensor,
        plan: WindowPlan,
        *,
        mirror: bool,
        advance: Callable[[float], None],
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
        windows = [window for window in plan.slices() if padded[window].any()]
        passes = len(windows) * (2 if mirror else 1)
        values = max(1.0, self.values_per_voxel * plan.voxels / len(plan.starts_kji) * passes)
        with ExitStack() as stack:
            stack.enter_context(torch.inference_mode())
            stack.enter_context(Pulse(self.network, lambda n: advance(min(n / values, 1.0))))
            if len(plan.starts_kji) == 1:
                whole = self._look(padded, mirror=mirror)
            else:
                whole = self._blend(padded, plan, windows, mirror=mirror)
        return whole[(slice(None), *inner)].half().cpu()

    def _blend(
        self, padded: Tensor, plan: WindowPlan, windows: list[Window], *, mirror: bool
    ) -> Tensor:
        weights = gaussian_weights(plan.window_kji).to(padded.device)
        total = torch.zeros((len(REGIONS), *plan.shape_kji), device=padded.device)
        weight = torch.full(plan.shape_kji, torch.finfo(torch.float32).tiny, device=padded.device)
        for window in windows:
            total[window] += self._look(padded[window], mirror=mirror) * weights
            weight[window[1:]] += weights
        return total / weight

    def _look(self, image_ckji: Tensor, *, mirror: bool) -> Tensor:
        batch = image_ckji[None].contiguous(memory_format=self.choice.memory_format)
        answer: Tensor = self.network(batch).float().sigmoid()
        if mirror:
            mirrored = batch.flip(_LEFT_RIGHT_AXIS)
            mirrored = mirrored.contiguous(memory_format=self.choice.memory_format)
            answer += self.network(mirrored).float().sigmoid().flip(_LEFT_RIGHT_AXIS)
            answer /= 2
        return answer[0]

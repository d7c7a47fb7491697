"""The training loop: one process, one device, resumable at any step."""

import csv
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from model.network import build_network
from model.train.checkpoint import (
    CheckpointError,
    Progress,
    WeightAverage,
    load_checkpoint,
    save_checkpoint,
)
from model.train.config import OptimiserConfig, TrainConfig
from model.train.grown import GrownTumours
from model.train.losses import region_loss
from model.train.prepared import PreparedCase
from model.train.sampling import CropSampler
from model.weights import ModelCard, save_network

CHECKPOINT = "checkpoint.pt"
LOG = "log.csv"
LOG_FIELDS = ("step", "fraction", "seconds", "side", "learning_rate", "loss")


@dataclass(frozen=True, slots=True)
class StepReport:
    """What one step did, for the log and the progress bar."""

    step: int
    fraction: float
    seconds: float
    side: int
    learning_rate: float
    loss: float


def learning_rate(config: OptimiserConfig, step: int, fraction: float) -> float:
    """Return the rate of a step: linear warm-up, constant up to `hold`, then half a cosine."""
    floor = config.final_fraction
    fallen = max(0.0, min(1.0, fraction) - config.hold) / max(1e-9, 1.0 - config.hold)
    cosine = floor + (1.0 - floor) * 0.5 * (1.0 + math.cos(math.pi * fallen))
    return config.learning_rate * cosine * min(1.0, (step + 1) / max(1, config.warm_up_steps))


class Trainer:
    """Owns the network, the optimiser and the average, and advances them.

    Parameters
    ----------
    config
        The run.
    cases
        Prepared training cases.
    output
        Folder of checkpoint, log and, at the end, weights and card.
    grown
        Source of grown tumours, if the configuration wants them.
    """

    def __init__(
        self,
        config: TrainConfig,
        cases: list[PreparedCase],
        output: Path,
        grown: GrownTumours | None = None,
    ) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.cases = cases
        self.output = output
        self.progress = Progress()
        self.started_from = ""
        self.network = build_network(config.network).to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        self.average = WeightAverage(self.network, config.optimiser.ema_decay)
        self._sampler = CropSampler(cases, config, grown)
        self._optimiser = torch.optim.AdamW(
            self._parameter_groups(),
            lr=config.optimiser.learning_rate,
            betas=config.optimiser.betas,
            fused=True,
        )
        output.mkdir(parents=True, exist_ok=True)

    def resume(self) -> None:
        """Continue from the checkpoint in the output folder.

        Raises
        ------
        model.train.checkpoint.CheckpointError
            If there is none that fits.
        """
        self.progress = load_checkpoint(
            self.output / CHECKPOINT, self.network, self._optimiser, self.average
        )

    def start_from(self, weights: Path) -> None:
        """Begin with the weights of another run of the same network.

        Raises
        ------
        CheckpointError
            If they cannot be read or belong to another network.
        """
        try:
            state = load_file(weights)
            self.network.load_state_dict(state)
        except (OSError, SafetensorError, RuntimeError) as error:
            msg = f"{weights}: cannot start from these weights: {error}"
            raise CheckpointError(msg) from error
        self.average = WeightAverage(self.network, self.config.optimiser.ema_decay)
        self.started_from = f"{weights.stem}, sha256 {sha256(weights.read_bytes()).hexdigest()}"

    @property
    def fraction(self) -> float:
        """How much of the run is done, by steps or by time, whichever is further."""
        done = self.progress.step / self.config.steps
        if self.config.max_hours > 0:
            done = max(done, self.progress.seconds / (3600.0 * self.config.max_hours))
        return min(1.0, done)

    def run(self, report: Callable[[StepReport], None]) -> ModelCard:
        """Train to the end and write weights and card.

        An interruption (Ctrl-C) leaves a checkpoint to resume from.

        Parameters
        ----------
        report
            Called after each step.

        Returns
        -------
        ModelCard
            Of the averaged weights.
        """
        saved = time.monotonic()
        fresh = self.progress.step == 0
        with (self.output / LOG).open("w" if fresh else "a", newline="", encoding="utf-8") as log:
            writer = csv.DictWriter(log, LOG_FIELDS)
            if fresh:
                writer.writeheader()
            try:
                while self.fraction < 1.0:
                    done = self.step()
                    writer.writerow(asdict(done))
                    log.flush()
                    report(done)
                    if time.monotonic() - saved > 60.0 * self.config.checkpoint_minutes:
                        self.save()
                        saved = time.monotonic()
            finally:
                self.save()
        return self.export()

    def step(self) -> StepReport:
        """Draw a batch, do one optimiser step, and return what happened."""
        began = time.monotonic()
        config, step, fraction = self.config, self.progress.step, self.fraction
        stage = config.stage_at(fraction)
        rate = learning_rate(config.optimiser, step, fraction)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        # Dropout draws from torch's own generator: seed it by the step, so a resumed run agrees.
        torch.manual_seed(config.seed * 1_000_003 + step)
        images, target, weight = self._sampler.batch(step, stage.shape, stage.batch)
        loss = self._loss(images, target, weight)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), config.optimiser.clip_norm)
        if bool(torch.isfinite(norm)):
            self._optimiser.step()
            self.average.update(self.network, step)
        seconds = time.monotonic() - began
        self.progress = Progress(step + 1, self.progress.seconds + seconds)
        return StepReport(
            step + 1,
            self.fraction,
            round(self.progress.seconds, 2),
            stage.shape[0],
            rate,
            loss.item(),
        )

    def save(self) -> None:
        """Write the checkpoint."""
        save_checkpoint(
            self.output / CHECKPOINT, self.network, self._optimiser, self.average, self.progress
        )

    def export(self) -> ModelCard:
        """Write the averaged weights and their card into the output folder."""
        details = {"training": self._training_card(), **self.config.card}
        return save_network(
            self.output, self.config.name, self.config.network, self.average.state, details
        )

    def _loss(self, images: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        self.network.train()
        images = images.contiguous(memory_format=torch.channels_last_3d)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.config.bf16):
            if self.config.network.deep_supervision:
                outputs = self.network.forward_deep(images)
            else:
                outputs = (self.network(images),)
        return region_loss(outputs, target, weight, self.config.focal_gamma)

    def _parameter_groups(self) -> list[dict[str, Any]]:
        named = list(self.network.named_parameters())
        kernels = [p for name, p in named if p.ndim > 1 and "table" not in name]
        rest = [p for name, p in named if p.ndim <= 1 or "table" in name]
        return [
            {"params": kernels, "weight_decay": self.config.optimiser.weight_decay},
            {"params": rest, "weight_decay": 0.0},
        ]

    def _training_card(self) -> dict[str, Any]:
        config = asdict(self.config)
        for own_section in ("network", "card", "held_out", "folds"):
            config.pop(own_section)
        return {
            "cases": sorted(case.name for case in self.cases),
            "held_out": list(self.config.held_out),
            "started_from": self.started_from,
            "steps": self.progress.step,
            "hours": round(self.progress.seconds / 3600.0, 2),
            "recipe": config,
        }

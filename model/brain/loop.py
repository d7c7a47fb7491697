"""The training loop: one scan a step, resumable, usable weights with every checkpoint."""

import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.brain.config import BrainTrainConfig
from model.brain.scans import Scan
from model.brain.source import ScanSource
from model.device import bf16_for
from model.errors import WeightsError
from model.network import build_network
from model.network.kinds import kind_of
from model.train.checkpoint import Progress, WeightAverage, load_checkpoint, save_checkpoint
from model.train.identity import RunIdentity, recipe_of
from model.train.journal import Journal, StepReport
from model.train.schedule import Descent, learning_rate, make_optimiser
from model.weights import ModelCard, load_network, save_network

CHECKPOINT = "checkpoint.pt"
VALIDATION_SCANS = 6
_SMOOTH = 1.0


class BrainTrainer:
    """Owns the network, the optimiser and the average, and advances them.

    Parameters
    ----------
    config
        The run.
    training, validation
        Where scans come from; those of validation are of heads held out.
    output
        Folder of checkpoint, record, weights and card.
    """

    def __init__(
        self,
        config: BrainTrainConfig,
        training: ScanSource,
        validation: ScanSource | None,
        output: Path,
    ) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.output = output
        self.progress = Progress()
        self.stop_asked = False
        self._started_from: tuple[str, ...] = ()
        self._training = training
        self._validation = validation
        self._bf16 = bf16_for(torch.device("cpu"), asked=config.bf16)
        self._network = _built(config)
        self._optimiser = make_optimiser(config.optimiser, self._network)
        self._descent = Descent(self._optimiser, self._network, config.optimiser.largest_norm)
        self._average = WeightAverage(self._network, config.optimiser.ema_decay)

    @property
    def identity(self) -> RunIdentity:
        """What has to be the same to go on."""
        return RunIdentity(
            {"kind": str(kind_of(self.config.network)), **asdict(self.config.network)},
            tuple(sorted(self.config.held_out)),
            tuple(sorted(self._training.names)),
            tuple(sorted(self._validation.names)) if self._validation else (),
            recipe_of(asdict(self.config)),
            started_from=self._started_from,
        )

    def start_from(self, weights: Path) -> None:
        """Begin with other weights than chance's.

        Raises
        ------
        WeightsError
            If they are missing, damaged or of another network.
        """
        network, card = load_network(weights.parent, weights.stem)
        if card.network != self.config.network:
            msg = f"{weights}: of another network than the configuration's"
            raise WeightsError(msg)
        self._network.load_state_dict(network.state_dict())
        self._average = WeightAverage(self._network, self.config.optimiser.ema_decay)
        self._started_from = (card.sha256,)

    def resume(self) -> None:
        """Go on from the checkpoint in the output folder.

        Raises
        ------
        CheckpointError
            If there is none, or it is of another run.
        """
        self.progress, began = load_checkpoint(
            self.output / CHECKPOINT,
            self._network,
            self._optimiser,
            self._average,
            identity=self.identity,
        )
        self._started_from = began.started_from

    def run(self) -> ModelCard:
        """Train until all steps are done, or `stop_asked` is set; return the card."""
        self.output.mkdir(parents=True, exist_ok=True)
        started = time.perf_counter() - self.progress.seconds
        saved = time.perf_counter()
        with ExitStack() as stack:
            journal = stack.enter_context(Journal(self.output, self.progress.step, curves=False))
            while (fraction := self._fraction()) < 1.0 and not self.stop_asked:
                loss, side, rate = self._step(fraction)
                self.progress.step += 1
                self.progress.seconds = time.perf_counter() - started
                step, seconds = self.progress.step, self.progress.seconds
                journal.add_step(StepReport(step, fraction, seconds, side, rate, loss))
                if time.perf_counter() - saved > 60.0 * self.config.checkpoint_minutes:
                    self._save(journal)
                    saved = time.perf_counter()
            return self._save(journal)

    def _fraction(self) -> float:
        return self.progress.step / self.config.steps

    def _step(self, fraction: float) -> tuple[float, int, float]:
        settings = self.config.optimiser
        rate = learning_rate(settings, self.progress.step, fraction)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        scan = self._training.scan(self.progress.step)
        self._network.train()
        loss = brain_loss(self._logits(self._network, scan), scan.target)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call] # torch
        step = self.progress.step
        if self._descent.step(step):
            self._average.update(self._network, step)
        return float(loss.detach()), int(scan.image.shape[0]), rate

    def _logits(self, network: nn.Module, scan: Scan) -> Tensor:
        image = scan.image[None, None].contiguous(memory_format=torch.channels_last_3d)
        with torch.autocast("cpu", torch.bfloat16, enabled=self._bf16):
            logits: Tensor = network(image)
        return logits[0, 0].float()

    def _save(self, journal: Journal) -> ModelCard:
        save_checkpoint(
            self.output / CHECKPOINT,
            self._network,
            self._optimiser,
            self._average,
            self.progress,
            identity=self.identity,
        )
        dice = self._validate()
        if dice is not None:
            journal.add_validation(self.progress.step, {"dice": dice})
        return save_network(
            self.output,
            self.config.name,
            self.config.network,
            self._average.state,
            {**self.config.card, "training": self._record(dice)},
        )

    def _validate(self) -> float | None:
        """Return the mean Dice of the averaged weights on fixed scans of the heads held out."""
        if self._validation is None:
            return None
        network = _built(self.config).eval()
        network.load_state_dict(self._average.state)
        found = []
        with torch.inference_mode():
            for number in range(VALIDATION_SCANS):
                scan = self._validation.scan(number * self.config.renew_steps)
                found.append(dice(self._logits(network, scan) > 0, scan.target > 0.5))
        return sum(found) / len(found)

    def _record(self, dice: float | None) -> dict[str, object]:
        config = self.config
        return {
            "heads": list(self._training.names),
            "held_out": list(config.held_out),
            "started_from": list(self._started_from),
            "steps": self.progress.step,
            "hours": round(self.progress.seconds / 3600.0, 2),
            "seed": config.seed,
            "crops": [list(crop) for crop in config.crops],
            "optimiser": asdict(config.optimiser),
            **({} if dice is None else {"dice_on_scans_of_heads_held_out": round(dice, 4)}),
        }


def _built(config: BrainTrainConfig) -> nn.Module:
    network: nn.Module = build_network(config.network)
    return network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload,no-any-return] # torch documents this form


def brain_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Return binary cross-entropy plus soft Dice loss.

    Parameters
    ----------
    logits, target
        ``(k, j, i)``; the target is a probability.
    """
    entropy = functional.binary_cross_entropy_with_logits(logits, target)
    found = torch.sigmoid(logits)
    overlap = (2.0 * (found * target).sum() + _SMOOTH) / (
        found.square().sum() + target.square().sum() + _SMOOTH
    )
    loss: Tensor = entropy + 1.0 - overlap
    return loss


def dice(found: Tensor, wanted: Tensor) -> float:
    """Return the overlap of two masks; 1 if both are empty."""
    size = int(found.sum()) + int(wanted.sum())
    return 2.0 * int((found & wanted).sum()) / size if size else 1.0

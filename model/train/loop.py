"""The training loop: one process or several, resumable at any step."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from model.device import bf16_for
from model.network import Network, build_network
from model.train.average import mean_weights
from model.train.card import cases_behind, training_section
from model.train.checkpoint import (
    CheckpointError,
    Progress,
    WeightAverage,
    load_checkpoint,
    save_checkpoint,
)
from model.train.config import ConfigError, TrainConfig
from model.train.distributed import Share, any_process, wait_for_all
from model.train.feed import Batch, Feed
from model.train.identity import RunIdentity
from model.train.journal import Journal, StepReport
from model.train.losses import region_loss
from model.train.schedule import Descent, learning_rate, make_optimiser
from model.train.sources import TrainingData
from model.train.validation import Figures, InEvaluation, Validator
from model.weights import ModelCard, save_network, sha256_of

CHECKPOINT = "checkpoint.pt"
BEST = "best"


class Trainer:
    """Owns the network, the optimiser and the average, and advances them.

    Parameters
    ----------
    config
        The run.
    data
        Prepared cases.
    output
        Folder of checkpoint, record and, at the end, weights and card.
    device
        Where to compute; the CPU by default.
    share
        This process among all.
    command
        How to repeat the run, for its card.

    Raises
    ------
    ConfigError
        If the run cannot be shared by so many processes.
    """

    def __init__(
        self,
        config: TrainConfig,
        data: TrainingData,
        output: Path,
        *,
        device: torch.device | None = None,
        share: Share | None = None,
        command: str = "",
    ) -> None:
        self.config = config = config.for_cases(len(data.training))
        self.data = data
        self.output = output
        self.device = device or torch.device("cpu")
        self._bf16 = bf16_for(self.device, asked=config.bf16)
        self.share = share or Share()
        self._command = command
        self.progress = Progress()
        self.started_from: list[str] = []
        self._cases_before: frozenset[str] = frozenset()
        self.stop_asked = False
        require_shares(config, self.share)
        torch.manual_seed(config.seed)
        # On CPUs worth a factor of two; across processes it would only cost copies.
        alone_on_cpu = self.device.type == "cpu" and self.share.world == 1
        self._format = torch.channels_last_3d if alone_on_cpu else torch.contiguous_format
        self.network = build_network(config.network).to(  # type: ignore[call-overload]
            self.device, memory_format=self._format
        )
        self._answers = self._shared(_Answers(self.network))
        self.average = WeightAverage(self.network, config.optimiser.ema_decay)
        self._optimiser = make_optimiser(config.optimiser, self.network)
        self._descent = Descent(self._optimiser, self.network, config.optimiser.largest_norm)
        self._feed = Feed(data.drawer, config, self.share)
        self._batches: Iterator[Batch] | None = None
        self._updating = False
        output.mkdir(parents=True, exist_ok=True)

    def resume(self) -> None:
        """Continue from the newest whole checkpoint in the output folder.

        What the run had started from, and by which command, is known again.

        Raises
        ------
        model.train.checkpoint.CheckpointError
            If there is none that fits: network, recipe, cases and those held out must be the
            same, and `start_from` may have been called with the same weights only.
        """
        path = self.output / CHECKPOINT
        self.progress, began = load_checkpoint(
            path, self.network, self._optimiser, self.average, identity=self._identity()
        )
        self.started_from = list(began.started_from)
        self._cases_before |= frozenset(began.cases_before)
        self._command = began.command or self._command
        self._batches = None

    def start_from(self, weights: Sequence[Path]) -> None:
        """Begin with the weights of other runs of the same network: with their mean.

        The mean of networks that began alike lies in the same basin and is often better than
        each (Wortsman et al. 2022, arXiv 2203.05482).

        Raises
        ------
        CheckpointError
            If they cannot be read or belong to another network, or a card beside them is of
            other weights.
        """
        try:
            self.network.load_state_dict(mean_weights(weights))
        except (OSError, SafetensorError, KeyError, RuntimeError) as error:
            msg = f"cannot start from {', '.join(map(str, weights))}: {error}"
            raise CheckpointError(msg) from error
        self.average = WeightAverage(self.network, self.config.optimiser.ema_decay)
        self.started_from = [sha256_of(path) for path in weights]
        self._cases_before = frozenset().union(*map(cases_behind, weights))

    @property
    def fraction(self) -> float:
        """How much of the run is done."""
        return min(1.0, self.progress.step / self.config.steps)

    def run(self, report: Callable[[StepReport], None]) -> ModelCard | None:
        """Train to the end and write weights and card.

        An interruption (Ctrl-C, or `stop_asked` in any process) leaves a checkpoint.

        Parameters
        ----------
        report
            Called after each step.

        Returns
        -------
        ModelCard or None
            Of the averaged weights; in the first process only.

        Raises
        ------
        model.train.schedule.TrainingFailure
            If no gradient is finite any more.
        """
        saved = time.monotonic()
        with ExitStack() as stack:
            journal = None
            if self.share.leads:
                journal = stack.enter_context(Journal(self.output, self.progress.step))
            try:
                self._validate_if_due(journal)
                while self.fraction < 1.0:
                    done = self.step()
                    if journal is not None:
                        journal.add_step(done)
                    report(done)
                    self._validate_if_due(journal)
                    if time.monotonic() - saved > 60.0 * self.config.checkpoint_minutes:
                        self.save()
                        saved = time.monotonic()
                    if any_process(self.stop_asked, self.device):
                        raise KeyboardInterrupt
            finally:
                # Half an update is nothing to go on from; the checkpoint before it is.
                if not self._updating:
                    self.save()
        card = self.export()
        # A process that parts while the first one still writes may be aborted by the other's end.
        wait_for_all()
        return card

    def step(self) -> StepReport:
        """Draw a batch, do one optimiser step, and return what happened."""
        began = time.monotonic()
        config, step, fraction = self.config, self.progress.step, self.fraction
        stage = config.stage_at(fraction)
        rate = learning_rate(config.optimiser, step, fraction)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        if self._batches is None:
            self._batches = self._feed.from_step(step)
        batch = next(self._batches) if self._batches else self._feed.batch(step, stage)
        # Dropout draws from torch's own generator: seed it by the step, so a resumed run agrees.
        torch.manual_seed((config.seed * 1_000_003 + step) * 1009 + self.share.rank)
        self._updating = True
        loss = self._loss(batch)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if self._descent.step(step):
            self.average.update(self.network, step)
        seconds = self.progress.seconds + time.monotonic() - began
        self.progress = replace(self.progress, step=step + 1, seconds=seconds)
        self._updating = False
        return StepReport(
            step + 1, self.fraction, round(seconds, 2), stage.shape[0], rate, loss.item()
        )

    def validate(self) -> Figures:
        """Look at the cases set aside with the averaged weights."""
        validator = Validator(
            self.data.task,
            self.config.stages[-1].shape,
            self.config.validation.overlap,
            self.device,
            self.share,
        )

        def answer(images: Tensor) -> Tensor:
            with self._autocast():
                logits: Tensor = self.network(images.contiguous(memory_format=self._format))
            return logits.float()

        with InEvaluation(self.network, self.average.state):
            return validator.look(answer, self.data.validation)

    def save(self) -> None:
        """Write the checkpoint, in the first process."""
        if self.share.leads:
            save_checkpoint(
                self.output / CHECKPOINT,
                self.network,
                self._optimiser,
                self.average,
                self.progress,
                identity=self._identity(),
            )

    def export(self, folder: Path | None = None) -> ModelCard | None:
        """Write the averaged weights and their card, in the first process.

        Parameters
        ----------
        folder
            The run's own by default.
        """
        if not self.share.leads:
            return None
        details = {
            "training": training_section(
                self.config,
                self.data,
                self.progress,
                self.started_from,
                cases_before=self._cases_before,
                command=self._command,
            ),
            **self.data.task.card_section(),
            **self.config.card,
        }
        config = self.config
        return save_network(
            folder or self.output, config.name, config.network, self.average.state, details
        )

    def _shared(self, answers: nn.Module) -> nn.Module:
        if self.share.world == 1:
            return answers
        indices = [self.device.index] if self.device.type == "cuda" else None
        return DistributedDataParallel(answers, indices)

    def _identity(self) -> RunIdentity:
        return RunIdentity.of(
            self.config, self.data, self.started_from, self._cases_before, self._command
        )

    def _validate_if_due(self, journal: Journal | None) -> None:
        step, every = self.progress.step, self.config.validation.every_steps
        due = self.fraction >= 1.0 or (every > 0 and step > 0 and step % every == 0)
        if not self.data.validation or not due or self.progress.validated == step:
            return
        figures = self.validate()
        mean = figures.mean()
        if journal is not None:
            journal.add_validation(step, mean)
        self.progress = replace(self.progress, validated=step, figures={"step": step, **mean})
        if mean["dice"] > self.progress.best_dice:
            self.progress = replace(self.progress, best_dice=mean["dice"])
            self.export(self.output / BEST)

    def _loss(self, batch: Batch) -> Tensor:
        self.network.train()
        images, target, weight = (part.to(self.device, non_blocking=True) for part in batch)
        with self._autocast():
            outputs = self._answers(images.contiguous(memory_format=self._format))
        return region_loss(
            outputs,
            target,
            weight,
            self.config.focal_gamma,
            exclusive=self.data.task.exclusive,
        )

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self._bf16)


class _Answers(nn.Module):
    """The network's answers on every scale it is trained on, as one call of a module."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        if self.network.config.deep_supervision:
            return self.network.forward_deep(images)
        return (self.network(images),)


def require_shares(config: TrainConfig, share: Share) -> None:
    """Raise where the run cannot be shared by so many processes.

    Raises
    ------
    ConfigError
        Naming the way out.
    """
    if share.world == 1:
        return
    smallest = min(stage.batch for stage in config.stages)
    if smallest < share.world:
        msg = (
            f"{share.world} processes cannot share a batch of {smallest}: start {smallest} at most "
            "(torchrun --nproc-per-node), or give every one of [[stages]] a larger batch, "
            "which is another recipe"
        )
        raise ConfigError(msg)

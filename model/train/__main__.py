"""``python -m model.train --config FILE --data DIR --output DIR [--resume]``."""

import argparse
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Protocol

import torch
from rich.console import Console
from rich.logging import RichHandler
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from model.allocator import keep_freed_memory
from model.data import CaseError
from model.device import thread_count
from model.messages import is_device_name
from model.train.checkpoint import CheckpointError, has_checkpoint
from model.train.config import ConfigError, TrainConfig, load_config
from model.train.distributed import Share, gather, join, leave, local_rank, wait_for_all
from model.train.journal import StepReport
from model.train.loop import CHECKPOINT, Trainer, require_shares
from model.train.schedule import TrainingFailure
from model.train.sources import TrainingData, load_data
from model.train.validation import require_monai

logger = logging.getLogger("model.train")
FAILURE = 1
USAGE_ERROR = 2
INPUT_ERROR = 3
CANCELLED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run a training and return the exit code."""
    options = _parser().parse_args(arguments)
    keep_freed_memory()
    console = Console(stderr=True)
    level = logging.INFO if local_rank() == 0 else logging.ERROR
    logging.basicConfig(level=level, format="%(message)s", handlers=[RichHandler(console=console)])
    try:
        device = _device(options.device)
        share = join(device)
        return _run(options, device, share, console)
    except (ConfigError, CaseError, CheckpointError) as error:
        logger.error("%s", error)  # noqa: TRY400 - a wrong input needs no traceback
        return USAGE_ERROR if isinstance(error, ConfigError) else INPUT_ERROR
    except TrainingFailure as error:
        logger.error("%s", error)  # noqa: TRY400 - nor does what learning came to
        return FAILURE
    except KeyboardInterrupt:
        logger.warning("stopped; --resume goes on from %s", options.output / CHECKPOINT)
        return CANCELLED
    finally:
        leave()


def _run(options: argparse.Namespace, device: torch.device, share: Share, console: Console) -> int:
    config = load_config(options.config)
    if options.fold is not None:
        config = config.without(options.fold)
    if options.hold_out:
        config = replace(config, held_out=(*config.held_out, *options.hold_out))
    # Before hours of preparing cases.
    require_shares(config, share)
    require_monai(config)
    begun = has_checkpoint(options.output / CHECKPOINT)
    if begun and not options.resume:
        msg = f"{options.output} holds a checkpoint: add --resume, or choose another folder"
        raise ConfigError(msg)
    trainer = Trainer(
        config,
        _data(config, options, share),
        options.output,
        device=device,
        share=share,
        command=command_line(options, share.world),
    )
    if options.start_from is not None:
        trainer.start_from(options.start_from)
    if begun:
        trainer.resume()
        logger.info("resumed after step %d", trainer.progress.step)
    elif options.resume:
        logger.info("no checkpoint in %s yet: the run begins", options.output)
    _require_one_step(trainer.progress.step)
    with stopping_between_steps(trainer), _bar(console, visible=share.leads) as bar:
        task = bar.add_task("training", total=1.0, note="")
        card = trainer.run(lambda done: _show(bar, task, done))
    if card is not None:
        logger.info("wrote %s", options.output / f"{card.name}.safetensors")
    return 0


def _data(config: TrainConfig, options: argparse.Namespace, share: Share) -> TrainingData:
    store: Path = options.cache or options.output / "cache"
    logger.info("reading cases below %s", options.data)
    if share.leads:
        data = load_data(config, options.data, store, processes=thread_count())
    wait_for_all()
    if not share.leads:  # what is stored by now is only opened
        data = load_data(config, options.data, store)
    logger.info(
        "%d training cases, %d for validation, %d held out",
        len(data.training),
        len(data.validation),
        len(data.held_out),
    )
    return data


def _require_one_step(step: int) -> None:
    """Raise unless all processes go on from the same step: only the first writes checkpoints."""
    steps = sorted(set(gather([step])))
    if len(steps) > 1:
        msg = (
            f"the processes go on from different steps ({', '.join(map(str, steps))}): --output "
            "must be a folder that all computers of the run share"
        )
        raise ConfigError(msg)


def _device(name: str) -> torch.device:
    if not is_device_name(name):
        msg = f"unknown device {name!r}: auto, cpu, cuda or cuda:N"
        raise ConfigError(msg)
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if not name.startswith("cuda"):
        return torch.device(name)
    if not torch.cuda.is_available():
        msg = "there is no CUDA device here"
        raise ConfigError(msg)
    device = torch.device(f"cuda:{local_rank()}" if name == "cuda" else name)
    torch.cuda.set_device(device)
    return device


def command_line(options: argparse.Namespace, processes: int = 1) -> str:
    """Return the command that begins the run, without the folders of this machine."""
    alone = processes == 1
    words = ["python" if alone else f"torchrun --nproc-per-node {processes}"]
    words += ["-m model.train --config", options.config.name, "--data DATA"]
    words += ["--fold", options.fold] if options.fold else []
    words += ["--hold-out", *options.hold_out] if options.hold_out else []
    words += ["--start-from", *(p.name for p in options.start_from)] if options.start_from else []
    return " ".join([*words, "--device", options.device, "--output RUN"])


class Stoppable(Protocol):
    """A run that ends after its present step once it is asked to."""

    stop_asked: bool


@contextmanager
def stopping_between_steps(trainer: Stoppable) -> Iterator[None]:
    """Let the first Ctrl-C (or a service's stop) end the run after its step, the second at once."""

    def stop(number: int, frame: FrameType | None) -> None:
        if trainer.stop_asked:
            signal.default_int_handler(number, frame)
        trainer.stop_asked = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m model.train",
        description="Train Slim UNETR++ or UNETR++ on BraTS' folders of cases or a Decathlon set; "
        "several GPUs: torchrun --nproc-per-node N -m model.train ...",
    )
    parser.add_argument("--config", type=Path, required=True, help="TOML file, see configs/")
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="the folder that holds the configuration's [[sources]]",
    )
    parser.add_argument("--output", type=Path, required=True, help="checkpoint, log, weights")
    parser.add_argument("--fold", help="leave this one of the configuration's [folds] out")
    parser.add_argument("--hold-out", nargs="+", metavar="CASE", help="leave these cases out")
    parser.add_argument(
        "--start-from",
        type=Path,
        nargs="+",
        metavar="WEIGHTS",
        help="safetensors of the same network; of several the mean",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="prepared cases, where the configuration keeps them (default: OUTPUT/cache)",
    )
    parser.add_argument(
        "--resume", action="store_true", help="continue from the checkpoint, if there is one by now"
    )
    return parser


def _bar(console: Console, *, visible: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>5.1f} %"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
        refresh_per_second=1,
        disable=not visible,
    )


def _show(bar: Progress, task: TaskID, done: StepReport) -> None:
    note = f"step {done.step}  loss {done.loss:.3f}"
    bar.update(task, completed=done.fraction, note=note)


if __name__ == "__main__":
    sys.exit(main())

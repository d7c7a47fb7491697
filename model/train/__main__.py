"""``python -m model.train --config FILE --data DIR --output DIR [--resume]``."""

import argparse
import logging
import signal
import sys
from pathlib import Path

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
from model.train.checkpoint import CheckpointError
from model.train.config import ConfigError, TrainConfig, load_config
from model.train.grown import load_grown
from model.train.loop import CHECKPOINT, StepReport, Trainer
from model.train.prepared import load_sources

logger = logging.getLogger("model.train")
USAGE_ERROR = 2
INPUT_ERROR = 3
CANCELLED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run a training and return the exit code."""
    options = _parser().parse_args(arguments)
    keep_freed_memory()
    console = Console(stderr=True)
    logging.basicConfig(
        level=logging.INFO, format="%(message)s", handlers=[RichHandler(console=console)]
    )
    try:
        config = load_config(options.config)
        if options.fold is not None:
            config = config.without(options.fold)
        trainer = _trainer(config, options)
    except (ConfigError, CaseError, CheckpointError) as error:
        logger.error("%s", error)  # noqa: TRY400 - a wrong input needs no traceback
        return USAGE_ERROR if isinstance(error, ConfigError) else INPUT_ERROR
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a service stop keeps the work too
    try:
        with _bar(console) as bar:
            task = bar.add_task("training", total=1.0, note="")
            card = trainer.run(lambda done: _show(bar, task, done))
    except KeyboardInterrupt:
        logger.warning("stopped; --resume goes on from %s", options.output / CHECKPOINT)
        return CANCELLED
    logger.info("wrote %s", options.output / f"{card.name}.safetensors")
    return 0


def _trainer(config: TrainConfig, options: argparse.Namespace) -> Trainer:
    output: Path = options.output
    if not options.resume and (output / CHECKPOINT).exists():
        msg = f"{output} holds a checkpoint: add --resume, or choose another folder"
        raise ConfigError(msg)
    logger.info("reading cases below %s", options.data)
    cases = load_sources(config, options.data)
    logger.info("%d training cases, %d held out", len(cases), len(config.held_out))
    trainer = Trainer(config, cases, output, load_grown(config.grown, config.seed, options.data))
    if options.start_from is not None:
        trainer.start_from(options.start_from)
    if options.resume:
        trainer.resume()
        logger.info("resumed after step %d", trainer.progress.step)
    return trainer


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m model.train",
        description="Train Slim UNETR++ on folders of cases in BraTS' layout.",
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
    parser.add_argument(
        "--start-from", type=Path, metavar="WEIGHTS", help="safetensors of the same network"
    )
    parser.add_argument("--resume", action="store_true", help="continue from the checkpoint")
    return parser


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>5.1f} %"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
        refresh_per_second=1,
    )


def _show(bar: Progress, task: TaskID, done: StepReport) -> None:
    note = f"step {done.step}  loss {done.loss:.3f}"
    bar.update(task, completed=done.fraction, note=note)


if __name__ == "__main__":
    sys.exit(main())

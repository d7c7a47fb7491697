"""``python -m model.brain.train --config FILE --data DIR --output DIR [--resume]``."""

import argparse
import logging
import sys
from pathlib import Path

from model.allocator import keep_freed_memory
from model.brain.config import read_config
from model.brain.loop import CHECKPOINT, BrainTrainer
from model.brain.source import load_source
from model.data import CaseError
from model.errors import WeightsError
from model.train.__main__ import CANCELLED, INPUT_ERROR, USAGE_ERROR, stopping_between_steps
from model.train.checkpoint import CheckpointError, has_checkpoint
from model.train.schedule import TrainingFailure
from model.train.sections import ConfigError

logger = logging.getLogger("model.brain")


def main(arguments: list[str] | None = None) -> int:
    """Run a training and return the exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    keep_freed_memory()
    try:
        return _run(options)
    except (ConfigError, CaseError, CheckpointError, WeightsError, TrainingFailure) as error:
        logger.error("%s", error)  # noqa: TRY400 - a wrong input needs no traceback
        return USAGE_ERROR if isinstance(error, ConfigError) else INPUT_ERROR
    except KeyboardInterrupt:
        logger.warning("stopped; --resume goes on from %s", options.output / CHECKPOINT)
        return CANCELLED


def _run(options: argparse.Namespace) -> int:
    config = read_config(options.config)
    if not options.resume and has_checkpoint(options.output / CHECKPOINT):
        msg = f"{options.output} holds a checkpoint: add --resume, or choose another folder"
        raise ConfigError(msg)
    training = load_source(config, options.data)
    validation = load_source(config, options.data, held_out=True) if config.held_out else None
    trainer = BrainTrainer(config, training, validation, options.output)
    if options.start_from is not None:
        trainer.start_from(options.start_from)
    if options.resume:
        trainer.resume()
        logger.info("resumed after step %d", trainer.progress.step)
    with stopping_between_steps(trainer):
        card = trainer.run()
    logger.info("wrote %s after step %d", card.name, trainer.progress.step)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m model.brain.train",
        description="Train the network that finds the brain in a whole head, from maps of tissues.",
    )
    parser.add_argument("--config", type=Path, required=True, help="TOML file, see configs/")
    parser.add_argument("--data", type=Path, required=True, help="folder of maps and shapes")
    parser.add_argument("--output", type=Path, required=True, help="checkpoint, log, weights")
    parser.add_argument("--start-from", type=Path, help="safetensors of the same network")
    parser.add_argument("--resume", action="store_true", help="continue from the checkpoint")
    return parser


if __name__ == "__main__":
    sys.exit(main())

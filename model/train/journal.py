"""The record of a run: a line of CSV per step and validation, and curves for TensorBoard."""

import csv
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

logger = logging.getLogger("model.train")
STEPS = "log.csv"
VALIDATIONS = "validation.csv"
CURVES = "tensorboard"
FIELDS = ("step", "fraction", "seconds", "side", "learning_rate", "loss")


@dataclass(frozen=True, slots=True)
class StepReport:
    """What one step did, for the log and the progress bar."""

    step: int
    fraction: float
    seconds: float
    side: int
    learning_rate: float
    loss: float


class Journal:
    """Writes the record while it is open; what an earlier run wrote after `step` is cut off.

    Parameters
    ----------
    folder
        Of the run.
    step
        Steps done before; 0 begins anew.
    curves
        Write TensorBoard's files too, where the package is installed.
    """

    def __init__(self, folder: Path, step: int, *, curves: bool = True) -> None:
        for name in (STEPS, VALIDATIONS):
            _cut(folder / name, step)
        self._folder = folder
        self._stream = (folder / STEPS).open("a", newline="", encoding="utf-8")
        self._writer = csv.DictWriter(self._stream, FIELDS)
        if self._stream.tell() == 0:
            self._writer.writeheader()
        self._curves = _summary_writer(folder / CURVES, step) if curves else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stream.close()
        if self._curves is not None:
            self._curves.close()

    def add_step(self, report: StepReport) -> None:
        """Record a step."""
        self._writer.writerow(asdict(report))
        self._stream.flush()
        self._draw({"loss": report.loss, "learning_rate": report.learning_rate}, report.step)

    def add_validation(self, step: int, figures: Mapping[str, float]) -> None:
        """Record a validation; its first decides which figures there are."""
        path = self._folder / VALIDATIONS
        with path.open("a", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, ("step", *figures))
            if stream.tell() == 0:
                writer.writeheader()
            writer.writerow({"step": step, **figures})
        self._draw({f"validation/{name}": value for name, value in figures.items()}, step)

    def _draw(self, figures: Mapping[str, float], step: int) -> None:
        if self._curves is not None:
            for name, value in figures.items():
                self._curves.add_scalar(name, value, step)


def _cut(path: Path, step: int) -> None:
    """Keep the lines up to a step, so that a resumed run does not write them twice."""
    if not path.exists():
        return
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    # A kill may have left half a line.
    whole = [row for row in rows[1:] if len(row) == len(rows[0])]
    kept = rows[:1] + [row for row in whole if int(row[0]) <= step] if step else []
    part = path.with_name(path.name + ".part")
    with part.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(kept)
    part.replace(path)


def _summary_writer(folder: Path, step: int) -> "SummaryWriter | None":
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        logger.info("TensorBoard is not installed: the curves are in %s alone", STEPS)
        return None
    return SummaryWriter(str(folder), purge_step=step + 1)

"""An endless row of scans in which step and seed decide everything."""

import logging
from collections import OrderedDict
from pathlib import Path

import numpy as np

from model.brain.config import BrainTrainConfig
from model.brain.geometry import Anatomy, draw_anatomy
from model.brain.heads import HeadMap, read_head
from model.brain.scans import Scan, draw_scan
from model.data import CaseError
from model.spec import LabelArray
from model.train.grown import read_shapes

logger = logging.getLogger("model.brain")


class ScanSource:
    """Makes the scan of each step; anatomies are shared by neighbouring steps.

    Parameters
    ----------
    config
        Seed, crops and renewal.
    heads, shapes
        What anatomies are made of.
    """

    def __init__(
        self,
        config: BrainTrainConfig,
        heads: tuple[HeadMap, ...],
        shapes: tuple[LabelArray, ...],
    ) -> None:
        self._config = config
        self._heads = heads
        self._shapes = shapes
        self._made: OrderedDict[int, Anatomy] = OrderedDict()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the heads."""
        return tuple(head.name for head in self._heads)

    def scan(self, step: int) -> Scan:
        """Return the scan of a step."""
        config = self._config
        rng = np.random.default_rng([config.seed, 2, step])
        newest = step // config.renew_steps
        number = newest - int(rng.integers(min(config.kept, newest + 1)))
        crop = config.crops[int(rng.integers(len(config.crops)))]
        return draw_scan(self._anatomy(number), crop, rng)

    def _anatomy(self, number: int) -> Anatomy:
        if number not in self._made:
            rng = np.random.default_rng([self._config.seed, 1, number])
            self._made[number] = draw_anatomy(self._heads, self._shapes, rng)
            while len(self._made) > self._config.kept:
                self._made.popitem(last=False)
        return self._made[number]


def load_source(config: BrainTrainConfig, data: Path, *, held_out: bool = False) -> ScanSource:
    """Read the heads of training, or those held out from it, and the shapes of tumours.

    Raises
    ------
    CaseError
        If there are no maps of heads, or one cannot be read.
    """
    paths = sorted((data / config.heads).glob("*.nii*"))
    wanted = [
        path for path in paths if (path.name.partition(".")[0] in config.held_out) is held_out
    ]
    if not wanted:
        msg = f"{data / config.heads}: no maps of heads"
        raise CaseError(msg)
    logger.info("reading %d maps of heads", len(wanted))
    return ScanSource(
        config,
        tuple(read_head(path) for path in wanted),
        tuple(read_shapes(data / config.shapes).values()),
    )

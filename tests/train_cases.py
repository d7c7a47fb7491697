"""A tiny network, a recipe and a case, for tests of training."""

import numpy as np

from model.data import Case
from model.network import SlimUNETRppConfig
from model.train.config import (
    OptimiserConfig,
    SourceConfig,
    StageConfig,
    TrainConfig,
)

NETWORK = SlimUNETRppConfig(
    channels=(4, 4, 8),
    embed_dim=8,
    blocks=(1, 1, 1, 1),
    heads=(1, 1, 2, 2),
    kernel_size=3,
    half_resolution_channels=4,
    scaled_attention=True,
    deep_supervision=True,
)
CONFIG = TrainConfig(
    name="tiny",
    steps=6,
    sources=(SourceConfig("."),),
    stages=(StageConfig(1.0, 32),),
    network=NETWORK,
    optimiser=OptimiserConfig(learning_rate=1e-2, warm_up_steps=2),
    held_out=("other",),
    focal_gamma=0.0,
)


def bright_case() -> Case:
    rng = np.random.default_rng(0)
    labels = np.zeros((40, 40, 40), dtype=np.uint8)
    labels[12:28, 12:28, 12:28] = 2
    labels[16:24, 16:24, 16:24] = 3
    images = rng.normal(100, 10, size=(4, 40, 40, 40)).astype(np.float32)
    images += 60 * (labels > 0) + 60 * (labels == 3)
    return Case("bright", images, labels, None, (1.0, 1.0, 1.0))

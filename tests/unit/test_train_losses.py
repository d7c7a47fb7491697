"""Losses, learning rate and average of the weights, by hand."""

import math

import pytest
import torch

from model.train.checkpoint import WeightAverage
from model.train.config import (
    OptimiserConfig,
)
from model.train.losses import cross_entropy, dice_loss, region_loss
from model.train.schedule import learning_rate


def test_learning_rate_warms_up_then_follows_a_cosine() -> None:
    config = OptimiserConfig(learning_rate=1.0, warm_up_steps=10, final_fraction=0.0)
    assert learning_rate(config, 0, 0.0) == pytest.approx(0.1)
    assert learning_rate(config, 10, 0.0) == pytest.approx(1.0)
    assert learning_rate(config, 99, 0.5) == pytest.approx(0.5)
    assert learning_rate(config, 99, 1.0) == pytest.approx(0.0)


def test_average_follows_slowly() -> None:
    network = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(network.weight)
    average = WeightAverage(network, decay=0.9)
    torch.nn.init.ones_(network.weight)
    average.update(network, step=10_000)
    assert float(average.state["weight"]) == pytest.approx(0.1)
    average.update(network, step=0)  # early on the past counts for a tenth only
    assert float(average.state["weight"]) == pytest.approx(0.91)


def test_perfect_answer_costs_nothing_and_unknown_voxels_do_not_count() -> None:
    target = torch.zeros(1, 3, 8, 8, 8)
    target[:, :, 2:5, 2:5, 2:5] = 1
    weight = torch.ones(1, 1, 8, 8, 8)
    perfect = 40.0 * (target - 0.5)
    assert float(region_loss((perfect,), target, weight)) < 1e-3
    wrong = perfect.clone()
    wrong[..., 6:] = 40.0
    assert float(region_loss((wrong,), target, weight)) > 0.5
    weight[..., 6:] = 0
    assert float(region_loss((wrong,), target, weight)) < 1e-3


def test_losses_by_hand() -> None:
    logits = torch.zeros(1, 1, 1, 1, 2)
    target = torch.tensor([1.0, 0.0]).reshape(1, 1, 1, 1, 2)
    weight = torch.ones(1, 1, 1, 1, 2)
    # Probabilities one half: overlap 0.5, sum 1 + 1.
    assert float(dice_loss(logits, target, weight)) == pytest.approx(0.5, abs=1e-4)
    assert float(cross_entropy(logits, target, weight, 0.0)) == pytest.approx(math.log(2))
    assert float(cross_entropy(logits, target, weight, 2.0)) == pytest.approx(math.log(2) / 4)


def test_coarse_outputs_learn_the_mean_of_their_voxels() -> None:
    target = torch.zeros(1, 1, 8, 8, 8)
    target[..., :4] = 1
    weight = torch.ones(1, 1, 8, 8, 8)
    coarse = torch.full((1, 1, 2, 2, 2), 40.0)
    coarse[..., 1] = -40.0
    fine = 40.0 * (target - 0.5)
    assert float(region_loss((fine, coarse), target, weight)) < 1e-3


@pytest.mark.parametrize("exclusive", [False, True], ids=["regions", "classes"])
def test_coarse_outputs_learn_the_mean_of_what_is_known_in_their_voxels(exclusive: bool) -> None:
    """What nobody annotated beside a tumour is no background."""
    target = torch.zeros(1, 2, 8, 8, 8)
    target[:, 1, ..., 2:] = 1
    weight = torch.zeros(1, 1, 8, 8, 8)
    weight[..., 2:] = 1
    perfect = torch.tensor([-12.0, 12.0]).reshape(1, 2, 1, 1, 1)
    outputs = perfect.expand_as(target), perfect.expand(1, 2, 2, 2, 2)
    assert float(region_loss(outputs, target, weight, exclusive=exclusive)) < 1e-3
    wrong = outputs[0], -outputs[1]
    assert float(region_loss(wrong, target, weight, exclusive=exclusive)) > 1

"""The product's path runs any installed network, not the shipped one only."""

from pathlib import Path

import numpy as np
import pytest
import torch

from model.errors import WeightsError
from model.inference import Segmenter
from model.messages import InferenceRequest
from model.network import UNETRpp, UNETRppConfig
from model.weights import save_network

CONFIG = UNETRppConfig(
    dims=(4, 4, 8, 8),
    depths=(1, 1, 1, 1),
    heads=2,
    projected=(8, 8, 8, 8),
    full_resolution_channels=4,
)


def _request(folder: Path, shape: tuple[int, int, int]) -> InferenceRequest:
    image = np.random.default_rng(0).normal(100, 10, size=(4, *shape)).astype(np.float32)
    return InferenceRequest(
        image,
        present=(True, True, True, True),
        weights_dir=folder,
        device="cpu",
        precision="fp32",
        model_name="heavier",
    )


@pytest.mark.parametrize("shape", [(40, 33, 61), (70, 50, 66)], ids=["one window", "several"])
def test_unetrpp_segments_any_size(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    save_network(
        tmp_path, "heavier", CONFIG, UNETRpp(CONFIG).state_dict(), {"inference": {"window": 64}}
    )
    result = Segmenter().segment(_request(tmp_path, shape))
    assert result.labels_kji.shape == shape
    assert result.model_id == "heavier"
    assert np.isfinite(result.probabilities_ckji).all()
    assert result.probabilities_ckji.astype(np.float32).std() > 0


def test_a_network_for_another_organ_is_refused(tmp_path: Path) -> None:
    details = {"task": {"name": "spleen"}}
    save_network(tmp_path, "heavier", CONFIG, UNETRpp(CONFIG).state_dict(), details)
    with pytest.raises(WeightsError, match="trained for spleen"):
        Segmenter().segment(_request(tmp_path, (32, 32, 32)))

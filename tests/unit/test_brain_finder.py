from pathlib import Path

import numpy as np
import pytest
import torch

from model.errors import WeightsError
from model.inference.brain import BrainFinder, scaled
from model.messages import BrainRequest
from model.network import SlimUNETRppConfig, build_network
from model.weights import save_network
from tests.brain_cases import TINY


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("weights")
    save_network(folder, "brain", TINY, build_network(TINY).state_dict(), {})
    return folder


def request(folder: Path, images: np.ndarray, **settings: str) -> BrainRequest:
    return BrainRequest(images.astype(np.float32), folder, device="cpu", **settings)


def test_every_image_is_answered_on_its_own_grid(folder: Path):
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 900, (2, 9, 14, 11))
    told: list[float] = []
    finder = BrainFinder()
    both = finder.find(
        request(folder, images, precision="fp32"), progress=lambda f, _: told.append(f)
    )
    assert both.logits_nkji.shape == images.shape
    assert both.model_id == "brain"
    assert told == [0.5, 1.0]
    alone = finder.find(request(folder, images[1:], precision="fp32"))
    assert np.allclose(alone.logits_nkji[0], both.logits_nkji[1], atol=1e-4)


def test_units_of_the_scanner_do_not_matter(folder: Path):
    images = np.random.default_rng(0).uniform(0, 900, (1, 8, 8, 8))
    finder = BrainFinder()
    one, other = (
        finder.find(request(folder, images * factor, precision="fp32")).logits_nkji
        for factor in (1.0, 37.0)
    )
    assert np.allclose(one, other, atol=1e-3)


def test_other_weights_are_refused(tmp_path: Path):
    config = SlimUNETRppConfig(channels=(8, 16, 16), embed_dim=16)
    save_network(tmp_path, "brain", config, build_network(config).state_dict(), {})
    with pytest.raises(WeightsError, match="not trained to find the brain"):
        BrainFinder().find(request(tmp_path, np.ones((1, 8, 8, 8))))
    with pytest.raises(WeightsError):
        BrainFinder().find(request(tmp_path / "nothing", np.ones((1, 8, 8, 8))))


def test_scale_leaves_voxels_without_data_at_zero():
    image = torch.zeros(8, 8, 8)
    image[2:6] = 100 + 200 * torch.rand(4, 8, 8, generator=torch.Generator().manual_seed(0))
    found = scaled(image)
    assert (found[:2] == 0).all()
    assert (found[6:] == 0).all()
    assert found.max() == pytest.approx(1.0, abs=0.15)
    assert (scaled(torch.zeros(4, 4, 4)) == 0).all()


@pytest.mark.parametrize(
    ("images", "device"),
    [
        (np.ones((8, 8, 8), np.float32), "cpu"),
        (np.ones((1, 8, 8, 8)), "cpu"),
        (np.ones((0, 8, 8, 8), np.float32), "cpu"),
        (np.ones((1, 8, 8, 8), np.float32), "tpu"),
    ],
)
def test_impossible_requests_are_refused(images: np.ndarray, device: str):
    with pytest.raises(ValueError, match=r"images|device"):
        BrainRequest(images, Path(), device=device)

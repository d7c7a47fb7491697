from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.errors import Cancelled, DeviceError, HungError, InputError
from desktop_app.imaging.brain_network import brain_mask_by_network
from desktop_app.jobs.cancel import CancelToken
from desktop_app.services.segmenting import brain_network
from desktop_app.services.segmenting.brain_network import BrainNetwork
from desktop_app.services.segmenting.brain_outline import outline_brain
from model.messages import BRAIN_SPACING_MM, BrainRequest, BrainResult
from tests.heads import Head, dice, make_head


@pytest.fixture(scope="module")
def head() -> Head:
    return make_head(BRAIN_SPACING_MM)


def depth_of(head: Head) -> np.ndarray[Any, Any]:
    inside = ndimage.distance_transform_edt(head.brain, sampling=BRAIN_SPACING_MM)
    outside = ndimage.distance_transform_edt(~head.brain, sampling=BRAIN_SPACING_MM)
    return np.asarray(
        np.where(head.brain, inside - BRAIN_SPACING_MM / 2, BRAIN_SPACING_MM / 2 - outside),
        dtype=np.float32,
    )


@dataclass
class Finder:
    """Knows the answer, or fails."""

    depth: np.ndarray[Any, Any]
    error: Exception | None = None
    request: BrainRequest | None = None

    def find_brain(self, request: BrainRequest, *, token: Any = None) -> BrainResult:
        self.request = request
        if self.error is not None:
            raise self.error
        logits = np.stack([self.depth] * len(request.images_nkji))
        return BrainResult(logits, "cpu", "fp32", "brain", "", 0.0)


def test_network_is_asked_on_its_grid_and_its_answer_is_the_mask(head: Head, tmp_path: Path):
    finder = Finder(depth_of(head))
    found = outline_brain(head.images, BrainNetwork(finder, tmp_path, "cpu", "fp32"))
    assert dice(found.brain_kji, head.brain) > 0.98
    assert found.warnings == ()
    assert "network" in found.step
    request = finder.request
    assert request is not None
    assert (request.device, request.precision, request.weights_dir) == ("cpu", "fp32", tmp_path)
    assert len(request.images_nkji) == 4


def test_outline_is_smooth_on_a_finer_grid(head: Head):
    fine = make_head(1.0)
    found = brain_mask_by_network(
        {Sequence.T1: fine.images[Sequence.T1]}, lambda images: depth_of(head)[None] + 0 * images
    )
    assert dice(found, fine.brain) > 0.95


def test_what_lies_beside_the_brain_is_left_out(head: Head):
    depth = depth_of(head)
    depth[:6, :6, :6] = 3.0
    found = brain_mask_by_network({Sequence.T1: head.images[Sequence.T1]}, lambda _: depth[None])
    assert not found[:8, :8, :8].any()
    assert found.any()


def test_image_without_data_has_no_say(head: Head):
    cut = head.images[Sequence.FLAIR].array_kji.copy()
    cut[60:] = 0
    images = {
        Sequence.T1C: head.images[Sequence.T1C],
        Sequence.FLAIR: Volume(cut, head.geometry),
    }
    depth = depth_of(head)
    answers = np.stack([depth, np.where(cut != 0, depth, -4)])
    assert dice(brain_mask_by_network(images, lambda _: answers), head.brain) > 0.97


def test_images_to_look_at_can_be_chosen(head: Head):
    seen: list[int] = []

    def find(images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        seen.append(len(images))
        return np.stack([depth_of(head)] * len(images))

    brain_mask_by_network(head.images, find, of={Sequence.T1, Sequence.T2})
    assert seen == [2]


def test_without_the_network_the_surface_is_followed_and_it_is_said(head: Head):
    told = InputError("The network's weights cannot be used.", "brain.json: missing", "Install.")
    found = outline_brain(head.images, BrainNetwork(Finder(depth_of(head), told), Path()))
    assert dice(found.brain_kji, head.brain) > 0.9
    assert "surface" in found.step
    assert len(found.warnings) == 1
    assert "weights cannot be used" in found.warnings[0]
    assert outline_brain(head.images, None).warnings == ()


def test_a_device_that_fails_once_is_asked_again(head: Head):
    class FailsOnce(Finder):
        def find_brain(self, request, *, token=None):
            if not self.asked:
                self.asked = True
                raise DeviceError("Out of memory.", "", "")
            return super().find_brain(request, token=token)

        asked = False

    found = outline_brain(head.images, BrainNetwork(FailsOnce(depth_of(head)), Path()))
    assert "network" in found.step
    assert found.warnings == ()
    assert not found.is_makeshift


def test_a_device_that_hung_is_not_asked_again(head: Head):
    class Hangs(Finder):
        asked = 0

        def find_brain(self, request, *, token=None):
            self.asked += 1
            raise HungError("It hung.", "", "")

    finder = Hangs(depth_of(head))
    found = outline_brain(head.images, BrainNetwork(finder, Path()))
    assert finder.asked == 1
    assert found.is_makeshift


def test_network_that_sees_no_brain_is_not_believed(head: Head):
    found = outline_brain(
        head.images, BrainNetwork(Finder(np.full_like(depth_of(head), -4)), Path())
    )
    assert dice(found.brain_kji, head.brain) > 0.9
    assert "0.00 l" in found.warnings[0]


def test_unusual_size_is_told(head: Head):
    big = np.maximum(depth_of(head), 0) + 40 * (depth_of(head) > -12) - 4
    geometry = replace(head.geometry, affine_lps_mm=np.diag([3.0, 3.0, 3.0, 1.0]))
    images = {Sequence.T1: Volume(head.images[Sequence.T1].array_kji, geometry)}
    found = outline_brain(images, BrainNetwork(Finder(big.astype(np.float32)), Path()))
    assert any("unusual" in warning for warning in found.warnings)


def test_cancelling_is_no_failure(head: Head):
    with pytest.raises(Cancelled):
        outline_brain(head.images, BrainNetwork(Finder(depth_of(head), Cancelled()), Path()))
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        outline_brain(head.images, BrainNetwork(Finder(depth_of(head)), Path()), token=token)


def test_copy_without_weights_has_no_network(
    head: Head, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(brain_network, "weights_dir", lambda: tmp_path)
    finder = Finder(depth_of(head))
    assert brain_network.bundled_network(finder, "cpu", "fp32") is None
    (tmp_path / "brain.safetensors").touch()
    assert brain_network.bundled_network(finder, "cpu", "fp32") == BrainNetwork(
        finder, tmp_path, "cpu", "fp32"
    )

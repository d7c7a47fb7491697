"""The brain of a study: by the network where it can be asked, else by the classical method."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.errors import Cancelled, DeviceError, HungError, UserFacingError
from desktop_app.imaging.brain import brain_mask
from desktop_app.imaging.brain_network import brain_mask_by_network
from desktop_app.jobs.cancel import NEVER, CancelToken
from desktop_app.services.segmenting.brain_network import BrainNetwork
from model.messages import BrainRequest

# Adults' brains with the fluid around them measure 1.0 to 1.9 l, children's and shrunken ones less.
_LITRES = (0.7, 2.1)
_MIN_FOUND_LITRES = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class BrainOutline:
    """The mask, and what to tell of it.

    Parameters
    ----------
    brain_kji
        On the images' grid.
    step
        What was done, in one sentence.
    warnings
        What the user should know.
    is_makeshift
        Whether the network could not be asked though it is there.
    """

    brain_kji: NDArray[np.bool_]
    step: str
    warnings: tuple[str, ...] = ()
    is_makeshift: bool = False


def outline_brain(
    images: Mapping[Sequence, Volume],
    network: BrainNetwork | None,
    *,
    token: CancelToken = NEVER,
) -> BrainOutline:
    """Find the brain in whole heads.

    Parameters
    ----------
    images
        Registered, on one grid with axes near LPS.
    network
        Asked first, once more where its device fails; without it, or where it fails again, the
        classical method is used, which is told.

    Raises
    ------
    Cancelled
        If `token` was cancelled.
    """
    litres_of = _litres(next(iter(images.values())))
    failure, is_makeshift = "", False
    if network is not None:
        try:
            brain = _by_network(images, network, token)
        except Cancelled:
            raise
        except UserFacingError as error:
            failure, is_makeshift = f"{error.title} {error.detail}".strip(), True
        else:
            litres = litres_of(brain)
            if litres >= _MIN_FOUND_LITRES:
                return _outline(brain, litres, "by the network")
            failure = f"It found {litres:.2f} l of brain."
    brain = brain_mask(images, check=token.raise_if_cancelled)
    warnings: tuple[str, ...] = ()
    if failure:
        warnings = (
            f"The brain was outlined without the network, less exactly: {failure.rstrip('.')}.",
        )
    found = _outline(brain, litres_of(brain), "by its surface", warnings)
    return replace(found, is_makeshift=is_makeshift)


def _by_network(
    images: Mapping[Sequence, Volume], network: BrainNetwork, token: CancelToken
) -> NDArray[np.bool_]:
    def find(images_nkji: NDArray[np.float32]) -> NDArray[np.float32]:
        request = BrainRequest(
            images_nkji,
            network.weights_folder,
            device=network.device,
            precision=network.precision,
        )
        try:
            return network.finder.find_brain(request, token=token).logits_nkji
        except HungError:
            raise
        except DeviceError:
            # Memory that is short for a moment, of a night's batch say, would give other volumes
            # than every other run. The process starts anew.
            return network.finder.find_brain(request, token=token).logits_nkji

    return brain_mask_by_network(images, find, check=token.raise_if_cancelled)


def _litres(volume: Volume) -> Callable[[NDArray[np.bool_]], float]:
    voxel_mm3 = volume.geometry.voxel_volume_mm3
    return lambda brain: float(np.count_nonzero(brain)) * voxel_mm3 / 1e6


def _outline(
    brain: NDArray[np.bool_], litres: float, how: str, warnings: tuple[str, ...] = ()
) -> BrainOutline:
    low, high = _LITRES
    if not low <= litres <= high:
        unusual = f"The brain found measures {litres:.2f} l, which is unusual; check its outline."
        warnings = (*warnings, unusual)
    step = f"Skull and scalp removed {how}; {litres:.2f} l of brain kept."
    return BrainOutline(brain, step, warnings)

"""From loaded volumes to what the network wants, and back to the scanner's grid."""

import time
from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from desktop_app.domain.result import PreparedStudy
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.imaging.contrast_evidence import brain_looks
from desktop_app.imaging.resample import resample
from desktop_app.jobs.cancel import NEVER, CancelToken
from desktop_app.jobs.events import ProgressCallback, silent
from desktop_app.services.opening.loaded_study import PreparationMemory
from desktop_app.services.opening.sequence_check import SequenceCheck, check_sequences
from desktop_app.services.segmenting.alignment import align
from desktop_app.services.segmenting.brain_network import BrainNetwork
from model.postprocess import DEFAULT_SETTINGS, PostprocessSettings, labels_from_probabilities

_BACK = "Bringing the labels back to the scan's grid"


def prepare(
    volumes: Mapping[Sequence, Volume],
    *,
    header_confidence: Mapping[Sequence, float] | None = None,
    chosen_by_user: Collection[Sequence] = (),
    network: BrainNetwork | None = None,
    memory: PreparationMemory | None = None,
    progress: ProgressCallback = silent,
    token: CancelToken = NEVER,
) -> PreparedStudy:
    """Register, resample and strip the sequences of one study, and check which is which.

    Images that share one grid and come without the skull (as BraTS publishes them) pass through
    with their values untouched. Where the pixels show beyond doubt that images were given as the
    wrong sequences, they change places, which is told in `warnings` and `findings`.

    Parameters
    ----------
    volumes
        At least one sequence, as loaded.
    header_confidence
        How sure the headers are of each sequence, 0 to 1.
    chosen_by_user
        Sequences whose image the user chose, which no pixels overrule.
    network
        Outlines the brain in whole heads; without it the classical method does.
    memory
        Of what was prepared of these images before; keeps what is prepared now.
    progress, token
        Told the stage; asked between stages.

    Raises
    ------
    InputError
        If there is no volume, an image is blank, or it stays uncertain which image is which.
    Cancelled
        If `token` was cancelled.
    """
    memory = memory or PreparationMemory()
    prepared = align(volumes, network=network, memory=memory, progress=progress, token=token)
    seconds = prepared.seconds
    progress(0.97, "Checking the sequences")
    started = time.perf_counter()
    looks = memory.looks(prepared, lambda: brain_looks(prepared.channels, prepared.brain_kji))
    found = check_sequences(
        looks, header_confidence=header_confidence, chosen_by_user=chosen_by_user
    )
    seconds += time.perf_counter() - started
    token.raise_if_cancelled()
    if found.is_corrected:
        prepared = align(
            _reordered(volumes, found),
            network=network,
            memory=memory,
            progress=progress,
            token=token,
        )
        seconds += prepared.seconds
    progress(1.0, "Prepared")
    return replace(
        prepared,
        findings=found.findings,
        warnings=tuple(dict.fromkeys((*found.warnings, *prepared.warnings))),
        seconds=seconds,
    )


def _reordered(volumes: Mapping[Sequence, Volume], found: SequenceCheck) -> dict[Sequence, Volume]:
    given_as = {sequence: sequence for sequence in volumes} | dict(found.assignment)
    return {sequence: volumes[given] for sequence, given in given_as.items()}


def to_reference(
    probabilities_ckji: NDArray[np.floating],
    prepared: PreparedStudy,
    settings: PostprocessSettings = DEFAULT_SETTINGS,
    *,
    progress: ProgressCallback = silent,
    token: CancelToken = NEVER,
) -> NDArray[np.uint8]:
    """Bring probabilities back to the reference series' grid and turn them into labels.

    Probabilities, not labels, are interpolated, so that outlines stay smooth.

    Parameters
    ----------
    probabilities_ckji
        (3, k, j, i) TC, WT, ET on the work grid.
    settings
        Thresholds and smallest parts of the model card.
    progress, token
        Told and asked before each channel, and before the labels are drawn.

    Returns
    -------
    ndarray
        uint8 on ``prepared.reference.geometry``.

    Raises
    ------
    Cancelled
        If `token` was cancelled.
    """
    target = prepared.reference.geometry
    if prepared.work_geometry.matches(target):
        on_target: NDArray[np.floating] = probabilities_ckji
    else:
        channels = []
        for number, channel in enumerate(probabilities_ckji):
            token.raise_if_cancelled()
            progress(number / (len(probabilities_ckji) + 1), _BACK)
            there = Volume(channel.astype(np.float32), prepared.work_geometry)
            channels.append(resample(there, target).array_kji)
        on_target = np.stack(channels)
    token.raise_if_cancelled()
    progress(len(probabilities_ckji) / (len(probabilities_ckji) + 1), _BACK)
    return labels_from_probabilities(on_target, spacing_mm=target.spacing_mm, settings=settings)

"""What a network says of a patient it never read: computed once, kept in a small file.

Probabilities are kept as eight bits of their logit, which is finer than anything that follows:
steps of 0.06, that is 0.016 in the middle and less towards 0 and 1. The step from one code to the
next at 0.5 lies exactly at 0.5.
"""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model.calibration import CODES, LARGEST_LOGIT
from model.cropping import Box, brain_box, occupied_box, place_in
from model.data import Case, CaseError, case_files, origin_of, require_work_grid
from model.errors import UnusableImage
from model.familiarity import study_statistics
from model.inference import Segmenter
from model.inference.settings import InferenceSettings
from model.messages import InferenceRequest
from model.normalise import normalise
from model.spec import SEQUENCES, LabelArray, Sequence

# To be raised when statistics or codes change their meaning.
_FORMAT: Final = 3
_STEP: Final = 2 * LARGEST_LOGIT / CODES


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What an answer depends on; another value makes it worthless.

    Attributes
    ----------
    weights_sha256
        Of the network.
    mirror
        Whether the answers for the brain and its mirror image were averaged.
    without
        The sequences that were taken away.
    precision
        Number format asked for.
    origin
        Marks the case's files and how the network looked at them, see `origin_of_answer`.
    """

    weights_sha256: str
    mirror: bool
    without: tuple[str, ...] = ()
    precision: str = "auto"
    origin: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class OutOfFold:
    """One patient: what the network said, and the truth, cropped to the brain.

    Attributes
    ----------
    name
        Of the case.
    conditions
        See `Conditions`.
    codes_ckji
        (3, k, j, i) uint8, see `probabilities_of`.
    reference_kji
        (k, j, i) uint8 true labels; all background for a brain without tumour.
    spacing_kji_mm
        Size of a voxel.
    statistics
        See `model.familiarity.study_statistics`.
    """

    name: str
    conditions: Conditions
    codes_ckji: NDArray[np.uint8]
    reference_kji: LabelArray
    spacing_kji_mm: tuple[float, float, float]
    statistics: Mapping[str, float]

    @property
    def probabilities_ckji(self) -> NDArray[np.float16]:
        """(3, k, j, i) in the order of `model.spec.REGIONS`."""
        return probabilities_of(self.codes_ckji)

    @property
    def voxel_mm3(self) -> float:
        """Volume of a voxel."""
        return float(np.prod(self.spacing_kji_mm))

    def within(self, box: Box) -> "OutOfFold":
        """Return the part inside a box."""
        return replace(
            self,
            codes_ckji=self.codes_ckji[(slice(None), *box)],
            reference_kji=self.reference_kji[box],
        )


def codes_of(probabilities: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Return the logit of each probability in eight bits."""
    exact = probabilities.astype(np.float32)
    with np.errstate(divide="ignore"):
        logits = np.log(exact) - np.log1p(-exact)
    steps = np.floor(np.clip(logits, -LARGEST_LOGIT, LARGEST_LOGIT - _STEP / 2) / _STEP)
    return np.asarray(steps + CODES // 2, dtype=np.uint8)


def code_values() -> NDArray[np.float64]:
    """Return the probability that each code stands for; the ends stand for 0 and 1.

    Of the numbers of float16, in which networks answer, only 1 itself has the largest code.
    """
    logits = (np.arange(CODES) - CODES // 2 + 0.5) * _STEP
    values: NDArray[np.float64] = 1 / (1 + np.exp(-logits))
    values[0], values[-1] = 0.0, 1.0
    return values


def codes_above(probability: float) -> int:
    """Return the least code that stands for more than a probability."""
    values = code_values().astype(np.float16)
    return int(np.searchsorted(values, np.float16(probability), side="right"))


def probabilities_of(codes: NDArray[np.uint8]) -> NDArray[np.float16]:
    """Return the probability that each code stands for."""
    values: NDArray[np.float16] = code_values().astype(np.float16)
    return values[codes]


def origin_of_answer(folder: Path, settings: InferenceSettings) -> dict[str, Any]:
    """Return names, sizes and dates of a case's files, and the windows it is looked at with.

    Raises
    ------
    CaseError
        If the folder is no case.
    """
    return origin_of(case_files(folder), window=settings.window, overlap=settings.overlap)


def predict(
    case: Case, segmenter: Segmenter, weights: Path, conditions: Conditions, *, device: str
) -> OutOfFold:
    """Run a network on one case.

    Raises
    ------
    CaseError
        If nothing is left of the case without the sequences taken away, or it cannot be used.
    WeightsError
        If weights or card cannot be used.
    """
    require_work_grid(case)
    image_ckji = without_sequences(case, conditions.without)
    present = [bool(channel.any()) for channel in image_ckji]
    request = InferenceRequest(
        image_ckji,
        present=(present[0], present[1], present[2], present[3]),
        weights_dir=weights.parent,
        device=device,
        precision=conditions.precision,
        model_name=weights.stem,
        mirror=conditions.mirror,
    )
    try:
        result = segmenter.segment(request)
    except UnusableImage as error:
        msg = f"{case.name}: {error}"
        raise CaseError(msg) from error
    reference, probabilities = _known_part(case, result.probabilities_ckji)
    brain = brain_box(image_ckji)
    box = _around(brain, reference)
    inside = np.ascontiguousarray(probabilities[(slice(None), *box)])
    statistics = study_statistics(normalise(image_ckji[(slice(None), *brain)]), case.spacing_kji_mm)
    return OutOfFold(
        case.name,
        conditions,
        codes_of(inside),
        np.ascontiguousarray(reference[box]),
        case.spacing_kji_mm,
        statistics,
    )


def without_sequences(case: Case, names: tuple[str, ...]) -> NDArray[np.float32]:
    """Return the images of a case with some sequences taken away, that is zero.

    Raises
    ------
    CaseError
        If nothing is left.
    """
    image_ckji = np.array(case.images_ckji)
    for name in names:
        image_ckji[SEQUENCES.index(Sequence(name))] = 0
    if not image_ckji.any():
        msg = f"{case.name}: no sequence left"
        raise CaseError(msg)
    return image_ckji


def save(found: OutOfFold, path: Path) -> None:
    """Write an answer; it appears under its name only when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    about = {
        "name": found.name,
        "conditions": _conditions_mapping(found.conditions),
        "spacing_kji_mm": found.spacing_kji_mm,
        "statistics": dict(found.statistics),
    }
    part = path.with_suffix(".part")
    with part.open("wb") as stream:
        np.savez_compressed(
            stream,
            codes_ckji=found.codes_ckji,
            reference_kji=found.reference_kji,
            about=np.frombuffer(json.dumps(about).encode(), dtype=np.uint8),
        )
    part.replace(path)


def load(path: Path, conditions: Conditions) -> OutOfFold | None:
    """Read an answer; ``None`` if there is none, or it was made under other conditions."""
    try:
        with path.open("rb") as stream, np.load(stream) as stored:
            about = json.loads(stored["about"].tobytes())
            if about["conditions"] != _conditions_mapping(conditions):
                return None
            k, j, i = about["spacing_kji_mm"]
            return OutOfFold(
                about["name"],
                conditions,
                stored["codes_ckji"],
                stored["reference_kji"],
                (k, j, i),
                about["statistics"],
            )
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        # Missing or not whole: made anew.
        return None


def _conditions_mapping(conditions: Conditions) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "weights_sha256": conditions.weights_sha256,
        "mirror": conditions.mirror,
        "without": list(conditions.without),
        "precision": conditions.precision,
        "origin": dict(conditions.origin),
    }


def _known_part(
    case: Case, probabilities_ckji: NDArray[np.float16]
) -> tuple[LabelArray, NDArray[np.float16]]:
    reference = case.labels_kji
    if reference is None:
        reference = np.zeros(probabilities_ckji.shape[1:], dtype=np.uint8)
    if case.coverage_kji is None:
        return reference, probabilities_ckji
    known = case.coverage_kji
    return np.where(known, reference, 0).astype(np.uint8), np.where(known, probabilities_ckji, 0)


def _around(brain: Box, reference_kji: LabelArray) -> Box:
    shape = reference_kji.shape
    mask = place_in(
        np.ones(tuple(s.stop - s.start for s in brain), dtype=np.bool_),
        brain,
        (shape[0], shape[1], shape[2]),
    )
    return occupied_box(mask | (reference_kji != 0)) or brain

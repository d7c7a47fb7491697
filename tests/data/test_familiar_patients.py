"""On real patients: what was done to a study on purpose is noticed; patients as they are, pass."""

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from model.cropping import brain_box
from model.data import find_cases, load_case
from model.evaluate.typical import TypicalStudies, fit_typical
from model.familiarity import Unfamiliarity, study_statistics
from model.normalise import normalise

pytestmark = pytest.mark.patients

PATIENTS = 12
SPACING = (1.0, 1.0, 1.0)


def statistics(image_ckji: np.ndarray) -> dict[str, float]:
    box = brain_box(image_ckji)
    return study_statistics(normalise(image_ckji[(slice(None), *box)]), SPACING)


@pytest.fixture(scope="module")
def images(shared_data: Path) -> dict[str, np.ndarray]:
    folders = find_cases(shared_data / "train")[:PATIENTS]
    return {folder.name: load_case(folder).images_ckji for folder in folders}


@pytest.fixture(scope="module")
def typical(images: dict[str, np.ndarray]) -> TypicalStudies:
    found = fit_typical({name: statistics(image) for name, image in images.items()})
    assert found is not None
    return found


@pytest.fixture(scope="module")
def patient(shared_data: Path) -> np.ndarray:
    """One that had no part in the model."""
    return np.array(load_case(find_cases(shared_data / "train")[-1]).images_ckji)


def test_patients_pass_and_exchanges_do_not(typical: TypicalStudies) -> None:
    assert len(typical.flagged) <= 2
    assert typical.exchanges_noticed > 0.9


def judge(typical: TypicalStudies, image: np.ndarray) -> Unfamiliarity:
    return typical.model.judge(statistics(image.astype(np.float32)))


def test_another_patient_is_familiar(typical: TypicalStudies, patient: np.ndarray) -> None:
    assert not judge(typical, patient).is_unfamiliar


def test_people_without_tumour_are_familiar(typical: TypicalStudies, shared_data: Path) -> None:
    for folder in find_cases(shared_data / "normal")[:1]:
        assert not judge(typical, load_case(folder).images_ckji).is_unfamiliar


@pytest.mark.parametrize(("given", "taken"), [(1, 0), (0, 1), (1, 3)])
def test_one_image_given_twice_is_noticed(
    typical: TypicalStudies, patient: np.ndarray, given: int, taken: int
) -> None:
    spoiled = patient.copy()
    spoiled[given] = patient[taken]
    assert judge(typical, spoiled).is_unfamiliar


def test_noise_is_noticed(typical: TypicalStudies, patient: np.ndarray) -> None:
    inside = patient != 0
    noise = np.random.default_rng(0).normal(0, 1.0, patient.shape)
    for channel, brain, grain in zip(spoiled := patient.copy(), inside, noise, strict=True):
        channel[brain] += channel[brain].std() * grain[brain]
    assert judge(typical, spoiled).is_unfamiliar


def test_one_contrast_for_all_is_noticed(typical: TypicalStudies, patient: np.ndarray) -> None:
    """Four times the same image, as from another modality."""
    assert judge(typical, np.repeat(patient[2:3], 4, axis=0)).is_unfamiliar


def test_scalp_left_around_the_brain_is_noticed(
    typical: TypicalStudies, patient: np.ndarray
) -> None:
    brain = patient.any(axis=0)
    rim = ndimage.binary_dilation(brain, iterations=10) & ~brain
    spoiled = patient.copy()
    for channel in spoiled:
        channel[rim] = np.quantile(channel[brain], 0.9)
    assert judge(typical, spoiled).is_unfamiliar


def test_thick_slices_are_no_reason(typical: TypicalStudies, patient: np.ndarray) -> None:
    thick = patient.copy()
    for start in range(0, thick.shape[1], 5):
        slab = thick[:, start : start + 5]
        slab[:] = np.where(slab != 0, slab.mean(axis=1, keepdims=True), 0)
    assert not judge(typical, thick).is_unfamiliar

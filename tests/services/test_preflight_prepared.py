"""What is known of the images once they are registered."""

from dataclasses import replace

import numpy as np
import pytest

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.preflight import Aspect, Check, Light
from desktop_app.domain.registration import Registration
from desktop_app.domain.result import PreparedStudy
from desktop_app.domain.sequence_choice import Finding, PixelFinding
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.services.preflight.prepared import check_prepared

GRID = Geometry((20, 20, 20), np.eye(4))


@pytest.fixture
def prepared() -> PreparedStudy:
    image = np.ones((4, *GRID.shape_kji), np.float32)
    image[0] = 0
    volume = Volume(image[1], GRID)
    volumes = {sequence: volume for sequence in Sequence if sequence is not Sequence.T1}
    moved = Registration(GRID, 0.9, True, 4.2, 1.3, "Registered, moved by 4.2 mm and 1.3°.")
    return PreparedStudy(
        image_ckji=image,
        work_geometry=GRID,
        brain_kji=np.ones(GRID.shape_kji, bool),
        reference=volume,
        reference_sequence=Sequence.T1C,
        volumes=volumes,
        registrations={Sequence.FLAIR: moved},
    )


def answers(prepared: PreparedStudy, sequence: Sequence) -> dict[Aspect, Check]:
    return {check.aspect: check for check in check_prepared(prepared)[sequence]}


def test_each_image_says_how_it_was_laid_onto_the_reference(prepared):
    told = {s: answers(prepared, s)[Aspect.REGISTRATION] for s in prepared.volumes}
    assert told[Sequence.T1C].sentence == "The other images are laid onto this one."
    assert told[Sequence.T2].sentence == "Already lies on T1c."
    assert "4.2 mm" in told[Sequence.FLAIR].sentence
    assert {check.light for check in told.values()} == {Light.GOOD}
    assert check_prepared(prepared)[Sequence.T1] == ()


def test_a_failed_registration_is_red_although_the_image_was_left_out(prepared):
    failed = Registration(GRID, 0.1, False, 60, 3, "Could not be registered: too far.")
    volumes = {s: v for s, v in prepared.volumes.items() if s is not Sequence.FLAIR}
    apart = replace(prepared, registrations={Sequence.FLAIR: failed}, volumes=volumes)
    check = answers(apart, Sequence.FLAIR)[Aspect.REGISTRATION]
    assert (check.light, check.sentence) == (Light.POOR, failed.message)


@pytest.mark.parametrize(("slices", "light"), [(16, Light.FAIR), (10, Light.POOR)])
def test_the_share_of_the_brain_that_an_image_shows(prepared, slices, light):
    image = np.array(prepared.image_ckji)
    image[3, slices:] = 0
    check = answers(replace(prepared, image_ckji=image), Sequence.FLAIR)[Aspect.COVERAGE]
    assert check.light is light
    assert f"{5 * slices} % of the brain" in check.sentence


def test_a_whole_outline_takes_back_no_earlier_doubt(prepared):
    assert Aspect.COVERAGE not in answers(prepared, Sequence.FLAIR)


@pytest.mark.parametrize(
    ("finding", "light"),
    [
        (Finding.CONFIRMED, Light.GOOD),
        (Finding.CANNOT_TELL, Light.FAIR),
        (Finding.CORRECTED, Light.FAIR),
        (Finding.KEPT_BY_USER, Light.FAIR),
        (Finding.DOUBTFUL, Light.POOR),
    ],
)
def test_what_the_pixels_say_of_the_contrast(prepared, finding, light):
    said = PixelFinding(Sequence.T1C, finding, 4.0, "As the pixels say.")
    check = answers(replace(prepared, findings={Sequence.T1C: said}), Sequence.T1C)[Aspect.CONTRAST]
    assert (check.light, check.sentence) == (light, "As the pixels say.")


def test_confirmed_beside_t1_means_that_the_agent_shows(prepared):
    findings = {
        sequence: PixelFinding(sequence, Finding.CONFIRMED, 4.0, f"The pixels confirm {sequence}.")
        for sequence in (Sequence.T1, Sequence.T1C)
    }
    check = answers(replace(prepared, findings=findings), Sequence.T1C)[Aspect.CONTRAST]
    assert check.sentence == "Contrast agent shows, compared with T1."

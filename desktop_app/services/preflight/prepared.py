"""What is known once the images are registered: alignment, coverage of the brain, contrast."""

from collections.abc import Mapping

import numpy as np

from desktop_app.domain.preflight import Aspect, Check, Light, Source
from desktop_app.domain.readable import readable_share
from desktop_app.domain.result import PreparedStudy
from desktop_app.domain.sequence_choice import Finding
from desktop_app.domain.study import Sequence

# The outline is drawn on all images together and rather wide; interpolation eats its rim.
WHOLE_BRAIN = 0.95
# As the preparation warns of.
USABLE_SHARE = 0.75

_LIGHTS = {
    Finding.CONFIRMED: Light.GOOD,
    Finding.CANNOT_TELL: Light.FAIR,
    Finding.CORRECTED: Light.FAIR,
    Finding.KEPT_BY_USER: Light.FAIR,
    Finding.DOUBTFUL: Light.POOR,
}


def check_prepared(prepared: PreparedStudy) -> dict[Sequence, tuple[Check, ...]]:
    """Judge registration, coverage of the brain and contrast of a prepared study."""
    covered = _covered(prepared)
    found = {}
    for sequence in Sequence:
        checks = (
            _registration(prepared, sequence),
            _coverage(covered.get(sequence)),
            _contrast(prepared, sequence),
        )
        found[sequence] = tuple(check for check in checks if check is not None)
    return found


def _registration(prepared: PreparedStudy, sequence: Sequence) -> Check | None:
    if sequence is prepared.reference_sequence:
        sentence = "The other images are laid onto this one."
        return Check(Aspect.REGISTRATION, Light.GOOD, sentence, Source.PIXELS)
    registration = prepared.registrations.get(sequence)
    if registration is not None:
        light = Light.GOOD if registration.ok else Light.POOR
        return Check(Aspect.REGISTRATION, light, registration.message, Source.PIXELS)
    if sequence not in prepared.volumes:
        return None
    sentence = f"Already lies on {prepared.reference_sequence}."
    return Check(Aspect.REGISTRATION, Light.GOOD, sentence, Source.PIXELS)


def _covered(prepared: PreparedStudy) -> Mapping[Sequence, float]:
    """Return the share of the brain that each image shows, from every second voxel."""
    every = (slice(None, None, 2),) * 3
    brain = prepared.brain_kji[every]
    size = int(brain.sum())
    if not size:
        return {}
    return {
        sequence: np.count_nonzero(image[every][brain]) / size
        for sequence, image in zip(Sequence, prepared.image_ckji, strict=True)
        if sequence in prepared.volumes
    }


def _coverage(share: float | None) -> Check | None:
    """Say how much is missing; ``None`` for nothing.

    The outline ends where the reference ends, so that a whole one takes back no earlier doubt.
    """
    if share is None or share >= WHOLE_BRAIN:
        return None
    light = Light.FAIR if share >= USABLE_SHARE else Light.POOR
    sentence = (
        f"Shows {readable_share(share)} of the brain; a tumour in the rest is judged without it."
    )
    return Check(Aspect.COVERAGE, light, sentence, Source.PIXELS)


def _contrast(prepared: PreparedStudy, sequence: Sequence) -> Check | None:
    finding = prepared.findings.get(sequence)
    if finding is None:
        return None
    light = _LIGHTS[finding.finding]
    sentence = finding.sentence
    both = {Sequence.T1, Sequence.T1C} <= set(prepared.findings)
    if finding.finding is Finding.CONFIRMED and sequence is Sequence.T1C and both:
        sentence = "Contrast agent shows, compared with T1."
    return Check(Aspect.CONTRAST, light, sentence, Source.PIXELS)

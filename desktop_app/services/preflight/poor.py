"""Red lights, and a head that is cut off, as sentences that travel into every result."""

from collections.abc import Mapping

from desktop_app.domain.preflight import Light
from desktop_app.domain.study import Sequence, Series, Study
from desktop_app.domain.volume import Volume
from desktop_app.imaging.image_quality import measure_quality
from desktop_app.services.preflight.headers import check_headers
from desktop_app.services.preflight.pixels import check_coverage, judge_quality


def poor_lights(
    study: Study,
    roles: Mapping[Sequence, Series],
    volumes: Mapping[Sequence, Volume],
    reference: Sequence,
) -> tuple[str, ...]:
    """Return a sentence for every red light of the series in use, by headers and by pixels.

    What the image that carries the labels lacks of the head is told whatever its light: no result
    shows a lesion there. What only preparing an image shows is told there, see
    `preprocess.prepare`.
    """
    quality = {sequence: (judge_quality(measure_quality(v)),) for sequence, v in volumes.items()}
    checked = check_headers(study, roles).updated(quality)
    missing = check_coverage(reference, volumes) if reference in volumes else None
    poor = tuple(
        f"{sequence}: {check.sentence}"
        for sequence, one in checked.sequences.items()
        for check in one.checks
        if check.light is Light.POOR
    )
    return poor if missing is None else (*poor, f"{reference}: {missing.sentence}")

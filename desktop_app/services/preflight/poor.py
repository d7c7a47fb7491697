"""Red lights, and a head that is cut off, as sentences that travel into every result."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from desktop_app.domain.preflight import Aspect, Check, Light, Preflight
from desktop_app.domain.study import Sequence, Series, Study
from desktop_app.domain.volume import Volume
from desktop_app.jobs.cancel import CancelToken
from desktop_app.services.opening.loaded_study import PreparationMemory
from desktop_app.services.preflight.headers import check_headers
from desktop_app.services.preflight.pixels import check_coverage, check_quality


@contextmanager
def poor_lights_meanwhile(
    study: Study,
    roles: Mapping[Sequence, Series],
    volumes: Mapping[Sequence, Volume],
    reference: Sequence,
    *,
    memory: PreparationMemory,
    token: CancelToken,
) -> Iterator[Future[tuple[str, ...]]]:
    """Find `poor_lights` beside the block, which waits for them unless it raises."""
    unwanted = CancelToken()

    def check() -> None:
        unwanted.raise_if_cancelled()
        token.raise_if_cancelled()

    def find() -> tuple[str, ...]:
        return poor_lights(study, roles, volumes, reference, memory=memory, check=check)

    with ThreadPoolExecutor(max_workers=1) as lane:
        try:
            yield lane.submit(find)
        except BaseException:
            unwanted.cancel()
            raise


def poor_lights(
    study: Study,
    roles: Mapping[Sequence, Series],
    volumes: Mapping[Sequence, Volume],
    reference: Sequence,
    *,
    memory: PreparationMemory,
    check: Callable[[], None],
) -> tuple[str, ...]:
    """Return a sentence for every red light of the series in use, by headers and by pixels.

    What the image that carries the labels lacks of the head is told whatever its light: no result
    shows a lesion there. Images on one grid with it lack the same, which is told once. What only
    preparing an image shows is told there, see `preprocess.prepare`.

    Parameters
    ----------
    memory
        Of what was measured of these volumes before.
    check
        Called often; raises to stop.
    """
    quality = {one: (check_quality(v, memory, check),) for one, v in volumes.items()}
    checked = check_headers(study, roles).updated(quality)
    short = _poor_coverage(checked, reference)
    alike = {
        one
        for one in volumes.keys() - {reference}
        if reference in volumes and volumes[one].geometry.matches(volumes[reference].geometry)
    }
    poor = tuple(
        f"{sequence}: {found.sentence}"
        for sequence, one in checked.sequences.items()
        for found in one.checks
        if found.light is Light.POOR and not (sequence in alike and found in short)
    )
    missing = check_coverage(reference, volumes) if reference in volumes else None
    return poor if missing is None else (*poor, f"{reference}: {missing.sentence}")


def _poor_coverage(checked: Preflight, sequence: Sequence) -> tuple[Check, ...]:
    """Return what the headers say of a field of view that is much too small."""
    return tuple(
        found
        for found in (checked.sequences[sequence].checks if sequence in checked.sequences else ())
        if found.aspect is Aspect.COVERAGE and found.light is Light.POOR
    )

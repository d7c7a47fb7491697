"""The pre-flight look as text and as JSON: a light and a plain sentence per question."""

from contextlib import closing
from typing import TYPE_CHECKING, Any

from desktop_app.cli.console import print_result
from desktop_app.cli.work import do_work
from desktop_app.jobs.runner import JobRunner

if TYPE_CHECKING:
    from desktop_app.cli.stop import StopRequest
    from desktop_app.domain.preflight import Preflight
    from desktop_app.domain.study import Study
    from desktop_app.jobs.cancel import CancelToken
    from desktop_app.jobs.events import ProgressCallback


def check_study(study: "Study", stop: "StopRequest", *, pixels: bool, quiet: bool) -> "Preflight":
    """Judge the proposed series by their headers and, if asked, by their pixels.

    Raises
    ------
    InputError
        If pixels are asked for and a series cannot be loaded.
    """
    from desktop_app.services.opening.import_study import choose_roles, load_roles
    from desktop_app.services.preflight.headers import check_headers

    roles = choose_roles(study)
    checked = check_headers(study, roles)
    if not pixels or not roles:
        return checked
    from desktop_app.services.preflight.pixels import PixelLook, look_at_pixels

    def work(progress: "ProgressCallback", token: "CancelToken") -> dict[Any, PixelLook]:
        volumes = load_roles(roles, progress=lambda f, s: progress(f / 2, s), token=token)
        return look_at_pixels(volumes, progress=lambda f, s: progress(0.5 + f / 2, s), token=token)

    with closing(JobRunner()) as runner:
        looks = do_work(runner, work, stop, quiet=quiet)
    return checked.updated({sequence: look.checks for sequence, look in looks.items()})


def preflight_document(preflight: "Preflight") -> dict[str, Any]:
    """Return the ``preflight`` section of a study in the schema ``gliascope/scan/1``."""
    return {
        "light": preflight.light.value,
        "sentence": preflight.sentence,
        "can_segment": not preflight.refusal,
        "sequences": {
            sequence.value: {
                "series_uid": one.series_uid,
                "light": "missing" if one.is_missing else one.light.value,
                "checks": [
                    {
                        "aspect": check.aspect.value,
                        "light": check.light.value,
                        "sentence": check.sentence,
                        "source": check.source.value,
                    }
                    for check in one.checks
                ],
            }
            for sequence, one in preflight.sequences.items()
        },
    }


def print_preflight(preflight: "Preflight", *, verbose: bool) -> None:
    """Write a line for each sequence, and one for each question that deserves a look.

    Parameters
    ----------
    verbose
        Write every question.
    """
    from desktop_app.domain.preflight import Light

    print_result(f"Pre-flight  {preflight.light.sign} {preflight.sentence}")
    for sequence, one in preflight.sequences.items():
        said = f"  {one.worst.sentence}" if one.is_missing else ""
        print_result(f"  {one.light.sign} {sequence.value:<5}  {one.word}{said}")
        for check in one.checks if not one.is_missing else ():
            if verbose or check.light in (Light.FAIR, Light.POOR):
                aspect = f"{check.aspect.value}: {check.sentence}"
                print_result(f"      {check.light.sign} {check.light.word:<9}{aspect}")

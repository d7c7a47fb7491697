"""`gliascope compare`: a study beside an earlier one of the same patient, no window."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from desktop_app.cli import options
from desktop_app.cli.console import print_result, print_table
from desktop_app.cli.segment import chosen_study
from desktop_app.cli.work import do_work

if TYPE_CHECKING:
    from desktop_app.cli.frontend import Frontend
    from desktop_app.domain.follow_up import FollowUp
    from desktop_app.domain.result import StudyResult
    from desktop_app.jobs.cancel import CancelToken
    from desktop_app.jobs.events import ProgressCallback
    from desktop_app.services.follow_up import SavedFollowUp

_SCAN_SHARE = 0.05


def _name_option(flag: str, which: str) -> typer.models.OptionInfo:
    info: typer.models.OptionInfo = typer.Option(
        flag,
        metavar="NAME",
        help=f"Which study of {which}, where there are several: its name as `scan` lists it.",
    )
    return info


def compare(
    context: typer.Context,
    study: Annotated[Path, typer.Argument(help="The current study: folder, ZIP, DICOMDIR.")],
    earlier: Annotated[Path, typer.Argument(help="An earlier study of the same patient.")],
    *,
    output: options.Output,
    which: Annotated[str | None, _name_option("--study", "STUDY")] = None,
    which_earlier: Annotated[str | None, _name_option("--earlier-study", "EARLIER")] = None,
    results: Annotated[
        Path | None,
        typer.Option(
            "--results",
            metavar="DIR",
            help="Where results of both studies are read from, if there are any; else --output.",
        ),
    ] = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Segment both studies, whatever results there are.")
    ] = False,
    device: options.Device = "auto",
    precision: options.PrecisionOption = options.Precision.AUTO,
    model: options.ModelName = options.DEFAULT_MODEL,
    report: Annotated[
        bool, typer.Option("--report/--no-report", help="Draw a page with pictures as PDF.")
    ] = True,
    anonymise: options.Anonymise = False,
    quiet: options.Quiet = False,
) -> None:
    """Compare a study with an earlier one: volumes, diameters, what is new and gone.

    Results that lie in DIR are read again, corrections included; a study without is segmented,
    which writes no results of it. The studies are laid on each other rigidly. No category of
    response is computed.
    """
    from desktop_app.composition import build
    from desktop_app.services.follow_up import compare_studies, save_follow_up
    from desktop_app.services.opening.import_study import open_path
    from desktop_app.services.results.output_room import require_room

    frontend: Frontend = context.obj
    with build() as app:
        wanted = options.segment_options(
            app.models, device=device, precision=precision, model=model
        )
        require_room(output)
        renderer = frontend.page_renderer() if report else None

        def work(
            progress: "ProgressCallback", token: "CancelToken"
        ) -> "tuple[FollowUp, SavedFollowUp]":
            def look(fraction: float, text: str) -> None:
                progress(fraction * _SCAN_SHARE, text)

            def tell(fraction: float, text: str) -> None:
                progress(_SCAN_SHARE + fraction * (1 - _SCAN_SHARE), text)

            scans = [open_path(path, progress=look, token=token) for path in (study, earlier)]
            found = compare_studies(
                chosen_study(scans[0].studies, study, which, remedy=_remedy("--study")),
                chosen_study(
                    scans[1].studies, earlier, which_earlier, remedy=_remedy("--earlier-study")
                ),
                wanted,
                app.worker,
                results=None if anew else results or output,
                progress=tell,
                token=token,
            )
            return found, save_follow_up(found, output, anonymise=anonymise, renderer=renderer)

        found, saved = do_work(app.runner, work, frontend.stop, quiet=quiet)
    if quiet:
        print_result(str(saved.folder))
        return
    _print_follow_up(found)
    for file in saved.files:
        print_result(str(file))


def _remedy(flag: str) -> str:
    return f"Choose one by {flag} NAME."


def _print_follow_up(found: "FollowUp") -> None:
    from desktop_app.services.export.report import DISCLAIMER
    from desktop_app.services.follow_up import ON_BORDERS
    from desktop_app.services.follow_up.page import (
        change_in_words,
        interval_in_words,
        parts_in_words,
    )
    from desktop_app.services.follow_up.table import REGIONS, change_table

    print_result(f"Now       {_study_in_words(found.now)}")
    print_result(f"Earlier   {_study_in_words(found.earlier)}")
    print_result(f"Between   {interval_in_words(found) or 'not known'}")
    print_result(f"Matched   {found.registration.message}")
    print_result()
    rows = [[row.title, *row.cells] for row in change_table(found)]
    print_table(["", *REGIONS], rows, right=tuple(range(1, len(REGIONS) + 1)))
    print_result()
    print_result(change_in_words(found))
    for part in parts_in_words(found):
        print_result(f"Finding   {part}")
    for warning in found.warnings:
        print_result(f"Warning   {warning}")
    if found.is_registered:
        print_result(f"Note      {ON_BORDERS}")
    print_result(f"Note      {DISCLAIMER}")
    print_result()


def _study_in_words(result: "StudyResult") -> str:
    from desktop_app.domain.readable import readable_date

    provenance = result.segmentation.provenance
    network = f"by {provenance.model_id}" if provenance.is_known else "of a network not known"
    labels = "corrected by hand" if provenance.edited else network
    date = readable_date(result.study.date) or "no date"
    return f"{result.study.name}, {date}, labels {labels}"

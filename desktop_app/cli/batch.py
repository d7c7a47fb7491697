"""`gliascope batch`: every study below a folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from desktop_app.cli.console import print_result
from desktop_app.cli.options import (
    DEFAULT_EXPORTS,
    DEFAULT_MODEL,
    Anonymise,
    Device,
    EtLabel,
    EtLabelOption,
    Export,
    ModelName,
    Output,
    Precision,
    PrecisionOption,
    Quiet,
    case_options,
)
from desktop_app.cli.work import do_work
from desktop_app.errors import ExitCode

if TYPE_CHECKING:
    from desktop_app.cli.frontend import Frontend
    from desktop_app.services.batch_state import CaseState


def batch(
    context: typer.Context,
    root: Annotated[Path, typer.Argument(help="Folder that holds the studies.")],
    *,
    output: Output,
    workers: Annotated[
        int, typer.Option("--workers", metavar="N", min=1, max=32, help="Studies at a time.")
    ] = 1,
    no_resume: Annotated[
        bool, typer.Option("--no-resume", help="Segment again what is done already.")
    ] = False,
    device: Device = "auto",
    precision: PrecisionOption = Precision.AUTO,
    model: ModelName = DEFAULT_MODEL,
    export: Export = DEFAULT_EXPORTS,
    et_label: EtLabelOption = EtLabel.THREE,
    anonymise: Anonymise = False,
    quiet: Quiet = False,
) -> None:
    """Segment every study below ROOT; a failed study never stops the rest.

    Started again, it goes on where it stopped. DIR/summary.csv has a line per study.
    """
    from desktop_app.composition import build
    from desktop_app.services.batch import BatchOptions
    from desktop_app.services.batch_state import SKIPPED
    from desktop_app.services.export import DRAWN_FORMATS

    frontend: Frontend = context.obj
    with build() as app:
        options = case_options(
            app.models,
            device=device,
            precision=precision,
            model=model,
            export=export,
            et_label=et_label,
            anonymise=anonymise,
        )
        draws = not DRAWN_FORMATS.isdisjoint(options.export.formats)
        work = app.make_batch(
            root,
            output,
            BatchOptions(options, workers, not no_resume),
            page_renderer=frontend.page_renderer() if draws else None,
        )
        outcome = do_work(app.runner, work.run, frontend.stop, quiet=quiet)
    if not quiet:
        for case in outcome.cases:
            _print_case(case)
        if outcome.skipped:
            print_result(f"{len(outcome.skipped)} things belong to no study: see {SKIPPED}")
    print_result(str(outcome.summary))
    if outcome.failed:
        raise typer.Exit(ExitCode.BATCH_HAD_FAILURES)


def _print_case(case: "CaseState") -> None:
    from desktop_app.domain.segmentation import Region
    from desktop_app.services.measure import MM3_PER_CM3

    earlier = ", earlier" if case.resumed else ""
    line = f"{case.name}: {case.status.value}{earlier}"
    if case.volumes_mm3:
        volumes = (f"{r.value} {case.volumes_mm3[r] / MM3_PER_CM3:.2f}" for r in Region)
        line += f", cm³ {', '.join(volumes)}"
    print_result(line)
    for part in case.reason.splitlines():
        print_result(f"  {part}")

"""`gliascope batch`: every study below a folder."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from desktop_app.cli import options
from desktop_app.cli.console import print_note, print_result
from desktop_app.cli.work import do_work
from desktop_app.errors import ExitCode
from desktop_app.jobs.cancel import CancelToken

if TYPE_CHECKING:
    from desktop_app.cli.frontend import Frontend
    from desktop_app.services.batch import BatchOutcome, CaseState

SCHEMA = "gliascope/batch/1"


def batch(
    context: typer.Context,
    root: Annotated[Path, typer.Argument(help="Folder that holds the studies.")],
    *,
    output: options.Output,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            metavar="N",
            min=1,
            max=1000,
            help="Studies at a time: one, or on a cluster as many as it takes.",
        ),
    ] = None,
    no_resume: Annotated[
        bool, typer.Option("--no-resume", help="Segment again what is done already.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep looking for new studies until Ctrl+C.")
    ] = False,
    settle: Annotated[
        float,
        typer.Option(
            "--settle",
            metavar="SECONDS",
            min=1.0,
            max=3600.0,
            help="With --watch: take a study once its files have not changed for so long.",
        ),
    ] = 30.0,
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler",
            metavar="ADDRESS",
            help="Work on this Dask cluster, whose workers see the same folders.",
        ),
    ] = None,
    device: options.Device = "auto",
    precision: options.PrecisionOption = options.Precision.AUTO,
    model: options.ModelName = options.DEFAULT_MODEL,
    export: options.Export = options.DEFAULT_EXPORTS,
    et_label: options.EtLabelOption = options.EtLabel.THREE,
    anonymise: options.Anonymise = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document at the end and nothing else.")
    ] = False,
    quiet: options.Quiet = False,
) -> None:
    """Segment every study below ROOT; a failed study never stops the rest.

    Started again, it goes on where it stopped. DIR/summary.csv has a line per study.
    """
    from desktop_app.composition import build
    from desktop_app.services.batch import BatchOptions, WatchOptions

    frontend: Frontend = context.obj
    silent = quiet or as_json
    with build() as app:
        wanted = options.case_options(
            app.models,
            device=device,
            precision=precision,
            model=model,
            export=export,
            et_label=et_label,
            anonymise=anonymise,
        )
        work = app.make_batch(
            root,
            output,
            BatchOptions(wanted, not no_resume),
            workers=workers,
            scheduler=scheduler,
            page_renderer=frontend.renderer_for(wanted.export.formats) if not scheduler else None,
            on_case=_note_if_over if watch and not silent else None,
        )
        if watch:
            until = CancelToken()
            outcome = do_work(
                app.runner,
                lambda progress, _: work.watch(progress, until, WatchOptions(settle)),
                frontend.stop,
                quiet=silent,
                until=until,
            )
        else:
            outcome = do_work(app.runner, work.run, frontend.stop, quiet=silent)
    if as_json:
        document = batch_document(root, output, outcome)
        print_result(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        _print_outcome(outcome, quiet=quiet)
    if outcome.failed:
        raise typer.Exit(ExitCode.BATCH_HAD_FAILURES)


def batch_document(root: Path, output: Path, outcome: "BatchOutcome") -> dict[str, Any]:
    """Return how a batch ended in the schema ``gliascope/batch/1``, as private as its files."""
    return {
        "schema": SCHEMA,
        "root": str(root),
        "output": str(output),
        "summary": str(outcome.summary),
        "studies": [_case_document(case, output) for case in outcome.kept],
        "skipped": [{"path": what, "reason": reason} for what, reason in outcome.kept_skipped],
    }


def _case_document(case: "CaseState", output: Path) -> dict[str, Any]:
    return {
        "name": case.name,
        "study_uid": case.study_uid,
        "state": case.status.value,
        "earlier": case.resumed,
        "seconds": round(case.seconds, 3),
        "volumes_mm3": {region.value: volume for region, volume in case.volumes_mm3.items()},
        "corrected": case.corrected,
        "review": case.review.value,
        "reviewed_at": case.reviewed_at,
        "review_reason": case.review_reason,
        "warnings": list(case.warnings),
        "notes": list(case.notes),
        "error": case.reason.splitlines(),
        "files": [str(output / case.name / file) for file in case.files],
    }


def _print_outcome(outcome: "BatchOutcome", *, quiet: bool) -> None:
    from desktop_app.services.batch.records import SKIPPED

    if not quiet:
        for case in outcome.cases:
            print_result(_line(case))
            for part in (*case.reason.splitlines(), *case.notes):
                print_result(f"  {part}")
        if outcome.skipped:
            print_result(f"{len(outcome.skipped)} things belong to no study: see {SKIPPED}")
    print_result(str(outcome.summary))


def _note_if_over(case: "CaseState") -> None:
    """Tell a log of a finished study; a terminal shows its own line instead."""
    if case.is_over and not sys.stderr.isatty():
        print_note(_line(case))


def _line(case: "CaseState") -> str:
    from desktop_app.domain.readable import readable_volume
    from desktop_app.domain.segmentation import REGION_TITLES

    earlier = ", earlier" if case.resumed else ""
    line = f"{case.name}: {case.status.value}{earlier}"
    if case.volumes_mm3:
        volumes = (
            f"{region.value} {readable_volume(case.volumes_mm3[region])}"
            for region in REGION_TITLES
            if region in case.volumes_mm3
        )
        line += f", cm³ {', '.join(volumes)}"
    return line

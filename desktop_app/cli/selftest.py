"""`gliascope selftest`: whether everything works on this computer."""

import json
import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from desktop_app.cli.console import print_note, print_result, print_table
from desktop_app.cli.options import Device, Precision, PrecisionOption, Quiet
from desktop_app.cli.work import do_work
from desktop_app.errors import ExitCode, OutputError

if TYPE_CHECKING:
    from desktop_app.cli.frontend import Frontend
    from desktop_app.jobs.cancel import CancelToken
    from desktop_app.jobs.events import ProgressCallback
    from desktop_app.services.export.writers import PageRenderer
    from desktop_app.services.selftest import Check

SCHEMA = "gliascope/selftest/1"
_START_SECONDS = 300.0


def selftest(
    context: typer.Context,
    device: Device = "auto",
    precision: PrecisionOption = Precision.AUTO,
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Without segmenting the sample study.")
    ] = False,
    no_window: Annotated[
        bool, typer.Option("--no-window", help="Do not open the window, as on a server.")
    ] = False,
    as_json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write what was found.")
    ] = None,
    screenshot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a picture (PNG) of the window.")
    ] = None,
    start_times: Annotated[
        int,
        typer.Option(
            "--start-times", metavar="N", min=0, help="Only start the window N times, and time it."
        ),
    ] = 0,
    quiet: Quiet = False,
) -> None:
    """Try everything that the program does, and leave nothing behind.

    The window, every way in which images are compressed, the processes, a study from its files to
    its results, a cancel. The exit code is 1 if anything fails.
    """
    frontend: Frontend = context.obj
    if start_times:
        _print_start_times(frontend, start_times, as_json)
        return
    from desktop_app.composition import build
    from desktop_app.services.segmenting.segment import SegmentOptions
    from desktop_app.services.selftest import SelfTestOptions, run_selftest

    options = SelfTestOptions(
        SegmentOptions(device, precision),
        quick=quick,
        with_window=not no_window,
        screenshot=None if screenshot is None else screenshot.absolute(),
    )
    with build() as app:
        renderer = _renderer(frontend)
        checks = do_work(
            app.runner,
            lambda progress, token: run_selftest(
                app.models,
                app.worker,
                options,
                app.user_data,
                renderer,
                progress=progress,
                token=token,
            ),
            frontend.stop,
            quiet=quiet,
        )
    failed = _print_checks(checks)
    if as_json is not None:
        _write_json(_document(checks, passed=not failed), as_json)
    if failed:
        raise typer.Exit(ExitCode.BATCH_HAD_FAILURES)


def _renderer(frontend: "Frontend") -> "PageRenderer | None":
    try:
        return frontend.page_renderer()
    except OutputError:
        return None


def _print_checks(checks: "tuple[Check, ...]") -> int:
    """Print a line each and the count of all; return how many failed."""
    from desktop_app.services.selftest import Outcome

    words = {Outcome.PASSED: "pass", Outcome.FAILED: "FAIL", Outcome.NOT_POSSIBLE: "skip"}
    for check in checks:
        time = f" [{check.seconds:.1f} s]" if check.seconds >= 0.1 else ""
        print_result(f"{words[check.outcome]}  {check.name}: {check.detail}{time}")
    passed = sum(check.passed for check in checks)
    failed = sum(check.outcome is Outcome.FAILED for check in checks)
    print_result(f"{passed} of {passed + failed} checks passed")
    return failed


def _document(checks: "tuple[Check, ...]", *, passed: bool) -> dict[str, Any]:
    import desktop_app

    return {
        "schema": SCHEMA,
        "app_version": desktop_app.__version__,
        "passed": passed,
        "checks": [
            {
                "name": check.name,
                "outcome": check.outcome.value,
                "detail": check.detail,
                "seconds": round(check.seconds, 3),
            }
            for check in checks
        ],
    }


def _print_start_times(frontend: "Frontend", runs: int, as_json: Path | None) -> None:
    """Start the window some times, and print after how many seconds it showed and was ready."""
    from contextlib import closing

    from desktop_app.jobs.runner import JobRunner
    from desktop_app.services.rehearsal import StartReport, rehearse

    reports: list[StartReport] = []
    with tempfile.TemporaryDirectory() as folder, closing(JobRunner()) as runner:

        def start(_progress: "ProgressCallback", token: "CancelToken") -> StartReport:
            place = Path(folder) / str(len(reports))
            return rehearse(place, timeout_seconds=_START_SECONDS, token=token)

        for _ in range(runs):
            reports.append(do_work(runner, start, frontend.stop, quiet=True))
    moments = list(reports[0].seconds)
    rows = [
        [str(number), *(f"{report.seconds[one]:.2f}" for one in moments)]
        for number, report in enumerate(reports, start=1)
    ]
    if runs > 1:
        middle = (statistics.median(report.seconds[one] for report in reports) for one in moments)
        rows.append(["median", *(f"{seconds:.2f}" for seconds in middle)])
    print_table(["Start", *(f"{one.value} (s)" for one in moments)], rows, right=(1, 2, 3))
    if reports[0].platform_note:
        print_note(f"Note: {reports[0].platform_note}.")
    if as_json is not None:
        _write_json({"schema": SCHEMA, "starts": [dict(one.seconds) for one in reports]}, as_json)


def _write_json(document: dict[str, Any], file: Path) -> None:
    from desktop_app.io.atomic import atomic_path

    with atomic_path(file.absolute()) as temporary:
        temporary.write_text(json.dumps(document, indent=2, ensure_ascii=False), "utf-8")

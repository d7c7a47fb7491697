"""`gliascope selftest`: whether everything works on this computer."""

from typing import TYPE_CHECKING

import typer

from desktop_app.cli.console import print_result
from desktop_app.cli.options import Device, Precision, PrecisionOption, Quiet
from desktop_app.cli.work import do_work
from desktop_app.errors import ExitCode

if TYPE_CHECKING:
    from desktop_app.cli.frontend import Frontend


def selftest(
    context: typer.Context,
    device: Device = "auto",
    precision: PrecisionOption = Precision.AUTO,
    quiet: Quiet = False,
) -> None:
    """Segment the sample study and compare its volumes with the known truth."""
    from desktop_app.composition import build
    from desktop_app.services.segment import SegmentOptions
    from desktop_app.services.selftest import run_selftest

    frontend: Frontend = context.obj
    with build() as app:
        renderer = frontend.page_renderer()
        checks = do_work(
            app.runner,
            lambda progress, token: run_selftest(
                app.models,
                app.worker,
                SegmentOptions(device, precision),
                renderer,
                progress=progress,
                token=token,
            ),
            frontend.stop,
            quiet=quiet,
        )
    for check in checks:
        print_result(f"{'pass' if check.passed else 'FAIL'}  {check.name}: {check.detail}")
    failed = sum(not check.passed for check in checks)
    print_result(f"{len(checks) - failed} of {len(checks)} checks passed")
    if failed:
        raise typer.Exit(ExitCode.BATCH_HAD_FAILURES)

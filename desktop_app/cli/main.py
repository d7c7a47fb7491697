"""The commands and how they end: exit codes, three lines of error, crash reports."""

import logging
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

import desktop_app
from desktop_app.cli.batch import batch
from desktop_app.cli.batch_study import batch_study
from desktop_app.cli.choices import choice_commands
from desktop_app.cli.compare import compare
from desktop_app.cli.console import prepare_streams, print_error, print_note, print_result
from desktop_app.cli.frontend import Frontend
from desktop_app.cli.model import model_commands
from desktop_app.cli.scan import scan
from desktop_app.cli.segment import segment
from desktop_app.cli.selftest import selftest
from desktop_app.cli.work import Defect
from desktop_app.errors import Cancelled, ExitCode, UserFacingError
from desktop_app.services.crash_report import defect_told

_ABOUT = (
    "Brain tumour sub-regions from MR studies: segmented, measured, exported. "
    f"Without a command the window opens. {desktop_app.DISCLAIMER}"
)


def run(arguments: Sequence[str], frontend: Frontend) -> int:
    """Run one command and return the exit code.

    0 done, 1 a batch with failed studies or a failed self-test, 2 wrong usage, 3 the input cannot
    be used, 4 device or memory, 70 a defect of the program, 130 cancelled.
    """
    prepare_streams()
    # Libraries' log records belong to no user; what matters is among a result's warnings.
    logging.getLogger().addHandler(logging.NullHandler())
    frontend.stop.watch()
    try:
        application()(args=list(arguments), prog_name="gliascope", obj=frontend)
    except SystemExit as end:
        if end.code == ExitCode.CANCELLED:
            print_note("Cancelled.")
        return end.code if isinstance(end.code, int) else ExitCode.DONE
    except Cancelled:
        print_note("Cancelled.")
        return ExitCode.CANCELLED
    except UserFacingError as error:
        print_error(error)
        return error.code
    except Exception as error:  # noqa: BLE001 - the last stop: told to the user, kept in a file
        return _report_defect(error)
    finally:
        frontend.stop.release()
    return ExitCode.DONE


def application() -> typer.Typer:
    """Return all commands."""
    app = typer.Typer(
        help=_ABOUT,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_common)
    app.command(name="open")(_open)
    app.command()(scan)
    app.command()(segment)
    app.command()(compare)
    app.command()(batch)
    app.command(hidden=True)(batch_study)
    app.add_typer(model_commands, name="model")
    app.add_typer(choice_commands, name="choices")
    app.command()(selftest)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        print_result(f"gliascope {desktop_app.__version__}")
        raise typer.Exit


def _common(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    del version


def _open(
    context: typer.Context,
    study: Annotated[
        Path | None,
        typer.Argument(help="Folder, ZIP, DICOMDIR or one image, which stands for its study."),
    ] = None,
) -> None:
    """Open the window, on a study if one is given."""
    frontend: Frontend = context.obj
    frontend.stop.release()
    raise typer.Exit(frontend.open_window([] if study is None else [str(study)]))


def _report_defect(error: Exception) -> int:
    """Tell of a defect without a trace on the terminal; the trace goes to a file."""
    told = defect_told(str(error) if isinstance(error, Defect) else traceback.format_exc())
    print_error(told)
    return told.code

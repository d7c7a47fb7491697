"""`gliascope choices`: which series the user chose before, and forgetting it."""

import typer

from desktop_app.cli.console import print_result, print_table
from desktop_app.services.opening.series_memory import user_series_memory

choice_commands = typer.Typer(
    help="Series you chose before, proposed again for the same scanner: list, forget.",
    no_args_is_help=True,
)


@choice_commands.command(name="list")
def list_choices() -> None:
    """List the scanners' series and the sequences you chose them for."""
    choices = user_series_memory().choices()
    if not choices:
        print_result("Nothing is remembered.")
        return
    rows = [
        [
            choice.sequence.value,
            choice.kind.scanner or "unknown scanner",
            choice.kind.description,
            choice.kind.protocol,
        ]
        for choice in choices
    ]
    print_table(["Sequence", "Scanner", "Series", "Protocol"], rows)


@choice_commands.command()
def forget() -> None:
    """Forget all of them; series are then proposed by their headers and pixels alone."""
    count = user_series_memory().forget()
    print_result(f"{count} {'choice' if count == 1 else 'choices'} forgotten.")

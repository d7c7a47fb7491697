"""`gliascope model`: the networks' weights on this computer."""

from pathlib import Path
from typing import Annotated

import typer

from desktop_app.cli.console import print_error, print_result, print_table
from desktop_app.errors import InputError, UserFacingError
from desktop_app.paths import weights_dir
from desktop_app.services.models import user_models, verify
from model.architectures import CARD_NAMES, TITLES, TUMOUR_KINDS

model_commands = typer.Typer(
    help="The networks' weights on this computer: list, verify, install.", no_args_is_help=True
)


@model_commands.command(name="list")
def list_models() -> None:
    """List the models: what they are and what they find; and what could be trained."""
    models = user_models()
    entries = models.entries()
    rows = [
        [
            entry.name,
            "bundled" if entry.bundled else "installed",
            entry.architecture,
            entry.other_task or "brain tumours",
            str(entry.card.get("parameters", "")),
            entry.sha256,
            str(entry.folder),
        ]
        for entry in entries
    ]
    headings = ["Name", "Origin", "Architecture", "Finds", "Parameters", "SHA-256", "Folder"]
    print_table(headings, rows, right=(4,))
    for kind in TUMOUR_KINDS:
        title = TITLES[CARD_NAMES[kind]]
        if all(entry.architecture != title for entry in entries):
            print_result(
                f"{title}: no weights here. Train them with `python -m model.train` "
                f'(kind = "{kind}", see docs/TRAINING.md), '
                "or install a file with `gliascope model install FILE`."
            )
    for error in models.unusable():
        print_error(error)


@model_commands.command(name="verify")
def verify_models() -> None:
    """Compare every model with the checksum on its card; exit code 3 if one differs."""
    models = user_models()
    entries = models.entries()
    failures: list[UserFacingError] = list(models.unusable())
    if not entries and not failures:
        raise InputError(
            "There are no weights.", f"Looked in {weights_dir()}", "Install the program again."
        )
    for entry in entries:
        try:
            verify(entry)
        except UserFacingError as error:
            failures.append(error)
            continue
        print_result(f"{entry.name}: intact")
    for failure in failures[:-1]:
        print_error(failure)
    if failures:
        raise failures[-1]


@model_commands.command(name="install")
def install_model(
    file: Annotated[Path, typer.Argument(help="NAME.safetensors, with NAME.json beside it.")],
) -> None:
    """Check a model's files and copy them to where the program finds them."""
    entry = user_models().install(file)
    print_result(f"{entry.name}: installed in {entry.folder}")

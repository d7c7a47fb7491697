"""The README's list of commands, options and exit codes is that of the program."""

import re

import click
import pytest
import typer
import yaml

import desktop_app
from desktop_app.cli.main import application
from desktop_app.errors import ExitCode
from tests.command_line import ROOT

README = (ROOT / "README.md").read_text("utf-8")


@pytest.fixture(scope="module")
def commands() -> dict[str, click.Command]:
    """Every command that `--help` shows, those of a group under `GROUP COMMAND`."""
    group = typer.main.get_command(application())
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= {f"{name} {inner}": one for inner, one in command.commands.items()}
        elif not command.hidden:
            found[name] = command
    return found


def told() -> dict[str, list[str]]:
    """The README's commands with the options it names below or beside each."""
    (block,) = re.findall(r"```\n(gliascope +the window\n.*?)```", README, re.DOTALL)
    found: dict[str, list[str]] = {}
    named: list[str] = []
    for line in block.splitlines()[1:]:
        use = re.split(r" {3,}", line.removeprefix("gliascope "))[0]
        if line.startswith("gliascope "):
            first, *rest = use.split()
            inner = [word for word in rest if word not in "|"] if "|" in rest else []
            named = [f"{first} {one}" for one in inner] or [first]
        for name in named:
            found.setdefault(name, []).extend(re.findall(r"--[a-z-]+", line))
    return found


def test_every_command_is_listed_and_no_other(commands: dict[str, click.Command]) -> None:
    assert sorted(told()) == sorted(commands)


def test_options_belong_to_their_commands(commands: dict[str, click.Command]) -> None:
    for name, options in told().items():
        own = {option for one in commands[name].params for option in one.opts}
        assert set(options) <= own, name


def test_manual_page_tells_the_same_commands_and_exit_codes(
    commands: dict[str, click.Command],
) -> None:
    page = (ROOT / "packaging" / "linux" / "gliascope.1").read_text("utf-8")
    sections = dict(re.findall(r"^\.SH (.+)\n((?:(?!\.SH ).*\n)*)", page, re.MULTILINE))
    names = re.findall(r"^\.TP\n\.B ([^\\\n]+)$", sections["COMMANDS"], re.MULTILINE)
    assert sorted(name for line in names for name in line.split(", ")) == sorted(commands)
    codes = re.findall(r"^\.TP\n\.B (\d+)$", sections["EXIT STATUS"], re.MULTILINE)
    assert {int(code) for code in codes} == {code.value for code in ExitCode}


def test_every_exit_code_is_explained() -> None:
    (paragraph,) = re.findall(r"The exit code is .*?\n\n", README, re.DOTALL)
    first_sentence = paragraph.split(". ")[0]
    explained = {int(number) for number in re.findall(r"\b\d+\b", first_sentence)}
    assert explained == {code.value for code in ExitCode}


def test_what_is_cited_is_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["version"] == desktop_app.__version__
    needed = {"cff-version", "message", "title", "authors"}  # required by the format, version 1.2.0
    assert needed <= set(citation)
    assert {one["doi"] for one in citation["references"]} <= set(
        re.findall(r"10\.\d{4}/\S+\d", README)
    )

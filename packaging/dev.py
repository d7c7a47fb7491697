"""Everything a developer does with this checkout, from bare Python to passing tests.

``python3 packaging/dev.py run`` opens the program on its sample study, ``... test`` passes the
tests; ``--help`` lists the rest. Each command does its own set-up first.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys

SUPPORTED_PYTHONS = ((3, 11), (3, 12), (3, 13))
SET_UP_FAILED = 2


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    if not is_supported(sys.version_info[:2]):
        return _hand_over_to_supported_python(arguments)

    # Only now: these modules are written for the Pythons above.
    from dev_commands import COMMANDS, Request
    from dev_errors import SetUpError

    parser = argparse.ArgumentParser(
        prog="dev.py",
        description="Each command first sets up what it needs; nothing to do takes no time.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(f"  {name:<17}{command.summary}" for name, command in COMMANDS.items()),
    )
    parser.add_argument("--cuda", action="store_true", help="install torch with CUDA")
    parser.add_argument("command", choices=list(COMMANDS), metavar="COMMAND")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="handed to the command")
    parsed = parser.parse_args(arguments)
    request = Request(
        arguments=tuple(argument for argument in parsed.arguments if argument != "--cuda"),
        cuda=parsed.cuda or "--cuda" in parsed.arguments,
    )
    try:
        return COMMANDS[parsed.command].execute(request)
    except SetUpError as error:
        print(error, file=sys.stderr)
        return SET_UP_FAILED
    except KeyboardInterrupt:
        return 130


def is_supported(version: tuple[int, ...]) -> bool:
    """Tell whether the project runs on this (major, minor) version of Python."""
    return version in SUPPORTED_PYTHONS


def _hand_over_to_supported_python(arguments: list[str]) -> int:
    for major, minor in reversed(SUPPORTED_PYTHONS):
        other = shutil.which(f"python{major}.{minor}")
        # Version managers leave launchers behind that start nothing.
        if other and subprocess.run([other, "-c", ""], capture_output=True).returncode == 0:
            return subprocess.call([other, __file__, *arguments])
    version = ".".join(map(str, sys.version_info[:3]))
    print(
        f"Python {version} cannot run this project.",
        sys.executable,
        "Install Python 3.11, 3.12 or 3.13 and start this file with it.",
        sep="\n",
        file=sys.stderr,
    )
    return SET_UP_FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

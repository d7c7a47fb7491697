"""Signs Windows programs where a certificate is at hand.

The command that signs comes from the environment, since it depends on where the key is: signtool
with a token, osslsigncode with a file, a cloud service's own client. ``{file}`` in it stands for
the file, which it signs in place. Without the variable files stay unsigned, and that is said.

The installer's script calls this module for the installer and its uninstaller:
``python -m windows.signing FILE``.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from dev_errors import SetUpError

COMMAND_VARIABLE = "GLIASCOPE_SIGN_COMMAND"
_PLACE = "{file}"


def can_sign() -> bool:
    """Tell whether a command that signs was given."""
    return bool(os.environ.get(COMMAND_VARIABLE))


def sign(path: Path) -> None:
    """Sign one file in place.

    Raises
    ------
    SetUpError
        When no command was given, or it failed.
    """
    template = os.environ.get(COMMAND_VARIABLE, "")
    if _PLACE not in template:
        raise SetUpError(
            "There is no command that signs files.",
            f"{COMMAND_VARIABLE}={template}",
            f"Set it to a command line in which {_PLACE} stands for the file.",
        )
    try:
        done = subprocess.run(_command(template, path), capture_output=True, text=True, check=False)
    except OSError as error:
        raise _failed(path, str(error.strerror)) from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()[-300:]
        raise _failed(path, f"code {done.returncode}: {said}")


def _command(template: str, path: Path) -> str | list[str]:
    """Return what to start; Windows takes a line as it stands, with its backslashes."""
    if os.name == "nt":
        return template.replace(_PLACE, subprocess.list2cmdline([str(path)]))
    return [part.replace(_PLACE, str(path)) for part in shlex.split(template)]


def _failed(path: Path, reason: str) -> SetUpError:
    # The command line itself may hold a password, so it is not told.
    return SetUpError(
        "The file could not be signed.",
        f"{path}: {reason}",
        "Check the certificate, its password and the network to the time stamp's server.",
    )


def main(arguments: list[str]) -> int:
    """Sign the files named."""
    try:
        for argument in arguments:
            sign(Path(argument))
    except SetUpError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

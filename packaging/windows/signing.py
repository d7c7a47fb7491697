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
    command = [part.replace(_PLACE, str(path)) for part in shlex.split(template)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        # The command line itself may hold a password.
        raise SetUpError(
            f"The file could not be signed: {command[0]} ended with {done.returncode}.",
            f"{path}: {(done.stderr or done.stdout).strip()[-300:]}",
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

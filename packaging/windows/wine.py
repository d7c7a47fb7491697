"""Windows programs under Wine, in a prefix of their own, with their exit codes."""

import os
import re
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from dev_errors import SetUpError

_TIMEOUT_SECONDS = 180
USER = "gliascope"


class Wine:
    """A Windows that is empty but for what a check puts there.

    Parameters
    ----------
    prefix
        Folder that becomes its drive C and its registry.

    Raises
    ------
    SetUpError
        When Wine or its virtual screen is missing, or does not start.
    """

    def __init__(self, prefix: Path) -> None:
        for program in ("wine", "wineserver", "xvfb-run", "makensis"):
            if shutil.which(program) is None:
                raise SetUpError(
                    "A program is missing that the check of the Windows installer needs.",
                    program,
                    "On Debian and Ubuntu: apt-get install wine wine64 xvfb xauth nsis",
                )
        self.prefix = prefix
        self.drive_c = prefix / "drive_c"
        self._environment = {
            **os.environ,
            "WINEPREFIX": str(prefix),
            "WINEDEBUG": "-all",
            "WINEARCH": "win64",
            # No menus of this desktop, no offers to download a browser or .NET.
            "WINEDLLOVERRIDES": "winemenubuilder.exe,mscoree,mshtml=",
            "LC_ALL": "C.UTF-8",
            "USER": USER,
            "DISPLAY": "",
        }
        self._wine("wineboot", "--init")
        if not self.drive_c.is_dir():
            raise SetUpError("Wine did not start.", str(prefix), "Try: wineboot --init")

    @property
    def local_app_data(self) -> Path:
        """Where this user's programs keep their data."""
        return self._home / "AppData" / "Local"

    @property
    def _home(self) -> Path:
        return self.drive_c / "users" / USER

    def become(self, windows: str) -> None:
        """Be another version of Windows, such as win7 or win10, from now on."""
        self.settle()
        key = "HKCU\\Software\\Wine"
        self._wine("wine", "reg", "add", key, "/v", "Version", "/d", windows, "/f")
        self.settle()

    def start_menu(self, *, everybody: bool) -> Path:
        """Return the folder of the start menu's entries."""
        base = self.drive_c / "ProgramData" if everybody else self._home / "AppData" / "Roaming"
        return base / "Microsoft" / "Windows" / "Start Menu" / "Programs"

    def desktop(self, *, everybody: bool) -> Path:
        """Return the folder of what lies on the desktop."""
        return (self.drive_c / "users" / "Public" if everybody else self._home) / "Desktop"

    def run(self, program: Path, arguments: str) -> int:
        """Run a program to its end; return its exit code as Windows sees it.

        Parameters
        ----------
        program
            Path on this machine.
        arguments
            The rest of the command line, as Windows' programs parse it themselves.
        """
        # Split at blanks: Wine would put quotes around an argument that holds some, and NSIS takes
        # the rest of the line for its folder as it stands. The codes in use are below 256.
        return self._wine("wine", self.windows_path(program), *arguments.split(" "))

    def start(self, program: Path, arguments: str) -> "subprocess.Popen[bytes]":
        """Start a program and leave it running."""
        process = subprocess.Popen(
            ["wine", self.windows_path(program), *arguments.split()],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(3)
        return process

    def registry(self, key: str) -> dict[str, str]:
        """Return the values of a key, the unnamed one as ""; an absent key has none.

        Texts come as they are, numbers as ``dword:`` and eight digits.
        """
        answer = self.drive_c / "answer.reg"
        answer.unlink(missing_ok=True)
        # What `reg query` prints is in an old code page; what it exports is UTF-16.
        self._wine("wine", "reg", "export", key, "C:\\answer.reg", "/y", "/reg:64")
        if not answer.exists():
            return {}
        # Keys below it follow its own values.
        own = answer.read_text("utf-16").split("\n[")[1]
        values = {}
        for name, text in re.findall(r'^(@|".*?")=(.*)$', own, re.MULTILINE):
            plain = text[1:-1] if text.startswith('"') else text
            values[name.strip('"').removeprefix("@")] = re.sub(r"\\(.)", r"\1", plain)
        return values

    def has_key(self, key: str) -> bool:
        """Tell whether a registry key is there."""
        return self._wine("wine", "reg", "query", key, "/reg:64") == 0

    def windows_path(self, path: Path) -> str:
        """Return the path by which Windows' programs know a file."""
        if path.is_relative_to(self.drive_c):
            return "C:\\" + str(path.relative_to(self.drive_c)).replace("/", "\\")
        return "Z:" + str(path).replace("/", "\\")

    def settle(self) -> None:
        """Wait until every program has ended and what they wrote is on the disk."""
        subprocess.run(["wineserver", "-w"], env=self._environment, timeout=60, check=False)

    def close(self) -> None:
        """End what still runs in this prefix."""
        with suppress(OSError):
            subprocess.run(["wineserver", "-k"], env=self._environment, check=False)

    def _wine(self, *command: str) -> int:
        return subprocess.run(
            command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        ).returncode

"""Where things lie: the same answers from a source tree, a frozen app and an installed wheel."""

import os
import sys
from pathlib import Path

from platformdirs import PlatformDirs

from desktop_app.errors import ExchangedError, OutputError

# Lets tests and locked-down sites move everything the app writes for itself.
USER_DATA_VARIABLE = "GLIASCOPE_USER_DATA"


def _mark() -> tuple[int, ...]:
    """Return what tells the program's file from one that takes its place; empty without one."""
    try:
        status = Path(sys.executable).stat()
    except OSError:
        return ()
    return status.st_dev, status.st_ino, status.st_mtime_ns


_MARK_AT_START = _mark()


def exchanged_error() -> ExchangedError | None:
    """Return what to tell where an installed program was exchanged or removed since its start.

    It loads its parts while it runs: those of another build do not fit, or are not found.
    """
    if not getattr(sys, "frozen", False) or _mark() == _MARK_AT_START:
        return None
    return ExchangedError(
        "Gliascope was exchanged or removed while it ran.",
        sys.executable,
        "Export what is open if that still works, then close it and start it again; a batch goes "
        "on where it stopped.",
    )


def assets_dir() -> Path:
    """Return the folder with icons, style sheets, weights and the self-test's images."""
    return _root() / "assets"


def manual_dir() -> Path:
    """Return the folder with the pages of the manual."""
    return _root() / "docs"


def program_command() -> list[str]:
    """Return the command that starts this program once more; arguments may follow."""
    if getattr(sys, "frozen", False):
        return [sys.executable]
    return [sys.executable, "-m", "desktop_app"]


def environment_outside() -> dict[str, str]:
    """Return the environment for programs of the system.

    It is without the libraries that a frozen application puts first: they may be older than what
    such a program was built with.
    """
    environment = dict(os.environ)
    before = environment.pop("LD_LIBRARY_PATH_ORIG", None)
    if before is not None:
        environment["LD_LIBRARY_PATH"] = before
    elif getattr(sys, "frozen", False):
        environment.pop("LD_LIBRARY_PATH", None)
    return environment


def sample_dir() -> Path:
    """Return where an installed program has its sample study; a source tree has none."""
    return assets_dir() / "sample-study"


def weights_dir() -> Path:
    """Return the folder with the networks' weights and model cards."""
    return assets_dir() / "weights"


def user_data_dir() -> Path:
    """Return the folder for what the app keeps for this user alone, and make it.

    Raises
    ------
    OutputError
        If it cannot be made: a drive that is not connected, a home that can only be read.
    """
    override = os.environ.get(USER_DATA_VARIABLE)
    path = Path(override) if override else Path(PlatformDirs("gliascope", False).user_data_dir)
    try:
        path.mkdir(0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            "The folder for the program's own data cannot be used.",
            f"{path}: {error.strerror or error}",
            f"Connect its drive, or name another folder by the variable {USER_DATA_VARIABLE}.",
        ) from error
    return path


def _root() -> Path:
    """Return the folder that holds assets and manual."""
    frozen_root = getattr(sys, "_MEIPASS", None)
    if frozen_root:
        return Path(frozen_root)
    # A wheel has them inside the package (setup.py), a source tree beside it.
    package = Path(__file__).resolve().parent
    return package if (package / "assets").is_dir() else package.parent

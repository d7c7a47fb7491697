"""Start of the program: the window without arguments, else a command."""

import multiprocessing
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_app.errors import DeviceError, ExitCode, OutputError, UserFacingError

# Not when it is needed: a program that was exchanged while it ran may find it no more.
from desktop_app.services.crash_report import defect_told

if TYPE_CHECKING:
    from desktop_app.services.export.writers import PageRenderer


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code.

    Parameters
    ----------
    argv
        Arguments without the program's name; those of the process by default.
    """
    # Before all else: a frozen program's further processes begin here too, and end in this call.
    multiprocessing.freeze_support()
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        if not arguments or _is_study(arguments):
            return _open_window(arguments)
        # Imported late: the window starts without the command line's libraries.
        from desktop_app import cli

        return cli.run(arguments, cli.Frontend(_open_window, _page_renderer))
    except KeyboardInterrupt:
        return ExitCode.CANCELLED
    except UserFacingError as error:
        _tell(error)
        return error.code
    except Exception:  # noqa: BLE001 - the last stop: told to the user, kept in a file
        defect = defect_told(traceback.format_exc())
        _tell(defect)
        return defect.code


def _is_study(arguments: Sequence[str]) -> bool:
    """Whether this is what a desktop passes on when a study is dropped on the program's icon."""
    return len(arguments) == 1 and Path(arguments[0]).is_absolute() and Path(arguments[0]).exists()


def _tell(error: UserFacingError) -> None:
    if sys.stderr is not None:
        sys.stderr.write(f"{error}\n")
    elif sys.platform == "win32":
        # Started by a double click there is no console, and nothing but this would be seen.
        import ctypes

        icon_error = 0x10
        ctypes.windll.user32.MessageBoxW(None, str(error), "Gliascope", icon_error)


def _open_window(paths: list[str]) -> int:
    from desktop_app import gui

    try:
        return gui.main(paths)
    except ImportError as error:
        raise DeviceError(
            "The window cannot be opened on this computer.",
            f"A system library is missing: {error}",
            "Install it, or use the commands that need no window: gliascope --help",
        ) from error


def _page_renderer() -> "PageRenderer":
    from desktop_app import gui

    try:
        return gui.page_renderer()
    except ImportError as error:
        # A server without graphics may lack the libraries Qt needs even to draw into a file.
        raise OutputError(
            "The PDF report cannot be drawn on this computer.",
            f"A system library is missing: {error}",
            "Install it, or leave the report out: --export nifti,seg,csv,json or --no-report",
        ) from error


if __name__ == "__main__":
    sys.exit(main())

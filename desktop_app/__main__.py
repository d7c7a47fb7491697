"""Start of the program: the window without arguments, else a command."""

import multiprocessing
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from desktop_app.services.export import PageRenderer


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code.

    Parameters
    ----------
    argv
        Arguments without the program's name; those of the process by default.
    """
    multiprocessing.freeze_support()
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments:
        return _open_window([])
    # Imported late: the window starts without the command line's libraries.
    from desktop_app import cli

    return cli.run(arguments, cli.Frontend(_open_window, _page_renderer))


def _open_window(paths: list[str]) -> int:
    from desktop_app import gui

    return gui.main(paths)


def _page_renderer() -> "PageRenderer":
    from desktop_app import gui

    return gui.page_renderer()


if __name__ == "__main__":
    sys.exit(main())

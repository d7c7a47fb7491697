"""The command line: the same services as the window, without it."""

from desktop_app.cli.frontend import Frontend
from desktop_app.cli.main import run

__all__ = ["Frontend", "run"]

"""What the terminal sees: results on stdout, progress and errors on stderr."""

import errno
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from desktop_app.errors import OutputError, UserFacingError
from desktop_app.jobs.events import Progress as ProgressEvent

# Wide enough that a pipe or file never gets a wrapped or shortened line.
_WIDTH_WITHOUT_TERMINAL = 4000


def prepare_streams() -> None:
    """Make stdout and stderr take any character, whatever the console's code page."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")


def print_result(text: str = "") -> None:
    """Write one line to stdout.

    Raises
    ------
    OutputError
        If it goes to a file on a disk that is full.
    """
    # A frozen program without a console has no streams.
    if sys.stdout is not None:
        with _told():
            sys.stdout.write(text + "\n")
            sys.stdout.flush()


def print_note(text: str) -> None:
    """Write one line to stderr."""
    _write_error(text)


def print_error(error: UserFacingError) -> None:
    """Write an expected failure to stderr: what, where, what to do, a line each."""
    for part in (error.title, error.detail, error.remedy):
        _write_error(" ".join(part.split()))


def print_table(header: list[str], rows: list[list[str]], *, right: tuple[int, ...] = ()) -> None:
    """Write rows as aligned columns to stdout.

    Parameters
    ----------
    right
        Columns of numbers.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, title in enumerate(header):
        justify: Any = "right" if number in right else "left"
        table.add_column(title, justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*row)
    if sys.stdout is not None:
        with _told():
            _console(sys.stdout).print(table)


class Bar:
    """A progress bar; without one it keeps quiet."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._task = progress.add_task("Starting", total=1.0, left="") if progress else None

    def show(self, event: ProgressEvent) -> None:
        """Move the bar."""
        if self._progress is not None and self._task is not None:
            left = event.seconds_left
            self._progress.update(
                self._task,
                completed=event.fraction,
                description=event.stage,
                left="" if left is None else f"{_clock(left)} left",
            )

    def finish(self) -> None:
        """Show that everything is done."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=1.0, description="Done", left="")


@contextmanager
def bar(*, quiet: bool, endless: bool = False) -> Iterator[Bar]:
    """Show a progress bar on stderr during the block; it disappears when the block raises.

    Parameters
    ----------
    endless
        The work has no end of its own: only what it does is shown.
    """
    if quiet or sys.stderr is None or (endless and not sys.stderr.isatty()):
        yield Bar(None)
        return
    share = () if endless else (BarColumn(), TaskProgressColumn())
    progress = Progress(
        TextColumn("{task.description:<32}"),
        *share,
        TimeElapsedColumn(),
        TextColumn("" if endless else "{task.fields[left]}"),
        console=Console(file=sys.stderr, markup=False, emoji=False, highlight=False),
        refresh_per_second=5,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    shown = Bar(progress)
    if not sys.stderr.isatty():
        # In a log only the finished bar makes sense; an error's three lines stand alone.
        yield shown
        shown.finish()
        progress.console.print(progress)
        return
    progress.start()
    try:
        yield shown
        shown.finish()
    except BaseException:
        progress.live.transient = True
        raise
    finally:
        try:
            progress.stop()
        except OSError:  # the terminal is gone
            sys.stderr = None


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _console(stream: TextIO) -> Console:
    width = None if stream.isatty() else _WIDTH_WITHOUT_TERMINAL
    return Console(file=stream, width=width, markup=False, emoji=False, highlight=False)


def _write_error(text: str) -> None:
    try:
        if sys.stderr is not None:
            sys.stderr.write(text + "\n")
    except OSError:  # nobody is left to be told
        sys.stderr = None


@contextmanager
def _told() -> Iterator[None]:
    """Tell what keeps stdout from being written; who is gone, terminal or pipe, misses nothing."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
            raise
        # What is left in it would be tried again at the end.
        stream, sys.stdout = sys.stdout, None
        with suppress(OSError):
            stream.close()
        if error.errno != errno.EIO:
            raise OutputError(
                "What the command prints cannot be written.",
                f"Standard output: {error.strerror}",
                "Make room or print to another place; results are where they were asked for.",
            ) from None

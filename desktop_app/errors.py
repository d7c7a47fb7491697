"""Errors a user can cause or mend; everything else is a defect and reaches the crash report."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the command line."""

    DONE = 0
    BATCH_HAD_FAILURES = 1
    USAGE = 2
    INPUT = 3
    DEVICE = 4
    DEFECT = 70  # EX_SOFTWARE of sysexits.h: the program itself is at fault
    CANCELLED = 130


class UserFacingError(Exception):
    """An expected failure, told in three short lines: what, where, and what to do.

    Parameters
    ----------
    title
        What is wrong, one plain sentence.
    detail
        Where: the file, series or device concerned.
    remedy
        What the user can do about it.
    """

    code: ExitCode = ExitCode.INPUT

    def __init__(self, title: str, detail: str, remedy: str) -> None:
        super().__init__(title, detail, remedy)
        self.title = title
        self.detail = detail
        self.remedy = remedy

    def __str__(self) -> str:
        """Return the three lines as the command line prints them."""
        return f"{self.title}\n{self.detail}\n{self.remedy}"


class InputError(UserFacingError):
    """The study, series or file cannot be used."""


class NoStudyError(InputError):
    """What was looked at can be read, and holds no study."""


class UsageError(UserFacingError):
    """The request itself makes no sense (unknown option value, missing argument)."""

    code = ExitCode.USAGE


class OutputError(UserFacingError):
    """A result could not be written (no room, no permission)."""


class DeviceError(UserFacingError):
    """The device failed or ran out of memory."""

    code = ExitCode.DEVICE


class HungError(DeviceError):
    """The device gave no answer for so long that asking once more is not worth it."""


class ExchangedError(DeviceError):
    """The program's files are no longer those it was started from."""


class DefectError(UserFacingError):
    """The program itself is at fault; says where its trace was kept."""

    code = ExitCode.DEFECT


class Cancelled(UserFacingError):
    """The user stopped the work."""

    code = ExitCode.CANCELLED

    def __init__(self) -> None:
        super().__init__("Cancelled.", "The work was stopped on request.", "Start it again.")

    def __reduce__(self) -> tuple[type["Cancelled"], tuple[()]]:
        """Rebuild without arguments when sent between processes."""
        return (Cancelled, ())

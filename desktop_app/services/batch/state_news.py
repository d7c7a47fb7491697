"""Which states in a folder of results somebody else has written."""

from pathlib import Path

from desktop_app.services.batch.records import state_files

_Stamp = tuple[int, int, int]


class StateNews:
    """Tells the states that were written since they were last taken note of.

    Parameters
    ----------
    output
        Folder of the results.
    """

    def __init__(self, output: Path) -> None:
        self._output = output
        self._known: dict[str, _Stamp] = {}

    def take_stock(self) -> None:
        """Take note of all that is there now."""
        self._known = {file.stem: _stamp(file) for file in state_files(self._output)}

    def changed(self) -> tuple[str, ...]:
        """Return the names of the studies whose states are new, and take note of them."""
        found = {file.stem: _stamp(file) for file in state_files(self._output)}
        names = tuple(name for name, stamp in found.items() if self._known.get(name) != stamp)
        self._known |= found
        return names

    def note(self, file: Path) -> None:
        """Take note of a state that was written just now."""
        self._known[file.stem] = _stamp(file)


def _stamp(file: Path) -> _Stamp:
    status = file.stat()
    return status.st_mtime_ns, status.st_size, status.st_ino

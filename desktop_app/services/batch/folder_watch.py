"""Which files below a folder have stopped changing; found by looking, again and again."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_app.domain.stopping import Check, go_on
from desktop_app.domain.study import Study
from desktop_app.io.folder_walk import FoundFile, found_files
from desktop_app.io.unpacked import lasting_name
from desktop_app.services.batch.listing import is_own_name

if TYPE_CHECKING:
    from desktop_app.io.file_head import Stamp


class FolderWatch:
    """Looks at the files below a folder and remembers since when each folder has not changed.

    Only names, sizes and times are read. Times are compared with themselves, never with this
    computer's clock: a server's clock may be wrong, and copying may keep old times.

    Parameters
    ----------
    root
        The folder.
    output
        Results of the batch; they are left out, also where they lie below `root`.
    settle_seconds
        How long a folder must not have changed before it counts as settled.
    clock
        Seconds, monotonic.
    """

    def __init__(
        self,
        root: Path,
        output: Path,
        settle_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._root = root
        self._own = _inside(output, root)
        self._settle_seconds = settle_seconds
        self._clock = clock
        self._now = clock()
        self._folders: dict[Path, dict[str, Stamp]] = {}
        self._changed_at: dict[Path, float] = {}
        self._news: set[Path] = set()

    def look(self, check: Check = go_on) -> bool:
        """Look at the files; False, and nothing noted, where the folder cannot be reached.

        A share that is away for a while must not count as a folder that lost its studies.

        Parameters
        ----------
        check
            Called often; raises to stop.
        """
        if not _can_be_listed(self._root):
            return False
        seen: dict[Path, dict[str, Stamp]] = {}
        for file in self._files(check):
            seen.setdefault(file.path.parent, {})[file.path.name] = file.stamp
        self._now = self._clock()
        for folder in self._folders.keys() | seen.keys():
            if self._folders.get(folder) != seen.get(folder):
                self._changed_at[folder] = self._now
                self._news.add(folder)
        self._folders = seen
        return True

    def has_news(self) -> bool:
        """Whether a folder changed, and settled since, that was not listed since."""
        return any(self._is_settled(folder) for folder in self._news)

    def still_has_news(self) -> bool:
        """Whether the folders with news are still where the last look saw them.

        A share that goes away leaves nothing, or an empty folder where it was mounted; what was
        listed meanwhile says nothing of its studies.
        """
        seen = [folder for folder in self._news if folder in self._folders]
        return all(_can_be_listed(folder) for folder in (self._root, *seen))

    def take_news(self) -> None:
        """Note that the studies are listed now; folders that still change stay news.

        Those that are gone are forgotten: inboxes are emptied, and a watch runs for months.
        """
        self._news = {folder for folder in self._news if not self._is_settled(folder)}
        self._changed_at = {
            folder: when
            for folder, when in self._changed_at.items()
            if folder in self._folders or folder in self._news
        }

    def has_settled(self, study: Study) -> bool:
        """Whether nothing changed lately in any folder that may belong to the study.

        Never where the last look had not seen all of its files: it came since, or still comes.
        """
        if not self._is_unpacked(study) and not all(self._was_seen(p) for p in _paths(study)):
            return False
        return all(self._is_settled(folder) for folder in self._folders_of(study))

    def signature(self, study: Study) -> int:
        """Return a number that changes with the files in the study's folders."""
        if self._is_unpacked(study):
            # Named after the archive, its size and its time.
            return hash(frozenset(lasting_name(path) for path in _paths(study)))
        return hash(
            frozenset(
                (folder, name, stamp)
                for folder in self._folders_of(study)
                for name, stamp in self._folders.get(folder, {}).items()
            )
        )

    def _files(self, check: Check) -> Iterator[FoundFile]:
        # What cannot be opened is told by the scan that follows, with its reason.
        files = found_files(
            self._root, on_problem=lambda where, why: None, check=check, limited=False
        )
        for file in files:
            if not self._is_own(file.path):
                yield file

    def _is_own(self, path: Path) -> bool:
        return is_own_name(path) if self._own is None else path.is_relative_to(self._own)

    def _was_seen(self, path: Path) -> bool:
        return path.name in self._folders.get(path.parent, {}) or self._is_own(path)

    def _is_settled(self, folder: Path) -> bool:
        return self._now - self._changed_at[folder] >= self._settle_seconds

    def _folders_of(self, study: Study) -> list[Path]:
        """Return the folders that may belong to a study.

        All below the one that holds its files; while only one series of it is there, all below
        the next one up, where its other series will appear. Studies that share one folder with
        others are bound to that alone, those from an archive to everything: it may be anywhere.
        """
        if self._is_unpacked(study):
            return list(self._changed_at)
        parents = {path.parent for path in _paths(study)}
        common = Path(os.path.commonpath(parents))
        is_single = len(study.series) == 1 and not study.series[0].is_nifti
        if is_single and common.parent != self._root and self._root in common.parents:
            common = common.parent
        if common == self._root:
            return [folder for folder in self._changed_at if folder in parents]
        return [folder for folder in self._changed_at if folder.is_relative_to(common)]

    def _is_unpacked(self, study: Study) -> bool:
        return not all(path.is_relative_to(self._root) for path in _paths(study))


def _can_be_listed(folder: Path) -> bool:
    try:
        os.scandir(folder).close()
    except OSError:
        return False
    return True


def _paths(study: Study) -> set[Path]:
    return {instance.path for series in study.series for instance in series.instances}


def _inside(output: Path, root: Path) -> Path | None:
    """Return the folder of results as a walk through `root` meets it, if it is inside."""
    inner, outer = output.resolve(), root.resolve()
    if inner == outer or not inner.is_relative_to(outer):
        return None
    return root / inner.relative_to(outer)

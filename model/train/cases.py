"""Prepared cases on disk: of a thousand patients only the crops are read."""

import glob
import hashlib
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from model.spec import LabelArray
from model.weights import write_json

VERSION = 2
"""Grows whenever cases are prepared differently, so that older files are made anew."""

ORIGIN_DIGITS = 16
"""Of the hash in a stored case's folder name."""

FORSAKEN_S = 86_400.0
"""Age in seconds after which no run can still be writing a part of a case."""

Anchors = tuple[npt.NDArray[np.int16], ...]


class CaseArrays(Protocol):
    """What crops are drawn from, in memory or on disk; see `model.train.prepared.PreparedCase`."""

    @property
    def name(self) -> str:
        """The case's name."""

    @property
    def weight(self) -> float:
        """How often it is drawn, relative to the others."""

    @property
    def images_ckji(self) -> npt.NDArray[np.float16]:
        """Normalised images."""

    @property
    def labels_kji(self) -> LabelArray:
        """Labels, or UNKNOWN."""

    @property
    def anchors(self) -> Anchors:
        """Positions to centre crops on, for each label that occurs."""


@dataclass(frozen=True, slots=True)
class StoredCase:
    """A prepared case in a folder of its own; every access maps the file anew.

    A file stays open only as long as its array lives: a thousand cases would otherwise exhaust
    what a process may open.
    """

    name: str
    weight: float
    folder: Path

    @property
    def images_ckji(self) -> npt.NDArray[np.float16]:
        """Normalised images, mapped from disk."""
        images: npt.NDArray[np.float16] = np.load(self.folder / "images.npy", mmap_mode="r")
        return images

    @property
    def labels_kji(self) -> LabelArray:
        """Labels, mapped from disk."""
        labels: LabelArray = np.load(self.folder / "labels.npy", mmap_mode="r")
        return labels

    @property
    def anchors(self) -> Anchors:
        """Positions to centre crops on, for each label that occurs."""
        with np.load(self.folder / "anchors.npz") as stored:
            return tuple(stored[name] for name in stored.files)


class CaseStore:
    """Keeps prepared cases below a folder and makes them only where they are missing.

    Each has a folder of its own by name and origin, which appears when it is whole and is not
    touched again: neither a case of the same name from elsewhere, nor a later version of its
    files, nor another run takes the place of what a run may still read.

    Parameters
    ----------
    folder
        Made if needed. May be shared by runs over the same data.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, name: str, origin: dict[str, Any]) -> bool:
        """Whether a case of this origin is there."""
        return _stored(self._place(name, origin) / "origin.json") == _mark(origin)

    def keep(
        self, name: str, weight: float, origin: dict[str, Any], make: Callable[[], CaseArrays]
    ) -> StoredCase:
        """Return a case from the store; make and store it first if it is not there.

        Parameters
        ----------
        name, weight
            Of the case.
        origin
            What it was made from; of another origin it is another case.
        make
            Prepares it.
        """
        folder = self._place(name, origin)
        if not self.has(name, origin):
            _clear_forsaken(folder)
            case = make()
            part = folder.with_name(f"{folder.name}.{uuid4().hex[:8]}.part")
            part.mkdir(parents=True)
            try:
                np.save(part / "images.npy", case.images_ckji)
                np.save(part / "labels.npy", case.labels_kji)
                np.savez(part / "anchors.npz", *case.anchors)
                write_json(part / "origin.json", _mark(origin))
                self._take_place(part, name, origin)
            finally:
                shutil.rmtree(part, ignore_errors=True)
        return StoredCase(name, weight, folder)

    def _take_place(self, part: Path, name: str, origin: dict[str, Any]) -> None:
        """Name a whole case, unless another run was faster and may have mapped its files."""
        folder = self._place(name, origin)
        try:
            part.rename(folder)
        except OSError:
            if self.has(name, origin):
                return
            shutil.rmtree(folder, ignore_errors=True)  # left half written
            part.rename(folder)

    def _place(self, name: str, origin: dict[str, Any]) -> Path:
        mark = json.dumps(_mark(origin), sort_keys=True).encode()
        return self._folder / f"{name}-{hashlib.sha256(mark).hexdigest()[:ORIGIN_DIGITS]}"

    def fact(
        self, name: str, origin: dict[str, Any], find: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """Return what is known of all cases together; find it out first if it is not there."""
        path = self._folder / f"{name}.json"
        stored = _stored(path)
        if stored is not None and stored["origin"] == _mark(origin):
            known: dict[str, Any] = stored["fact"]
            return known
        found = find()
        self._folder.mkdir(parents=True, exist_ok=True)
        write_json(path, {"origin": _mark(origin), "fact": found})
        return found


def _clear_forsaken(folder: Path) -> None:
    """Remove what runs that were killed have left of a case."""
    for part in folder.parent.glob(f"{glob.escape(folder.name)}.*.part"):
        try:
            forsaken = time.time() - part.stat().st_mtime > FORSAKEN_S
        except OSError:  # another run has just finished it
            continue
        if forsaken:
            shutil.rmtree(part, ignore_errors=True)


def _stored(path: Path) -> dict[str, Any] | None:
    """Return a JSON file's content; ``None`` if there is none, or a power cut left it cut off."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return content


def _mark(origin: dict[str, Any]) -> dict[str, Any]:
    """Return an origin as JSON gives it back."""
    mark: dict[str, Any] = json.loads(json.dumps({"version": VERSION, **origin}))
    return mark

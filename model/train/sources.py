"""From folders to prepared cases: those to learn from and those set aside for validation."""

import logging
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from model.data import (
    CaseError,
    find_cases,
    load_case,
    of_patients,
    origin_of,
    patient_of,
    require_references,
)
from model.decathlon import CaseFiles, DecathlonSet, read_set
from model.train.cases import CaseArrays, CaseStore, StoredCase
from model.train.config import ConfigError, Layout, SourceConfig, TrainConfig
from model.train.crops import anchors_of
from model.train.feed import ClassDrawer, Drawer, RegionDrawer
from model.train.fingerprint import Fingerprint, measure
from model.train.grown import GrownTumours, load_grown, names_to_grow_from
from model.train.patches import PatchSampler
from model.train.prepared import PreparedCase, prepare_case
from model.train.sampling import CropSampler
from model.train.task import BRAIN_TUMOUR, Task, sided_pairs

logger = logging.getLogger("model.train")


class _Job(Protocol):
    """Prepares one case."""

    @property
    def waits(self) -> bool:
        """Whether the store lacks it."""

    def __call__(self) -> CaseArrays:
        """Return the case, from the store where there is one."""


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What a run learns from.

    Attributes
    ----------
    training, validation
        Prepared cases.
    task
        What is to be found in them.
    grown
        Source of grown tumours, if the configuration wants them.
    held_out
        Names of the cases that are there and were not read.
    """

    training: tuple[CaseArrays, ...]
    validation: tuple[CaseArrays, ...]
    task: Task = BRAIN_TUMOUR
    grown: GrownTumours | None = None
    held_out: tuple[str, ...] = ()

    def drawer(self, config: TrainConfig) -> Drawer:
        """Return what draws crops from the training cases."""
        if not self.task.exclusive:
            return RegionDrawer(CropSampler(self.training, config, self.grown))
        return ClassDrawer(PatchSampler(self.training, len(self.task.targets), config))


def split(names: Sequence[str], fraction: float, seed: int) -> frozenset[str]:
    """Return the names set aside for validation: the same for the same names and seed.

    All scans of a patient stay together.
    """
    patients = sorted({patient_of(name) for name in names})
    count = round(fraction * len(patients))
    drawn = np.random.default_rng(seed).permutation(len(patients))[:count]
    return of_patients(names, (patients[int(n)] for n in drawn))


def load_data(config: TrainConfig, data: Path, store: Path, *, processes: int = 1) -> TrainingData:
    """Read, prepare and split the cases of a configuration.

    Parameters
    ----------
    data
        The folder that holds the configuration's sources.
    store
        Where prepared cases are kept, if the configuration says so.
    processes
        How many prepare cases side by side, where they are kept on disk.

    Raises
    ------
    CaseError
        If a source is missing or a case cannot be used.
    ConfigError
        If the network's channels are not those of the data, or a case to be held out is nowhere.
    """
    kept = CaseStore(store) if config.cache else None
    if config.dataset.layout is Layout.DECATHLON:
        loaded = _decathlon(config, data, kept, processes)
    else:
        loaded = _brats(config, data, kept, processes)
    if not loaded.training and config.grown.share < 1:
        msg = f"{data}: every case is held out"
        raise CaseError(msg)
    channels = (len(loaded.task.modalities), len(loaded.task.targets))
    network = (config.network.in_channels, config.network.out_channels)
    if channels != network:
        msg = f"the data have {channels} channels in and out, the network {network}"
        raise ConfigError(msg)
    return loaded


@dataclass(frozen=True, slots=True)
class _BratsCase:
    """Prepares one case, here or in another process."""

    folder: Path
    source: SourceConfig
    store: CaseStore | None

    @property
    def weight(self) -> float:
        return self.source.weight * self.source.case_weights.get(self.folder.name, 1.0)

    @property
    def waits(self) -> bool:
        return self.store is not None and not self.store.has(self.folder.name, self._origin())

    def __call__(self) -> PreparedCase | StoredCase:
        if self.store is None:
            return self._prepare()
        return self.store.keep(self.folder.name, self.weight, self._origin(), self._prepare)

    def _origin(self) -> dict[str, Any]:
        # Archives may give every file one date: same names, same sizes, other patients.
        files = list(self.folder.glob("*.nii*"))
        return origin_of(files, source=self.source.folder, healthy=self.source.healthy)

    def _prepare(self) -> PreparedCase:
        return prepare_case(load_case(self.folder), self.weight, healthy=self.source.healthy)


def _brats(
    config: TrainConfig, data: Path, store: CaseStore | None, processes: int
) -> TrainingData:
    there = [one for one in config.sources if not one.optional or (data / one.folder).is_dir()]
    every = [
        _BratsCase(path, one, store) for one in there for path in find_cases(data / one.folder)
    ]
    known = {job.folder.name for job in every} | names_to_grow_from(config.grown, data)
    absent = [one.folder for one in config.sources if one not in there]
    held_out = _held_out(config, known, data, absent)
    jobs = [job for job in every if job.folder.name not in held_out]
    require_references(job.folder for job in jobs if not job.source.healthy)
    # Nothing to judge by where there is no tumour.
    judged = [job.folder.name for job in jobs if not job.source.healthy]
    aside = split(judged, config.validation.fraction, config.seed)
    cases = _prepared(jobs, processes)
    return TrainingData(
        tuple(case for case in cases if case.name not in aside),
        tuple(case for case in cases if case.name in aside),
        grown=load_grown(config.grown, config.seed, data, unread={*held_out, *aside}),
        held_out=held_out,
    )


def _held_out(
    config: TrainConfig, known: set[str], data: Path, absent: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the cases held out: all scans of the patients who are.

    A name found nowhere is a slip, and its patient would be read.
    """
    if nowhere := ", ".join(sorted(set(config.held_out) - known)):
        msg = f"to be held out, but in no folder below {data}: {nowhere}"
        if not absent:
            raise ConfigError(msg)
        logger.warning("%s; not there to look in: %s", msg, ", ".join(absent))
    return tuple(sorted(of_patients(known, config.held_out)))


@dataclass(frozen=True, slots=True)
class _DecathlonCase:
    """Prepares one case, here or in another process."""

    described: DecathlonSet
    files: CaseFiles
    fingerprint: Fingerprint
    weight: float
    store: CaseStore | None

    @property
    def waits(self) -> bool:
        return self.store is not None and not self.store.has(self.files.name, self._origin())

    def __call__(self) -> PreparedCase | StoredCase:
        if self.store is None:
            return self._prepare()
        return self.store.keep(self.files.name, self.weight, self._origin(), self._prepare)

    def _origin(self) -> dict[str, Any]:
        files = [*self.files.images, self.files.labels]
        fingerprint = self.fingerprint.as_document()
        return origin_of(files, source=self.described.name, fingerprint=fingerprint)

    def _prepare(self) -> PreparedCase:
        images, labels = self.fingerprint.prepare(self.described.load(self.files))
        anchors = anchors_of(labels, range(1, len(self.described.labels)))
        return PreparedCase(
            self.files.name, self.weight, images.astype(np.float16), labels, anchors
        )


def _decathlon(
    config: TrainConfig, data: Path, store: CaseStore | None, processes: int
) -> TrainingData:
    if len(config.sources) != 1:
        msg = "a Decathlon run has one [[sources]]"
        raise ConfigError(msg)
    (source,) = config.sources
    described = read_set(data / source.folder)
    _warn_of_mirrored_sides(described.labels, config.augment.flip_lr)
    held_out = _held_out(config, {one.name for one in described.cases}, data)
    files = [one for one in described.cases if one.name not in held_out]
    aside = split([one.name for one in files], config.validation.fraction, config.seed)
    learnt = [one for one in files if one.name not in aside]
    if not learnt:
        msg = f"{data / source.folder}: every case is held out"
        raise CaseError(msg)
    fingerprint = _fingerprint(config, described, learnt, store)
    jobs = [
        _DecathlonCase(described, one, fingerprint, source.case_weights.get(one.name, 1.0), store)
        for one in files
    ]
    cases = _prepared(jobs, processes)
    task = Task(
        described.name,
        described.modalities,
        described.labels,
        exclusive=True,
        spacing_kji_mm=fingerprint.spacing_kji_mm,
        card=fingerprint.as_document(),
    )
    return TrainingData(
        tuple(case for case in cases if case.name not in aside),
        tuple(case for case in cases if case.name in aside),
        task,
        held_out=held_out,
    )


def _warn_of_mirrored_sides(labels: Sequence[str], flip_lr: float) -> None:
    if flip_lr and (pairs := sided_pairs(labels)):
        told = ", ".join(f"{left} and {right}" for left, right in pairs)
        logger.warning(
            "[augment] flip_lr = %g shows %s in each other's place: 0 if they differ by side alone",
            flip_lr,
            told,
        )


def _fingerprint(
    config: TrainConfig, described: DecathlonSet, learnt: list[CaseFiles], store: CaseStore | None
) -> Fingerprint:
    spacing = config.dataset.spacing_kji_mm

    def find() -> dict[str, Any]:
        cases = (described.load(one) for one in learnt)
        return measure(cases, described.modalities, spacing).as_document()

    if store is None:
        return Fingerprint.from_document(find())
    files = [path for one in learnt for path in (*one.images, one.labels)]
    origin = origin_of(files, modalities=list(described.modalities), spacing=list(spacing))
    return Fingerprint.from_document(store.fact("fingerprint", origin, find))


def _prepared(jobs: Sequence[_Job], processes: int) -> list[CaseArrays]:
    """Return the cases; what is not in the store yet is prepared side by side."""
    waiting = [job for job in jobs if job.waits]
    if len(waiting) >= 2 * processes > 2:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            for _ in pool.map(_run, waiting):
                pass
    return [job() for job in jobs]


def _run(job: _Job) -> None:
    job()

"""A folder of studies whose processing is replaced, for the tests of batches."""

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop_app.domain.study import InstanceRef, Study
from desktop_app.errors import InputError, OutputError
from desktop_app.io.atomic import atomic_folder
from desktop_app.io.scan import ScanResult
from desktop_app.services.batch import Batch, BatchOptions, CaseState, CaseStatus, LocalPlace
from desktop_app.services.batch import attempt as attempt_module
from desktop_app.services.batch import journal as journal_module
from desktop_app.services.batch import listing as listing_module
from desktop_app.services.case import CaseOptions, CaseOutcome
from desktop_app.services.models import ModelStore
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, PROVENANCE, make_series, make_study, roles_of

NAMES = ("anna", "berta", "cäsar")


class FakeWorker:
    def __init__(self) -> None:
        self.closed = False

    def warm(self, *_: Any) -> None: ...

    def segment(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("the case is replaced as a whole")

    def close(self) -> None:
        self.closed = True


@dataclass
class Stage:
    """A folder of studies whose processing is replaced."""

    root: Path
    output: Path
    weights: Path
    studies: list[Study]
    processed: list[str] = field(default_factory=list)
    options_seen: list[CaseOptions] = field(default_factory=list)
    before: Callable[[str], None] = lambda name: None
    workers: list[FakeWorker] = field(default_factory=list)
    told: list[CaseState] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    patience_seconds: float = 20.0

    def batch(self, options: BatchOptions | None = None, *, workers: int = 1) -> Batch:
        return Batch(
            self.root,
            self.output,
            options or BatchOptions(),
            models=ModelStore(self.weights, self.weights / "none"),
            place=LocalPlace(
                self.make_worker,
                workers=workers,
                on_defect=self.defects.append,
                patience_seconds=self.patience_seconds,
            ),
            on_case=self.told.append,
        )

    def add(self, name: str) -> Study:
        """Lay a study of two files into the folder."""
        folder = self.root / name
        folder.mkdir(parents=True)
        series = []
        for uid in ("t1c", "flair"):
            (folder / uid).write_bytes(uid.encode())
            series.append(make_series(uid, instances=(InstanceRef(folder / uid),)))
        study = make_study(name=name, study_uid=f"1.2.{name}", root=folder, series=tuple(series))
        self.studies.append(study)
        return study

    def make_worker(self) -> FakeWorker:
        self.workers.append(FakeWorker())
        return self.workers[-1]

    def process(
        self, study: Study, roles: Any, options: CaseOptions, output: Path, *_: Any, **passed: Any
    ) -> CaseOutcome:
        self.processed.append(study.name)
        self.options_seen.append(options)
        passed["progress"](0.5, "Segmenting")
        self.before(study.name)
        passed["token"].raise_if_cancelled()
        labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
        labels[1, 1, 1:4] = 3
        with atomic_folder(output / study.name) as staging:
            (staging / "measurements.json").write_text("{}")
        result = make_result(study, labels, ("T1 is missing.",))
        folder = output / study.name
        return CaseOutcome(result, folder, (folder / "measurements.json",))

    def fail_at(self, *names: str, error: Exception | None = None) -> None:
        """Have studies fail: they are damaged, or what the error says."""
        failure = error or InputError("It is damaged.", "File 3", "Send it again.")

        def fail(name: str) -> None:
            if name in names:
                raise failure

        self.before = fail

    def summary(self) -> list[dict[str, str]]:
        with (self.output / "summary.csv").open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))


def make_stage(folder: Path, patch: pytest.MonkeyPatch) -> Stage:
    """Return a folder with three studies, which nothing reads or segments."""
    weights = folder / "weights"
    weights.mkdir()
    write_model(weights, PROVENANCE.weights_sha256)
    stage = Stage(folder / "root", folder / "output", weights, [])
    for name in NAMES:
        stage.add(name)

    def found(path: Path, **_: Any) -> ScanResult:
        return ScanResult(tuple(stage.studies), tuple(stage.skipped))

    patch.setattr(listing_module, "open_path", found)
    patch.setattr(attempt_module, "choose_roles", lambda study, _: roles_of(study))
    patch.setattr(attempt_module, "process_study", stage.process)
    return stage


def write_model(folder: Path, sha256: str, **card_says: Any) -> None:
    (folder / "slim_unetrpp.safetensors").write_bytes(b"x")
    card = {"schema": "gliascope/model-card/1", "sha256": sha256, **card_says}
    (folder / "slim_unetrpp.json").write_text(json.dumps(card))


def statuses(batch: Batch) -> list[CaseStatus]:
    return [case.status for case in batch.cases]


def take_output_away(patch: pytest.MonkeyPatch, looks: int) -> None:
    """Have the folder of results away while it is looked at so many times."""
    left = [looks]

    def require_room(output: Path) -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise OutputError("The folder cannot be reached.", str(output), "Connect it.")

    patch.setattr(journal_module, "require_room", require_room)

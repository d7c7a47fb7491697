"""Where a study of a batch stands, and what its results depend on."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from desktop_app.domain.result import StudyResult
from desktop_app.domain.segmentation import Region
from desktop_app.domain.study import Sequence, Series
from desktop_app.io.unpacked import lasting_name
from desktop_app.services.export.formats import FILE_NAMES, ExportFormat
from desktop_app.services.export.lacks import lacking
from desktop_app.services.measuring.diameters import measure_diameters
from desktop_app.services.measuring.lesions import measure_lesions, tumour_parts
from desktop_app.services.measuring.measure import volume_intervals, volumes_mm3
from desktop_app.services.measuring.places import measure_places
from desktop_app.services.measuring.targets import standing_warnings
from desktop_app.services.results.saved_results import ExportOptions

_ET = "ET "


class CaseStatus(StrEnum):
    """Where a study of a batch stands."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class ReviewState(StrEnum):
    """What a person said of a result; a new run asks again."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class CaseState:
    """One study of a batch as told to the user and kept on disk.

    Parameters
    ----------
    name
        The study's name, and that of its folder of results.
    fraction, stage
        How far a running study is.
    reason
        Why it failed: what, where, what to do, a line each; empty otherwise.
    seconds
        Wall time it took.
    volumes_mm3
        Per region, once done; without T1c, of those alone that can be known.
    diameters_mm
        The long and the short one of regions that were measured and are there.
    measurable
        Of the same regions, whether the lesion is large enough to be followed.
    ranges_mm3
        Between which volumes each region likely lies, where the model tells.
    range_coverage
        Share of studies in which such a range holds the truth; ``None`` where there is none.
    side
        Of the whole tumour, in words; empty where there is none.
    parts, lesions
        How many parts the whole tumour has, and how many enhancing lesions are listed; ``None``
        until it is done.
    study_date
        As DICOM writes it; empty where unknown or not to be told.
    files
        Names of the files in the folder of results.
    notes
        Plain sentences on those files: what could not be written, what was kept aside.
    corrected
        Whether a person corrected the labels.
    fingerprint
        Stands for inputs and model: results of another fingerprint are out of date.
    weights_sha256
        Of the network that found the labels; empty where nothing tells. A person may have exported
        those of another network than the batch's.
    exported_as
        Stands for the export options.
    review
        What a person said of the result.
    reviewed_at
        When that was, with its zone; empty while it is open.
    review_reason
        Why it was rejected.
    resumed
        Whether the results come from an earlier run.
    """

    name: str
    study_uid: str
    status: CaseStatus = CaseStatus.PENDING
    fraction: float = 0.0
    stage: str = ""
    reason: str = ""
    seconds: float = 0.0
    volumes_mm3: Mapping[Region, float] = field(default_factory=dict)
    diameters_mm: Mapping[Region, tuple[float, float]] = field(default_factory=dict)
    measurable: Mapping[Region, bool] = field(default_factory=dict)
    ranges_mm3: Mapping[Region, tuple[float, float]] = field(default_factory=dict)
    range_coverage: float | None = None
    side: str = ""
    parts: int | None = None
    lesions: int | None = None
    study_date: str = ""
    warnings: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    corrected: bool = False
    fingerprint: str = ""
    weights_sha256: str = ""
    exported_as: str = ""
    review: ReviewState = ReviewState.OPEN
    reviewed_at: str = ""
    review_reason: str = ""
    resumed: bool = False

    @property
    def is_over(self) -> bool:
        """Whether it is done or failed."""
        return self.status in (CaseStatus.DONE, CaseStatus.FAILED)


def with_result(
    state: CaseState, result: StudyResult, files: Iterable[str], notes: tuple[str, ...]
) -> CaseState:
    """Return the state of a study whose result was written."""
    diameters = measure_diameters(result.segmentation)
    intervals = volume_intervals(result.measurements)
    whole = measure_places(result).get(Region.WT)
    return replace(
        state,
        status=CaseStatus.DONE,
        fraction=1.0,
        volumes_mm3=volumes_mm3(result.measurements),
        diameters_mm={region: (one.long_mm, one.short_mm) for region, one in diameters.items()},
        measurable={region: one.is_measurable for region, one in diameters.items()},
        ranges_mm3={region: (one.low, one.high) for region, one in intervals.items()},
        range_coverage=next((one.coverage for one in intervals.values()), None),
        side="" if whole is None else whole.side_in_words,
        parts=tumour_parts(result.segmentation),
        lesions=None
        if Region.ET in result.segmentation.unknown
        else len(measure_lesions(result.segmentation)),
        study_date=result.study.date,
        warnings=standing_warnings(result),
        files=tuple(files),
        notes=notes,
        corrected=result.segmentation.provenance.edited,
        weights_sha256=result.segmentation.provenance.weights_sha256,
    )


def exported_as(options: ExportOptions) -> str:
    """Return what stands for export options: results of others are no less up to date."""
    return f"{','.join(sorted(options.formats))}; {_ET}{options.et_label}"


def still_exported_as(state: CaseState, result: StudyResult, et_label: int) -> str:
    """Return what stands for the export options that a folder now answers to.

    Those of before, as long as everything they asked for is there that this result can be written
    as; else those that ask for what is there.

    Parameters
    ----------
    state
        With the files that are there, and what they were asked for as.
    et_label
        Value of enhancing tumour as it was written now.
    """
    asked, _, label = state.exported_as.partition(f"; {_ET}")
    wanted = [one for one in ExportFormat if one in asked.split(",")]
    there = tuple(one for one in ExportFormat if FILE_NAMES[one] in state.files)
    if label == str(et_label) and set(wanted) <= {*there, *lacking(result, wanted)}:
        return state.exported_as
    return exported_as(ExportOptions(there, et_label))


def fingerprint(roles: Mapping[Sequence, Series], card_sha256: str) -> str:
    """Return a checksum of everything a study's labels depend on.

    The device and the number format are not among it: what they change is less than what two
    computers differ by.

    Parameters
    ----------
    roles
        Their files count by path, size and time of the last change.
    card_sha256
        Of the model card: thresholds and calibration may change while the weights stay.
    """
    folders: dict[Path, str] = {}
    inputs = []
    for sequence in Sequence:
        if sequence in roles:
            paths = sorted({instance.path for instance in roles[sequence].instances})
            inputs.append([sequence.value, [_file_state(path, folders) for path in paths]])
    what = {"inputs": inputs, "card": card_sha256}
    return hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()


def _file_state(path: Path, folders: dict[Path, str]) -> tuple[str, str, int, int]:
    """Return folder, name, size and time of a file.

    Parameters
    ----------
    folders
        What names the folders in every run; a study has few, and finding out takes long on a share.
    """
    status = path.stat()
    if path.parent not in folders:
        folders[path.parent] = lasting_name(path.parent)
    return folders[path.parent], path.name, status.st_size, status.st_mtime_ns

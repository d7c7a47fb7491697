"""What is kept on disk of a batch: a state per study, and one summary of all."""

import csv
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any
from unicodedata import normalize

from desktop_app.domain.segmentation import Region
from desktop_app.domain.study import Study
from desktop_app.errors import OutputError
from desktop_app.io.atomic import NO_LETTER, atomic_path, output_error
from desktop_app.io.export.csv_table import TABLE_ENCODING, inert, write_csv
from desktop_app.services.batch.state import CaseState, CaseStatus, ReviewState
from desktop_app.services.measuring.diameters import MEASURED_REGIONS
from desktop_app.services.privacy import Redactor
from desktop_app.services.results.results_folder import STATE_FOLDER

SUMMARY = "summary.csv"
SKIPPED = "skipped.csv"
_SCHEMA = "gliascope/batch-case/1"
_FIELDS = frozenset(field.name for field in fields(CaseState))

_log = logging.getLogger(__name__)


def read_state(output: Path, name: str) -> CaseState | None:
    """Return the kept state of a study, or None where there is none that can be read.

    A study that was running when the program ended is pending again.
    """
    file = _state_file(output, name)
    try:
        stored: Any = json.loads(file.read_text("utf-8"))
        if stored.pop("schema") != _SCHEMA:
            return None
        volumes = {Region(region): float(v) for region, v in stored.pop("volumes_mm3").items()}
        diameters, ranges = (
            {
                Region(region): (float(first), float(second))
                for region, (first, second) in stored.pop(name, {}).items()
            }
            for name in ("diameters_mm", "ranges_mm3")
        )
        measurable = {Region(one): bool(yes) for one, yes in stored.pop("measurable", {}).items()}
        stored |= {key: tuple(stored.get(key, ())) for key in ("warnings", "files", "notes")}
        stored["status"] = CaseStatus(stored["status"])
        stored["review"] = ReviewState(stored.get("review", ReviewState.OPEN))
        state = CaseState(
            # A later version may say more.
            **{key: stored[key] for key in stored.keys() & _FIELDS},
            volumes_mm3=volumes,
            diameters_mm=diameters,
            measurable=measurable,
            ranges_mm3=ranges,
        )
        _require_types(state, name)
    except FileNotFoundError:
        return None
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        _log.info("A batch state is not readable, its study runs again: %s", error)
        return None
    if state.status is CaseStatus.RUNNING:
        return replace(state, status=CaseStatus.PENDING)
    return state


def state_files(output: Path) -> list[Path]:
    """Return the files of the kept states, by name; what a killed process left is none."""
    files = (output / STATE_FOLDER).glob("*.json")
    return sorted(file for file in files if not file.name.startswith("."))


def finished_states(output: Path, *, anonymised: bool) -> tuple[CaseState, ...]:
    """Return the kept states of studies that are done and have their results, by name.

    Parameters
    ----------
    anonymised
        Those that were written without identity, or else those that were not.
    """
    states = (
        finished_state(output, file.stem, anonymised=anonymised) for file in state_files(output)
    )
    return tuple(state for state in states if state is not None)


def finished_state(output: Path, name: str, *, anonymised: bool) -> CaseState | None:
    """Return the kept state of a study that is done and has its results; see `finished_states`."""
    state = read_state(output, name)
    if state is None or state.status is not CaseStatus.DONE:
        return None
    is_meant = bool(state.study_uid) is not anonymised
    return state if is_meant and has_results(output, state) else None


def write_state(output: Path, state: CaseState) -> Path:
    """Keep the state of a study and return its file.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    kept = asdict(state)
    for passing in ("fraction", "stage", "resumed"):
        del kept[passing]
    file = _state_file(output, state.name)
    with atomic_path(file) as temporary:
        text = json.dumps({"schema": _SCHEMA, **kept}, indent=1, ensure_ascii=False)
        temporary.write_text(text, "utf-8", NO_LETTER)
    return file


def without_identity(state: CaseState, study: Study) -> CaseState:
    """Return a state that does not tell who the study is of, its own name apart."""
    sentences = (state.reason, state.review_reason, *state.warnings, *state.notes)
    redact = Redactor.for_study(study).redact if any(sentences) else str
    return replace(
        state,
        study_uid="",
        study_date="",
        reason=redact(state.reason),
        review_reason=redact(state.review_reason),
        warnings=tuple(redact(warning) for warning in state.warnings),
        notes=tuple(redact(note) for note in state.notes),
    )


def require_no_anonymised(output: Path) -> None:
    """Refuse to write names where an earlier run left them out.

    Raises
    ------
    OutputError
        If a state in `output` was written without identity.
    """
    for file in state_files(output):
        state = read_state(output, file.stem)
        if state is not None and not state.study_uid:
            raise OutputError(
                "The folder for the results holds anonymised ones.",
                str(output),
                "Leave names out of these, too, or choose another folder.",
            )


def has_results(output: Path, state: CaseState) -> bool:
    """Whether every file of a finished study is still there."""
    folder = output / state.name
    return bool(state.files) and all((folder / file).is_file() for file in state.files)


def write_summary(output: Path, states: Iterable[CaseState]) -> Path:
    """Write one line per study: state, volumes in mm³, diameters in mm, seconds, warnings, error.

    Columns that came later stand at the end: date, what is measurable, ranges of the volumes, side,
    parts and lesions, the network, what a person said of the result.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    columns = tuple(_row(CaseState("", "")))
    return write_csv([_row(state) for state in states], output / SUMMARY, columns=columns)


def update_summary(output: Path, state: CaseState) -> None:
    """Replace the line of one study, where there is a summary that has it.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    fresh = _row(state)
    try:
        with (output / SUMMARY).open(encoding=TABLE_ENCODING, newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error) as error:
        _log.info("The summary is not readable and stays as it is: %s", error)
        return
    if any(list(row) != list(fresh) for row in rows):
        return  # of another version, whose next run writes it anew
    write_csv(
        [fresh if row["study"] == inert(state.name) else row for row in rows],
        output / SUMMARY,
        columns=tuple(fresh),
    )


def write_skipped(output: Path, skipped: Iterable[tuple[str, str]]) -> None:
    """Write one line per thing that belongs to no study; no file where there is none.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    rows = [{"skipped": what, "reason": reason} for what, reason in skipped]
    file = output / SKIPPED
    if rows:
        write_csv(rows, file)
        return
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise output_error(error, file) or error from None


def _require_types(state: CaseState, name: str) -> None:
    texts = (
        *(state.study_uid, state.stage, state.reason, state.side, state.study_date),
        *(state.fingerprint, state.weights_sha256, state.exported_as),
        *(state.reviewed_at, state.review_reason),
        *(*state.warnings, *state.files, *state.notes),
    )
    counted = (state.parts, state.lesions, state.range_coverage)
    numbers = (state.seconds, state.fraction, *(one for one in counted if one is not None))
    are_right = all(isinstance(one, str) for one in texts) and all(
        isinstance(one, int | float) for one in numbers
    )
    # Some systems write a letter and its accent apart in names.
    if not are_right or normalize("NFC", state.name) != normalize("NFC", name):
        raise ValueError(f"not the state of {name}")


def _pairs(
    found: Mapping[Region, tuple[float, float] | None], names: tuple[str, str]
) -> dict[str, str | float]:
    """Return two columns a region, empty where nothing was found."""
    return {
        f"{region.value}_{name}": round(pair[place], 1) if pair else ""
        for region, pair in found.items()
        for place, name in enumerate(names)
    }


def _row(state: CaseState) -> dict[str, str | int | float]:
    volumes = {
        f"{region.value}_mm3": round(state.volumes_mm3[region], 1)
        if region in state.volumes_mm3
        else ""
        for region in Region
    }
    lengths = {region: state.diameters_mm.get(region) for region in MEASURED_REGIONS}
    diameters = _pairs(lengths, ("long_mm", "short_mm"))
    measurable = {
        f"{region.value}_measurable": ("yes" if state.measurable[region] else "no")
        if region in state.measurable
        else ""
        for region in MEASURED_REGIONS
    }
    bounds = {region: state.ranges_mm3.get(region) for region in Region}
    ranges = _pairs(bounds, ("low_mm3", "high_mm3"))
    return {
        "study": state.name,
        "state": state.status.value,
        "corrected": "yes" if state.corrected else "",
        **volumes,
        **diameters,
        "seconds": round(state.seconds, 1) if state.is_over else "",
        "warnings": " | ".join((*state.warnings, *state.notes)),
        "error": state.reason.replace("\n", " | "),
        "study_date": state.study_date,
        **measurable,
        **ranges,
        "WT_side": state.side,
        "WT_parts": "" if state.parts is None else state.parts,
        "ET_lesions": "" if state.lesions is None else state.lesions,
        "range_coverage": "" if state.range_coverage is None else state.range_coverage,
        "weights_sha256": state.weights_sha256 if state.status is CaseStatus.DONE else "",
        "review": state.review.value if state.status is CaseStatus.DONE else "",
        "reviewed_at": state.reviewed_at,
        "review_reason": state.review_reason,
    }


def _state_file(output: Path, name: str) -> Path:
    return output / STATE_FOLDER / f"{name}.json"

"""Open damaged studies one after the other, in a process whose memory is bounded.

Told ``SEEDS FIRST LAST STEP SEED`` on the command line; prints a line of JSON before and after
each case. What kills or hangs this process is its parent's to see.
"""

import json
import logging
import multiprocessing
import os
import resource
import shutil
import sys
import traceback
import warnings
from pathlib import Path

import numpy as np
import psutil

from desktop_app.errors import UserFacingError
from desktop_app.io.dicom.decoder_process import DecoderProcess
from desktop_app.io.load import load_series
from desktop_app.io.scan import scan
from tests.fuzz.mutations import mutate

MEMORY_BYTES = 1 << 30


def damaged_copy(seed_folder: Path, target: Path, random: np.random.Generator) -> tuple[str, int]:
    """Copy a study with one of its files, or all alike, damaged; return what was done to how many.

    The others stay as they are, so that a file can also harm its neighbours.
    """
    shutil.copytree(seed_folder, target)
    paths = sorted(path for path in target.rglob("*") if path.is_file())
    is_dicom = "nifti" not in seed_folder.name and seed_folder.name != "zip"
    chosen = paths if random.random() < 0.3 else [paths[int(random.integers(len(paths)))]]
    state = random.bit_generator.state
    what = ""
    for path in chosen:
        random.bit_generator.state = state
        content, what = mutate(path.read_bytes(), random, is_dicom=is_dicom)
        path.write_bytes(content)
    where = " in every file" if len(chosen) > 1 else ""
    return f"{seed_folder.name}: {what}{where}", len(chosen)


def open_as_a_user_would(target: Path, decoder: DecoderProcess) -> str:
    """Scan and load everything; return what a user would have been told."""
    single = [path for path in target.iterdir() if path.suffix == ".zip"]
    try:
        result = scan(single[0] if single else target)
    except UserFacingError as error:
        return _checked(error)
    told = []
    for study in result.studies:
        usable = [series for series in study.series if series.usable]
        # A user chooses four of them.
        for series in usable[:4]:
            try:
                volume = load_series(series, decoder=decoder)
            except UserFacingError as error:
                told.append(_checked(error))
                continue
            if volume.array_kji.shape != volume.geometry.shape_kji:
                raise AssertionError("the volume does not fit its grid")
            if not np.isfinite(volume.array_kji).all():
                raise AssertionError("the volume holds values that are not finite")
            told.append("loaded")
    return "; ".join(sorted(set(told))) or "nothing usable"


def _checked(error: UserFacingError) -> str:
    if not (error.title and error.detail and error.remedy):
        raise AssertionError("an error without title, place or remedy")
    if isinstance(error.__cause__, MemoryError):
        raise error.__cause__
    return f"refused: {error.title}"


def run_case(
    number: int, seeds: list[Path], work: Path, seed: int, decoder: DecoderProcess
) -> dict[str, object]:
    """Do one case; the same number and seed always give the same files."""
    random = np.random.default_rng([seed, number])
    target = work / f"case{number}"
    what, files = damaged_copy(seeds[number % len(seeds)], target, random)
    started, before = _cpu_seconds(), _peak_bytes()
    finding = ""
    outcome = ""
    try:
        outcome = open_as_a_user_would(target, decoder)
    except BaseException:  # noqa: BLE001 - everything that escapes is what is looked for
        finding = traceback.format_exc()
    seconds = (_cpu_seconds() - started) / files
    shutil.rmtree(target, ignore_errors=True)
    return {
        "case": number,
        "what": what,
        "outcome": outcome,
        "seconds": seconds,
        "grown_bytes": _peak_bytes() - before,
        "finding": finding,
    }


def _cpu_seconds() -> float:
    """Return the processor time of this process and its decoders, which load by others spares."""
    mine = resource.getrusage(resource.RUSAGE_SELF)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = mine.ru_utime + mine.ru_stime + ended.ru_utime + ended.ru_stime
    for child in multiprocessing.active_children():
        times = psutil.Process(child.pid).cpu_times()
        total += times.user + times.system
    return total


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _tell(answer: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    seeds_folder, first, last, step, seed = arguments
    seeds = [Path(line) for line in (Path(seeds_folder) / "order.txt").read_text().splitlines()]
    work = Path(seeds_folder).parent / f"work-{os.getpid()}"
    work.mkdir()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    with DecoderProcess() as decoder:
        # Libraries are loaded before the bound is set: their own code is not the files'.
        open_as_a_user_would(seeds[0], decoder)
        in_use = psutil.Process().memory_info().vms
        resource.setrlimit(resource.RLIMIT_AS, (in_use + MEMORY_BYTES, resource.RLIM_INFINITY))
        try:
            for number in range(int(first), int(last), int(step)):
                _tell({"start": number})
                _tell(run_case(number, seeds, work, int(seed), decoder))
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

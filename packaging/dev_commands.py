"""The commands of ``dev.py``: what each sets up and what it starts."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dev_environment import ROOT, ensure_environment, write_lock
from dev_system import (
    ensure_packaging_programs,
    ensure_system_libraries,
    has_display,
    virtual_display,
)

OUTPUT = ROOT / "output"
SAMPLE = OUTPUT / "sample-study"
SAMPLE_STAMP = OUTPUT / "sample-study.sha256"
SYNTHETIC = ROOT / "model" / "synthetic"
SCREENSHOTS = ROOT / "packaging" / "screenshots.py"
BENCH = ROOT / "packaging" / "bench.py"
MAKE_INSTALLERS = ROOT / "packaging" / "make_installers.py"
COMPARE_BUILDS = ROOT / "packaging" / "reproduce.py"
TRY_INSTALLERS = ROOT / "packaging" / "try_installers.py"
# A test process with torch, VTK and a window takes up to 2 GB.
MOST_TEST_PROCESSES = 4


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked of a command.

    Parameters
    ----------
    arguments
        Everything after the command's name, for the program that it starts.
    cuda
        Whether torch is wanted with CUDA.
    """

    arguments: tuple[str, ...] = ()
    cuda: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A command's line in the help text, and its function."""

    summary: str
    execute: Callable[[Request], int]


def run(request: Request) -> int:
    """Open the program on the sample study, or do the same job where there is no display."""
    ensure_system_libraries(for_tests=False)
    python = ensure_environment(cuda=request.cuda)
    if request.arguments:
        return _start(python, "-m", "desktop_app", *request.arguments)
    sample = _ensure_sample(python)
    if has_display():
        return _start(python, "-m", "desktop_app", "open", str(sample))
    print("There is no display here, so the same job is done off screen.", flush=True)
    results = OUTPUT / "results"
    code = _start(python, "-m", "desktop_app", "segment", str(sample), "--output", str(results))
    if code != 0:
        return code
    images = OUTPUT / "screenshots"
    code = _take_screenshots(python, "--output", str(images))
    print(f"Results:     {results}\nScreenshots: {images}")
    return code


def test(request: Request) -> int:
    """Pass the tests; pytest's closing line is the last one printed.

    All of them are shared among processes, file by file; a choice of them runs in one.
    """
    ensure_system_libraries(for_tests=True)
    python = ensure_environment(cuda=request.cuda)
    processes = min(os.cpu_count() or 1, MOST_TEST_PROCESSES)
    arguments = request.arguments or (f"--numprocesses={processes}", "--dist=loadfile")
    with virtual_display() as display:
        return _start(python, "-m", "pytest", *arguments, QT_QPA_PLATFORM="offscreen", **display)


def lint(request: Request) -> int:
    """Run every check that reads the code without running it; all of them, then report."""
    python = ensure_environment(cuda=request.cuda)
    fix = "--fix" in request.arguments
    here = Path(__file__).parent
    # Hooks have names with hyphens, which are no modules.
    folders = ("*.py", "linux/*.py", "macos/*.py", "windows/*.py")
    scripts = sorted(str(path.relative_to(ROOT)) for names in folders for path in here.glob(names))
    checks: dict[str, tuple[str, ...]] = {
        "ruff check": ("-m", "ruff", "check", *(["--fix"] if fix else []), "."),
        "ruff format": ("-m", "ruff", "format", *([] if fix else ["--check"]), "."),
        "mypy": ("-m", "mypy"),
        "mypy packaging": ("-m", "mypy", "--explicit-package-bases", *scripts),
        "import contracts": ("-c", "from importlinter.cli import lint_imports_command as c; c()"),
    }
    failed = []
    for name, arguments in checks.items():
        print(f"== {name}", flush=True)
        if _start(python, *arguments, MYPYPATH=str(here)) != 0:
            failed.append(name)
    print("lint: failed: " + ", ".join(failed) if failed else "lint: all checks passed")
    return 1 if failed else 0


def bench(request: Request) -> int:
    """Measure the network's speed and memory on this machine."""
    python = ensure_environment(cuda=request.cuda)
    return _start(python, str(BENCH), *request.arguments)


def fuzz(request: Request) -> int:
    """Open damaged files by the thousand and report what they do."""
    python = ensure_environment(cuda=request.cuda)
    return _start(python, "-m", "tests.fuzz", *request.arguments)


def train(request: Request) -> int:
    """Train the network."""
    python = ensure_environment(cuda=request.cuda)
    return _start(python, "-m", "model.train", *request.arguments)


def build(request: Request) -> int:
    """Freeze the program and make this system's installers."""
    ensure_system_libraries(for_tests=False)
    ensure_packaging_programs(for_tests=False)
    python = ensure_environment(cuda=request.cuda)
    sample = _ensure_sample(python).parent
    return _start(python, str(MAKE_INSTALLERS), "--sample", str(sample), *request.arguments)


def try_installers(request: Request) -> int:
    """Install, test, upgrade and remove the installers in clean systems."""
    ensure_packaging_programs(for_tests=True)
    python = ensure_environment(cuda=request.cuda)
    return _start(python, str(TRY_INSTALLERS), *request.arguments)


def compare_builds(request: Request) -> int:
    """Build one commit twice and compare what came of it."""
    ensure_system_libraries(for_tests=False)
    ensure_packaging_programs(for_tests=False)
    python = ensure_environment(cuda=request.cuda)
    sample = _ensure_sample(python).parent
    return _start(python, str(COMPARE_BUILDS), "--sample", str(sample), *request.arguments)


def screenshots(request: Request) -> int:
    """Take the pictures that the README shows."""
    ensure_system_libraries(for_tests=False)
    python = ensure_environment(cuda=request.cuda)
    arguments = request.arguments or ("--output", str(ROOT / "docs" / "images"))
    return _take_screenshots(python, *arguments)


def lock(request: Request) -> int:
    """Pin what pyproject.toml asks for, and bring the environment to it."""
    ensure_environment(cuda=request.cuda)
    print(f"Written: {write_lock().relative_to(ROOT)}")
    ensure_environment(cuda=request.cuda)
    return 0


def _start(python: Path, *arguments: str, **variables: str) -> int:
    """Run a program of the environment in the foreground and return its exit code."""
    environment = {**os.environ, **variables}
    return subprocess.call([str(python), *arguments], cwd=ROOT, env=environment)


def _take_screenshots(python: Path, *arguments: str) -> int:
    with virtual_display() as display:
        platform = {"QT_QPA_PLATFORM": "xcb"} if display else {}
        return _start(python, str(SCREENSHOTS), *arguments, **platform, **display)


def _ensure_sample(python: Path) -> Path:
    """Return the DICOM folder of the sample study; written only if its generator has changed."""
    digest = hashlib.sha256()
    for source in sorted(SYNTHETIC.rglob("*.py")):
        digest.update(source.read_bytes())
    generator = digest.hexdigest()
    dicom = SAMPLE / "dicom"
    if dicom.is_dir() and SAMPLE_STAMP.is_file() and SAMPLE_STAMP.read_text() == generator:
        return dicom
    print("Writing the sample study", flush=True)
    if SAMPLE.is_dir():
        shutil.rmtree(SAMPLE)
    code = _start(python, "-m", "model.synthetic", "--output", str(SAMPLE))
    if code != 0:
        sys.exit(code)
    SAMPLE_STAMP.write_text(generator)
    return dicom


COMMANDS = {
    "run": Command("open the program on the sample study; or: run ARGUMENTS of gliascope", run),
    "test": Command("pass the tests; or: test ARGUMENTS of pytest", test),
    "lint": Command("check style, types and import rules; lint --fix mends what it can", lint),
    "bench": Command("measure speed and memory: the network, --peers, --command STUDY", bench),
    "fuzz": Command("open 20,000 damaged files: --files N, --seed N, --only CASE", fuzz),
    "train": Command("train the network (--help for its options)", train),
    "build": Command("make this system's installers: --only app|deb|run, --reuse-app", build),
    "test-installers": Command("install, test, upgrade and remove them", try_installers),
    "compare-builds": Command("build one commit twice, compare every file", compare_builds),
    "screenshots": Command("take the pictures of the README", screenshots),
    "lock": Command("pin the versions that pyproject.toml allows", lock),
}

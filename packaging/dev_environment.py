"""The checkout's own Python environment: one ``.venv``, pinned versions, made once."""

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path

from dev_errors import SetUpError
from dev_system import apt_install, is_debian, is_root

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
STAMP = VENV / "gliascope-stamp.json"
INSTALL_LOG = VENV / "install.log"
LOCK = Path(__file__).with_name("requirements.lock")
PYPROJECT = ROOT / "pyproject.toml"

# https://pytorch.org/get-started/locally: the CPU builds, which are ten times smaller than what
# the package index holds for Linux.
PYTORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"

# Environment, pip's download cache and some room to unpack.
BYTES_NEEDED = 5 * 1024**3

LOCKED_GROUPS = ("test", "lint", "train", "bench", "package")
# What only the CUDA build of torch needs; pip takes it from torch's own metadata.
CUDA_PACKAGES = re.compile(r"(nvidia|cuda|triton)(-|==)")
LOCK_HEADER = """\
# The exact versions that packaging/dev.py installs: product, tests, linters, packaging; and what
# their files on the package index add up to (SHA-256), of which only these are taken. Torch has no
# such sums: its builds for processors come from elsewhere (docs/decisions/0006).
# Made by `python3 packaging/dev.py lock` from pyproject.toml; do not edit by hand.
"""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the environment was made from; equal stamps mean that nothing is to be done."""

    python: str
    lock: str
    torch: str
    project: str

    @staticmethod
    def read() -> "Stamp | None":
        """Return the environment's stamp, or None where there is none that can be read."""
        try:
            return Stamp(**json.loads(STAMP.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write(self) -> None:
        """Put this stamp on the environment."""
        STAMP.write_text(json.dumps(asdict(self), indent=1) + "\n", "utf-8")


def venv_python() -> Path:
    """Return the environment's interpreter."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def lock_entries(text: str) -> list[str]:
    """Return the requirements of a lock, each with the lines of its hashes."""
    return re.findall(r"^[^\s#].*(?:\n[ \t].*)*", text, re.MULTILINE)


def split_lock(text: str) -> tuple[str, str]:
    """Split a lock into torch's version and the requirements of all else.

    Torch goes its own way because its CPU and CUDA builds share a name and a version.
    """
    entries = lock_entries(text)
    torch_entries = [entry for entry in entries if entry.startswith("torch==")]
    if len(torch_entries) != 1:
        raise SetUpError(
            "The lock file does not name one version of torch.",
            str(LOCK),
            "Restore the file from git, or make it anew: python3 packaging/dev.py lock",
        )
    rest = [entry for entry in entries if not entry.startswith("torch==")]
    return torch_entries[0].removeprefix("torch=="), "\n".join(rest) + "\n"


def torch_attempts(version: str, *, cuda: bool) -> list[list[str]]:
    """Return pip's arguments for each way to get torch, the most fitting first."""
    attempts = [
        [f"torch=={version}+cpu"],
        [f"torch=={version}", "--index-url", PYTORCH_CPU_INDEX],
        [f"torch=={version}"],
    ]
    return attempts[::-1] if cuda else attempts


def ensure_environment(*, cuda: bool = False) -> Path:
    """Make ``.venv`` what the lock says, and return its interpreter.

    Without changes since the last call this reads four small files and touches no network.

    Parameters
    ----------
    cuda
        Ask for torch with CUDA; an environment once made so stays so.

    Raises
    ------
    SetUpError
        Without a venv module, room on the disk, or packages to install.
    """
    present = Stamp.read()
    keeps_cuda = present is not None and present.torch == "cuda"
    wanted = Stamp(
        python=".".join(map(str, sys.version_info[:3])),
        lock=_digest(LOCK),
        torch="cuda" if cuda or keeps_cuda else "cpu",
        project=_digest(PYPROJECT),
    )
    if present == wanted and venv_python().exists():
        return venv_python()

    STAMP.unlink(missing_ok=True)
    fresh = _ensure_venv(present, wanted)
    torch_version, rest = split_lock(LOCK.read_text("utf-8"))
    if fresh or present is None or present.lock != wanted.lock:
        _install_locked(rest)
    if fresh or present is None or (present.lock, present.torch) != (wanted.lock, wanted.torch):
        _install_torch(torch_version, cuda=wanted.torch == "cuda")
    _install_project()
    wanted.write()
    return venv_python()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _ensure_venv(present: Stamp | None, wanted: Stamp) -> bool:
    """Create the environment unless there is one of the same Python; tell whether it is new."""
    if present is not None and present.python != wanted.python:
        print(f"The environment was made by Python {present.python}; making it anew.", flush=True)
        shutil.rmtree(VENV)
    if venv_python().exists():
        return False
    free_bytes = shutil.disk_usage(ROOT).free
    if free_bytes < BYTES_NEEDED:
        raise SetUpError(
            f"There is too little room on the disk: {free_bytes / 1e9:.1f} GB are free.",
            str(ROOT),
            f"Make room for {BYTES_NEEDED / 1e9:.0f} GB, then run the same command again.",
        )
    _ensure_venv_module()
    print(f"Creating {VENV} with Python {wanted.python}", flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(VENV)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise SetUpError(
            "The Python environment could not be created.",
            f"{VENV}: {lines[-1] if lines else 'venv gave no reason'}",
            "Check that the folder can be written and that Python's venv module is complete.",
        )
    return True


def _ensure_venv_module() -> None:
    """Debian ships Python without venv and pip; as root we can add them."""
    if importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"):
        return
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    if is_debian() and is_root():
        apt_install([package])
        return
    raise SetUpError(
        "This Python has no venv module or no pip.",
        sys.executable,
        f"On Debian and Ubuntu run: sudo apt-get install {package} (elsewhere: reinstall Python)",
    )


def _install_locked(lines: str) -> None:
    rest = VENV / "requirements-without-torch.txt"
    rest.write_text(lines, "utf-8")
    print("Installing the Python packages; the first time this takes some minutes.", flush=True)
    complaint = _pip("--no-deps", "--require-hashes", "--requirement", str(rest))
    if complaint is not None:
        raise _cannot_install("The Python packages could not be installed.", complaint)


def _install_torch(version: str, *, cuda: bool) -> None:
    print(f"Installing torch {version}", flush=True)
    complaint: str | None = None
    for arguments in torch_attempts(version, cuda=cuda):
        complaint = _pip("--upgrade", *arguments)
        if complaint is None:
            return
    raise _cannot_install(f"torch {version} could not be installed.", complaint or "")


def _install_project() -> None:
    print("Installing the project itself, editable", flush=True)
    complaint = _pip("--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    if complaint is not None:
        raise _cannot_install("The project could not be installed.", complaint)


def _cannot_install(what: str, complaint: str) -> SetUpError:
    return SetUpError(
        what,
        f"pip: {complaint} (all of it: {INSTALL_LOG})",
        "Check the network, the proxy and the room on the disk, then run the same command again.",
    )


def _pip(*arguments: str) -> str | None:
    """Run ``pip install``; return None when it went well, else its last complaint."""
    command = [str(venv_python()), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    done = subprocess.run(
        [*command, "install", "--retries", "2", "--progress-bar", "off", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    with INSTALL_LOG.open("a", encoding="utf-8") as log:
        log.write(done.stdout)
    if done.returncode == 0:
        return None
    errors = [line for line in done.stdout.splitlines() if line.startswith("ERROR:")]
    return errors[-1].removeprefix("ERROR:").strip() if errors else f"exit code {done.returncode}"


def as_lock(resolution: str) -> list[str]:
    """Turn a resolver's answer into the lock: torch without its build, nothing of CUDA."""
    entries = [entry for entry in lock_entries(resolution) if not CUDA_PACKAGES.match(entry)]
    torch = {re.split(r"[+ ;]", entry)[0] for entry in entries if entry.startswith("torch==")}
    return sorted({entry for entry in entries if not entry.startswith("torch==")} | torch)


def write_lock() -> Path:
    """Resolve pyproject.toml for every supported Python and system, and write the lock.

    Versions already locked stay unless pyproject.toml asks for others; delete the file first
    for the newest ones.
    """
    with PYPROJECT.open("rb") as stream:
        (resolver,) = tomllib.load(stream)["dependency-groups"]["lock"]
    complaint = _pip(resolver)
    if complaint is not None:
        raise _cannot_install("The resolver could not be installed.", complaint)
    command = [str(venv_python()), "-m", "uv", "pip", "compile", "--quiet", "--no-header"]
    command += ["--universal", "--fork-strategy", "fewest", "--python-version", "3.11"]
    command += ["--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    command += ["--generate-hashes"]
    command += [part for group in LOCKED_GROUPS for part in ("--group", group)]
    if LOCK.exists():
        command += ["--constraint", str(LOCK)]
    done = subprocess.run(
        [*command, str(PYPROJECT)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SetUpError(
            "The dependencies could not be resolved.",
            done.stderr.strip(),
            "Mend the versions in pyproject.toml, or delete the lock to start afresh.",
        )
    LOCK.write_text(LOCK_HEADER + "\n".join(as_lock(done.stdout)) + "\n", "utf-8")
    return LOCK

"""A text that tells of a fault without telling of a patient; whoever makes it sends it on."""

import getpass
import platform
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

import desktop_app
from desktop_app.domain.study import Study
from desktop_app.io.atomic import NO_LETTER, atomic_path
from desktop_app.paths import manual_dir
from desktop_app.services.crash_report import CRASH_FOLDER
from desktop_app.services.export.run_log import RUN_LOG
from desktop_app.services.privacy import REDACTED, Redactor
from desktop_app.services.settings import Settings

_LIBRARIES = ("torch", "numpy", "PySide6", "vtk", "pydicom", "nibabel", "SimpleITK", "scipy")
# None of them is a path or a list of studies.
_SETTINGS = (
    *("device", "precision", "model", "theme", "export_formats", "export_anonymise"),
    *("batch_formats", "batch_anonymise", "batch_watch", "overlay_percent", "overlay_outline"),
    *("brush_mm", "brush_ball"),
)
_LEAST_NAME = 2

# Of a trace: where in the program, and which kind of error. What an error says may be data.
_FRAME = re.compile(r'[\s|+-]*File "(?P<path>[^"]*)", line (?P<line>\d+), in (?P<name>[\w.<>]+)')
_ROOT = re.compile(
    r".*[/\\](?:(?:site-packages|python3\.\d+)[/\\]|(?=(?:desktop_app|ui|model)[/\\]))"
)
_CODE = re.compile(r"\w+(?:[/\\]\w+)*\.pyx?")
_KIND = re.compile(r"[\s|+-]*(?P<kind>[A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit|Warning))\b")
_PLAIN = re.compile(
    r"Gliascope [\w.+-]+(?=, )|Python [\w.+-]+, [\w.+-]+|Traceback \(most recent call last\):|"
    r"During handling of the above exception, another exception occurred:|"
    r"The above exception was the direct cause of the following exception:"
)
_SOURCE_INDENT = " " * 4
_NUMBER = re.compile(r"\d{1,3}")

# Of a log: lines of the program's own words and numbers, and those with sentences.
_FACT = re.compile(
    r"Gliascope [\w.+-]+(?=, )|Model [\w.+-]+, sha256 \w*|Device .*, precision \w+|"
    r"Labels corrected by hand|Labels of another program|"
    r"\w+: (?:missing|[\d x]+ voxels of [\d. x]+ mm \(k, j, i\)|\d+ voxels, [\d.]+ mm3)|"
    r"Seconds, [\w ]+: [\d.]+"
)
_SENTENCE = re.compile(r"(?:Step|Warning): ")
_IDENTIFYING = re.compile(
    r'"[^"]*"|“[^”]*”|(?<!\w)\'[^\']*\'|'
    r"(?<![\w³])(?:[A-Za-z]:|~|\\)?[\\/][^,;\"]*|"
    r"\S*\d+(?:\.\d+){3,}\S*|\S*\d{5,}\S*|\S*\^\S*|"
    r"\b\d{4}([-./])\d{1,2}\1\d{1,2}\b|\b\d{1,2}([-./])\d{1,2}\2(?:\d{4}|\d{2})\b|"
    r"\b\d{1,2}\.? (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*,? \d{2,4}\b"
)


def support_text(
    settings: Settings, user_data: Path, studies: Iterable[Study], results: Path | None
) -> str:
    """Return what helps to find a fault and names no patient, study, folder or user.

    Parameters
    ----------
    user_data
        Folder for what the program keeps for this user.
    studies
        Those that the last results are of.
    results
        Folder with the last results, if there are any.
    """
    redactors = [Redactor.for_study(study) for study in studies]

    def hide(line: str) -> str:
        for redactor in redactors:
            line = redactor.redact(line)
        return line

    crashes = sorted((user_data / CRASH_FOLDER).glob("crash-*.txt"))
    parts = {
        "Program and computer": _versions(),
        "Settings": [f"{name}: {getattr(settings, name)}" for name in _SETTINGS],
        "Last fault of the program": _fault(_lines(crashes[-1:]), hide),
        "Last results": _log(_lines([results / RUN_LOG] if results else []), hide),
    }
    lines = ["Gliascope support file. Paths, dates, names and numbers of patients are left out."]
    for title, said in parts.items():
        lines += ["", title, *(f"  {line}" for line in said or ["none"])]
    return _without_user("\n".join(lines)) + "\n"


def write_support_file(text: str, path: Path) -> None:
    """Write the text where its user wants it.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(text, "utf-8", NO_LETTER)


def _versions() -> list[str]:
    memory = psutil.virtual_memory()
    lines = [
        f"Gliascope {desktop_app.__version__}",
        f"Python {platform.python_version()}, {platform.platform()}, {platform.machine()}",
        f"{psutil.cpu_count()} threads, {memory.total / 1e9:.1f} GB of memory, "
        f"{memory.available / 1e9:.1f} GB free",
    ]
    for name in _LIBRARIES:
        with suppress(PackageNotFoundError):  # an installer may leave out what tells it
            lines.append(f"{name} {version(name)}")
    return lines


def _lines(files: Iterable[Path]) -> list[str]:
    """Return the lines of the files that can be read."""
    lines: list[str] = []
    for file in files:
        with suppress(OSError):
            lines += file.read_text("utf-8", "replace").splitlines()
    return lines


def _fault(lines: Iterable[str], hide: Callable[[str], str]) -> list[str]:
    """Return a trace of which no more is left than places in the program and plain words."""
    words = _plain_words()
    kept = []
    for line in lines:
        frame, kind, plain = _FRAME.match(line), _KIND.match(line), _PLAIN.match(line)
        if plain:
            kept.append(plain[0])
        elif frame:
            file = _ROOT.sub("", frame["path"])
            known = file if _CODE.fullmatch(file) else REDACTED
            kept.append(f"  {known}, line {frame['line']}, in {frame['name']}")
        elif kind:
            said = _only_plain(hide(line[kind.end() :]), words)
            kept.append(f"{kind['kind']}{said}")
        elif line.strip() and not line.startswith(_SOURCE_INDENT):
            kept.append(_only_plain(hide(line), words))
    return kept


def _plain_words() -> set[str]:
    """Return the words of the manual, as they are written inside a sentence."""
    pages = _lines(sorted(manual_dir().glob("*.md")))
    return set(re.findall(r"(?<![\w.'/-])[a-z]+(?![\w'/-])", "\n".join(pages)))


def _only_plain(sentence: str, words: set[str]) -> str:
    """Return a sentence with plain words and short numbers only; names are in no manual."""

    def judge(found: re.Match[str]) -> str:
        pieces = [one for one in re.split(r"[\[\](),:;]|\.$", found[0]) if one]
        is_plain = all(one in words or _NUMBER.fullmatch(one) for one in pieces)
        return found[0] if is_plain else REDACTED

    return _joined(re.sub(r"\S+", judge, _IDENTIFYING.sub(REDACTED, sentence)))


def _log(lines: Iterable[str], hide: Callable[[str], str]) -> list[str]:
    kept = []
    for line in map(hide, lines):
        fact, sentence = _FACT.match(line), _SENTENCE.match(line)
        if fact:
            kept.append(fact[0])
        elif sentence:
            kept.append(_joined(_IDENTIFYING.sub(REDACTED, line)))
    return kept


def _joined(sentence: str) -> str:
    """Return a sentence in which what is left out one after the other is told once."""
    one = re.escape(REDACTED)
    return re.sub(rf"{one}(?:\W*{one})+", REDACTED, sentence)


def _without_user(text: str) -> str:
    """Leave out who is logged in, and at which computer."""
    names = {Path.home().name, platform.node()}
    with suppress(OSError, KeyError, ImportError):  # nobody, as in a container
        names.add(getpass.getuser())
    for name in sorted((one for one in names if len(one) >= _LEAST_NAME), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", REDACTED, text, flags=re.IGNORECASE)
    return text

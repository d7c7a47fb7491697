"""What the program remembers for its user between two starts."""

import json
import logging
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from desktop_app.io.atomic import atomic_path

SETTINGS_FILE = "settings.json"

_RECENT_STUDIES = 8
# As in `model.messages`, which takes too long to load before anything is on the screen.
_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?|mps")
# What other versions, or a hand, may have written, and the window could not be built with.
_IS_POSSIBLE: dict[str, Callable[[Any], bool]] = {
    "theme": lambda name: name in {"auto", "light", "dark"},
    "device": lambda name: _DEVICE.fullmatch(name) is not None,
    "precision": lambda name: name in {"auto", "fp32", "bf16", "fp16"},
    "overlay_percent": lambda percent: 0 <= percent <= 100,
    "brush_mm": lambda diameter_mm: 1 <= diameter_mm <= 60,
}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Settings:
    """Choices that outlive the window.

    Parameters
    ----------
    device, precision
        As on the command line; ``auto`` lets the program decide.
    model
        Name of the weights; empty for the program's own.
    theme
        ``auto``, ``light`` or ``dark``.
    open_folder, export_folder
        Where the user last opened a study and saved results; empty before the first time.
    export_formats, export_anonymise
        What was ticked at the last export: names with commas between them, empty before the first
        time, and whether names were left out.
    batch_formats, batch_anonymise
        The same on the batch page.
    batch_folder, batch_output, batch_watch
        The folder of studies that was chosen last on the batch page, that for their results where
        the user chose one, and whether to keep watching.
    batch_widths
        Of the columns of its table; empty as long as nobody drew any.
    result_folder
        Where the user last opened an earlier result.
    recent_studies
        Paths of the studies opened last, the latest first.
    window_place
        Where the window stood; empty before the first time.
    overlay_percent, overlay_outline
        How strong regions cover the slices, and whether only their outlines do.
    dialog_sizes
        Of dialogs that the user resized: kind, width and height.
    brush_mm, brush_ball
        Diameter of the brush, and whether it paints neighbouring slices too.
    """

    device: str = "auto"
    precision: str = "auto"
    model: str = ""
    theme: str = "auto"
    open_folder: str = ""
    export_folder: str = ""
    export_formats: str = ""
    export_anonymise: bool = False
    batch_formats: str = ""
    batch_anonymise: bool = False
    batch_folder: str = ""
    batch_output: str = ""
    batch_watch: bool = False
    batch_widths: str = ""
    result_folder: str = ""
    recent_studies: tuple[str, ...] = ()
    window_place: str = ""
    dialog_sizes: tuple[str, ...] = ()
    overlay_percent: int = 45
    overlay_outline: bool = False
    brush_mm: int = 8
    brush_ball: bool = False

    def with_recent(self, path: str) -> "Settings":
        """Return these settings with a study opened last, the oldest forgotten."""
        others = [one for one in self.recent_studies if one != path]
        return replace(self, recent_studies=(path, *others)[:_RECENT_STUDIES])

    def without_studies(self) -> "Settings":
        """Return these settings without the paths of studies."""
        return replace(self, recent_studies=(), batch_folder="", batch_output="")


def load_settings(file: Path) -> Settings:
    """Read the settings; defaults where the file is missing, damaged or of another version."""
    try:
        stored: Any = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return Settings()
    # Lists within lists without end are no settings either.
    except (OSError, ValueError, RecursionError) as error:
        _log.info("Settings in %s are not readable, defaults are used: %s", file.name, error)
        return Settings()
    if not isinstance(stored, dict):
        return Settings()
    kinds = {field.name: type(field.default) for field in fields(Settings)}
    # JSON has no tuples.
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in stored.items()}
    known: dict[str, Any] = {
        k: v
        for k, v in values.items()
        if type(v) is kinds.get(k)
        and not (isinstance(v, tuple) and any(not isinstance(one, str) for one in v))
        and (k not in _IS_POSSIBLE or _IS_POSSIBLE[k](v))
    }
    return Settings(**known)


def save_settings(settings: Settings, file: Path) -> None:
    """Write the settings, for this user alone: paths of studies may name patients.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    with atomic_path(file) as temporary:
        temporary.touch(mode=0o600)
        temporary.write_text(json.dumps(asdict(settings), indent=2), "utf-8")

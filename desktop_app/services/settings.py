"""What the program remembers for its user between two starts."""

import json
import logging
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from desktop_app.io.atomic import atomic_path

SETTINGS_FILE = "settings.json"

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


def load_settings(file: Path) -> Settings:
    """Read the settings; defaults where the file is missing, damaged or of another version."""
    try:
        stored: Any = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError) as error:
        _log.info("Settings in %s are not readable, defaults are used: %s", file.name, error)
        return Settings()
    if not isinstance(stored, dict):
        return Settings()
    kinds = {field.name: type(field.default) for field in fields(Settings)}
    known: dict[str, Any] = {k: v for k, v in stored.items() if type(v) is kinds.get(k)}
    return Settings(**known)


def save_settings(settings: Settings, file: Path) -> None:
    """Write the settings.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    with atomic_path(file) as temporary:
        temporary.write_text(json.dumps(asdict(settings), indent=2), "utf-8")

"""Loads what the first study will need, while its user still looks for it."""

import importlib

# What opening a study imports, then what segmenting and correcting do: about a second together.
_MODULES = (
    "desktop_app.io.scan",
    "desktop_app.io.load",
    "desktop_app.services.preflight.pixels",
    "desktop_app.imaging.image_quality",
    "desktop_app.imaging.thumbnail",
    "desktop_app.services.segmenting.preprocess",
    "desktop_app.services.correction.correction",
)


def load_ahead() -> None:
    """Import the slow libraries; meant for a thread in the background."""
    for name in _MODULES:
        importlib.import_module(name)

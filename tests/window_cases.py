"""The program's window with a study in it, and what can be read from it."""

import numpy as np
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLabel, QPushButton

from desktop_app.domain.segmentation import Segmentation
from desktop_app.domain.volume import Volume
from desktop_app.paths import assets_dir
from desktop_app.services.measuring.measure import measure
from desktop_app.services.preflight.headers import check_headers
from tests.study_cases import GEOMETRY, PROVENANCE, make_study, roles_of
from ui.icons import Icons
from ui.main_window import MainWindow
from ui.presenters.rows import header_of, region_rows
from ui.presenters.slots import slots_of
from ui.theme import LIGHT, apply_theme
from ui.views.study_view import Findings

IMAGE = Volume(np.arange(120, dtype=np.float32).reshape(GEOMETRY.shape_kji), GEOMETRY)


def make_window(application) -> MainWindow:
    """Return the window in the light theme, not shown yet."""
    apply_theme(application, LIGHT, assets_dir() / "styles" / "gliascope.qss")
    return MainWindow(Icons(assets_dir() / "icons"))


def show_study(window) -> None:
    """Put a study with its T1c image into the window."""
    study = make_study()
    window.show_study(header_of(study), slots_of(study, check_headers(study, roles_of(study))))
    window.show_image(IMAGE, reference=IMAGE)


def nested_segmentation() -> Segmentation:
    """Return labels with one voxel, which lies in every region."""
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels[1, 2, 3] = 3
    return Segmentation(labels, GEOMETRY, PROVENANCE)


def findings_of_one_voxel(**others) -> Findings:
    segmentation = nested_segmentation()
    return Findings(region_rows(segmentation, measure(segmentation)), **others)


def texts(widget):
    return [label.text() for label in widget.findChildren(QLabel)]


def shown_texts(widget):
    return [label.text() for label in widget.findChildren(QLabel) if label.isVisible()]


def buttons_of(page):
    return page.findChildren(QPushButton)


def contrast(one: QColor, other: QColor) -> float:
    """Return the ratio of two colours' brightness, 1 to 21, as WCAG 2.2 reckons it."""
    dark, bright = sorted((_luminance(one), _luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: QColor) -> float:
    channels = np.array((colour.redF(), colour.greenF(), colour.blueF()))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))

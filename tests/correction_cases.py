"""Results to correct, strokes, and a window beside this one."""

import platform
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import psutil
import pytest

from desktop_app.domain.correction import Tool, ToolSettings
from desktop_app.domain.geometry import Geometry
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.io import correction_journal
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_study

AXIAL = np.array([0.0, 0.0, 1.0])
BRUSH = ToolSettings(Tool.BRUSH, 3, 2.0)


def at(k, j, i):
    return GEOMETRY.to_patient_mm(np.array([k, j, i], float))


def result_of(labels=None, warnings=()):
    empty = np.zeros(GEOMETRY.shape_kji, np.uint8)
    return make_result(make_study(), empty if labels is None else labels, warnings)


def stroke(correction, settings, *points, normal=AXIAL):
    correction.begin(settings, points[0], normal)
    for point in points[1:]:
        correction.extend(point)
    return correction.finish()


def middle(*offset_kji):
    return np.array(GEOMETRY.shape_kji) // 2 + np.array(offset_kji or (0, 0, 0))


def shown_as(result, **images):
    """The result with other images on its grid, by sequence."""
    volumes = {Sequence[name]: Volume(image, GEOMETRY) for name, image in images.items()}
    prepared = replace(result.prepared, volumes={**result.prepared.volumes, **volumes})
    return replace(result, prepared=prepared)


def two_tissues():
    """Dark left of the middle, bright from there on, both noisy."""
    image = np.random.default_rng(0).normal(100, 3, GEOMETRY.shape_kji).astype(np.float32)
    image[:, :, middle()[2] :] += 100
    return image


def flipped(geometry):
    affine = geometry.affine_lps_mm.copy()
    nk, _, ni = geometry.shape_kji
    affine[:3, 3] = geometry.to_patient_mm(np.array([nk - 1, 0, ni - 1], float))
    affine[:3, 0] *= -1
    affine[:3, 2] *= -1
    return Geometry(geometry.shape_kji, affine)


class OtherWindow:
    """Stands for a process beside this one: journals begun within `writing` are its own."""

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        started = psutil.Process(self.process.pid).create_time()
        self.mark = {
            "computer": platform.node(),
            "number": self.process.pid,
            "started": started,
        }

    @contextmanager
    def writing(self):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(correction_journal, "process_mark", lambda: self.mark)
            yield

    def end(self):
        self.process.kill()
        self.process.communicate()

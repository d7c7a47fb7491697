"""The three-plane scout every real study begins with; of no use for segmentation."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from model.spec import Sequence
from model.synthetic.acquisition import Matrix, oblique_grid, receive, sample
from model.synthetic.dicom import StudyIdentity, series_header, write_stack
from model.synthetic.phantom import HeadPhantom, simulate
from model.synthetic.series import AXIAL, CORONAL, SAGITTAL, plan_study

_SLICES_PER_PLANE = 3


def write_localizer(
    folder: Path, phantom: HeadPhantom, head_to_scanner: Matrix, identity: StudyIdentity
) -> None:
    """Write one series of three planes, three thick slices each.

    Parameters
    ----------
    folder
        Where to; made if missing.
    phantom
        The head.
    head_to_scanner
        4 × 4, maps the head's millimetres to the scanner's.
    identity
        Identifiers of the study.
    """
    t1 = next(plan for plan in plan_study() if plan.sequence is Sequence.T1)
    plan = replace(
        t1,
        number=1,
        description="localizer",
        pulses=replace(t1.pulses, acquisition_type="2D"),
        image_type=("ORIGINAL", "PRIMARY", "LOCALIZER"),
        start="092610",
    )
    header = series_header(plan, identity)
    picture = simulate(phantom, plan.protocol)
    rng = np.random.default_rng(identity.seed)
    for number, axes in enumerate((AXIAL, CORONAL, SAGITTAL)):
        grid = oblique_grid(
            (_SLICES_PER_PLANE, 128, 128),
            (20.0, 2.0, 2.0),
            axes_lps=axes,
            tilt_deg=(0.0, 0.0, 0.0),
            centre_lps_mm=(0.0, -18.0, 24.0),
            slice_thickness_mm=8.0,
        )
        clean = sample(picture, phantom, grid, head_to_scanner)
        received = receive(clean, rng, noise=0.06, shading=0.2) * plan.white_matter
        stored = np.minimum(np.rint(received), 4095).astype(np.uint16)
        first = 1 + number * _SLICES_PER_PLANE
        write_stack(folder, header, stored, grid, identity, first_instance=first)

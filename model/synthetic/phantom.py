"""A head with a glioma, and its picture under a protocol."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.synthetic.brain import paint_brain
from model.synthetic.canvas import Canvas, coarse_box
from model.synthetic.fields import Box, FloatArray, Points, smooth_noise
from model.synthetic.head import paint_head
from model.synthetic.signal import Protocol, signal
from model.synthetic.tissues import RELAXATION, Relaxation, Tissue
from model.synthetic.tumour import (
    TumourSpec,
    displacement,
    paint_tumour,
)
from model.synthetic.vessels import paint_vessels

_LOWER_MM = (-92.0, -126.0, -112.0)
_UPPER_MM = (92.0, 124.0, 98.0)

# Standard deviation of the signal inside a tissue, as part of its mean.
_TEXTURE = {
    Tissue.GREY_MATTER: 0.02,
    Tissue.WHITE_MATTER: 0.03,
    Tissue.MUSCLE: 0.12,
    Tissue.FAT: 0.10,
    Tissue.MARROW: 0.25,
    Tissue.MUCOSA: 0.15,
    Tissue.OEDEMA: 0.08,
    Tissue.ENHANCING_RIM: 0.20,
    Tissue.NECROSIS: 0.13,
}


@dataclass(frozen=True, slots=True, eq=False)
class HeadPhantom:
    """A voxelised head; each voxel holds at most two tissues.

    Parameters
    ----------
    box
        The grid; its axes are those of the head (LPS, origin at the anterior commissure).
    tissues_kji, minor_kji
        uint8 codes of `Tissue`: what fills most of a voxel, and what fills the rest.
    share_kji
        float32, the part of a voxel that ``tissues_kji`` names.
    texture_kji
        float32 noise of unit variance that modulates the signal inside tissues.
    tumour_kji
        uint8 labels: 1 NCR, 2 ED, 3 ET.
    tumour
        What the tumour was made from; None for a healthy head.
    """

    box: Box
    tissues_kji: NDArray[np.uint8]
    minor_kji: NDArray[np.uint8]
    share_kji: FloatArray
    texture_kji: FloatArray
    tumour_kji: NDArray[np.uint8]
    tumour: TumourSpec | None

    def __post_init__(self) -> None:
        for array in (
            self.tissues_kji,
            self.minor_kji,
            self.share_kji,
            self.texture_kji,
            self.tumour_kji,
        ):
            if array.shape != self.box.shape_kji:
                raise ValueError("every array of a phantom must have the shape of its box")
            array.setflags(write=False)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along k, j and i."""
        return (self.box.spacing_mm,) * 3

    @property
    def affine_lps_mm(self) -> NDArray[np.float64]:
        """4 × 4, maps (i, j, k, 1) to the head's LPS millimetres."""
        affine = np.diag([self.box.spacing_mm] * 3 + [1.0])
        affine[:3, 3] = self.box.origin_lps_mm
        return affine


def make_head(
    seed: int,
    *,
    tumour: TumourSpec | None = None,
    spacing_mm: float = 1.0,
    size: float = 0.92,
    healthy: bool = False,
) -> HeadPhantom:
    """Build a head.

    Parameters
    ----------
    seed
        Decides every detail; the same seed gives the same head.
    tumour
        The glioma; the default one if None.
    spacing_mm
        Voxel size; 2 makes a coarse head in a fraction of the time.
    size
        Of the head; 1 is a large man's, with a brain of 145 by 178 mm.
    healthy
        Leave the tumour out.

    Returns
    -------
    head
        The phantom.
    """
    if not 0.5 <= spacing_mm <= 4:
        raise ValueError("spacing_mm must lie in 0.5 to 4")
    if not 0.85 <= size <= 1.0:
        raise ValueError("size must lie in 0.85 to 1")
    spec = None if healthy else tumour or TumourSpec()
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(6)]
    box = Box.covering(_LOWER_MM, _UPPER_MM, spacing_mm)
    canvas = Canvas(box, _deformed(coarse_box(box), spec, size, streams[0]))
    cavity = paint_head(canvas, streams[1])
    cortex = paint_brain(canvas, streams[2])
    paint_vessels(canvas, cavity, cortex, streams[5])
    labels = np.zeros(canvas.box.shape_kji, dtype=np.uint8)
    if spec is not None:
        labels = paint_tumour(canvas, cortex, spec, streams[3])
    fine, broad = (smooth_noise(streams[4], canvas.coarse_box, scale) for scale in (4.5, 12))
    return HeadPhantom(
        canvas.box,
        canvas.primary_kji,
        canvas.secondary_kji,
        canvas.share_kji,
        canvas.to_fine((fine + broad) / np.float32(np.sqrt(2))),
        labels,
        spec,
    )


def _deformed(box: Box, spec: TumourSpec | None, size: float, rng: np.random.Generator) -> Points:
    """Where in the average head the voxels of a box lie: no two heads, and no two sides, agree."""
    x, y, z = (np.broadcast_to(axis, box.shape_kji) for axis in box.axes_mm())
    points = [axis + smooth_noise(rng, box, 50) * np.float32(1.6) for axis in (x, y, z)]
    if spec is not None:
        part = displacement((x, y, z), spec)
        for moved, axis, centre in zip(points, (x, y, z), spec.centre_lps_mm, strict=True):
            moved -= (axis - np.float32(centre)) * part
    px, py, pz = (np.asarray(moved / size, dtype=np.float32) for moved in points)
    return px, py, pz


def simulate(
    phantom: HeadPhantom,
    protocol: Protocol,
    relaxation: dict[Tissue, Relaxation] | None = None,
) -> FloatArray:
    """Noise-free picture of a head on its own grid, white matter at 1.

    Parameters
    ----------
    phantom
        The head.
    protocol
        Timing of the sequence.
    relaxation
        Tissue properties; the package's own if None.

    Returns
    -------
    array_kji
        float32, of the phantom's shape.
    """
    properties = relaxation or RELAXATION
    levels = np.array([signal(properties[t], protocol) for t in Tissue], dtype=np.float32)
    levels /= levels[Tissue.WHITE_MATTER]
    spread = np.array([_TEXTURE.get(t, 0.0) for t in Tissue], dtype=np.float32)
    image = levels[phantom.minor_kji]
    image += (levels[phantom.tissues_kji] - image) * phantom.share_kji
    image *= 1 + spread[phantom.tissues_kji] * phantom.texture_kji
    return np.maximum(image, 0)

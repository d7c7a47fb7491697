"""Rigid registration of two images of one head by mutual information."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.readable import readable_share
from desktop_app.domain.registration import Registration, RegistrationQuality
from desktop_app.domain.stopping import Check, go_on
from desktop_app.domain.volume import Volume
from desktop_app.imaging.grids import THREADS, isotropic_geometry, to_image
from desktop_app.imaging.registration_start import StartSearch
from desktop_app.imaging.resample import resample
from desktop_app.imaging.similarity import normalised_mutual_information
from desktop_app.imaging.stripped import air_value

_FINE_MM = 2.0
_SAMPLES = 20_000
_SEED = 20_240_229
_BINS = 32
_ITERATIONS = 100
# A patient who stays on the table moves less; another examination may start anywhere.
_MAX_MOTION_MM, _MAX_ROTATION_DEG = 30.0, 20.0
_MAX_FREE_ROTATION_DEG = 45.0
_MIN_OVERLAP = 0.5
# Below this share of the head there is nothing to compare.
_LEAST_OVERLAP = 0.1
# Around a true match the agreement falls off on every side. Measured on real heads: at least 0.88
# for two images of one patient, at most 0.31 for two patients, 0.02 for noise.
_MIN_SCORE = 0.45
# Below it another start is tried, and the mirror image: of real brains mirrored ones score up to
# 0.58 with the other side's, right ones on slices of 5 mm at least 0.67.
_GOOD_SCORE = 0.7
_PROBE_MM, _PROBE_DEG = 8.0, 8.0


@dataclass(frozen=True, slots=True)
class _Level:
    """One stage from coarse to fine."""

    shrink: int
    sigma_mm: float
    step_mm: float
    smallest_mm: float
    samples: int


# On raw thick-slice heads started up to 10 mm and 10° off, these end within 0.6 mm of each other
# at the head's corners; line-search optimisers do no better in three times the time.
_LEVELS = (
    _Level(shrink=4, sigma_mm=4.0, step_mm=4.0, smallest_mm=0.04, samples=20_000),
    _Level(shrink=2, sigma_mm=2.0, step_mm=2.0, smallest_mm=0.02, samples=20_000),
    _Level(shrink=1, sigma_mm=0.7, step_mm=2.0, smallest_mm=0.01, samples=25_000),
)


@dataclass(frozen=True, slots=True, eq=False)
class _Match:
    """A 4 × 4 motion from fixed to moving, and how well the images agree under it."""

    matrix: NDArray[np.float64]
    score: float
    overlap: float


class _LostEachOther(Exception):
    """The optimiser gave up: on the way no sample of one image met the other."""


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """Both images on cubic voxels, and points of the fixed head to compare them at."""

    fixed: Volume
    moving: Volume
    points_lps_mm: NDArray[np.float64]
    fixed_values: NDArray[np.float32]
    centre_lps_mm: NDArray[np.float64]

    def score(self, fixed_to_moving: NDArray[np.float64]) -> tuple[float, float]:
        """Return agreement (0 to 1) and the share of the head that both images show."""
        moved = self.points_lps_mm @ fixed_to_moving[:3, :3].T + fixed_to_moving[:3, 3]
        index = self.moving.geometry.to_index_kji(moved).T
        limit = np.array(self.moving.geometry.shape_kji)[:, None] - 1
        inside = ((index >= -0.5) & (index <= limit + 0.5)).all(axis=0)
        overlap = float(inside.mean())
        if overlap < _LEAST_OVERLAP:
            return 0.0, overlap
        values = ndimage.map_coordinates(
            self.moving.array_kji, index[:, inside], order=1, mode="nearest"
        )
        return normalised_mutual_information(self.fixed_values[inside], values, _BINS), overlap


def register_rigid(
    moving: Volume,
    fixed: Volume,
    *,
    check: Check = go_on,
) -> Registration:
    """Find the rigid motion that lays one image over another.

    Starts from the headers (patient coordinates), or from a search over shifts and turns where the
    frames of reference differ; where the one ends poorly, from the other as well. Mutual
    information after Mattes et al. 2003 (doi 10.1109/TMI.2003.809072), coarse to fine, on the same
    sample points in every run.

    Parameters
    ----------
    moving, fixed
        Images of the same head, any contrast, grid and orientation.
    check
        Called between stages; raises to stop.

    Returns
    -------
    Registration
        `moved_geometry` is the moving image's grid after the motion. Where the match cannot be
        believed, `ok` is false, the grid is left as the headers say, and `message` tells why.
    """
    pair = _prepare(moving, fixed)
    same_frame = (
        moving.geometry.frame_of_reference_uid == fixed.geometry.frame_of_reference_uid != ""
    )
    match = _best_match(pair, check, trust_header=same_frame)
    translation_mm, rotation_deg = _motion(match.matrix, pair.centre_lps_mm)
    doubt = _doubt(match.score, match.overlap)
    if not doubt:
        doubt = _implausible(translation_mm, rotation_deg, same_frame=same_frame)
    if not doubt and match.score < _GOOD_SCORE and _is_mirrored(pair, match, check):
        doubt = "one image is the mirror image of the other; left and right may be exchanged"
    affine = np.linalg.inv(match.matrix) @ moving.geometry.affine_lps_mm
    moved = Geometry(moving.geometry.shape_kji, affine, fixed.geometry.frame_of_reference_uid)
    return Registration(
        moved_geometry=moving.geometry if doubt else moved,
        score=match.score,
        ok=not doubt,
        translation_mm=translation_mm,
        rotation_deg=rotation_deg,
        message=_message(doubt, translation_mm, rotation_deg, match.score),
        overlap=match.overlap,
    )


def match_as_placed(moving: Volume, fixed: Volume) -> RegistrationQuality:
    """Say how well two images agree where their headers put them, without moving either."""
    pair = _prepare(moving, fixed)
    match = _judged(pair, np.eye(4))
    doubt = _doubt(match.score, match.overlap)
    sentence = f"The images do not lie on each other: {doubt}." if doubt else "Already aligned."
    return RegistrationQuality(match.score, match.overlap, 0.0, 0.0, not doubt, sentence)


def _best_match(pair: _Pair, check: Check, *, trust_header: bool) -> _Match:
    """Descend from the headers' or a searched start; from the other one too if that ends poorly."""
    check()
    first = _from_header(pair, check) if trust_header else _from_search(pair, check)
    if first.score >= _GOOD_SCORE and first.overlap >= _MIN_OVERLAP:
        return first
    check()
    second = _from_search(pair, check) if trust_header else _from_header(pair, check)
    return max(first, second, key=lambda match: match.score * match.overlap)


def _from_header(pair: _Pair, check: Check) -> _Match:
    header = np.eye(4)
    matrix = _optimised(pair, header, _LEVELS, check)
    # Within one frame of reference a descent that leads to a worse place has lost its way.
    better = pair.score(matrix)[0] > pair.score(header)[0]
    return _judged(pair, matrix if better else header)


def _from_search(pair: _Pair, check: Check) -> _Match:
    head = np.argwhere(_head(pair.moving.array_kji))
    centre = pair.moving.geometry.to_patient_mm(head.mean(axis=0))
    start = StartSearch(pair.fixed, pair.moving, pair.points_lps_mm).best(centre)
    return _judged(pair, _optimised(pair, start, _LEVELS[1:], check))


def _is_mirrored(pair: _Pair, match: _Match, check: Check) -> bool:
    """Whether the moving image agrees better when left and right change places in it."""
    directions = np.abs(pair.moving.geometry.direction_lps[0, ::-1])
    flipped = np.flip(pair.moving.array_kji, int(np.argmax(directions)))
    mirror = replace(pair, moving=replace(pair.moving, array_kji=np.ascontiguousarray(flipped)))
    check()
    return _from_search(mirror, check).score > match.score


def _judged(pair: _Pair, matrix: NDArray[np.float64]) -> _Match:
    return _Match(matrix, _prominence(pair, matrix), pair.score(matrix)[1])


def _prepare(moving: Volume, fixed: Volume) -> _Pair:
    # Heads are told from air, and nothing from what lies outside an image, by values above 0.
    cubes = [
        resample(_above_air(v), isotropic_geometry(v.geometry, _FINE_MM), antialias=True)
        for v in (moving, fixed)
    ]
    cube_moving, cube_fixed = cubes
    head = _head(cube_fixed.array_kji)
    index = np.argwhere(head)
    chosen = np.random.default_rng(_SEED).choice(
        len(index), size=min(_SAMPLES, len(index)), replace=False
    )
    index = index[np.sort(chosen)]
    return _Pair(
        fixed=cube_fixed,
        moving=cube_moving,
        points_lps_mm=cube_fixed.geometry.to_patient_mm(index.astype(np.float64)),
        fixed_values=cube_fixed.array_kji[tuple(index.T)],
        centre_lps_mm=cube_fixed.geometry.to_patient_mm(index.mean(axis=0)),
    )


def _above_air(volume: Volume) -> Volume:
    air = air_value(volume)
    return replace(volume, array_kji=volume.array_kji.astype(np.float32) - np.float32(air))


def _head(array_kji: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the head with a margin of air, whose edge is what pins the match down."""
    level = 0.15 * float(np.percentile(array_kji, 98))
    head = ndimage.binary_closing(ndimage.binary_opening(array_kji > level), iterations=2)
    if not head.any():
        # Either may take all of an image that is a few voxels thick.
        return np.ones(array_kji.shape, dtype=bool)
    with_margin: NDArray[np.bool_] = ndimage.binary_dilation(head, iterations=3)
    return with_margin


def _optimised(
    pair: _Pair,
    start: NDArray[np.float64],
    levels: Iterable[_Level],
    check: Check,
) -> NDArray[np.float64]:
    """Return the motion from fixed to moving, the start itself where nothing can be compared."""
    if pair.score(start)[1] < _LEAST_OVERLAP:
        return start
    try:
        return _matrix(_optimise(pair, start, levels, check))
    except _LostEachOther:
        return start


def _optimise(
    pair: _Pair,
    start: NDArray[np.float64],
    levels: Iterable[_Level],
    check: Check,
) -> sitk.Euler3DTransform:
    transform = sitk.Euler3DTransform()
    transform.SetCenter(pair.centre_lps_mm.tolist())
    transform.SetMatrix(start[:3, :3].ravel().tolist(), 1e-6)
    moved_centre = start[:3, :3] @ pair.centre_lps_mm + start[:3, 3]
    transform.SetTranslation((moved_centre - pair.centre_lps_mm).tolist())
    fixed, moving = to_image(pair.fixed), to_image(pair.moving)
    mask = sitk.GetImageFromArray(_head(pair.fixed.array_kji).astype(np.uint8))
    mask.CopyInformation(fixed)
    for level in levels:
        check()
        method = sitk.ImageRegistrationMethod()
        method.SetNumberOfThreads(THREADS)
        method.SetMetricAsMattesMutualInformation(_BINS)
        method.SetMetricSamplingStrategy(method.RANDOM)
        cells = max(1, int(np.prod(fixed.GetSize())) // level.shrink**3)
        method.SetMetricSamplingPercentage(min(1.0, level.samples / cells), _SEED)
        method.SetMetricFixedMask(mask)
        method.SetInterpolator(sitk.sitkLinear)
        method.SetShrinkFactorsPerLevel([level.shrink])
        method.SetSmoothingSigmasPerLevel([level.sigma_mm])
        method.SetSmoothingSigmasAreSpecifiedInPhysicalUnits(True)
        method.SetOptimizerAsRegularStepGradientDescent(
            learningRate=level.step_mm,
            minStep=level.smallest_mm,
            numberOfIterations=_ITERATIONS,
            relaxationFactor=0.7,
            gradientMagnitudeTolerance=1e-8,
        )
        method.SetOptimizerScalesFromPhysicalShift()
        method.SetInitialTransform(transform, inPlace=True)
        try:
            method.Execute(fixed, moving)
        except RuntimeError as error:
            raise _LostEachOther from error
    return transform


def _matrix(transform: sitk.Euler3DTransform) -> NDArray[np.float64]:
    """Return the 4 × 4 matrix from fixed to moving patient coordinates."""
    rotation = np.array(transform.GetMatrix()).reshape(3, 3)
    centre = np.array(transform.GetCenter())
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = centre + np.array(transform.GetTranslation()) - rotation @ centre
    return matrix


def _motion(matrix: NDArray[np.float64], centre: NDArray[np.float64]) -> tuple[float, float]:
    moved = matrix[:3, :3] @ centre + matrix[:3, 3]
    rotation_rad = Rotation.from_matrix(matrix[:3, :3]).magnitude()
    return float(np.linalg.norm(moved - centre)), float(np.degrees(rotation_rad))


def _prominence(pair: _Pair, matrix: NDArray[np.float64]) -> float:
    """Return 0 to 1: by how much the agreement exceeds that of slightly moved images."""
    agreement, _ = pair.score(matrix)
    around = [pair.score(probe @ matrix)[0] for probe in _probes(pair.centre_lps_mm)]
    return float(np.clip(agreement / max(float(np.mean(around)), 1e-6) - 1, 0, 1))


def _doubt(score: float, overlap: float) -> str:
    """Return why the match cannot be believed, empty if it can."""
    if overlap < _MIN_OVERLAP:
        return f"the images share only {readable_share(overlap)} of the head"
    return "" if score >= _MIN_SCORE else "the images do not agree well enough"


def _probes(centre: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return small motions to either side along and about each axis."""
    probes = []
    for axis in np.eye(3):
        for sign in (1, -1):
            shift = np.eye(4)
            shift[:3, 3] = sign * _PROBE_MM * axis
            turn = np.eye(4)
            turn[:3, :3] = Rotation.from_rotvec(sign * np.radians(_PROBE_DEG) * axis).as_matrix()
            turn[:3, 3] = centre - turn[:3, :3] @ centre
            probes += [shift, turn]
    return probes


def _implausible(translation_mm: float, rotation_deg: float, *, same_frame: bool) -> str:
    too_far = same_frame and translation_mm > _MAX_MOTION_MM
    limit = _MAX_ROTATION_DEG if same_frame else _MAX_FREE_ROTATION_DEG
    if too_far or rotation_deg > limit:
        return f"the motion found is implausible ({translation_mm:.0f} mm, {rotation_deg:.0f}°)"
    return ""


def _message(doubt: str, translation_mm: float, rotation_deg: float, score: float) -> str:
    if doubt:
        return f"Could not be registered: {doubt}."
    return (
        f"Registered, moved by {translation_mm:.1f} mm and {rotation_deg:.1f}° (score {score:.2f})."
    )

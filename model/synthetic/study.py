"""The sample study: four DICOM series of one simulated patient, and the truth beside them."""

import json
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from model.spec import REGION_LABELS, Label, Region, Sequence
from model.synthetic.acquisition import Matrix, receive, rigid, sample
from model.synthetic.dicom import StudyIdentity, series_header, write_stack
from model.synthetic.localizer import write_localizer
from model.synthetic.phantom import HeadPhantom, make_head, simulate
from model.synthetic.series import SeriesPlan, plan_study
from model.synthetic.tumour import TumourSpec

SAMPLE_SEED = 7
DICOM_FOLDER = "dicom"
TRUTH_FOLDER = "truth"
_MAX_STORED = 4095
# Relative to white matter.
_NOISE = 0.038
_SHADING = 0.19

# How the head lies in the scanner while the T1c series runs.
_HEAD_POSE = rigid((2.0, -18.0, 14.0), (3.0, -1.5, 2.5))


@dataclass(frozen=True, slots=True)
class SampleStudy:
    """What `write_sample_study` has written.

    Parameters
    ----------
    folder
        Holds everything below.
    dicom_folder
        The study as a scanner would have sent it.
    series_folders, series_uids
        Per sequence.
    truth_labels_path, truth_json_path
        Labels on the T1c grid (NIfTI; 1 NCR, 2 ED, 3 ET), and the numbers below as JSON.
    region_volumes_mm3
        Of NCR, ED, ET, TC and WT on the T1c grid.
    motions_lps_mm
        Per sequence, 4 × 4 nested tuples: maps a point of the patient at the time of the T1c series
        to where it lay during that series.
    """

    folder: Path
    dicom_folder: Path
    series_folders: dict[Sequence, Path]
    series_uids: dict[Sequence, str]
    truth_labels_path: Path
    truth_json_path: Path
    region_volumes_mm3: dict[str, float]
    motions_lps_mm: dict[Sequence, tuple[tuple[float, ...], ...]]


def write_sample_study(
    folder: Path,
    seed: int = SAMPLE_SEED,
    *,
    tumour: TumourSpec | None = None,
    coarseness: float = 1.0,
) -> SampleStudy:
    """Simulate a patient and write the study; the folder appears only when it is whole.

    Parameters
    ----------
    folder
        Must not exist yet, or be empty. ``dicom`` and ``truth`` are made in it.
    seed
        Decides every detail, the UIDs included.
    tumour
        The glioma; the default one if None.
    coarseness
        1 for the real thing; 2 for a small and quick study with voxels twice as long.

    Returns
    -------
    study
        Paths and truth.

    Raises
    ------
    FileExistsError
        If the folder holds anything already.
    """
    folder = folder.absolute()
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty")
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        record = _build(building, seed, tumour, coarseness)
        building.chmod(0o755)
        if folder.exists():
            folder.rmdir()
        building.replace(folder)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    return read_sample_study(folder, record)


def read_sample_study(folder: Path, record: dict[str, Any] | None = None) -> SampleStudy:
    """Return the description of a sample study written earlier.

    Parameters
    ----------
    folder
        As it was given to `write_sample_study`.
    record
        The contents of its truth file, if at hand.

    Raises
    ------
    FileNotFoundError
        If the folder holds no sample study.
    """
    truth = folder / TRUTH_FOLDER
    if record is None:
        record = json.loads((truth / "truth.json").read_text(encoding="utf-8"))
    series = record["series"]
    return SampleStudy(
        folder=folder,
        dicom_folder=folder / DICOM_FOLDER,
        series_folders={s: folder / DICOM_FOLDER / series[s]["folder"] for s in Sequence},
        series_uids={s: series[s]["series_uid"] for s in Sequence},
        truth_labels_path=truth / "segmentation.nii.gz",
        truth_json_path=truth / "truth.json",
        region_volumes_mm3=dict(record["regions_mm3"]),
        motions_lps_mm={
            s: tuple(tuple(row) for row in series[s]["motion_lps_mm"]) for s in Sequence
        },
    )


def _build(folder: Path, seed: int, tumour: TumourSpec | None, coarseness: float) -> dict[str, Any]:
    """Write everything into an unfinished folder and return the contents of the truth file."""
    plans = plan_study(coarseness)
    phantom = make_head(seed, tumour=tumour, spacing_mm=coarseness)
    identity = StudyIdentity(seed)
    motions = draw_motions(seed)
    seeds = np.random.SeedSequence([seed, 1]).spawn(len(plans))

    def write(plan: SeriesPlan, noise_seed: np.random.SeedSequence) -> str:
        pose = motions[plan.sequence] @ _HEAD_POSE
        clean = sample(simulate(phantom, plan.protocol), phantom, plan.grid, pose)
        rng = np.random.default_rng(noise_seed)
        received = receive(clean, rng, noise=_NOISE, shading=_SHADING)
        stored = np.minimum(np.rint(received * plan.white_matter), _MAX_STORED).astype(np.uint16)
        header = series_header(plan, identity)
        write_stack(folder / DICOM_FOLDER / plan.folder, header, stored, plan.grid, identity)
        return str(header.SeriesInstanceUID)

    with ThreadPoolExecutor(2) as pool:
        uids = list(pool.map(write, plans, seeds))
    write_localizer(
        folder / DICOM_FOLDER / "01_localizer", phantom, motions[Sequence.T1] @ _HEAD_POSE, identity
    )
    reference = next(plan for plan in plans if plan.sequence is Sequence.T1C)
    labels = resample_labels(phantom, reference, _HEAD_POSE)
    voxel_mm3 = float(abs(np.linalg.det(reference.grid.affine_lps_mm[:3, :3])))
    record = {
        "schema": "gliascope/sample-truth/1",
        "seed": seed,
        "study_uid": identity.study_uid,
        "reference": Sequence.T1C.value,
        "regions_mm3": region_volumes_mm3(labels, voxel_mm3),
        "series": {
            plan.sequence.value: {
                "series_uid": uid,
                "folder": plan.folder,
                "motion_lps_mm": motions[plan.sequence].tolist(),
            }
            for plan, uid in zip(plans, uids, strict=True)
        },
    }
    _write_truth(folder / TRUTH_FOLDER, labels, reference.grid.affine_lps_mm, record)
    return record


def draw_motions(seed: int) -> dict[Sequence, Matrix]:
    """Draw how the patient moved between the series: at most 3 mm and 3° in all, none for T1c."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, 2]))
    motions = {Sequence.T1C: np.eye(4)}
    for sequence in (Sequence.T1, Sequence.T2, Sequence.FLAIR):
        shift, turn = (v / np.linalg.norm(v) for v in rng.standard_normal((2, 3)))
        shift *= rng.uniform(0.8, 2.8)
        turn *= rng.uniform(0.5, 2.5)
        motions[sequence] = rigid(
            (float(shift[0]), float(shift[1]), float(shift[2])),
            (float(turn[0]), float(turn[1]), float(turn[2])),
        )
    return motions


def resample_labels(phantom: HeadPhantom, plan: SeriesPlan, pose: Matrix) -> NDArray[np.uint8]:
    """Tumour labels on the grid of a series: of each voxel, the label that fills most of it."""
    tumour = (phantom.tumour_kji > 0).astype(np.float32)
    best = 1 - sample(tumour, phantom, plan.grid, pose)
    labels = np.zeros(plan.grid.shape_kji, dtype=np.uint8)
    for label in (Label.NCR, Label.ED, Label.ET):
        part = sample((phantom.tumour_kji == label).astype(np.float32), phantom, plan.grid, pose)
        labels[part > best] = label
        np.maximum(best, part, out=best)
    return labels


def region_volumes_mm3(labels_kji: NDArray[np.uint8], voxel_mm3: float) -> dict[str, float]:
    """Volumes of NCR, ED, ET, TC = NCR + ET and WT = TC + ED."""
    parts: dict[str, tuple[Label, ...]] = {
        label.name: (label,) for label in (Label.NCR, Label.ED, Label.ET)
    }
    parts |= {region.name: REGION_LABELS[region] for region in (Region.TC, Region.WT)}
    return {
        name: float(np.isin(labels_kji, labels).sum() * voxel_mm3) for name, labels in parts.items()
    }


def _write_truth(
    folder: Path, labels_kji: NDArray[np.uint8], affine_lps_mm: Matrix, record: dict[str, Any]
) -> None:
    folder.mkdir()
    ras_from_lps = np.diag([-1.0, -1.0, 1.0, 1.0])
    image = nib.nifti1.Nifti1Image(  # type: ignore[no-untyped-call]
        labels_kji.transpose(2, 1, 0), ras_from_lps @ affine_lps_mm
    )
    image.header.set_xyzt_units("mm")  # type: ignore[no-untyped-call]
    nib.save(image, folder / "segmentation.nii.gz")
    (folder / "truth.json").write_text(json.dumps(record, indent=1), encoding="utf-8")

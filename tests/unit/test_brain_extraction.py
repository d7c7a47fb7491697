from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.errors import Cancelled
from desktop_app.imaging.brain import brain_mask
from desktop_app.imaging.icosphere import icosphere
from desktop_app.imaging.morphology import dilated, eroded, filled, largest_part
from desktop_app.imaging.stripped import background_value, is_brain_extracted
from desktop_app.io.nifti.files import read_nifti
from tests.heads import Head, dice, make_head


@pytest.fixture(scope="module")
def head() -> Head:
    return make_head(2.0)


@pytest.mark.parametrize(
    "sequences",
    [
        tuple(Sequence),
        (Sequence.T1C, Sequence.FLAIR),
        (Sequence.T1, Sequence.T2),
    ],
)
def test_brain_is_found_with_its_tumour(head: Head, sequences: tuple[Sequence, ...]) -> None:
    mask = brain_mask({sequence: head.images[sequence] for sequence in sequences})
    assert dice(mask, head.brain) > 0.9
    assert (mask & head.tumour).sum() > 0.93 * head.tumour.sum()


def test_one_sequence_is_enough_for_the_brain(head: Head) -> None:
    for sequence in (Sequence.T1, Sequence.FLAIR):
        assert dice(brain_mask({sequence: head.images[sequence]}), head.brain) > 0.9


def test_image_that_covers_only_a_part_does_no_harm(head: Head) -> None:
    cut = head.images[Sequence.FLAIR].array_kji.copy()
    cut[:70] = 0
    images = {
        Sequence.T1C: head.images[Sequence.T1C],
        Sequence.FLAIR: Volume(cut, head.geometry),
    }
    assert dice(brain_mask(images), head.brain) > 0.9


def test_extraction_stops_when_asked(head: Head) -> None:
    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        brain_mask(head.images, check=stop)


def test_whole_head_is_not_taken_for_a_stripped_one(head: Head) -> None:
    assert not any(is_brain_extracted(volume) for volume in head.images.values())


def test_whole_head_with_a_blanked_background_is_not_taken_for_a_stripped_one(head: Head) -> None:
    for volume in head.images.values():
        blanked = np.where(volume.array_kji > 12, volume.array_kji, 0)
        assert not is_brain_extracted(replace(volume, array_kji=blanked))


@pytest.mark.parametrize("background", [0.0, -3.5])
def test_stripped_image_is_known(head: Head, background: float) -> None:
    for volume in head.images.values():
        values = np.where(head.brain, volume.array_kji, np.float32(background))
        stripped = replace(volume, array_kji=values)
        assert background_value(stripped) == background
        assert is_brain_extracted(stripped)


def test_stripped_slab_is_known_and_a_slab_of_a_head_is_not(head: Head) -> None:
    volume = head.images[Sequence.T1]
    geometry = Geometry((25, *head.geometry.shape_kji[1:]), head.geometry.affine_lps_mm)
    slab = Volume(volume.array_kji[55:80], geometry)
    assert not is_brain_extracted(slab)
    assert is_brain_extracted(Volume(slab.array_kji * head.brain[55:80], geometry))


@pytest.mark.patients
def test_published_cases_are_known_and_real_heads_are_not(shared_data: Path) -> None:
    stripped = sorted((shared_data / "train").glob("*01657/*_t1ce.nii.gz"))
    heads = [
        shared_data / "heads" / "images" / "t1_b.nii.gz",
        shared_data / "raw" / "TCGA-FG-6692" / "TCGA-FG-6692_flair.nii.gz",
    ]
    assert all(is_brain_extracted(read_nifti(path)) for path in stripped)
    assert not any(is_brain_extracted(read_nifti(path)) for path in heads)


def test_sphere_mesh_is_closed_and_faces_outwards() -> None:
    mesh = icosphere(3)
    assert len(mesh.points) == 642
    assert len(mesh.triangles) == 1280
    a, b, c = mesh.points[mesh.triangles.T]
    assert (np.linalg.det(np.stack([a, b, c], axis=1)) > 0).all()
    volume = np.linalg.det(np.stack([a, b, c], axis=1)).sum() / 6
    assert volume == pytest.approx(4 / 3 * np.pi, rel=0.03)
    near = np.linalg.norm(mesh.points[mesh.neighbours] - mesh.points[:, None], axis=2)
    assert near.max() < 0.2


def test_shapes() -> None:
    mask = np.zeros((9, 9, 9), dtype=bool)
    mask[2:7, 2:7, 2:7] = True
    mask[4, 4, 4] = False
    mask[0, 0, 0] = True
    assert largest_part(mask).sum() == 124
    assert filled(largest_part(mask)).sum() == 125
    cube = filled(largest_part(mask))
    assert dilated(cube, 1, (1.0, 1.0, 1.0)).sum() == 125 + 6 * 25
    assert dilated(cube, 1, (2.0, 1.0, 1.0)).sum() == 125 + 4 * 25
    assert eroded(cube, 1, (1.0, 1.0, 1.0)).sum() == 27
    nothing = np.zeros((3, 3, 3), dtype=bool)
    assert not largest_part(nothing).any()
    assert not dilated(nothing, 2, (1.0, 1.0, 1.0)).any()
    assert eroded(~nothing, 2, (1.0, 1.0, 1.0)).all()

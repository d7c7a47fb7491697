"""Enhancing lesions one by one: which are told apart, listed, measurable, and how large."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from desktop_app.domain.geometry import Geometry
from desktop_app.domain.lesion import Lesion
from desktop_app.domain.segmentation import Region, Segmentation
from desktop_app.errors import Cancelled
from desktop_app.imaging import lesion_list
from desktop_app.jobs.cancel import CancelToken
from desktop_app.services.measuring.diameters import measure_diameters
from desktop_app.services.measuring.lesions import measure_lesions, sum_of_products_mm2
from tests.study_cases import PROVENANCE
from tests.viewer_cases import oblique_geometry

NCR, ED, ET = 1, 2, 3
SHAPE = (40, 60, 80)
ISOTROPIC = Geometry(SHAPE, np.diag([1.0, 1.0, 1.0, 1.0]))


def empty(shape_kji: tuple[int, int, int] = SHAPE) -> NDArray[np.uint8]:
    return np.zeros(shape_kji, np.uint8)


def lesions(labels_kji: NDArray[np.uint8], geometry: Geometry = ISOTROPIC) -> tuple[Lesion, ...]:
    return measure_lesions(Segmentation(labels_kji, geometry, PROVENANCE))


def test_each_is_measured_by_itself_the_largest_first() -> None:
    labels = empty()
    labels[5:15, 5:17, 5:17] = ET
    labels[5:20, 30:50, 40:64] = ET
    labels[5:20, 25:55, 35:70][labels[5:20, 25:55, 35:70] == 0] = ED
    large, small = lesions(labels)
    assert (large.number, small.number) == (1, 2)
    assert large.volume_mm3 == pytest.approx(15 * 20 * 24)
    assert small.volume_mm3 == pytest.approx(10 * 12 * 12)
    assert large.diameters.long_mm == pytest.approx(np.hypot(20, 24), abs=1.5)
    assert small.diameters.long_mm == pytest.approx(np.hypot(12, 12), abs=1.5)
    assert large.may_be_target
    assert small.may_be_target
    for one in (large, small):
        box = ISOTROPIC.to_index_kji(np.array([*one.diameters.long_ends, one.diameters.middle]))
        place = np.rint(box[2]).astype(int)
        assert labels[tuple(place)] == ET
        assert place[0] == one.diameters.slice_index
    assert sum_of_products_mm2((large, small)) == pytest.approx(
        large.diameters.product_mm2 + small.diameters.product_mm2
    )


def test_the_longest_of_all_is_that_of_the_region() -> None:
    labels = empty()
    labels[5:9, 5:8, 5:60] = ET  # longest, but thin
    labels[20:30, 30:50, 40:64] = ET
    segmentation = Segmentation(labels, ISOTROPIC, PROVENANCE)
    assert measure_diameters(segmentation)[Region.ET] in [
        one.diameters for one in measure_lesions(segmentation)
    ]


def test_small_ones_that_cannot_be_measured_are_left_out() -> None:
    labels = empty()
    labels[5:15, 5:15, 5:14] = ET  # 0.9 cm³ and measurable along its diagonals alone
    labels[20:22, 5:16, 5:16] = ET  # 0.24 cm³, measurable
    labels[30:31, 5:38, 5:38] = ET  # 1.09 cm³ in one slice
    labels[20:24, 40:44, 40:44] = ET  # a speck
    labels[35:38, 50:55, 5:35] = ET  # thin
    found = lesions(labels)
    assert [round(one.volume_mm3) for one in found if not one.may_be_target] == [1089]
    assert [round(one.volume_mm3) for one in found if one.may_be_target][-1] == 242
    assert [one.number for one in found] == list(range(1, len(found) + 1))
    assert all(one.may_be_target or one.volume_mm3 >= 1000 for one in found)
    assert not any(round(one.volume_mm3) in (64, 450) for one in found)


def test_a_rim_with_gaps_is_one_lesion_without_its_necrosis() -> None:
    labels = empty()
    labels[5:20, 10:40, 10:40] = ET
    labels[5:20, 13:37, 13:37] = NCR
    labels[5:20, 10:40, 23:27] = NCR
    (lesion,) = lesions(labels)
    assert lesion.volume_mm3 == np.count_nonzero(labels == ET)
    assert lesion.diameters.long_mm > 35


def test_necrosis_between_two_nodules_does_not_join_them() -> None:
    labels = empty()
    labels[5:20, 20:40, 5:20] = ET
    labels[5:20, 20:40, 50:65] = ET
    labels[5:20, 20:40, 20:50] = NCR
    assert len(lesions(labels)) == 2


def test_at_most_ten_are_listed() -> None:
    labels = empty((30, 100, 100))
    for n in range(12):
        j, i = divmod(n, 4)
        labels[5 : 20 + n % 2, 5 + 24 * j : 17 + 24 * j, 2 + 24 * i : 14 + 24 * i] = ET
    found = lesions(labels, Geometry(labels.shape, np.diag([1.0, 1.0, 1.0, 1.0])))
    assert len(found) == 10
    assert [one.volume_mm3 for one in found] == sorted(
        (one.volume_mm3 for one in found), reverse=True
    )


def test_thick_slices_ask_for_more() -> None:
    labels = empty((10, 40, 40))
    labels[2:5, 5:23, 5:15] = ET
    (lesion,) = lesions(labels, Geometry(labels.shape, np.diag([1.0, 1.0, 6.0, 1.0])))
    assert lesion.volume_mm3 == pytest.approx(3 * 18 * 10 * 6)
    assert lesion.diameters.short_mm > 10
    assert lesion.diameters.least_mm == 12
    assert not lesion.may_be_target


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_may_run_along_any_axis_of_an_oblique_grid(axis: int) -> None:
    base = oblique_geometry()
    scale = np.ones(4)
    scale[2 - axis] = 3.0 / base.spacing_mm[axis]
    scale[[n for n in range(3) if n != 2 - axis]] = [
        1.0 / base.spacing_mm[2 - n] for n in range(3) if n != 2 - axis
    ]
    geometry = Geometry((40, 40, 40), base.affine_lps_mm @ np.diag(scale))
    labels = empty((40, 40, 40))
    for start, size in ((4, 12), (22, 15)):
        box = [slice(start, start + size)] * 3
        box[axis] = slice(start, start + 5)
        labels[tuple(box)] = ET
    large, small = lesions(labels, geometry)
    assert large.volume_mm3 == pytest.approx(5 * 15 * 15 * 3)
    for one, size in ((large, 15), (small, 12)):
        assert one.diameters.slice_axis == axis
        assert one.diameters.short_mm == pytest.approx(size * np.sqrt(2), abs=1.5)
        index = geometry.to_index_kji(np.array(one.diameters.middle))
        assert labels[tuple(np.rint(index).astype(int))] == ET


def test_without_enhancement_there_are_none() -> None:
    labels = empty()
    labels[5:20, 10:40, 10:40] = NCR
    assert lesions(labels) == ()


def test_measuring_stops_when_asked() -> None:
    labels = empty()
    labels[5:15, 5:17, 5:17] = ET
    labels[20:30, 30:50, 40:64] = ET
    segmentation = Segmentation(labels, ISOTROPIC, PROVENANCE)
    measure_diameters(segmentation)
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        measure_lesions(segmentation, token)
    assert len(measure_lesions(segmentation)) == 2


def test_the_largest_is_not_measured_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = empty()
    labels[5:20, 30:50, 40:64] = ET
    segmentation = Segmentation(labels, ISOTROPIC, PROVENANCE)
    known = measure_diameters(segmentation)[Region.ET]
    monkeypatch.delattr(lesion_list, "longest_diameters")
    (lesion,) = measure_lesions(segmentation)
    assert lesion.diameters is known


def test_the_list_needs_no_scipy_before_it_measures(repository_root: Path) -> None:
    code = (
        "import sys, json, ui.presenters.diameter_presenter;"
        "import desktop_app.services.measuring.lesions;"
        "print(json.dumps([n for n in ('scipy', 'skimage') if n in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository_root, capture_output=True, check=True
    )
    assert json.loads(done.stdout) == []

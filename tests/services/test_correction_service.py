"""Correcting a result: strokes, undo, the corrected result, what a crash leaves."""

import errno
import io
import os
import platform
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desktop_app.domain.correction import PaintOver, Tool, ToolSettings
from desktop_app.domain.geometry import Geometry
from desktop_app.domain.measurement import MeasurementKind
from desktop_app.domain.segmentation import (
    NO_ENHANCEMENT,
    NO_TUMOUR_FOUND,
    NO_TUMOUR_LEFT,
    Region,
)
from desktop_app.domain.study import Sequence
from desktop_app.domain.volume import Volume
from desktop_app.errors import OutputError
from desktop_app.io import correction_journal
from desktop_app.io.correction_journal import forget_journals, read_journal
from desktop_app.services.correction import Correction
from desktop_app.services.measure import volumes_mm3
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


@pytest.fixture
def correction(tmp_path):
    return lambda result: Correction(result, tmp_path)


def test_a_stroke_ends_up_in_the_result_and_its_volumes(correction):
    original = result_of(warnings=(NO_TUMOUR_FOUND, "Thick slices."))
    one = correction(original)
    assert one.result() is original
    assert stroke(one, BRUSH, at(*middle()), at(*middle(0, 0, 1)))
    corrected = one.result()
    voxels = int((corrected.segmentation.labels_kji == 3).sum())
    assert voxels > 0
    assert volumes_mm3(corrected.measurements)[Region.ET] == pytest.approx(
        voxels * GEOMETRY.voxel_volume_mm3
    )
    assert corrected.segmentation.warnings == ("Thick slices.",)
    assert corrected.segmentation.provenance.edited
    assert "by hand in 1 step" in corrected.segmentation.provenance.steps[-1]
    assert not original.segmentation.labels_kji.any()


def test_what_was_corrected_has_no_range(correction):
    one = correction(result_of())
    stroke(one, BRUSH, at(*middle()))
    volumes = [m for m in one.result().measurements if m.kind is MeasurementKind.VOLUME]
    assert all(volume.interval is None for volume in volumes)


def test_taking_everything_back_gives_the_original(correction):
    original = result_of()
    one = correction(original)
    stroke(one, BRUSH, at(*middle()))
    before = one.result()
    assert one.undo_title == "Paint enhancing tumour"
    assert one.undo()
    assert one.result() is original
    assert one.redo()
    assert np.array_equal(one.result().segmentation.labels_kji, before.segmentation.labels_kji)
    assert not one.redo()


def test_a_result_already_given_away_does_not_change(correction):
    one = correction(result_of())
    stroke(one, BRUSH, at(*middle()))
    given = one.result().segmentation.labels_kji.copy()
    kept = one.result()
    stroke(one, ToolSettings(value=0, radius_mm=50, is_ball=True), at(*middle()))
    assert np.array_equal(kept.segmentation.labels_kji, given)


def test_erasing_all_says_that_a_person_did(correction):
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels[tuple(middle())] = 2
    one = correction(result_of(labels))
    stroke(one, ToolSettings(value=0), at(*middle()))
    assert one.result().segmentation.warnings == (NO_TUMOUR_LEFT,)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_flat_brush_follows_the_plane_it_is_used_in(axis, correction):
    one = correction(result_of())
    normal = GEOMETRY.direction_lps[:, 2 - axis]
    stroke(one, BRUSH, at(*middle()), normal=normal)
    places = np.argwhere(one.labels_kji)
    assert set(places[:, axis].tolist()) == {middle()[axis]}
    assert len(places) > 1


def test_an_outline_is_filled_when_it_ends(correction):
    one = correction(result_of())
    outline = ToolSettings(Tool.OUTLINE, 2)
    k, j, i = middle()
    corners = [at(k, j - 2, i - 2), at(k, j - 2, i + 2), at(k, j + 2, i + 2), at(k, j + 2, i - 2)]
    assert not one.begin(outline, corners[0], AXIAL)
    for corner in corners[1:]:
        assert not one.extend(corner)
    assert one.finish()
    assert one.labels_kji[k, j, i] == 2
    assert one.undo_title == "Outline oedema"


def test_a_part_is_renamed_by_region_and_removed_whole(correction):
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    k, j, i = middle()
    labels[k, j - 2 : j + 3, i - 2 : i + 3] = 2
    labels[k, j, i] = 3
    labels[0, 0, 0] = 3
    one = correction(result_of(labels))
    assert stroke(one, ToolSettings(Tool.PART, 1), at(k, j, i))
    assert (one.labels_kji[k, j, i], one.labels_kji[0, 0, 0]) == (1, 3)
    assert stroke(one, ToolSettings(Tool.PART, 0), at(k, j, i))
    assert np.argwhere(one.labels_kji).tolist() == [[0, 0, 0]]
    assert not stroke(one, ToolSettings(Tool.PART, 0), at(k, j, i))
    assert not stroke(one, ToolSettings(Tool.PART, 0), at(-9, 0, 0))


def test_paint_can_be_held_inside_the_tumour(correction):
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    k, j, i = middle()
    labels[k, j, i] = 2
    one = correction(result_of(labels))
    stroke(one, ToolSettings(value=1, radius_mm=9, over=PaintOver.TUMOUR), at(k, j, i))
    assert (one.labels_kji == 1).sum() == 1


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


WIDE = ToolSettings(Tool.BRUSH, 3, 8.0, over=PaintOver.SIMILAR)


def test_a_brush_stays_within_the_brightness_it_began_in(correction):
    one = correction(shown_as(result_of(), FLAIR=two_tissues()))
    one.begin(WIDE, at(*middle(0, 0, 2)), AXIAL, Sequence.FLAIR)
    one.extend(at(*middle(0, 0, -2)))
    assert one.finish()
    painted = one.result().segmentation.labels_kji == 3
    assert not painted[:, :, : middle()[2]].any()
    reached = painted[:, :, middle()[2] :]
    assert reached.sum() > 10
    free = correction(result_of())
    stroke(free, replace(WIDE, over=PaintOver.EVERYTHING), at(*middle(0, 0, 2)))
    all_reached = free.result().segmentation.labels_kji[:, :, middle()[2] :] == 3
    assert (reached & all_reached).sum() > 0.95 * all_reached.sum()


def test_the_image_shown_says_what_is_similar(correction):
    result = shown_as(result_of(), FLAIR=two_tissues())
    one = correction(result)
    one.begin(WIDE, at(*middle(0, 0, 2)), AXIAL, Sequence.T1C)  # of one brightness
    assert one.finish()
    assert (one.result().segmentation.labels_kji[:, :, : middle()[2]] == 3).any()


def test_an_image_on_another_grid_says_what_is_similar_too(correction):
    result = shown_as(result_of(), FLAIR=two_tissues())
    flair = result.prepared.volumes[Sequence.FLAIR]
    turned = Volume(flair.array_kji[::-1, :, ::-1].copy(), flipped(GEOMETRY))
    shifted_mm = np.eye(4)
    shifted_mm[:3, 3] = (0.2, 0.3, 0.0)
    shifted = Volume(
        flair.array_kji, Geometry(GEOMETRY.shape_kji, shifted_mm @ GEOMETRY.affine_lps_mm)
    )
    for other in (turned, shifted):
        volumes = {**result.prepared.volumes, Sequence.FLAIR: other}
        one = correction(replace(result, prepared=replace(result.prepared, volumes=volumes)))
        one.begin(WIDE, at(*middle(0, 0, 2)), AXIAL, Sequence.FLAIR)
        assert one.finish()
        painted = one.result().segmentation.labels_kji == 3
        assert painted.any()
        assert not painted[:, :, : middle()[2]].any()
        one.forget()


def flipped(geometry):
    affine = geometry.affine_lps_mm.copy()
    nk, _, ni = geometry.shape_kji
    affine[:3, 3] = geometry.to_patient_mm(np.array([nk - 1, 0, ni - 1], float))
    affine[:3, 0] *= -1
    affine[:3, 2] *= -1
    return Geometry(geometry.shape_kji, affine)


def test_an_outline_keeps_to_what_most_of_it_encloses(correction):
    one = correction(shown_as(result_of(), FLAIR=two_tissues()))
    outline = ToolSettings(Tool.OUTLINE, 2, over=PaintOver.SIMILAR)
    corners = [(-4, -2), (-4, 5), (4, 5), (4, -2)]
    first, *others = (at(*middle(0, j, i)) for j, i in corners)
    one.begin(outline, first, AXIAL, Sequence.FLAIR)
    for point in others:
        one.extend(point)
    assert one.finish()
    painted = one.result().segmentation.labels_kji == 2
    assert painted[:, :, middle()[2] :].sum() > 10
    assert not painted[:, :, : middle()[2]].any()


def test_erasing_asks_for_no_brightness(correction):
    labels = np.full(GEOMETRY.shape_kji, 3, np.uint8)
    one = correction(shown_as(result_of(labels), FLAIR=two_tissues()))
    eraser = ToolSettings(Tool.BRUSH, 0, 8.0, over=PaintOver.SIMILAR)
    one.begin(eraser, at(*middle(0, 0, 2)), AXIAL, Sequence.FLAIR)
    one.finish()
    erased = one.result().segmentation.labels_kji == 0
    assert erased[:, :, : middle()[2]].any()


def test_a_part_is_meant_whole_whatever_drawing_may_change(correction):
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels[tuple(middle())] = 2
    one = correction(result_of(labels))
    assert stroke(one, ToolSettings(Tool.PART, 1, over=PaintOver.BACKGROUND), at(*middle()))
    assert one.labels_kji[tuple(middle())] == 1


def test_whole_regions_wait_for_the_end_of_a_stroke(correction):
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels[0, 0, 0] = 2
    one = correction(result_of(labels))
    one.begin(BRUSH, at(*middle()), AXIAL)
    assert not one.remove_specks(1e9)
    assert not one.undo()
    assert one.finish()
    assert one.remove_specks(1e9)


def test_after_a_crash_the_corrections_come_back_with_their_undo(correction):
    original = result_of()
    one = correction(original)
    assert one.earlier is None
    stroke(one, BRUSH, at(*middle()))
    stroke(one, ToolSettings(value=2), at(*middle(1, 0, 0)))
    stroke(one, ToolSettings(value=1), at(*middle(-1, 0, 0)))
    one.undo()
    expected = one.labels_kji.copy()
    two = correction(original)
    assert len(two.earlier.edits) == 2
    assert two.restore()
    assert np.array_equal(two.labels_kji, expected)
    assert two.undo_title == "Paint oedema"
    three = correction(original)
    assert three.restore()
    assert np.array_equal(three.labels_kji, expected)


def test_corrections_of_other_labels_come_back_as_one_step(correction):
    one = correction(result_of())
    stroke(one, BRUSH, at(*middle()))
    expected = one.labels_kji.copy()
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels[0, 0, 0] = 2
    two = correction(result_of(labels))
    assert two.restore()
    assert np.array_equal(two.labels_kji, expected)
    assert two.undo()
    assert np.array_equal(two.labels_kji, labels)


def test_another_study_has_nothing_to_come_back(correction):
    one = correction(result_of())
    stroke(one, BRUSH, at(*middle()))
    other = make_result(make_study(study_uid="1.2.99"), np.zeros(GEOMETRY.shape_kji, np.uint8))
    assert correction(other).earlier is None


def test_corrections_are_those_of_one_visit_of_one_patient(correction):
    """Whether it is opened alone or with others that have its UID."""
    study = make_study(study_uid="1.2.3")
    empty = np.zeros(GEOMETRY.shape_kji, np.uint8)
    one = correction(make_result(study, empty))
    stroke(one, BRUSH, at(*middle()))
    together = replace(study, study_uid="1.2.3#0a1b2c3d")
    assert correction(make_result(together, empty)).earlier is not None
    other = replace(study, patient=replace(study.patient, patient_id="another"))
    assert correction(make_result(other, empty)).earlier is None
    assert correction(make_result(replace(study, date="20300101"), empty)).earlier is None


def test_going_on_or_exporting_forgets_the_earlier_ones(correction, tmp_path):
    one = correction(result_of())
    stroke(one, BRUSH, at(*middle()))
    two = correction(result_of())
    stroke(two, ToolSettings(value=1), at(*middle()))
    assert two.earlier is None
    two.forget()
    assert not list(tmp_path.iterdir())
    assert correction(result_of()).earlier is None


def test_after_an_export_a_crash_leaves_what_came_later(correction):
    one = correction(result_of())
    stroke(one, BRUSH, at(*middle()))
    stroke(one, ToolSettings(value=1), at(*middle(1, 0, 0)))
    one.forget()
    one.undo()
    one.undo()
    one.redo()
    stroke(one, ToolSettings(value=2), at(*middle(-1, 0, 0)))
    two = correction(result_of())
    assert two.restore()
    assert np.array_equal(two.labels_kji, one.labels_kji)


@pytest.mark.parametrize("undos", [1, 2, 3])
def test_after_an_export_undos_alone_come_back_as_they_were(undos, correction):
    one = correction(result_of())
    for offset, value in ((0, 3), (1, 1), (2, 2)):
        stroke(one, ToolSettings(value=value, radius_mm=1.5), at(*middle(0, 0, offset)))
    one.forget()
    for _ in range(undos):
        one.undo()
    two = correction(result_of(np.full(GEOMETRY.shape_kji, 2, np.uint8)))
    assert len(two.earlier.edits) == undos
    assert two.restore()
    assert np.array_equal(two.labels_kji, one.labels_kji)


def test_what_an_export_holds_again_is_not_offered(correction):
    one = correction(result_of())
    for offset in (0, 1):
        stroke(one, BRUSH, at(*middle(offset, 0, 0)))
    one.forget()
    one.undo()
    one.undo()
    one.redo()
    one.redo()
    assert correction(result_of()).earlier is None


_STEPS = st.lists(
    st.one_of(
        st.sampled_from(["undo", "redo", "forget"]),
        st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 3)),
    ),
    max_size=20,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_STEPS)
def test_what_comes_back_is_what_was_on_the_screen(steps):
    with TemporaryDirectory() as folder:
        one = Correction(result_of(), Path(folder))
        exported = one.labels_kji.copy()
        for step in steps:
            if isinstance(step, tuple):
                k, i, value = step
                stroke(one, ToolSettings(value=value, radius_mm=1.2), at(k, 2, i))
                continue
            getattr(one, step)()
            if step == "forget":
                exported = one.labels_kji.copy()
        # From other labels, so that those of the journal are what is gone back to
        two = Correction(result_of(np.full(GEOMETRY.shape_kji, 2, np.uint8)), Path(folder))
        restored = two.labels_kji if two.restore() else exported
        assert np.array_equal(restored, one.labels_kji)


def test_an_export_that_ends_within_a_stroke_loses_none_of_it(correction):
    one = correction(result_of())
    stroke(one, ToolSettings(radius_mm=0.6), at(*middle(1, 0, 0)))
    one.begin(ToolSettings(radius_mm=0.6), at(*middle(0, 0, -1)), AXIAL)
    one.forget()
    one.extend(at(*middle(0, 0, 1)))
    one.finish()
    two = correction(result_of())
    assert two.restore()
    assert np.array_equal(two.labels_kji, one.labels_kji)


@pytest.mark.parametrize("cut", [1, 40, 120])
def test_a_torn_last_line_costs_that_stroke_alone(cut, correction, tmp_path):
    one = correction(result_of())
    stroke(one, BRUSH, at(*middle()))
    after_first = one.labels_kji.copy()
    stroke(one, ToolSettings(value=2), at(*middle(1, 0, 0)))
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[: -1 - cut])
    two = correction(result_of())
    two.restore()
    assert np.array_equal(two.labels_kji, after_first)


@pytest.mark.parametrize("content", [b"", b"{}", b"nothing\n", b'{"schema": "other/1"}\n'])
def test_a_damaged_journal_is_as_none(content, correction, tmp_path):
    one = correction(result_of())
    stroke(one, BRUSH, at(*middle()))
    (file,) = tmp_path.iterdir()
    file.write_bytes(content)
    assert correction(result_of()).earlier is None


def test_a_full_disk_is_told_once_and_the_stroke_stands(correction, tmp_path):
    (tmp_path / "file").touch()
    one = Correction(result_of(), tmp_path / "file")
    one.begin(BRUSH, at(*middle()), AXIAL)
    with pytest.raises(OutputError, match="written down"):
        one.finish()
    assert one.labels_kji.any()
    assert stroke(one, ToolSettings(value=1), at(*middle()))
    one.forget()


@pytest.fixture
def full_disk(monkeypatch):
    """A disk that takes no byte more; files can still be made, and removed."""

    class Full(io.BytesIO):
        def write(self, _content):
            raise OSError(errno.ENOSPC, "No space left on device")

        writelines = write

    def opened(number, _mode):
        os.close(number)
        return Full()

    monkeypatch.setattr("desktop_app.io.correction_journal.os.fdopen", opened)


def test_restoring_on_a_full_disk_loses_nothing(correction, tmp_path, request):
    one = correction(result_of())
    for offset in (-1, 0, 1):
        stroke(one, BRUSH, at(*middle(offset, 0, 0)))
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    request.getfixturevalue("full_disk")
    two = correction(result_of())
    with pytest.raises(OutputError, match="no room left"):
        two.restore()
    assert np.array_equal(two.labels_kji, one.labels_kji)
    assert file.read_bytes() == content
    assert list(tmp_path.iterdir()) == [file]
    assert len(correction(result_of()).earlier.edits) == 3
    two.forget()
    assert not list(tmp_path.iterdir())


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


@pytest.fixture
def other_window():
    window = OtherWindow()
    yield window
    window.end()


def test_a_window_that_runs_keeps_its_journal(correction, tmp_path, other_window):
    theirs = correction(result_of())
    with other_window.writing():
        stroke(theirs, BRUSH, at(*middle()))
    ours = correction(result_of())
    assert ours.earlier is None
    stroke(ours, ToolSettings(value=2), at(*middle(1, 0, 0)))
    assert len(list(tmp_path.iterdir())) == 2
    assert forget_journals(tmp_path) == 1
    (kept,) = tmp_path.iterdir()
    ours.forget()
    stroke(theirs, ToolSettings(value=1), at(*middle(1, 0, 0)))
    assert len(read_journal(kept).edits) == 2


def test_what_a_window_left_is_offered_once_it_has_ended(correction, other_window):
    theirs = correction(result_of())
    with other_window.writing():
        stroke(theirs, BRUSH, at(*middle()))
    assert correction(result_of()).earlier is None
    other_window.end()
    assert len(correction(result_of()).earlier.edits) == 1


def test_a_process_of_the_same_number_is_another_one(correction, other_window, monkeypatch):
    theirs = correction(result_of())
    with other_window.writing():
        stroke(theirs, BRUSH, at(*middle()))
    created = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: created(self) + 3600)
    assert correction(result_of()).earlier is not None


def test_two_windows_that_ended_are_both_offered(correction, tmp_path, other_window):
    with other_window.writing():
        for value in (1, 2):
            stroke(correction(result_of()), ToolSettings(value=value), at(*middle()))
    other_window.end()
    assert len(list(tmp_path.iterdir())) == 2
    seen = []
    for _ in range(2):
        one = correction(result_of())
        assert one.restore()
        seen.append(int(one.labels_kji.max()))
        one.forget()
    assert sorted(seen) == [1, 2]
    assert correction(result_of()).earlier is None


def test_a_journal_that_is_gone_is_written_anew(correction, tmp_path):
    one = correction(result_of())
    stroke(one, BRUSH, at(*middle()))
    for file in tmp_path.iterdir():
        file.unlink()
    stroke(one, ToolSettings(value=2), at(*middle(1, 0, 0)))
    two = correction(result_of())
    assert len(two.earlier.edits) == 2
    assert two.restore()
    assert np.array_equal(two.labels_kji, one.labels_kji)


def test_a_stale_journal_that_stays_stops_nothing(correction, tmp_path):
    stale = tmp_path / "stale.corrections"
    stale.mkdir()  # no file, so it cannot be removed as one
    os.utime(stale, (0, 0))
    one = correction(result_of())
    stroke(one, BRUSH, at(*middle()))
    stroke(one, ToolSettings(value=2), at(*middle(1, 0, 0)))
    assert len(correction(result_of()).earlier.edits) == 2
    with pytest.raises(OutputError, match="could not be removed"):
        forget_journals(tmp_path)
    assert list(tmp_path.iterdir()) == [stale]


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps the user's folder to the user itself")
def test_the_journal_is_for_its_user_alone(correction, tmp_path):
    stroke(correction(result_of()), BRUSH, at(*middle()))
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o077 == 0


def test_the_journal_names_nobody(correction, tmp_path):
    empty = np.zeros(GEOMETRY.shape_kji, np.uint8)
    result = make_result(make_study(study_uid="1.2.840.77"), empty)
    stroke(correction(result), BRUSH, at(*middle()))
    (file,) = tmp_path.iterdir()
    content = file.read_bytes() + file.name.encode()
    assert result.study.study_uid.encode() not in content
    assert result.study.patient.name.encode() not in content


def test_whole_regions_are_changed_in_one_step_each(correction):
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    labels[-1, 0, 0] = 3
    oedema = ToolSettings(value=2, radius_mm=1.2)
    one = correction(result_of(labels))
    for k in (0, 2):
        stroke(one, oedema, at(k, 2, 2))
    before = one.labels_kji.copy()
    assert one.fill_between(oedema)
    assert one.labels_kji[1, 2, 2] == 2
    assert one.undo_title == "Fill oedema between slices"
    assert one.remove_specks(2 * GEOMETRY.voxel_volume_mm3)
    assert not one.labels_kji[-1].any()
    for _ in range(2):
        assert one.undo()
    assert np.array_equal(one.labels_kji, before)


def test_journals_nobody_came_back_for_are_forgotten(correction, tmp_path):
    old, recent = tmp_path / "old.corrections", tmp_path / "recent.corrections"
    for file in (old, recent):
        file.write_bytes(b"{}")
    a_year_ago = time.time() - 365 * 86_400
    os.utime(old, (a_year_ago, a_year_ago))
    stroke(correction(result_of()), BRUSH, at(*middle()))
    assert not old.exists()
    assert recent.exists()
    assert forget_journals(tmp_path) == 2
    assert not list(tmp_path.iterdir())


def test_a_core_without_enhancement_is_not_called_necrosis(correction):
    """The remark follows the labels: a person's enhancement takes it away, and undo brings it."""
    labels = np.zeros(GEOMETRY.shape_kji, np.uint8)
    k, j, i = middle()
    labels[k, j, i] = 1
    one = correction(result_of(labels, (NO_ENHANCEMENT, "Thick slices.")))
    stroke(one, replace(BRUSH, over=PaintOver.BACKGROUND), at(k, j, i))
    assert one.result().segmentation.warnings == ("Thick slices.",)
    stroke(one, replace(BRUSH, value=1), at(k, j, i))
    assert one.result().segmentation.warnings == (NO_ENHANCEMENT, "Thick slices.")

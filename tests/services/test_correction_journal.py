"""What comes back of corrections after a crash."""

import errno
import io
import os
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desktop_app.domain.correction import ToolSettings
from desktop_app.errors import OutputError
from desktop_app.io.correction_journal import forget_journals
from desktop_app.services.correction.correction import Correction
from tests.correction_cases import AXIAL, BRUSH, at, middle, result_of, stroke
from tests.result_cases import make_result
from tests.study_cases import GEOMETRY, make_study


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


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"nothing\n", b'{"schema": "other/1"}\n', b"[" * 200_000]
)
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

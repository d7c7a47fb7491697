"""Edits, undo and redo of labels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop_app.domain.correction import PaintOver, ToolSettings
from desktop_app.imaging.strokes import Patch
from desktop_app.services.correction.label_editor import LabelEditor

SHAPE = (6, 7, 8)


def cube(start, size=2):
    return Patch(start, np.ones((size,) * 3, bool))


def edit(editor, patch, value, changeable=None):
    editor.begin(f"paint {value}")
    editor.paint(patch, value, changeable)
    return editor.end()


def test_an_edit_of_many_strokes_is_undone_at_once():
    first = np.zeros(SHAPE, np.uint8)
    editor = LabelEditor(first)
    editor.begin("Paint oedema")
    assert editor.paint(cube((0, 0, 0)), 2)
    assert editor.paint(cube((3, 3, 3)), 2)
    assert not editor.paint(cube((3, 3, 3)), 2)
    assert editor.end().title == "Paint oedema"
    assert (editor.labels_kji == 2).sum() == 16
    after = editor.labels_kji.copy()
    assert editor.undo_title == "Paint oedema"
    assert editor.undo() is not None
    assert np.array_equal(editor.labels_kji, first)
    assert (editor.undo_title, editor.redo_title) == ("", "Paint oedema")
    assert editor.redo() is not None
    assert np.array_equal(editor.labels_kji, after)


def limited(over=PaintOver.EVERYTHING, **limits):
    return ToolSettings(over=over, **limits).changeable


@pytest.mark.parametrize(
    ("changeable", "voxels"),
    [
        (limited(), 8),
        (limited(PaintOver.TUMOUR), 4),
        (limited(PaintOver.BACKGROUND), 4),
        (limited(only_over=2), 2),
        (limited(only_over=0), 4),
        (limited(hidden=frozenset({1})), 6),
        (limited(PaintOver.TUMOUR, hidden=frozenset({1})), 2),
        (limited(only_over=1, hidden=frozenset({1})), 0),
    ],
)
def test_paint_stays_on_what_it_may_change(changeable, voxels):
    labels = np.zeros(SHAPE, np.uint8)
    labels[2, :3] = 2
    labels[2, 3:] = 1
    editor = LabelEditor(labels)
    edit(editor, cube((2, 2, 2)), 3, changeable)
    assert (editor.labels_kji == 3).sum() == voxels


def test_nothing_changed_is_no_edit():
    editor = LabelEditor(np.zeros(SHAPE, np.uint8))
    assert edit(editor, cube((1, 1, 1)), 0) is None
    editor.begin("there and back")
    editor.paint(cube((1, 1, 1)), 3)
    editor.paint(cube((1, 1, 1)), 0)
    assert editor.end() is None
    assert editor.end() is None
    assert editor.edit_count == 0
    assert editor.undo() is None
    assert editor.redo() is None


def test_a_new_edit_takes_the_way_forward():
    editor = LabelEditor(np.zeros(SHAPE, np.uint8))
    edit(editor, cube((0, 0, 0)), 1)
    editor.undo()
    edit(editor, cube((1, 1, 1)), 2)
    assert editor.redo_title == ""


def test_the_given_labels_and_what_is_shown_cannot_be_changed():
    given_labels = np.zeros(SHAPE, np.uint8)
    editor = LabelEditor(given_labels)
    edit(editor, cube((0, 0, 0)), 1)
    assert not given_labels.any()
    with pytest.raises(ValueError, match="read-only"):
        editor.labels_kji[0, 0, 0] = 5


def test_oldest_edits_are_forgotten_and_still_counted():
    rng = np.random.default_rng(0)
    editor = LabelEditor(np.zeros(SHAPE, np.uint8), max_undo_bytes=300)
    for _ in range(20):
        editor.begin("noise")
        editor.replace(rng.integers(0, 4, SHAPE, np.uint8))
        editor.end()
    assert editor.edit_count == 20
    undone = 0
    while editor.undo() is not None:
        undone += 1
    assert 0 < undone < 20
    assert editor.edit_count == 20 - undone


def test_misuse_is_told():
    editor = LabelEditor(np.zeros(SHAPE, np.uint8))
    with pytest.raises(RuntimeError, match="no edit"):
        editor.paint(cube((0, 0, 0)), 1)
    editor.begin("one")
    with pytest.raises(RuntimeError, match="begun"):
        editor.begin("two")
    with pytest.raises(ValueError, match="grid"):
        editor.replace(np.zeros((2, 2, 2), np.uint8))
    assert editor.undo() is None


def test_an_edit_of_elsewhere_must_fit():
    made = edit(LabelEditor(np.zeros((9, 9, 9), np.uint8)), cube((7, 7, 7)), 1)
    with pytest.raises(ValueError, match="outside"):
        LabelEditor(np.zeros(SHAPE, np.uint8)).apply(made)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.just("undo"),
            st.just("redo"),
            st.tuples(st.integers(0, 4), st.integers(0, 5), st.integers(0, 6), st.integers(0, 3)),
        ),
        max_size=30,
    )
)
def test_undoing_everything_leads_back(steps):
    first = np.arange(np.prod(SHAPE), dtype=np.uint8).reshape(SHAPE) % np.uint8(4)
    editor = LabelEditor(first)
    for step in steps:
        if isinstance(step, str):
            getattr(editor, step)()
        else:
            edit(editor, cube(step[:3]), step[3])
    while editor.undo() is not None:
        pass
    assert np.array_equal(editor.labels_kji, first)
    assert editor.edit_count == 0

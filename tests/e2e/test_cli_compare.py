"""`gliascope compare` end to end: two studies from files, the network, and what is written."""

import json
import shutil
from pathlib import Path

import numpy as np

from desktop_app.errors import ExitCode
from desktop_app.io.nifti.files import read_nifti
from tests.command_line import assert_three_lines, gliascope


def test_a_study_and_its_copy_differ_in_nothing(nifti_study: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in nifti_study.iterdir():
        shutil.copy(file, copy / file.name)
    run = gliascope("compare", nifti_study, copy, "--output", tmp_path / "out")
    assert run.returncode == ExitCode.DONE, run.stderr
    assert "Nothing tells whether both studies are of the same patient." in run.stdout
    (folder,) = (tmp_path / "out").glob("*-since-*")
    document = json.loads((folder / "follow-up.json").read_text("utf-8"))
    assert document["registration"]["ok"] is True
    np.testing.assert_array_equal(document["registration"]["earlier_to_now_lps_mm"], np.eye(4))
    for region in document["regions"].values():
        assert region["change_mm3"] == 0
        assert region["map"]["new_mm3"] == region["map"]["gone_mm3"] == 0
        assert region["map"]["same_mm3"] == region["now_mm3"]
    change = read_nifti(folder / "change-WT.nii.gz")
    assert set(np.unique(change.array_kji)) <= {0, 1}
    assert (folder / "follow-up.pdf").read_bytes().startswith(b"%PDF-1.4")
    # No results of either study are written.
    assert [one.name for one in (tmp_path / "out").iterdir()] == [folder.name]


def test_a_study_is_not_compared_with_itself(nifti_study: Path, tmp_path: Path) -> None:
    run = gliascope("compare", nifti_study, nifti_study, "-o", tmp_path / "out", "--quiet")
    lines = assert_three_lines(run, ExitCode.INPUT)
    assert lines[0] == "Both are the same study."

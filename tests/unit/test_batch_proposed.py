"""Where results go unless told otherwise."""

from pathlib import Path, PureWindowsPath

import pytest

from desktop_app.services.batch import proposed_output

HOME = Path("home")


def test_results_go_beside_the_studies(tmp_path: Path) -> None:
    root = tmp_path / "night"
    assert proposed_output(root, HOME) == tmp_path / "night-gliascope"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("root", "name"),
    [
        (Path("/"), "studies-gliascope"),
        (PureWindowsPath("E:\\"), "E-gliascope"),
        (PureWindowsPath("\\\\nas\\mr\\"), "nas-mr-gliascope"),
    ],
)
def test_nothing_is_beside_a_drive_or_a_share(root: Path, name: str) -> None:
    assert proposed_output(root, HOME) == HOME / name


def test_where_nothing_can_be_written_beside_them_results_go_home(tmp_path: Path) -> None:
    # A file is in the way, which stops an administrator as well.
    (tmp_path / "archive").touch()
    assert proposed_output(tmp_path / "archive" / "night", HOME) == HOME / "night-gliascope"

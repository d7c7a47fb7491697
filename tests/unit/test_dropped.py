"""What is opened when something is dropped on the window."""

from pathlib import Path

import pytest

from ui.dropped import common_path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "users" / "anna"
    home.mkdir(parents=True)
    monkeypatch.setattr(Path, "home", lambda: home)
    return home


def test_one_thing_is_opened_itself(home: Path) -> None:
    for path in (home / "study", home):
        assert common_path([str(path)]) == path


def test_several_things_stand_for_the_folder_that_holds_them(home: Path) -> None:
    paths = [str(home / "Desktop" / name) for name in ("t1", "t2")]
    assert common_path(paths) == home / "Desktop"


@pytest.mark.parametrize(
    "places", [("Desktop", "Downloads"), ("Desktop", "../berta"), ("Desktop", "../..")]
)
def test_nobodys_whole_folder_is_searched(home: Path, places: tuple[str, str]) -> None:
    assert common_path([str((home / place).resolve()) for place in places]) is None


def test_a_whole_disk_is_not_searched() -> None:
    anchor = Path.cwd().anchor
    assert common_path([f"{anchor}one", f"{anchor}two"]) is None

"""What every test gets: an off-screen Qt, no network, and a watch over the log."""

import faulthandler
import logging
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from dev_system import virtual_display

if TYPE_CHECKING:
    from desktop_app.domain.result import StudyResult
    from model.synthetic import SampleStudy
    from ui.application import Application

ROOT = Path(__file__).resolve().parents[1]

# Before any test module imports Qt.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Before any test module imports torch; see model/__init__.py.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
faulthandler.enable()
# How long an example takes depends on who else uses the computer; speed is the benchmarks' matter.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session")
def repository_root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real patients, which lies beside the checkout and never inside it."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the real patients that are kept outside the project")
    return folder


@pytest.fixture(scope="session")
def sample_study(tmp_path_factory: pytest.TempPathFactory) -> "SampleStudy":
    """The synthetic DICOM study and its truth; written once, not to be changed by a test."""
    from model.synthetic import write_sample_study

    return write_sample_study(tmp_path_factory.mktemp("sample") / "study")


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> "StudyResult":
    """A segmented study whose DICOM files are on the disk, not to be changed by a test."""
    from tests.export_cases import study_result

    return study_result(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="session")
def qapp_cls() -> "type[Application]":
    """Make the application of a test what the program's own is."""
    from ui.application import Application

    return Application


@pytest.fixture(scope="session")
def x_display() -> Iterator[str]:
    """Name of an X display: the one there is, else a virtual one for this run."""
    present = os.environ.get("DISPLAY")
    if present:
        yield present
        return
    with virtual_display() as variables:
        if not variables:
            pytest.skip("needs an X server: set DISPLAY or install Xvfb")
        yield variables["DISPLAY"]


@pytest.fixture(scope="session", autouse=True)
def _user_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep settings, logs and caches of the person who runs the tests out of them."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CONFIG", "DATA", "CACHE", "STATE"):
            folder = home / name.lower()
            folder.mkdir()
            patch.setenv(f"XDG_{name}_HOME", str(folder))
        patch.setenv("GLIASCOPE_USER_DATA", str(home / "gliascope"))
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    """The product never talks to another machine; a test that tries fails at the connect."""
    connect = socket.socket.connect

    def connect_to_this_machine_only(self: socket.socket, address: Any) -> None:
        is_internet = self.family in (socket.AF_INET, socket.AF_INET6)
        if is_internet and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test tried to reach {address[0]} over the network")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect_to_this_machine_only)
        yield


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture(autouse=True)
def _unexpected_logs(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that logs a warning or worse which it neither captures nor announces.

    A test expects such records when it uses ``caplog`` or is marked ``expects_logs``.
    """
    expected = "caplog" in request.fixturenames or request.node.get_closest_marker("expects_logs")
    if expected:
        yield
        return
    collector = _Collector()
    logging.getLogger().addHandler(collector)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(collector)
    if collector.records:
        lines = [f"{r.levelname} {r.name}: {r.getMessage()}" for r in collector.records]
        pytest.fail("unexpected log records:\n" + "\n".join(lines), pytrace=False)


def _visible_windows() -> list[str]:
    # Only where a test has loaded Qt; the others must not pay for it.
    widgets = sys.modules.get("PySide6.QtWidgets")
    if widgets is None or widgets.QApplication.instance() is None:
        return []
    windows = widgets.QApplication.topLevelWidgets()
    return [repr(window) for window in windows if window.isVisible()]


@pytest.fixture(autouse=True)
def _no_window_left_open() -> Iterator[None]:
    """Fail a test after which a window is on the screen that was not there before."""
    before = set(_visible_windows())
    yield
    left = sorted(set(_visible_windows()) - before)
    if left:
        pytest.fail("windows left open: " + ", ".join(left), pytrace=False)


def pytest_report_header() -> list[str]:
    display = os.environ.get("DISPLAY") or "none"
    return [f"python {sys.version.split()[0]}, Qt {os.environ['QT_QPA_PLATFORM']}, X {display}"]

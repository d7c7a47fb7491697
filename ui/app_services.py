"""What the window needs of the program's composition."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from desktop_app.jobs.runner import JobRunner
from desktop_app.jobs.worker import ModelWorker
from desktop_app.services.batch import Batch, BatchOptions, CaseListener
from desktop_app.services.models import ModelStore
from desktop_app.services.session import Session
from desktop_app.services.settings import Settings
from desktop_app.services.study_writers import PageRenderer


class AppServices(Protocol):
    """The program's parts; stay open as long as the window."""

    @property
    def runner(self) -> JobRunner:
        """Runs long work off this thread."""

    @property
    def worker(self) -> ModelWorker:
        """The network, in a process of its own."""

    @property
    def session(self) -> Session:
        """What the window shows."""

    @property
    def models(self) -> ModelStore:
        """The networks' weights on this computer."""

    @property
    def user_data(self) -> Path:
        """Folder for what the program keeps for this user."""

    def load_settings(self) -> Settings:
        """Return what the user chose in earlier sessions."""

    def save_settings(self, settings: Settings) -> None:
        """Keep what the user chose."""

    def report_crash(self, traceback_text: str) -> Path:
        """Write the trace of a defect to a file and return its path."""

    def make_batch(
        self,
        root: Path,
        output: Path,
        options: BatchOptions,
        *,
        page_renderer: PageRenderer | None = None,
        on_case: CaseListener | None = None,
        gives_way: Callable[[], bool] = lambda: False,
    ) -> Batch:
        """Return a batch over the studies below `root`, which may give way to what is urgent."""

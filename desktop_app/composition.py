"""Builds the parts that live as long as the program and wires them together."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from desktop_app.errors import OutputError
from desktop_app.jobs.awake import kept_awake
from desktop_app.jobs.runner import JobRunner
from desktop_app.jobs.worker import ModelWorker
from desktop_app.paths import user_data_dir, weights_dir
from desktop_app.services.batch import Batch, BatchOptions, CaseListener, LocalPlace
from desktop_app.services.batch.cluster import ClusterPlace
from desktop_app.services.crash_report import write_crash_report
from desktop_app.services.export.writers import PageRenderer
from desktop_app.services.learnt_times import TIMES_FILE, keep_times, load_times
from desktop_app.services.models import INSTALLED_FOLDER, ModelStore
from desktop_app.services.session import Session
from desktop_app.services.settings import SETTINGS_FILE, Settings, load_settings, save_settings

if TYPE_CHECKING:
    from desktop_app.services.batch.place import StudyPlace


@dataclass(frozen=True, slots=True, eq=False)
class App:
    """Everything a window or a command needs; a context manager that ends it all.

    Parameters
    ----------
    runner
        Runs long work off the caller's thread.
    worker
        The network, in a process of its own.
    session
        What the window shows; belongs to the thread that built the app.
    models
        The networks' weights on this computer.
    user_data
        Folder for what the program keeps for this user.
    make_worker
        Makes a further model process, for a batch.
    """

    runner: JobRunner
    worker: ModelWorker
    session: Session
    models: ModelStore
    user_data: Path
    make_worker: Callable[[], ModelWorker]

    def load_settings(self) -> Settings:
        """Return what the user chose in earlier sessions."""
        return load_settings(self.user_data / SETTINGS_FILE)

    def save_settings(self, settings: Settings) -> None:
        """Keep what the user chose.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        save_settings(settings, self.user_data / SETTINGS_FILE)

    def report_crash(self, traceback_text: str) -> Path:
        """Write the trace of a defect to a file and return its path.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        return write_crash_report(traceback_text, self.user_data)

    def make_batch(
        self,
        root: Path,
        output: Path,
        options: BatchOptions,
        *,
        workers: int | None = None,
        scheduler: str | None = None,
        page_renderer: PageRenderer | None = None,
        on_case: CaseListener | None = None,
        gives_way: Callable[[], bool] = lambda: False,
    ) -> Batch:
        """Return a batch over the studies below `root`; it makes and ends its own processes.

        The computer stays awake while it works.

        Parameters
        ----------
        workers
            Studies at a time: one by default, on a cluster as many as it takes.
        scheduler
            Address of the Dask cluster to work on, in place of this computer.
        page_renderer
            Draws reports on this computer; a cluster's workers make their own.
        gives_way
            Whether something more urgent wants this computer, see `LocalPlace`.
        """
        if scheduler is None:
            place: StudyPlace = LocalPlace(
                self.make_worker,
                workers=workers or 1,
                page_renderer=page_renderer,
                on_defect=self.report_crash,
                gives_way=gives_way,
            )
        else:
            place = ClusterPlace(scheduler, at_a_time=workers, on_defect=self.report_crash)
        return Batch(
            root,
            output,
            options,
            models=self.models,
            place=place,
            on_case=on_case,
            awake=kept_awake,
        )

    def close(self) -> None:
        """Stop what runs, end the model's process, and keep how long jobs took."""
        self.worker.close()
        self.runner.close()
        # What cannot be kept is learnt anew.
        with suppress(OutputError, OSError):
            keep_times(self.runner.learnt, self.user_data / TIMES_FILE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


def build(*, user_data: Path | None = None) -> App:
    """Build the program's parts; nothing heavy is loaded and no process started yet.

    Parameters
    ----------
    user_data
        Folder for settings and crash reports; the user's own by default.
    """
    bundled = weights_dir()
    kept = user_data or user_data_dir()

    def make_worker() -> ModelWorker:
        return ModelWorker(bundled)

    return App(
        runner=JobRunner(paces=load_times(kept / TIMES_FILE)),
        worker=make_worker(),
        session=Session(),
        models=ModelStore(bundled, kept / INSTALLED_FOLDER),
        user_data=kept,
        make_worker=make_worker,
    )

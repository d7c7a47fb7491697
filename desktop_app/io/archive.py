"""ZIP archives, unpacked to a folder of this run without trusting what they say of themselves."""

import atexit
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import psutil

from desktop_app.errors import InputError
from desktop_app.paths import user_data_dir

# DICOM seldom packs better than 10 : 1, blank slices perhaps 100 : 1; archives made to fill a disk
# pack 1000 : 1 and more.
MAX_RATIO = 200
MAX_UNPACKED_BYTES = 40 * 1024**3
MAX_MEMBERS = 200_000
_CHUNK_BYTES = 1 << 20


def unpack(archive: Path, *, check: Callable[[], None] | None = None) -> Path:
    """Unpack a ZIP archive to a folder that is removed when the program ends.

    Parameters
    ----------
    archive
        The file.
    check
        Called between members; raises to stop.

    Returns
    -------
    Path
        A fresh folder with the archive's files.

    Raises
    ------
    InputError
        If the archive is damaged, encrypted, would unpack outside its folder, or is suspiciously
        large unpacked.
    """
    folder = _fresh_folder()
    try:
        with zipfile.ZipFile(archive) as opened:
            _extract(opened, archive, folder, check)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise InputError(
            "The ZIP archive cannot be unpacked.",
            f"{archive}: {error}",
            "Unpack it by hand, or make it again without a password, then open the folder.",
        ) from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def _extract(
    opened: zipfile.ZipFile, archive: Path, folder: Path, check: Callable[[], None] | None
) -> None:
    members = [info for info in opened.infolist() if not info.is_dir()]
    if len(members) > MAX_MEMBERS:
        raise _suspicious(archive, f"it holds {len(members)} files")
    packed = max(1, archive.stat().st_size)
    room = min(MAX_UNPACKED_BYTES, packed * MAX_RATIO)
    written = 0
    for info in members:
        if check is not None:
            check()
        target = _inside(folder, info.filename, archive)
        target.parent.mkdir(parents=True, exist_ok=True)
        with opened.open(info) as source, target.open("wb") as sink:
            # Counted while writing, since the sizes in the archive's own index may lie.
            while chunk := source.read(_CHUNK_BYTES):
                written += len(chunk)
                if written > room:
                    raise _suspicious(archive, f"it unpacks to more than {room / 1e9:.1f} GB")
                sink.write(chunk)


def _inside(folder: Path, member: str, archive: Path) -> Path:
    parts = PurePosixPath(member.replace("\\", "/")).parts
    if not parts or ".." in parts or parts[0] == "/" or ":" in parts[0]:
        raise _suspicious(archive, f"its file {member!r} lies outside of it")
    return folder.joinpath(*parts)


def _suspicious(archive: Path, why: str) -> InputError:
    return InputError(
        "The ZIP archive is not safe to unpack.",
        f"{archive}: {why}.",
        "Unpack it by hand if you trust it, then open the folder.",
    )


def _fresh_folder() -> Path:
    parent = user_data_dir() / "unpacked"
    parent.mkdir(parents=True, exist_ok=True)
    # Patients' files of a run that crashed must not stay behind.
    for leftover in parent.iterdir():
        process = leftover.name.split("-")[0]
        if process.isdigit() and not psutil.pid_exists(int(process)):
            shutil.rmtree(leftover, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=parent))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder

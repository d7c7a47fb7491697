"""Makes what is frozen smaller without changing what it means; on every system."""

import json
from pathlib import Path

from pydicom import dcmread
from pydicom.uid import JPEGLSLossless

_WORTHWHILE_BYTES = 100_000


def compress_sample(dicom_folder: Path) -> None:
    """Compress the sample study's images without loss, by JPEG-LS, which halves them.

    Parameters
    ----------
    dicom_folder
        Folder of uncompressed images. Their identifiers stay, as
        DICOM PS3.5, 8.2, has it for compression without loss.
    """
    for path in sorted(dicom_folder.rglob("*.dcm")):
        image = dcmread(path)
        image.compress(JPEGLSLossless, generate_instance_uid=False)
        image.save_as(path, enforce_file_format=True)


def tighten_tables(inner: Path) -> int:
    """Take indents and spaces out of large JSON files, such as highdicom's tables of the standard.

    Returns
    -------
    int
        Bytes saved.
    """
    saved = 0
    for path in sorted(inner.rglob("*.json")):
        before = path.stat().st_size
        if before < _WORTHWHILE_BYTES:
            continue
        content = json.loads(path.read_bytes())
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        path.write_text(text, "utf-8", newline="\n")
        saved += before - path.stat().st_size
    return saved

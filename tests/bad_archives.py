"""Archives that cannot be unpacked, each for another reason."""

import gzip
import zipfile
from pathlib import Path

PATIENT = "Mueller"
DICOM_BEGINNING = bytes(128) + b"DICM\x02\0\0\0UL\4\0"


def pack(target: Path, members: dict[str, bytes]) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in members.items():
            opened.writestr(name, data)
    return target


def write_bad_archives(folder: Path) -> None:
    """Write archives named after a patient that each fail in another way."""
    name = PATIENT
    good = pack(folder / name / f"{name}.zip", {f"{name}.dcm": DICOM_BEGINNING * 90}).read_bytes()
    variants = {
        "encrypted": good.replace(b"\x14\0\0\0\x08\0", b"\x14\0\x01\0\x08\0"),
        "unsupported": good.replace(b"\x14\0\0\0\x08\0", b"\x14\0\0\0\x63\0"),
        "other name": good.replace(name.encode(), name.encode().replace(b"M", b"N"), 1),
        "cut": good[:-30],
    }
    for what, data in variants.items():
        assert data != good
        (folder / name / f"{name} {what}.zip").write_bytes(data)
    pack(folder / name / f"{name} outside.zip", {f"../{name}.dcm": b"x"})
    (folder / name / f"{name} bomb.dcm.gz").write_bytes(
        gzip.compress(DICOM_BEGINNING + bytes(9**8))
    )
    (folder / name / f"{name} cut.dcm.gz").write_bytes(gzip.compress(DICOM_BEGINNING * 99)[:-8])
    (folder / name / f"{name} text.gz").write_bytes(gzip.compress(name.encode()))
    (folder / name / f"{name} no.dcm.gz").write_bytes(name.encode())

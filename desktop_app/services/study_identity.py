"""What tells one study from another, and a mark that says it without telling whose it is."""

import base64
import hashlib
import hmac
import secrets
from pathlib import Path

from desktop_app.domain.study import Study
from desktop_app.io.unpacked import lasting_name

# What a scan puts before the folder of DICOM files that bear no study UID.
_NO_UID = "folder "
# Of BLAKE2b, which takes at most 16 bytes of salt; together 32 characters of base 32.
_SALT_BYTES = 10
_DIGEST_BYTES = 10


def identity(study: Study) -> str:
    """Return the study's UID; where a path stands for one, that path however it was typed."""
    uid = study.study_uid
    is_path = uid == str(study.root) or any(series.is_nifti for series in study.series)
    return _however_typed(uid) if is_path or uid.startswith(_NO_UID) else uid


def has_uid(study: Study, uid: str) -> bool:
    """Whether a UID that was written down is the study's."""
    return _however_typed(uid) == _however_typed(study.study_uid)


def new_mark(study: Study) -> str:
    """Return a salted checksum of the study's UID, another at every call.

    Whoever has the UID can test it with `is_mark_of`; it cannot be read off the mark.
    """
    return _mark(study, secrets.token_bytes(_SALT_BYTES))


def is_mark_of(mark: str, study: Study) -> bool:
    """Whether a mark was made of this study."""
    try:
        salt = base64.b32decode(mark)[:_SALT_BYTES]
    except ValueError:
        return False
    return hmac.compare_digest(_mark(study, salt), mark)


def _mark(study: Study, salt: bytes) -> str:
    digest = hashlib.blake2b(
        identity(study).encode("utf-8", "surrogatepass"), salt=salt, digest_size=_DIGEST_BYTES
    )
    return base64.b32encode(salt + digest.digest()).decode("ascii")


def _however_typed(uid: str) -> str:
    folder = uid.removeprefix(_NO_UID)
    return f"{uid[: len(uid) - len(folder)]}{lasting_name(Path(folder))}"

"""What tells one study from another, and a mark that says it without telling whose it is."""

import base64
import hashlib
import hmac
import re
import secrets
from pathlib import Path

from desktop_app.domain.study import Study
from desktop_app.io.unpacked import lasting_name

# What a scan puts before the folder of DICOM files that bear no study UID.
_NO_UID = "folder "
# What a scan puts behind a UID that several patients or visits share.
_SHARED = re.compile(r"([\d.]+)#\w+")
# Of BLAKE2b, which takes at most 16 bytes of salt; together 32 characters of base 32.
_SALT_BYTES = 10
_DIGEST_BYTES = 10


def identity(study: Study) -> str:
    """Return the study's UID, whose it is and of when.

    Some anonymisers give several patients, or all visits of one, the same UID, and a scan sees
    that only where they lie together. Where a path stands for the UID, it is that path however it
    was typed.
    """
    uid = study.study_uid
    is_path = uid == str(study.root) or any(series.is_nifti for series in study.series)
    told = _however_typed(uid) if is_path or uid.startswith(_NO_UID) else own_uid(uid)
    return "\n".join(one for one in (told, _patient(study), study.date) if one)


def patient_identity(study: Study) -> str:
    """Return what tells the patient from others; of a patient without a name, the study does.

    Two hospitals may give one number, so the date of birth counts, too.
    """
    patient = _patient(study)
    return f"{patient}\n{study.patient.birth_date}" if patient else identity(study)


def has_uid(study: Study, uid: str, *, patient_id: str = "", date: str = "") -> bool:
    """Whether a UID that was written down is the study's; so patient and date, if they were.

    What a scan puts behind a shared UID counts where it stands behind both.
    """
    if patient_id and _plain(patient_id) != _plain(study.patient.patient_id):
        return False
    if date and date != study.date:
        return False
    uids = (study.study_uid, uid)
    if not all(_SHARED.fullmatch(one) for one in uids):
        uids = (own_uid(study.study_uid), own_uid(uid))
    here, there = map(_however_typed, uids)
    return here == there


def new_mark(study: Study) -> str:
    """Return a salted checksum of the study's identity, another at every call.

    Whoever has that can test it with `is_mark_of`; it cannot be read off the mark.
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


def own_uid(uid: str) -> str:
    """Return a study's UID as the headers have it, without what a scan puts behind a shared one."""
    shared = _SHARED.fullmatch(uid)
    return shared[1] if shared else uid


def _patient(study: Study) -> str:
    return _plain(study.patient.patient_id or study.patient.name)


def _plain(text: str) -> str:
    return "".join(text.split()).casefold()


def _however_typed(uid: str) -> str:
    folder = uid.removeprefix(_NO_UID)
    return f"{uid[: len(uid) - len(folder)]}{lasting_name(Path(folder))}"

"""What stands for a patient's identifiers where results leave them out."""

import hashlib
import secrets
from dataclasses import dataclass, field

PREFIX = "ANON-"
KEY_BYTES = 16

# 48 bits: of ten thousand patients, two share a name once in five million folders of results.
_PATIENT_BYTES = 6
# Of the few studies of one patient.
_STUDY_BYTES = 4
_UID_BYTES = 16
# RFC 9562, section 5.8: what a number of a kind of its own says of itself.
_UUID_VERSION, _UUID_VARIANT = 0x8 << 76, 0x2 << 62
_UUID_FIXED_BITS = (0xF << 76) | (0x3 << 62)


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Stand-ins for the identifiers of a study: the same ones wherever the key is the same.

    DICOM PS3.15 E.1 lets identifiers be replaced consistently, so that what belongs together can
    be told to. Each is a keyed checksum (BLAKE2b, RFC 7693) and leads nowhere without the key;
    whoever has that can test a guess.

    Parameters
    ----------
    key
        `KEY_BYTES` of chance.
    patient, study
        What tells one patient, and one study, from another; see `services.study_identity`.

    Raises
    ------
    ValueError
        If the key has another length.
    """

    key: bytes = field(repr=False)
    patient: str = field(repr=False)
    study: str = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.key) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes, not {len(self.key)}")

    @property
    def patient_id(self) -> str:
        """``ANON-`` and twelve hexadecimal digits, in all studies of a patient."""
        return f"{PREFIX}{self._checksum(self.patient, 'patient', _PATIENT_BYTES).hex().upper()}"

    @property
    def folder_name(self) -> str:
        """The patient's stand-in, and eight digits that tell the patient's studies apart."""
        study = self._checksum(self.study, "study", _STUDY_BYTES).hex().upper()
        return f"{self.patient_id}-{study}"

    def uid(self, uid: str) -> str:
        """Return the DICOM UID that stands for another, made of a UUID (PS3.5 B.2)."""
        number = int.from_bytes(self._checksum(uid, "uid", _UID_BYTES), "big")
        number = number & ~_UUID_FIXED_BITS | _UUID_VERSION | _UUID_VARIANT
        return f"2.25.{number}"

    def _checksum(self, text: str, kind: str, size: int) -> bytes:
        return hashlib.blake2b(
            text.encode("utf-8", "surrogatepass"),
            key=self.key,
            person=kind.encode("ascii"),
            digest_size=size,
        ).digest()


def new_key() -> bytes:
    """Return a key that nobody has."""
    return secrets.token_bytes(KEY_BYTES)

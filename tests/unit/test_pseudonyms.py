"""Stand-ins for identifiers: always the same ones, and none without the key."""

import hashlib
from functools import reduce
from operator import and_, or_
from uuid import UUID

import pytest
from pydicom.uid import UID

from desktop_app.domain.pseudonyms import KEY_BYTES, Pseudonyms, new_key

KEY = bytes(range(KEY_BYTES))


def test_they_are_what_the_documents_say() -> None:
    """`docs/EXPORTS.md` tells how to make them, so that other programs can."""
    one = Pseudonyms(KEY, "pid-7", "1.2.3")
    digest = hashlib.blake2b(b"1.2.840.1", key=KEY, person=b"uid", digest_size=16).digest()
    bits = f"{int.from_bytes(digest):0128b}"
    bits = f"{bits[:48]}1000{bits[52:64]}10{bits[66:]}"
    assert one.uid("1.2.840.1") == f"2.25.{int(bits, 2)}"
    patient = hashlib.blake2b(b"pid-7", key=KEY, person=b"patient", digest_size=6)
    study = hashlib.blake2b(b"1.2.3", key=KEY, person=b"study", digest_size=4)
    assert one.patient_id == f"ANON-{patient.hexdigest().upper()}"
    assert one.folder_name == f"{one.patient_id}-{study.hexdigest().upper()}"


def test_they_are_valid_and_differ() -> None:
    one = Pseudonyms(KEY, "pid-7", "1.2.3")
    uids = {one.uid(f"1.2.{number}") for number in range(500)}
    assert len(uids) == 500
    assert all(UID(uid).is_valid for uid in uids)
    numbers = [int(uid.removeprefix("2.25.")) for uid in uids]
    always = reduce(and_, numbers) | ~reduce(or_, numbers) & (2**128 - 1)
    # All bits are the checksum's but those that say what kind of number it is (RFC 9562, 5.8).
    assert always == 0xF << 76 | 0x3 << 62
    assert {UUID(int=number).version for number in numbers} == {8}
    other = Pseudonyms(new_key(), "pid-7", "1.2.3")
    assert other.uid("1.2.1") not in uids
    assert other.patient_id != one.patient_id


def test_nothing_secret_is_shown() -> None:
    assert repr(Pseudonyms(KEY, "pid-7", "1.2.3")) == "Pseudonyms()"
    with pytest.raises(ValueError, match="16 bytes"):
        Pseudonyms(b"short", "pid-7", "1.2.3")

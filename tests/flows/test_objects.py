"""Files in the real store: large ones, repeats, and cipher text that was altered or put elsewhere."""

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from storage.embedded import EngineAddresses
from storage.objects import (
    FiledObject,
    examine_object,
    material_place,
    new_object,
    prove_object,
    put_object,
    read_object,
)
from tests.conftest import House
from tests.vaults import own_vault
from vault.errors import IntegrityError
from vault.model.ids import uuid7

pytestmark = pytest.mark.engines

LARGE_BYTES = 64 * 1024 * 1024
ORIGIN: Mapping[str, str] = {"case": "00000000-0000-0000-0000-000000000000"}


@pytest.fixture(scope="module")
def house(engines: EngineAddresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Of its own: no row names these objects, and fsck would say so."""
    with own_vault(engines, tmp_path_factory.mktemp("objects"), "objects") as found:
        yield found


def put(house: House, content: bytes) -> FiledObject:
    now, workshop = datetime.now(UTC), house.wired.workshop
    record_id = uuid7(now)
    digest = hashlib.sha256(content).hexdigest()
    key = workshop.keys.new_record_key()
    filed = new_object(record_id, material_place(record_id), key, digest, len(content))
    again = now + timedelta(minutes=2)
    for until in (again - timedelta(minutes=1), again):  # a repeat is no error
        put_object(workshop.blobs, filed, content, retain_until=until, origin=ORIGIN)
    return filed


def test_a_file_of_64_mib_is_put_once_and_read_back(house: House) -> None:
    content = secrets.token_bytes(1024) * (LARGE_BYTES // 1024)
    filed = put(house, content)
    workshop = house.wired.workshop
    prove_object(workshop.blobs, filed)
    found = examine_object(workshop.blobs, filed)
    assert found.size_bytes == LARGE_BYTES
    assert found.sm3 == hashlib.new("sm3", content).hexdigest()
    assert filed.sha256 not in filed.stored_name
    assert workshop.blobs.document_size(filed.stored_name) > LARGE_BYTES
    assert workshop.blobs.retained_until(filed.stored_name) is not None


def test_an_object_opens_in_its_own_place_only(house: House) -> None:
    first, second = (put(house, name.encode() * 40_000) for name in ("one", "two"))
    blobs = house.wired.workshop.blobs
    assert read_object(blobs, first).startswith(b"one")
    for wrong in (
        replace(first, name=second.name),  # another's cipher text in its place
        replace(first, key=second.key),
        replace(first, place=second.place),
        replace(first, sha256=second.sha256),
        replace(first, name=f"00/{uuid7(datetime.now(UTC))}/gone"),
    ):
        with pytest.raises(IntegrityError):
            read_object(blobs, wrong)
        with pytest.raises(IntegrityError):
            prove_object(blobs, wrong)

"""The intake bucket is emptied of what nobody needs: never of what a reserved case may still need."""

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from storage.blobs import BlobStore
from storage.cases import find_case
from storage.embedded import EngineAddresses
from storage.s3 import StoreAddress
from storage.upload_keys import upload_name
from tests.conftest import House
from tests.faults import LyingStore, lying_store
from tests.files import bytes_of_case
from tests.papers import new_pdf
from tests.requests import example_request
from tests.trials import now
from vault.deposit import hand_in, read_case
from vault.deposit.reserving import ReservedCase, forget, release, reserve
from vault.errors import IntegrityError, NotFound, Unavailable
from vault.intake import UPLOADS_KEPT, empty_intake
from vault.model.actors import ClientGrant
from vault.model.scope import VAULT
from vault.uploads import Kept, keep_upload, uploads_of
from vault.workshop import Workshop

pytestmark = pytest.mark.engines

ANY_CLIENT = ClientGrant("suite", "The test suite", frozenset())

LATER = timedelta(minutes=1)
CLIENT = "suite"


@pytest.fixture
def faulty(house: House, engines: EngineAddresses) -> Iterator[tuple[Workshop, LyingStore]]:
    """A workshop with an intake bucket of its own, behind a store that can fail."""
    with lying_store(str(house.settings.s3_endpoint)) as store:
        address = StoreAddress(
            f"http://127.0.0.1:{store.server_address[1]}",
            engines.s3_access_key,
            engines.s3_secret_key,
            "certvault-documents",
            f"certvault-intake-{secrets.token_hex(4)}",
        )
        blobs = BlobStore(address)
        blobs.prepare()
        yield replace(house.wired.workshop, blobs=blobs), store


@pytest.fixture
def workshop(faulty: tuple[Workshop, LyingStore]) -> Workshop:
    return faulty[0]


def uploaded(workshop: Workshop) -> str:
    content = new_pdf()
    digest = hashlib.sha256(content).hexdigest()
    assert keep_upload(workshop, ANY_CLIENT, digest, content) is Kept.NEW
    return digest


def name_of(workshop: Workshop, digest: str) -> str:
    key = uploads_of(workshop, CLIENT).key
    assert key is not None
    return upload_name(key, CLIENT, digest)


def is_there(workshop: Workshop, digest: str) -> bool:
    try:
        uploads_of(workshop, CLIENT).read(digest)
    except NotFound:
        return False
    return True


def naming(house: House, document: str | None, material: str | None) -> dict[str, Any]:
    request = example_request(house.catalogue)
    if document is not None:
        request["results"][0]["document"] = {"sha256": document}
    if material is not None:
        holders = request["results"][0]["holders"]
        request["materials"] = [
            {"type": "CL9999", "name": "材料", "sha256": material, "trust": "B", "holders": holders}
        ]
    return request


def reserved(house: House, workshop: Workshop, request: dict[str, Any]) -> ReservedCase:
    found = reserve(workshop, read_case(house.catalogue.in_force, house.client, request, at=now()), at=now())
    assert isinstance(found, ReservedCase)
    return found


def test_only_what_is_old_is_removed(workshop: Workshop) -> None:
    digests = [uploaded(workshop) for _ in range(3)]
    assert empty_intake(workshop, at=now() + UPLOADS_KEPT - LATER).removed == 0
    assert all(is_there(workshop, digest) for digest in digests)
    emptied = empty_intake(workshop, at=now() + UPLOADS_KEPT + LATER)
    assert (emptied.removed, emptied.needed) == (3, 0)
    assert not any(is_there(workshop, digest) for digest in digests)
    assert empty_intake(workshop, at=now() + UPLOADS_KEPT + LATER).removed == 0


def test_what_a_reserved_case_names_stays_until_nothing_needs_it(house: House, workshop: Workshop) -> None:
    document, material, other = (uploaded(workshop) for _ in range(3))
    begun = reserved(house, workshop, naming(house, document, material))
    old = now() + UPLOADS_KEPT + LATER
    emptied = empty_intake(workshop, at=old)
    assert (emptied.removed, emptied.needed) == (1, 2)
    assert (is_there(workshop, document), is_there(workshop, other)) == (True, False)
    release(workshop, begun)
    assert empty_intake(workshop, at=old).removed == 2


def test_a_forgotten_case_needs_nothing(house: House, workshop: Workshop) -> None:
    request = naming(house, uploaded(workshop), None)
    case = read_case(house.catalogue.in_force, house.client, request, at=now())
    forget(workshop, case, reserved(house, workshop, request), at=now())
    assert empty_intake(workshop, at=now() + UPLOADS_KEPT + LATER).removed == 1


def test_a_deposited_case_needs_its_uploads_no_longer(house: House, workshop: Workshop) -> None:
    material = uploaded(workshop)
    request = naming(house, None, material)
    first = hand_in(workshop, house.client, request, at=now())
    assert empty_intake(workshop, at=now() + UPLOADS_KEPT + LATER).removed == 1
    with workshop.database.reading(VAULT) as db:
        case = find_case(db, workshop.keys, CLIENT, request["case"]["number"])
    assert case is not None
    assert bytes_of_case(house, case.case_id, material)
    assert hand_in(workshop, house.client, request, at=now()).certificates == first.certificates


def test_an_upload_that_is_sent_again_starts_anew(workshop: Workshop) -> None:
    content = new_pdf()
    digest = hashlib.sha256(content).hexdigest()
    keep_upload(workshop, ANY_CLIENT, digest, content)
    name = name_of(workshop, digest)
    first = workshop.blobs.upload_kept_since(name)
    while workshop.blobs.upload_kept_since(name) == first:  # the store counts in whole seconds
        assert keep_upload(workshop, ANY_CLIENT, digest, content) is Kept.ALREADY_THERE
    assert workshop.blobs.upload_kept_since(name) > first


def test_nothing_is_removed_while_a_reserved_case_cannot_be_read(house: House, workshop: Workshop) -> None:
    digest = uploaded(workshop)
    begun = reserved(house, workshop, example_request(house.catalogue))
    damage = text("UPDATE cases SET sealed = sealed || 'x' WHERE id = :id")
    mend = text("UPDATE cases SET sealed = substr(sealed, 1, length(sealed) - 1) WHERE id = :id")
    with workshop.database.writing(VAULT) as db:
        db.execute(damage, {"id": begun.case_id})
    try:
        with pytest.raises(IntegrityError):
            empty_intake(workshop, at=now() + UPLOADS_KEPT + LATER)
        assert is_there(workshop, digest)
    finally:
        with workshop.database.writing(VAULT) as db:
            db.execute(mend, {"id": begun.case_id})
        release(workshop, begun)


@pytest.mark.parametrize("fault", ["refused", "done"])
def test_a_removal_that_failed_or_seemed_to_is_made_good_by_the_next_run(
    faulty: tuple[Workshop, LyingStore], fault: str
) -> None:
    workshop, store = faulty
    digests = [uploaded(workshop) for _ in range(3)]
    store.deletes = fault
    with pytest.raises(Unavailable):
        empty_intake(workshop, at=now() + UPLOADS_KEPT + LATER)
    left = sum(is_there(workshop, digest) for digest in digests)
    assert left == (3 if fault == "refused" else 2)
    assert empty_intake(workshop, at=now() + UPLOADS_KEPT + LATER).removed == left
    assert not any(is_there(workshop, digest) for digest in digests)

"""Files of the house in plain: what the object store has as cipher text only."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row

from storage.envelope import open_json
from storage.filed_objects import copy_object, document_object, objects_of_case
from storage.history import look_keys, look_place
from storage.objects import FiledObject, read_copy, read_object
from tests.conftest import House
from vault.model.certificate import CertificateRecord
from vault.model.use import UseRecord
from vault.uploads import uploads_of
from vault.workshop import Workshop


def filed(house: House, certificate: CertificateRecord) -> FiledObject:
    """Where a certificate's first file lies, and what opens it."""
    workshop = house.wired.workshop
    with workshop.database.reading() as db:
        found = document_object(
            db, workshop.keys, certificate.certificate_id, certificate.documents[0].format
        )
    assert found is not None
    return found


def sealed_bytes(house: House, certificate: CertificateRecord) -> bytes:
    """A certificate's first file, as it was sealed."""
    return read_object(house.wired.workshop.blobs, filed(house, certificate))


def bytes_of_case(house: House, case_id: UUID, sha256: str) -> bytes:
    """A file that a case brought, by its digest."""
    workshop = house.wired.workshop
    with workshop.database.reading() as db:
        objects = objects_of_case(db, workshop.keys, case_id)
    return read_object(workshop.blobs, next(found for found in objects if found.sha256 == sha256))


def copy_filed(house: House, use: UseRecord) -> FiledObject:
    """Where a use's copy lies, and what opens it."""
    workshop = house.wired.workshop
    with workshop.database.reading() as db:
        found = copy_object(db, workshop.keys, use.use_id)
    assert found is not None
    return found


def copy_name(house: House, use: UseRecord) -> str:
    """The name of the object of a use's copy."""
    return copy_filed(house, use).stored_name


def copy_bytes(house: House, use: UseRecord) -> bytes:
    """A use's copy, as it was sealed."""
    return read_copy(house.wired.workshop.blobs, copy_filed(house, use))


def reasons_of(workshop: Workshop, event: Row[Any]) -> Any:  # noqa: ANN401 - JSON is what it is
    """What the envelope of an audit event says."""
    with workshop.database.reading() as db:
        data_key = look_keys(db, workshop.keys, [event])[event.id]
    assert data_key is not None
    return open_json(data_key, event.sealed, look_place("sealed", event.actor, event.at))


def uploaded_bytes(house: House, sha256: str) -> bytes:
    """A file that the suite's client handed in."""
    return uploads_of(house.wired.workshop, house.client.client_id).read(sha256)

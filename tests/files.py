"""Files of the house in plain: what the object store has as cipher text only."""

from uuid import UUID

from storage.objects import FiledObject, document_object, objects_of_case, read_object
from tests.conftest import House
from vault.model.certificate import CertificateRecord
from vault.uploads import uploads_of


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


def uploaded_bytes(house: House, sha256: str) -> bytes:
    """A file that the suite's client handed in."""
    return uploads_of(house.wired.workshop, house.client.client_id).read(sha256)

"""Download: the sealed bytes, exactly as they were sealed, to those who may have them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from storage.certificates import MEDIA_TYPES, record
from storage.history import AuditRow, insert_audit
from storage.objects import document_object, read_object
from vault.errors import IntegrityError, NotFound
from vault.model.actors import ClientGrant, Person
from vault.model.catalogue import DocumentFormat
from vault.model.certificate import CertificateRecord
from vault.workshop import Workshop


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A sealed file on its way to somebody."""

    content: bytes = field(repr=False)
    media_type: str
    file_name: str
    sha256: str


def document_for_holder(
    workshop: Workshop, person: Person, certificate_id: UUID, wanted: DocumentFormat, *, at: datetime
) -> SealedFile:
    """A holder's own sealed file.

    Raises:
        NotFound: there is no such certificate of this holder, or not in this format.
        IntegrityError: the object store has lost it.
        Unavailable: an engine does not answer.
    """

    def may_have(found: CertificateRecord) -> bool:
        mine = None if person.code is None else person.code.identity
        return mine is not None and mine in {holder.code.identity for holder in found.holders}

    return _document(workshop, certificate_id, wanted, f"person:{person.person_id}", may_have, at)


def document_for_client(
    workshop: Workshop, client: ClientGrant, certificate_id: UUID, wanted: DocumentFormat, *, at: datetime
) -> SealedFile:
    """A sealed file for the approval system that deposited it or acts for its authority.

    Raises:
        NotFound: there is no such certificate of this client's authorities, or not in this format.
        IntegrityError: the object store has lost it.
        Unavailable: an engine does not answer.
    """

    def may_have(found: CertificateRecord) -> bool:
        return found.client_id == client.client_id or found.issuing_authority in client.authorities

    return _document(workshop, certificate_id, wanted, client.client_id, may_have, at)


def _document(
    workshop: Workshop,
    certificate_id: UUID,
    wanted: DocumentFormat,
    actor: str,
    may_have: Callable[[CertificateRecord], bool],
    at: datetime,
) -> SealedFile:
    with workshop.database.writing() as db:
        found = record(db, workshop.keys, certificate_id)
        if found is None or not may_have(found):
            raise NotFound("There is no such certificate.")
        document = next((d for d in found.documents if d.format is wanted), None)
        if document is None:
            raise NotFound(f"This certificate was not made as {wanted}.")
        filed = document_object(db, workshop.keys, certificate_id, wanted)
        event = AuditRow(actor, "download", certificate_id, None, {"format": wanted.value})
        insert_audit(db, [event], at)
    if filed is None:
        raise IntegrityError(f"Certificate {found.identifier} has lost its sealed file.")
    content = read_object(workshop.blobs, filed)
    name = f"{found.identifier}.{wanted.value}"
    return SealedFile(content, MEDIA_TYPES[wanted], name, document.sha256)

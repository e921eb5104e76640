"""Download: the sealed bytes, exactly as they were sealed, to those who may have them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from storage.certificates import MEDIA_TYPES, record
from storage.history import AuditRow, insert_look
from storage.holders import holder_ids_of
from storage.uses import find_use, has_redeemed
from vault.errors import NotFound
from vault.model.actors import Clerk, ClientGrant, Person
from vault.model.catalogue import DocumentFormat
from vault.model.certificate import CertificateRecord
from vault.model.delegation import DelegatedAction, DelegationEvent
from vault.model.footing import Statutory
from vault.model.use import SubjectKind, end_sentence
from vault.on_behalf import covers, delegation_to, tell
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

    return _document(workshop, certificate_id, wanted, f"person:{person.person_id}", None, may_have, at)


def document_for_delegate(
    workshop: Workshop,
    person: Person,
    delegation_id: UUID,
    certificate_id: UUID,
    wanted: DocumentFormat,
    *,
    at: datetime,
) -> SealedFile:
    """A sealed file of a holder who delegated its download to the signed-in person; told to that holder.

    Raises:
        NotFound: there is no such delegation, no such certificate under it, or not in this format.
        NotPermitted: they did not sign in as a holder.
        IntegrityError: the object store has lost it.
        Unavailable: an engine does not answer.
    """
    with workshop.database.writing() as db:
        action = DelegatedAction.DOWNLOAD
        delegation = delegation_to(db, workshop, person, delegation_id, action, at=at)
        found = record(db, workshop.keys, certificate_id)
        may = found is not None and covers(delegation, found, holder_ids_of(db, certificate_id))
        if found is not None:
            # A refusal is a decision, too; it commits before the caller hears of it.
            event = AuditRow(
                actor=f"person:{person.person_id}",
                action="download" if may else "refused-download",
                certificate_id=certificate_id,
                case_id=None,
                details={
                    "format": wanted.value,
                    "delegation": str(delegation_id),
                    "holder": str(delegation.holder_id),
                },
            )
            insert_look(db, workshop.keys, event, {}, at)
        if may:
            tell(db, delegation, person, DelegationEvent.DOWNLOAD, certificate_id, at=at)
    if found is None or not may:
        raise NotFound("There is no such certificate.")
    return _file_of(workshop, found, wanted)


def document_for_client(
    workshop: Workshop, client: ClientGrant, certificate_id: UUID, wanted: DocumentFormat, *, at: datetime
) -> SealedFile:
    """A sealed file for the approval system that deposited it or is bound to its like.

    Raises:
        NotFound: there is no such certificate that this client deposited or that its grant holds, or not in
            this format.
        IntegrityError: the object store has lost it.
        Unavailable: an engine does not answer.
    """

    def may_have(found: CertificateRecord) -> bool:
        return found.client_id == client.client_id or client.covers(found.issuing_authority, found.type_code)

    return _document(workshop, certificate_id, wanted, client.client_id, client.acting_for, may_have, at)


def copy_for_client(workshop: Workshop, client: ClientGrant, use_id: UUID, *, at: datetime) -> SealedFile:
    """A usage copy, for the system that made the use or has redeemed a code of it, while the use stands.

    An organisation that asks by consent gets those of its own uses only.

    Raises:
        NotFound: there is no such copy for this client, or it is no longer good: the sentence says why.
        IntegrityError: the object store has lost it.
        Unavailable: an engine does not answer.
    """
    with workshop.database.writing() as db:
        use = find_use(db, workshop.keys, use_id)
        if use is None:
            raise NotFound("There is no such use.")
        mine = use.client_id == client.client_id
        # A consent that somebody redeemed a code on may be gone, while the use of another stands.
        by_function = isinstance(client.standing, Statutory)
        may = mine or (by_function and has_redeemed(db, use_id, client.client_id))
        end = use.end(at)
        # A refusal is a decision, too; it commits before the caller hears of it.
        action = "download" if may and use.copy is not None and end is None else "refused-download"
        shown = use.subject.id if use.subject.kind is SubjectKind.CERTIFICATE else None
        event = AuditRow(client.client_id, action, shown, None, {"use": str(use_id)}, client.acting_for)
        insert_look(db, workshop.keys, event, {}, at)
    if not may:
        raise NotFound("There is no such use.")
    if use.copy is None:
        raise NotFound("No copy was made for this use.")
    if end is not None:
        raise NotFound(f"The usage copy is no longer good. {end_sentence(use, end)}")
    content = workshop.blobs.read_copy(use.copy.sha256)
    return SealedFile(content, MEDIA_TYPES[DocumentFormat.PDF], f"{use_id}.pdf", use.copy.sha256)


def _document(
    workshop: Workshop,
    certificate_id: UUID,
    wanted: DocumentFormat,
    actor: str,
    acting_for: Clerk | None,
    may_have: Callable[[CertificateRecord], bool],
    at: datetime,
) -> SealedFile:
    with workshop.database.writing() as db:
        found = record(db, workshop.keys, certificate_id)
        may = found is not None and may_have(found)
        if found is not None:
            # A refusal is a decision, too; it commits before the caller hears of it.
            action = "download" if may else "refused-download"
            details = {"format": wanted.value}
            event = AuditRow(actor, action, certificate_id, None, details, acting_for)
            insert_look(db, workshop.keys, event, {}, at)
    if found is None or not may:
        raise NotFound("There is no such certificate.")
    return _file_of(workshop, found, wanted)


def _file_of(workshop: Workshop, found: CertificateRecord, wanted: DocumentFormat) -> SealedFile:
    document = next((d for d in found.documents if d.format is wanted), None)
    if document is None:
        raise NotFound(f"This certificate was not made as {wanted}.")
    content = workshop.blobs.read_document(document.sha256)
    name = f"{found.identifier}.{wanted.value}"
    return SealedFile(content, MEDIA_TYPES[wanted], name, document.sha256)

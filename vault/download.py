"""Download: the sealed bytes, exactly as they were sealed, to those who may have them."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from storage.certificates import MEDIA_TYPES, record, stands
from storage.db import ReadConnection, extend_scope
from storage.filed_objects import copy_object, document_object
from storage.history import AuditRow, insert_look, look_by
from storage.holders import about, holder_ids_of
from storage.log import LoggedLeaf, logged_leaf
from storage.objects import FiledObject, read_copy, read_object
from storage.uses import find_use, is_use, redeemers
from vault.errors import IntegrityError, NotFound
from vault.log import rendition_content
from vault.model.access import (
    Action,
    Caller,
    Kind,
    Resource,
    certificate,
    not_there,
    refusal,
)
from vault.model.actors import Person
from vault.model.catalogue import DocumentFormat
from vault.model.certificate import CertificateRecord, files_of
from vault.model.delegation import DelegatedAction, DelegationEvent
from vault.model.scope import NOBODY, Scope, of_caller
from vault.model.use import SubjectKind, end_sentence
from vault.on_behalf import delegates_of, delegation_to, tell
from vault.tlog.merkle_leaf import leaf_hash
from vault.transparency.serving import LEAF_NOT_PUBLISHED
from vault.workshop import Workshop


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A sealed file on its way to somebody."""

    content: bytes = field(repr=False)
    media_type: str
    file_name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ProvenFile:
    """A sealed file that the log proves. `leaf_hash`: of the leaf that names it; None: that of the issue."""

    file: SealedFile
    leaf_hash: bytes | None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which file of a certificate: in this format the newest, or the one with this digest, hex."""

    kind: DocumentFormat
    sha256: str | None


def document_for_holder(
    workshop: Workshop,
    person: Person,
    certificate_id: UUID,
    wanted: DocumentFormat,
    *,
    at: datetime,
    sha256: str | None = None,
) -> SealedFile:
    """A holder's own sealed file: the newest rendition, or the one with this digest, hex.

    Raises:
        NotFound: there is no such certificate of this holder, or not in this format.
        IntegrityError: the object store has lost it.
        Unavailable: an engine does not answer.
    """
    scope = NOBODY if person.code is None else about(NOBODY, workshop.keys, person.code)
    return _document(
        workshop, person, scope, Action.FETCH_OWN_DOCUMENT, certificate_id, _Wanted(wanted, sha256), at
    )


def document_for_delegate(
    workshop: Workshop,
    person: Person,
    delegation_id: UUID,
    certificate_id: UUID,
    wanted: DocumentFormat,
    *,
    at: datetime,
    sha256: str | None = None,
) -> SealedFile:
    """A sealed file of a holder who delegated its download to the signed-in person; told to that holder.

    The newest rendition, or the one with this digest, hex.

    Raises:
        NotFound: there is no such delegation, no such certificate under it, or not in this format.
        IntegrityError: the object store has lost it.
        Unavailable: an engine does not answer.
    """
    scope = NOBODY if person.code is None else about(NOBODY, workshop.keys, person.code)
    with workshop.database.writing(scope) as db:
        delegation = delegation_to(db, workshop, person, delegation_id, DelegatedAction.DOWNLOAD, at=at)
        extend_scope(db, scope.acting_for(delegation.holder_id))
        found = record(db, workshop.keys, certificate_id)
        if found is None:
            raise not_there(Kind.CERTIFICATE)
        delegates = delegates_of(delegation, found, holder_ids_of(db, certificate_id))
        # Their own they fetch as their own.
        resource = replace(certificate(found, delegates), holders=frozenset())
        refused = refusal(person, Action.FETCH_OWN_DOCUMENT, resource)
        filed = (
            document_object(db, workshop.keys, certificate_id, wanted, sha256) if refused is None else None
        )
        # A refusal is a decision, too; it commits before the caller hears of it.
        details = {
            "format": wanted.value,
            "delegation": str(delegation_id),
            "holder": str(delegation.holder_id),
        }
        noted = "download" if refused is None else "refused-download"
        insert_look(db, workshop.keys, AuditRow(person.actor, noted, certificate_id, None, details), {}, at)
        if refused is None:
            tell(db, delegation, person, DelegationEvent.DOWNLOAD, certificate_id, at=at)
    if refused is not None:
        raise refused
    return _file_of(workshop, found, filed, _Wanted(wanted, sha256))


def document_for_client(
    workshop: Workshop,
    caller: Caller,
    certificate_id: UUID,
    wanted: DocumentFormat,
    *,
    at: datetime,
    sha256: str | None = None,
) -> SealedFile:
    """A sealed file for the system that deposited it or is bound to its like, or for its issuer's staff.

    The newest rendition, or the one with this digest, hex.

    Raises:
        NotFound: there is no such certificate that the caller may see, or not in this format.
        IntegrityError: the object store has lost it.
        Unavailable: an engine does not answer.
    """
    scope = of_caller(caller)
    which = _Wanted(wanted, sha256)
    return _document(workshop, caller, scope, Action.FETCH_DOCUMENT, certificate_id, which, at)


def proven_document(
    workshop: Workshop, caller: Caller, certificate_id: UUID, wanted: DocumentFormat, *, at: datetime
) -> ProvenFile:
    """As `document_for_client`, the newest rendition that the log can prove.

    1. the newest whose leaf is published, else the file as it was deposited, if the leaf of its issue is;
    2. that very file, and one download on record; nothing is on record where the log proves none.

    Raises:
        NotFound: there is no such certificate that the caller may see, or not in this format; or none of its
            leaves is published yet, and the sentence says so.
        IntegrityError: the object store has lost it.
        Unavailable: an engine does not answer.
    """
    scope = of_caller(caller)
    with workshop.database.reading(scope) as db:
        found = record(db, workshop.keys, certificate_id)
        sha256, leaf = None, None
        # Whoever may not have it is refused, and on record, below.
        if found is not None and refusal(caller, Action.FETCH_DOCUMENT, certificate(found)) is None:
            sha256, leaf = _newest_proven(db, found, wanted)  # 1
    which = _Wanted(wanted, sha256)
    file = _document(workshop, caller, scope, Action.FETCH_DOCUMENT, certificate_id, which, at)  # 2
    return ProvenFile(file, leaf)


def copy_for_client(workshop: Workshop, caller: Caller, use_id: UUID, *, at: datetime) -> SealedFile:
    """A usage copy, for whoever made the use, or the system that redeemed a code of it, while the use stands.

    An organisation that asks by consent gets those of its own uses only.

    Raises:
        NotFound: there is no such copy for this caller, or it is no longer good: the sentence says why.
        IntegrityError: the object store has lost it.
        Unavailable: an engine does not answer.
    """
    with workshop.database.writing(of_caller(caller)) as db:
        use = find_use(db, workshop.keys, use_id)
        if use is None:
            there, shown = is_use(db, use_id)
            if not there:
                raise not_there(Kind.USE)
            resource, end = Resource(Kind.USE), None
        else:
            shown = use.subject.id if use.subject.kind is SubjectKind.CERTIFICATE else None
            resource = Resource(Kind.USE, by=use.made_by, redeemed_by=redeemers(db, use_id))
            end = use.end(at)
        refused = refusal(caller, Action.FETCH_COPY, resource)
        # A refusal is a decision, too; it commits before the caller hears of it.
        good = refused is None and use is not None and use.copy is not None and end is None
        action = "download" if good else "refused-download"
        insert_look(db, workshop.keys, look_by(caller, action, shown, {"use": str(use_id)}), {}, at)
        filed = copy_object(db, workshop.keys, use_id) if good else None
    if refused is not None or use is None:
        raise refused or not_there(Kind.USE)
    if use.copy is None:
        raise NotFound("No copy was made for this use.")
    if end is not None:
        raise NotFound(f"The usage copy is no longer good. {end_sentence(use, end)}")
    if filed is None:
        raise IntegrityError(f"The usage copy of use {use_id} has lost its row.")
    content = read_copy(workshop.blobs, filed)
    return SealedFile(content, MEDIA_TYPES[DocumentFormat.PDF], f"{use_id}.pdf", use.copy.sha256)


def _document(
    workshop: Workshop,
    caller: Caller,
    scope: Scope,
    action: Action,
    certificate_id: UUID,
    wanted: _Wanted,
    at: datetime,
) -> SealedFile:
    with workshop.database.writing(scope) as db:
        found = record(db, workshop.keys, certificate_id)
        if found is None and not stands(db, certificate_id):
            raise not_there(Kind.CERTIFICATE)
        of = Resource(Kind.CERTIFICATE) if found is None else certificate(found)
        refused = refusal(caller, action, of)
        filed = None
        if refused is None:
            filed = document_object(
                db,
                workshop.keys,
                certificate_id,
                wanted.kind,
                wanted.sha256,
            )
        # A refusal is a decision, too; it commits before the caller hears of it.
        noted = "download" if refused is None else "refused-download"
        details = {"format": wanted.kind.value}
        if action is Action.FETCH_OWN_DOCUMENT:
            event = AuditRow(caller.actor, noted, certificate_id, None, details)
        else:
            event = look_by(caller, noted, certificate_id, details)
        insert_look(db, workshop.keys, event, {}, at)
    if refused is not None or found is None:
        raise refused or not_there(Kind.CERTIFICATE)
    return _file_of(workshop, found, filed, wanted)


def _newest_proven(
    db: ReadConnection, found: CertificateRecord, wanted: DocumentFormat
) -> tuple[str, bytes | None]:
    """Its newest file whose leaf is published, and the leaf's hash."""
    deposited = next((each for each in found.documents if each.format is wanted), None)
    if deposited is None:
        raise _not_made_as(found, wanted)
    for rendition in reversed(found.renditions):
        if rendition.document.format is wanted:
            leaf = leaf_hash(rendition_content(found.identifier, rendition, deposited))
            if isinstance(logged_leaf(db, found.certificate_id, leaf), LoggedLeaf):
                return rendition.document.sha256, leaf
    if not isinstance(logged_leaf(db, found.certificate_id, None), LoggedLeaf):
        raise NotFound(LEAF_NOT_PUBLISHED)
    return deposited.sha256, None


def _not_made_as(found: CertificateRecord, wanted: DocumentFormat) -> NotFound:
    made = " and ".join(each.format for each in found.documents)
    return NotFound(f"This certificate was not made as {wanted}, but as {made}.")


def _file_of(
    workshop: Workshop, found: CertificateRecord, filed: FiledObject | None, wanted: _Wanted
) -> SealedFile:
    named = [each for each in files_of(found) if each.format is wanted.kind]
    if not named:
        raise _not_made_as(found, wanted.kind)
    if filed is None and wanted.sha256 not in {None, *(each.sha256 for each in named)}:
        raise NotFound("This certificate has no file with this digest.")
    if filed is None:
        raise IntegrityError(f"Certificate {found.identifier} has lost its sealed file.")
    content = read_object(workshop.blobs, filed)
    name = f"{found.identifier}.{wanted.kind.value}"
    return SealedFile(content, MEDIA_TYPES[wanted.kind], name, filed.sha256)

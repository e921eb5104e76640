"""Making a presentation, in the order in which it happens."""

import hashlib
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from storage.certificates import record
from storage.db import WriteConnection, extend_scope
from storage.history import AuditRow, insert_audit
from storage.holders import about, find_holder, holder_ids_of
from storage.presentations import insert_presentation, insert_presentation_event
from vault.errors import InputError
from vault.model.access import Action, Kind, authorize, certificate, not_there
from vault.model.actors import Person
from vault.model.certificate import CertificateRecord
from vault.model.delegation import DelegatedAction, Delegation, DelegationEvent
from vault.model.face import HOLDERS, field_problems
from vault.model.ids import uuid7
from vault.model.legal_time import day_ends
from vault.model.presentation import CODE_BYTES, CODE_LIFETIME, Presentation, PresentationAction
from vault.model.scope import NOBODY, Scope
from vault.model.statement import Statement
from vault.on_behalf import delegates_of, delegation_to, tell
from vault.presentations.reading import PresentationRequest
from vault.stating import shown_statement, stated
from vault.workshop import Workshop


@dataclass(frozen=True, slots=True)
class MadePresentation:
    """A presentation with its code, at the one moment when it can be read. `url`: for a QR code.

    A statement of the certificate as it is now stands behind the code, for whoever has no network.
    """

    presentation: Presentation
    code: str = field(repr=False)
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Shown:
    """What is shown, whose it is, and under which delegation."""

    certificate: CertificateRecord
    holder_id: UUID
    delegation: Delegation | None


def make_presentation(
    workshop: Workshop, person: Person, request: PresentationRequest, *, at: datetime
) -> MadePresentation:
    """Gives a code with which somebody else sees a certificate, once, within five minutes.

    In one transaction: 1. the certificate is the signed-in person's, or delegated to them for presenting; 2.
    the fields are of its face; 3. the presentation, the hash of its code, its event, the delegate's act and
    the audit event. A repeat gives another code: the one before was perhaps not seen by anybody, and ends.

    Raises:
        NotFound: there is no such certificate of theirs, or no delegation for it.
        InputError: a field is not on the face; nothing is kept.
        Unavailable: the database does not answer; the same request may succeed later.
    """
    code, actor = secrets.token_urlsafe(CODE_BYTES), person.actor
    scope = NOBODY if person.code is None else about(NOBODY, workshop.keys, person.code)
    with workshop.database.writing(scope) as db:
        shown = _shown(db, workshop, person, scope, request, at)  # 1
        _check_fields(workshop, request, shown.certificate, at)  # 2
        under = shown.delegation
        ends = at + CODE_LIFETIME
        made = Presentation(
            presentation_id=uuid7(at),
            certificate_id=request.certificate_id,
            holder_id=shown.holder_id,
            delegation_id=None if under is None else under.delegation_id,
            made_by=person.person_id,
            fields=None if request.fields is None else frozenset(request.fields),
            made_at=at,
            expires_at=ends if under is None else min(ends, day_ends(under.valid_to)),
            redeemed_at=None,
            withdrawn=False,
        )
        insert_presentation(db, made, code_hash(code))  # 3
        insert_presentation_event(db, made.presentation_id, PresentationAction.MAKE, actor, at)
        if under is not None:
            tell(db, under, person, DelegationEvent.PRESENT, request.certificate_id, at=at)
        event = AuditRow(actor, "presentation-make", request.certificate_id, None, details_of(made))
        insert_audit(db, [event], at)
    url = f"{workshop.public_url}/v#p={code}"
    return MadePresentation(made, code, stated(workshop, url, _statement(workshop, shown, made, at), at=at))


def code_hash(code: str) -> bytes:
    """What is kept of a code: there is nothing to guess in 128 random bits, so SHA-256 is enough."""
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()


def details_of(presentation: Presentation) -> dict[str, object]:
    """What the audit events of a presentation say."""
    delegation = presentation.delegation_id
    return {
        "presentation": str(presentation.presentation_id),
        "holder": str(presentation.holder_id),
        "delegation": None if delegation is None else str(delegation),
        "fields": None if presentation.fields is None else sorted(presentation.fields),
    }


def _statement(workshop: Workshop, shown: _Shown, made: Presentation, at: datetime) -> Statement:
    kind = workshop.shelf.types(at).get(shown.certificate.type_code)
    authority = None if kind is None else kind.authority(shown.certificate.issuing_authority)
    return shown_statement(
        shown.certificate,
        type_name="" if kind is None else kind.name,
        authority_name="" if authority is None else authority.name,
        holder_shown=made.fields is None or HOLDERS in made.fields,
        at=at,
    )


def _shown(
    db: WriteConnection,
    workshop: Workshop,
    person: Person,
    scope: Scope,
    request: PresentationRequest,
    at: datetime,
) -> _Shown:
    delegation = None
    if request.on_behalf_of is not None:
        action = DelegatedAction.PRESENT
        delegation = delegation_to(db, workshop, person, request.on_behalf_of, action, at=at)
        extend_scope(db, scope.acting_for(delegation.holder_id))
    found = record(db, workshop.keys, request.certificate_id)
    if found is None:
        raise not_there(Kind.CERTIFICATE)
    if delegation is not None:
        delegates = delegates_of(delegation, found, holder_ids_of(db, request.certificate_id))
        # Their own they present as their own.
        authorize(person, Action.PRESENT, replace(certificate(found, delegates), holders=frozenset()))
        return _Shown(found, delegation.holder_id, delegation)
    authorize(person, Action.PRESENT, certificate(found))
    holder_id = None if person.code is None else find_holder(db, workshop.keys, person.code)
    if holder_id is None:
        raise not_there(Kind.CERTIFICATE)
    return _Shown(found, holder_id, None)


def _check_fields(
    workshop: Workshop, request: PresentationRequest, certificate: CertificateRecord, at: datetime
) -> None:
    if request.fields is None:
        return
    kind = workshop.shelf.types(at).get(certificate.type_code)
    problems = field_problems(request.fields, () if kind is None else (kind,))
    if problems:
        raise InputError(problems[0].detail, *problems)

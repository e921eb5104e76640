"""Look-up: what a holder has, what a case brought, what bears a number. Every look at a person is audited."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.cases import find_case
from storage.certificates import records_by_number, records_of_case, records_of_holder
from storage.db import ReadConnection, extend_scope
from storage.history import AuditRow, insert_audit, insert_look, look, look_by
from storage.holders import about, find_holder, known_holder
from storage.holdings import holdings_by, questions_about
from storage.materials import ArchivedMaterial
from storage.record_keys import KnownHolder
from storage.round_trip import commit_with
from vault.errors import NotFound
from vault.grounds import ConsentQuestion, Ground, ground_for, spend, standing_footing
from vault.log import moment
from vault.model.access import (
    Action,
    Caller,
    Context,
    Kind,
    Resource,
    authorize,
    certificate,
    not_there,
    permitted,
    refusal,
)
from vault.model.actors import ClientGrant, Person
from vault.model.certificate import CertificateRecord, files_of
from vault.model.consent import Look
from vault.model.delegation import DelegatedAction, Delegation, DelegationEvent
from vault.model.dispute import dispute_note
from vault.model.footing import Consented, footing_json
from vault.model.holders import HolderCode
from vault.model.origin import origin_json, shown_origin
from vault.model.scope import NOBODY, of_caller, of_client
from vault.model.written import case_number_form
from vault.on_behalf import delegation_to, tell
from vault.workshop import Workshop

# Where each kind of caller fetches sealed files: a holder's session opens nothing at a client's address.
FOR_CLIENTS = "/v1/certificates"
FOR_HOLDERS = "/v1/me/certificates"

_NO_CONSENT = "Nothing is held that you may see: this holder has given you no consent for this purpose."


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a holder has in the vault, the newest of each first. `ground`: on which the caller sees it."""

    ground: Ground
    certificates: tuple[CertificateRecord, ...] = field(repr=False, default=())
    materials: tuple[ArchivedMaterial, ...] = field(repr=False, default=())


def holdings(
    workshop: Workshop,
    caller: Caller,
    holder: HolderCode,
    *,
    purpose: str,
    service_item: str | None,
    case_number: str | None,
    at: datetime,
) -> Holdings:
    """Every certificate that this holder has, and every material that was handed in for them.

    An organisation that asks by consent gets the certificates that the holder consents to, and no materials.

    Raises:
        NotPermitted: the caller may not see it, or not for this.
        NotFound: the holder consents to nothing of the kind, whatever they have. It is recorded.
        Unavailable: the database does not answer.
    """
    item = None if service_item is None else workshop.shelf.items(at).get(service_item)
    what_for = Context(
        purpose,
        case_number,
        None if item is None else item.code,
        None if item is None else item.authority.code,
    )
    authorize(caller, Action.SEE_HOLDINGS, context=what_for)
    reasons = {"purpose": purpose, "service_item": service_item, "case_number": case_number}
    more = {"holder": list(holder.identity), "case_number": case_number}
    question = ConsentQuestion(Look.HOLDINGS, service_item, purpose, more)
    scope = about(of_caller(caller), workshop.keys, holder)
    # What takes a consent is not read before there is one; nothing is opened before it may be seen.
    by_function = standing_footing(caller) is not None
    questions = questions_about(workshop.keys, holder) if by_function else ()
    with workshop.database.writing_after(scope, questions) as (db, answers):
        whole = holdings_by(workshop.keys, answers) if by_function else None
        known = known_holder(db, workshop.keys, holder) if whole is None else whole.holder
        ids = () if known is None else (known.holder_id,)
        ground = ground_for(db, workshop, caller, question, ids, None, at=at, lock=True)
        footing = None if ground is None else ground.footing
        refused = refusal(caller, Action.SEE_HELD, Resource(Kind.HOLDER), replace(what_for, footing=footing))
        found = Holdings(Ground(Consented(())))
        if ground is not None and refused is None:
            if whole is None:
                found = _consented(db, workshop, known, ground)
            else:
                found = Holdings(ground, *whole.opened(workshop.keys))
            spend(db, caller, question, [ground], at=at)
        action = "holdings" if refused is None else "refused-holdings"
        told = _told(found.certificates, None if known is None else known.holder_id, found.materials)
        told |= footing_json(found.ground.footing)
        under = None if known is None else known.key
        event = look_by(caller, action, None, told)
        commit_with(db, look(workshop.keys, event, reasons, at, under=under))
    if refused is not None:
        raise NotFound(_NO_CONSENT)
    return found


def _consented(db: ReadConnection, workshop: Workshop, known: KnownHolder | None, ground: Ground) -> Holdings:
    """Certificates as far as the holder consents, and no materials."""
    certificates = () if known is None else records_of_holder(db, workshop.keys, known.holder_id)
    return Holdings(ground, tuple(each for each in certificates if ground.shows(each.type_code)))


def of_case(
    workshop: Workshop, client: ClientGrant, number: str, *, at: datetime
) -> tuple[CertificateRecord, ...]:
    """The certificates of this client's case.

    Raises:
        NotFound: the client has deposited no such case.
        Unavailable: the database does not answer.
    """
    with workshop.database.writing(of_client(client)) as db:
        case = find_case(db, workshop.keys, client.client_id, case_number_form(number))
        if case is None or case.committed_at is None:
            raise not_there(Kind.CASE)
        # A number is a case's only together with the client: whose it is was part of the question.
        authorize(client, Action.READ_RECEIPTS, Resource(Kind.CASE, by=client.actor))
        found = records_of_case(db, workshop.keys, case.case_id)
        event = look_by(client, "receipts", None, _told(found))
        insert_look(db, workshop.keys, event, {"case_number": number}, at)
    return found


def by_number(
    workshop: Workshop, client: ClientGrant, number: str, *, purpose: str, at: datetime
) -> tuple[CertificateRecord, ...]:
    """Every certificate with this number that the client's grant holds, newest first.

    Raises:
        Unavailable: the database does not answer.
    """
    with workshop.database.writing(of_client(client)) as db:
        all_found = records_by_number(db, workshop.keys, number)
        found = permitted(client, Action.FIND_BY_NUMBER, all_found, certificate)
        insert_look(
            db, workshop.keys, look_by(client, "lookup", None, _told(found)), {"purpose": purpose}, at
        )
    return found


def of_person(workshop: Workshop, person: Person, *, at: datetime) -> tuple[CertificateRecord, ...]:
    """The signed-in person's own certificates, newest first.

    Raises:
        NotPermitted: they are no holder.
        Unavailable: the database does not answer.
    """
    authorize(person, Action.LIST_OWN)
    if person.code is None:
        return ()
    with workshop.database.writing(about(NOBODY, workshop.keys, person.code)) as db:
        holder_id = find_holder(db, workshop.keys, person.code)
        found = () if holder_id is None else records_of_holder(db, workshop.keys, holder_id)
        event = AuditRow(person.actor, "own-certificates", None, None, _told(found, holder_id))
        insert_audit(db, [event], at)
    return found


def of_delegator(
    workshop: Workshop, person: Person, delegation_id: UUID, *, at: datetime
) -> tuple[Delegation, tuple[CertificateRecord, ...]]:
    """What a holder delegated to the signed-in person, newest first. The look is told to that holder.

    Raises:
        NotFound: there is no such delegation to them, or it does not hold now.
        Unavailable: the database does not answer.
    """
    scope = NOBODY if person.code is None else about(NOBODY, workshop.keys, person.code)
    with workshop.database.writing(scope) as db:
        delegation = delegation_to(db, workshop, person, delegation_id, at=at)
        extend_scope(db, scope.acting_for(delegation.holder_id))
        all_held = records_of_holder(db, workshop.keys, delegation.holder_id)
        found = tuple(each for each in all_held if each.type_code in delegation.types)
        tell(db, delegation, person, DelegationEvent.VIEW, None, at=at)
        details = {**_told(found, delegation.holder_id), "delegation": str(delegation_id)}
        insert_audit(db, [AuditRow(person.actor, "delegated-certificates", None, None, details)], at)
    return delegation, found


def _told(
    found: Sequence[CertificateRecord],
    holder_id: UUID | None = None,
    materials: Sequence[ArchivedMaterial] | None = None,
) -> dict[str, Any]:
    """What an audit event says was told, by ids."""
    details: dict[str, Any] = {
        "holder": None if holder_id is None else str(holder_id),
        "certificates": [str(record.certificate_id) for record in found],
    }
    if materials is not None:
        details["materials"] = [str(material.material_id) for material in materials]
    return details


def summary_json(
    record: CertificateRecord,
    types: Mapping[str, Any],
    *,
    files_at: str,
    on_behalf_of: UUID | None = None,
) -> dict[str, Any]:
    """A certificate as look-ups answer it: in full, since the caller may see it.

    `files_at`: the address under which this caller may fetch sealed files, `FOR_CLIENTS` or `FOR_HOLDERS`.
    `on_behalf_of`: the delegation under which they may.
    """
    under = "" if on_behalf_of is None else f"&on_behalf_of={on_behalf_of}"
    kind = types.get(record.type_code)
    authority = None if kind is None else kind.authority(record.issuing_authority)
    return {
        "certificate_id": str(record.certificate_id),
        "identifier": record.identifier,
        "version": record.version,
        "type": record.type_code,
        "type_name": "" if kind is None else kind.name,
        "number": record.number,
        "issuing_authority": record.issuing_authority,
        "issuing_authority_name": "" if authority is None else authority.name,
        "holders": [
            {"code_type": h.code.code_type, "code": h.code.value, "name": h.name} for h in record.holders
        ],
        "issued_on": record.issued_on.isoformat(),
        "valid_from": record.valid_from.isoformat(),
        "valid_to": None if record.valid_to is None else record.valid_to.isoformat(),
        "status": record.status.value,
        "status_since": moment(record.status_since),
        "dispute": dispute_note(record.disputed_since),
        "fields": dict(record.fields),
        "origin": shown_origin(origin_json(record.origin)),
        "documents": [
            {
                "format": d.format.value,
                "sha256": d.sha256,
                "size_bytes": d.size_bytes,
                "seal_level": d.level.value,
                "href": f"{files_at}/{record.certificate_id}/document"
                f"?format={d.format.value}&sha256={d.sha256}{under}",
            }
            for d in files_of(record)
        ],
    }


def delegated_json(
    delegation: Delegation, found: Sequence[CertificateRecord], types: Mapping[str, Any]
) -> dict[str, Any]:
    """What a delegate sees of a holder, marked as that holder's; files only where they may download them."""
    under = delegation.delegation_id
    certificates = [summary_json(record, types, files_at=FOR_HOLDERS, on_behalf_of=under) for record in found]
    if DelegatedAction.DOWNLOAD not in delegation.actions:
        certificates = [{**each, "documents": []} for each in certificates]
    return {
        "certificates": certificates,
        "on_behalf_of": {
            "delegation_id": str(under),
            "holder_name": delegation.holder_name,
            "actions": sorted(action.value for action in delegation.actions),
        },
    }

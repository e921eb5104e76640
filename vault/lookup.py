"""Look-up: what a holder has, what a case brought, what bears a number. Every look at a person is audited."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.cases import find_case
from storage.certificates import records_by_number, records_of_case, records_of_holder
from storage.db import ReadConnection
from storage.history import AuditRow, insert_audit, insert_look
from storage.holders import find_holder
from storage.materials import ArchivedMaterial, materials_of_holder
from vault.errors import NotFound
from vault.grounds import Ground, consent_question, ground_for, spend
from vault.log import moment
from vault.model.actors import ClientGrant, Person
from vault.model.certificate import CertificateRecord
from vault.model.consent import Look
from vault.model.delegation import DelegatedAction, Delegation, DelegationEvent
from vault.model.footing import Consented, Statutory, footing_json
from vault.model.holders import HolderCode
from vault.model.written import case_number_form
from vault.on_behalf import delegation_to, tell
from vault.workshop import Workshop

# Where each kind of caller fetches sealed files: a holder's session opens nothing at a client's address.
FOR_CLIENTS = "/v1/certificates"
FOR_HOLDERS = "/v1/me/certificates"

_NO_CONSENT = "Nothing is held that you may see: this holder has given you no consent for this purpose."


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a holder has in the vault, the newest of each first. `ground`: on which the client sees it."""

    ground: Ground
    certificates: tuple[CertificateRecord, ...] = field(repr=False, default=())
    materials: tuple[ArchivedMaterial, ...] = field(repr=False, default=())


def holdings(
    workshop: Workshop,
    client: ClientGrant,
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
        NotFound: the holder consents to nothing of the kind, whatever they have.
        Unavailable: the database does not answer.
    """
    reasons = {"purpose": purpose, "service_item": service_item, "case_number": case_number}
    question = consent_question(
        workshop,
        client,
        Look.HOLDINGS,
        service_item=service_item,
        purpose=purpose,
        more={"holder": list(holder.identity), "case_number": case_number},
    )
    with workshop.database.writing() as db:
        holder_id = find_holder(db, workshop.keys, holder)
        ids = () if holder_id is None else (holder_id,)
        ground = ground_for(db, workshop, client, question, ids, None, at=at, lock=True)
        found = None if ground is None else _found(db, workshop, client, holder_id, ground)
        event = _look(client, "refused-holdings", holder_id, ())
        if found is not None:
            spend(db, client, question, [found.ground], at=at)
            event = _look(client, "holdings", holder_id, found.certificates, found.materials)
        footing = Consented(()) if ground is None else ground.footing
        event = replace(event, details={**event.details, **footing_json(footing)})
        insert_look(db, workshop.keys, event, reasons, at)
    if found is None:
        raise NotFound(_NO_CONSENT)
    return found


def _found(
    db: ReadConnection, workshop: Workshop, client: ClientGrant, holder_id: UUID | None, ground: Ground
) -> Holdings:
    if holder_id is None:
        return Holdings(ground)
    certificates = records_of_holder(db, workshop.keys, holder_id)
    return Holdings(
        ground,
        tuple(each for each in certificates if ground.shows(each.type_code)),
        materials_of_holder(db, workshop.keys, holder_id) if isinstance(client.standing, Statutory) else (),
    )


def of_case(
    workshop: Workshop, client: ClientGrant, number: str, *, at: datetime
) -> tuple[CertificateRecord, ...]:
    """The certificates of this client's case.

    Raises:
        NotFound: the client has deposited no such case.
        Unavailable: the database does not answer.
    """
    with workshop.database.writing() as db:
        case = find_case(db, workshop.keys, client.client_id, case_number_form(number))
        if case is None or case.committed_at is None:
            raise NotFound("This client has deposited no case with this number.")
        found = records_of_case(db, workshop.keys, case.case_id)
        event = _look(client, "receipts", None, found)
        insert_look(db, workshop.keys, event, {"case_number": number}, at)
    return found


def by_number(
    workshop: Workshop, client: ClientGrant, number: str, *, purpose: str, at: datetime
) -> tuple[CertificateRecord, ...]:
    """Every certificate with this number that the client's grant holds, newest first.

    Raises:
        Unavailable: the database does not answer.
    """
    with workshop.database.writing() as db:
        all_found = records_by_number(db, workshop.keys, number)
        found = tuple(r for r in all_found if client.covers(r.issuing_authority, r.type_code))
        insert_look(db, workshop.keys, _look(client, "lookup", None, found), {"purpose": purpose}, at)
    return found


def of_person(workshop: Workshop, person: Person, *, at: datetime) -> tuple[CertificateRecord, ...]:
    """The signed-in person's own certificates, newest first.

    Raises:
        Unavailable: the database does not answer.
    """
    if person.code is None:
        return ()
    with workshop.database.writing() as db:
        holder_id = find_holder(db, workshop.keys, person.code)
        found = () if holder_id is None else records_of_holder(db, workshop.keys, holder_id)
        insert_audit(db, [_look(person, "own-certificates", holder_id, found)], at)
    return found


def of_delegator(
    workshop: Workshop, person: Person, delegation_id: UUID, *, at: datetime
) -> tuple[Delegation, tuple[CertificateRecord, ...]]:
    """What a holder delegated to the signed-in person, newest first. The look is told to that holder.

    Raises:
        NotFound: there is no such delegation to them, or it does not hold now.
        NotPermitted: they did not sign in as a holder.
        Unavailable: the database does not answer.
    """
    with workshop.database.writing() as db:
        delegation = delegation_to(db, workshop, person, delegation_id, at=at)
        all_held = records_of_holder(db, workshop.keys, delegation.holder_id)
        found = tuple(each for each in all_held if each.type_code in delegation.types)
        tell(db, delegation, person, DelegationEvent.VIEW, None, at=at)
        event = _look(person, "delegated-certificates", delegation.holder_id, found)
        details = {**event.details, "delegation": str(delegation_id)}
        insert_audit(db, [replace(event, details=details)], at)
    return delegation, found


def _look(
    who: ClientGrant | Person,
    action: str,
    holder_id: UUID | None,
    found: Sequence[CertificateRecord],
    materials: Sequence[ArchivedMaterial] | None = None,
) -> AuditRow:
    details: dict[str, Any] = {
        "holder": None if holder_id is None else str(holder_id),
        "certificates": [str(record.certificate_id) for record in found],
    }
    if materials is not None:
        details["materials"] = [str(material.material_id) for material in materials]
    match who:
        case ClientGrant():
            return AuditRow(who.client_id, action, None, None, details, who.acting_for)
        case Person():
            return AuditRow(f"person:{who.person_id}", action, None, None, details)


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
        "fields": dict(record.fields),
        "documents": [
            {
                "format": d.format.value,
                "sha256": d.sha256,
                "size_bytes": d.size_bytes,
                "seal_level": d.level.value,
                "href": f"{files_at}/{record.certificate_id}/document?format={d.format.value}{under}",
            }
            for d in record.documents
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

"""Look-up: what a holder has, what a case brought, what bears a number. Every look at a person is audited."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.cases import find_case
from storage.certificates import records_by_number, records_of_case, records_of_holder
from storage.history import AuditRow, insert_audit, insert_look, look_by
from storage.holders import about, find_holder
from storage.holdings import Holdings, holdings_of
from storage.materials import ArchivedMaterial
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
)
from vault.model.actors import ClientGrant, Person
from vault.model.certificate import CertificateRecord
from vault.model.dispute import dispute_note
from vault.model.holders import HolderCode
from vault.model.scope import NOBODY, of_caller, of_client
from vault.model.written import case_number_form
from vault.workshop import Workshop

# Where each kind of caller fetches sealed files: a holder's session opens nothing at a client's address.
FOR_CLIENTS = "/v1/certificates"
FOR_HOLDERS = "/v1/me/certificates"


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

    Raises:
        NotPermitted: the caller may not see it, or not for this.
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
    scope = about(of_caller(caller), workshop.keys, holder)
    with workshop.database.writing(scope) as db:
        found = holdings_of(db, workshop.keys, holder)
        holder_id = None if found.holder is None else found.holder.holder_id
        reasons = {"purpose": purpose, "service_item": service_item, "case_number": case_number}
        event = look_by(caller, "holdings", None, _told(found.certificates, holder_id, found.materials))
        under = None if found.holder is None else found.holder.key
        insert_look(db, workshop.keys, event, reasons, at, under=under)
    return found


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


def summary_json(record: CertificateRecord, types: Mapping[str, Any], *, files_at: str) -> dict[str, Any]:
    """A certificate as look-ups answer it: in full, since the caller may see it.

    `files_at`: the address under which this caller may fetch sealed files, `FOR_CLIENTS` or `FOR_HOLDERS`.
    """
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
        "documents": [
            {
                "format": d.format.value,
                "sha256": d.sha256,
                "size_bytes": d.size_bytes,
                "seal_level": d.level.value,
                "href": f"{files_at}/{record.certificate_id}/document?format={d.format.value}",
            }
            for d in record.documents
        ],
    }

"""A case is filled in: what was typed is read, whoever was scanned is found, and it is taken to hand."""

from dataclasses import replace
from datetime import datetime

from storage.certificates import id_by_token, record
from storage.db import extend_scope
from storage.history import insert_look, look_by
from vault.desk.reading import CaseForm, ReadCase, Shown, Slip, Slips, read_case
from vault.desk.sheets import sheet_at, take_to_hand
from vault.grounds import standing_footing
from vault.model.access import Action, Context, authorize, certificate
from vault.model.actors import Person
from vault.model.certificate import CertificateRecord
from vault.model.desk import DeskHolder, Sheet
from vault.model.footing import BY_FUNCTION, footing_json
from vault.model.holders import HolderCode
from vault.model.scope import of_caller
from vault.model.service_item import HolderRole, ServiceItem
from vault.reuse.reading import HOLDERS_MAX
from vault.workshop import Workshop


def items_of(workshop: Workshop, person: Person, *, at: datetime) -> tuple[ServiceItem, ...]:
    """The service items in force that the clerk's authority handles, by name.

    Raises:
        Unavailable: the database does not answer.
    """
    every = workshop.shelf.items(at).values()
    mine = (item for item in every if item.authority.code == person.organisation)
    return tuple(sorted(mine, key=lambda item: item.name))


def fill_in(workshop: Workshop, person: Person, form: CaseForm, *, at: datetime) -> Sheet:
    """Takes a case to hand as it was typed and scanned.

    1. read the form against the items of the clerk's authority, and against the case as it was: whoever was
    scanned then stands in the form by a masked number; 2. find whose certificates were scanned
    instead of a number, and record that they were; 3. put the case on the sheet. What is held is asked when
    the page is shown (`look`).

    Raises:
        NotPermitted: they are no clerk of an organisation.
        Slips: every field that cannot be taken.
        Unavailable: the database does not answer.
    """
    authorize(person, Action.WORK_AT_DESK)
    before = sheet_at(workshop, person, at=at).case(form.place)
    read = read_case(items_of(workshop, person, at=at), form, before, at=at)  # 1
    holders = [*read.case.holders]
    for shown in read.shown:
        holders += _of_shown(workshop, person, read, shown, at)  # 2
    once: dict[tuple[HolderRole, HolderCode], DeskHolder] = {}
    for each in holders:
        once.setdefault((each.role, each.code), each)
    if len(once) > HOLDERS_MAX:
        raise Slips(Slip(HolderRole.CO_OWNER.value, "too_many", {"max": HOLDERS_MAX, "got": len(once)}))
    return take_to_hand(workshop, person, replace(read.case, holders=tuple(once.values())), at=at)  # 3


def _of_shown(
    workshop: Workshop, person: Person, read: ReadCase, shown: Shown, at: datetime
) -> list[DeskHolder]:
    """Whoever holds a certificate that was shown: who may apply in the role asked, the others beside them."""
    case, item, scope = read.case, read.item, of_caller(person)
    context = Context(case.purpose, case.number, item.code, item.authority.code, standing_footing(person))
    with workshop.database.writing(scope) as db:
        certificate_id = id_by_token(db, workshop.keys, [shown.token])
        found = None
        if certificate_id is not None:
            extend_scope(db, scope.naming(certificate_id))
            found = record(db, workshop.keys, certificate_id)
        if found is not None:
            authorize(person, Action.FIND_SHOWN, certificate(found), context)
            event = look_by(
                person,
                "scan",
                found.certificate_id,
                {"service_item": item.code, **footing_json(BY_FUNCTION)},
            )
            insert_look(db, workshop.keys, event, {"case_number": case.number, "purpose": case.purpose}, at)
    if found is None:
        raise Slips(Slip(shown.role.value, "shown_unknown"))
    holders = _roles(found, item, shown.role)
    if not holders:
        raise Slips(Slip(shown.role.value, "shown_other", {"item": item.name}))
    return holders


def _roles(found: CertificateRecord, item: ServiceItem, role: HolderRole) -> list[DeskHolder]:
    codes = [each.code for each in found.holders]
    if role is HolderRole.APPLICANT:
        codes = [code for code in codes if code.kind in item.applicants]
    owners = any(each.holder is HolderRole.CO_OWNER for each in item.requirements)
    rest = [DeskHolder(HolderRole.CO_OWNER, code, scanned=True) for code in codes[1:]] if owners else []
    return [DeskHolder(role, code, scanned=True) for code in codes[:1]] + rest
